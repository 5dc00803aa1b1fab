// The corpus of aws/http-desync-guardian (tests/golden/http-desync) as bytes to send.

import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';

const folder = path.join(import.meta.dirname, '..', 'golden', 'http-desync', 'tests');

/** A YAML scalar of those that the corpus uses. */
function scalar(text) {
    const trimmed = text.trimEnd();
    if (trimmed.startsWith("'")) return trimmed.slice(1, -1);
    if (!trimmed.startsWith('"')) return trimmed;
    const meanings = { t: '\t', n: '\n', r: '\r', '"': '"', '\\': '\\' };
    return trimmed.slice(1, -1).replace(/\\(?:x(..)|(.))/g, (_, hex, letter) =>
        (hex === undefined ? meanings[letter] : String.fromCharCode(parseInt(hex, 16))));
}

/** Every case, with bytes as Latin-1: `name`, `tier`, `uri`, `method`, `version` and `fields`, a list of [name, value]. */
export function desync_cases() {
    const cases = [];
    for (const file of readdirSync(folder).sort()) {
        for (const line of readFileSync(path.join(folder, file), 'latin1').split('\n')) {
            const match = line.match(/^( *)(- )?([a-z_]+): (.*)$/);
            if (match === null) continue; // a heading, a comment, or one of required_message_items
            const [, { length: indent }, item, key, text] = match;
            const value = scalar(text);
            if (indent === 0 && item && key === 'name') cases.push({ name: value, fields: [] });
            const current = cases.at(-1);
            if (indent === 4 && item && key === 'name') current.fields.push([value, '']);
            if (indent === 6 && key === 'value') current.fields.at(-1)[1] = value;
            if (indent === 2 && ['uri', 'method', 'version'].includes(key)) current[key] = value;
            if (indent === 4 && !item && key === 'tier') current.tier = value;
        }
    }
    return cases;
}

/** The head of a case, with a Host if it brings none. */
export function desync_head({ method, version, fields }, uri) {
    const has_host = fields.some(([name]) => name.toLowerCase() === 'host');
    const lines = [...fields, ...(has_host ? [] : [['Host', 'localhost']])].map(([name, value]) => `${name}:${value}\r\n`);
    return `${method} ${uri} ${version}\r\n${lines.join('')}\r\n`;
}
