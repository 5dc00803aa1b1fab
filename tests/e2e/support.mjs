// What the tests share: the two programs, their numbers, certificates, and raw connections.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

/** Far more than anything here takes, under a sanitizer on a busy machine. */
export const patience_ms = 30_000;

export const recordings = path.join(import.meta.dirname, '..', 'golden', 'recordings');

/** Waits until `look()` gives something truthy, and returns that. */
export async function until(what, look) {
    const deadline = performance.now() + patience_ms;
    for (;;) {
        const seen = await look();
        if (seen) return seen;
        if (performance.now() > deadline) assert.fail(`it never came to pass that ${what}`);
        await sleep(10);
    }
}

/** Rejects rather than hang. Nothing is expected to take this long. */
export async function within(what, promise) {
    const timer = new AbortController();
    const late = sleep(patience_ms, undefined, { signal: timer.signal, ref: false }).then(
        () => assert.fail(`${what} took longer than ${patience_ms} ms`),
        () => {},
    );
    try {
        return await Promise.race([promise, late]);
    } finally {
        timer.abort();
    }
}

// The programs ------------------------------------------------------------------------------------
// Started at the top of a file they live as long as its tests, within a test as long as that; not to be
// started in a hook, whose own end would end them.

/** A ringway that runs. It must end well: sanitizers make the exit status bad when they find something. */
export class Program {
    constructor(args, environment = {}) {
        this.said = '';
        this.child = spawn(process.env.RINGWAY, args, {
            stdio: ['ignore', 'pipe', 'pipe'],
            env: { ...process.env, ...environment },
        });
        for (const stream of [this.child.stdout, this.child.stderr]) {
            stream.setEncoding('utf8').on('data', (text) => (this.said += text));
        }
        this.ended = new Promise((resolve) => {
            this.child.on('close', (status, signal) => {
                this.outcome = { status, signal };
                resolve(this.outcome);
            });
            this.child.on('error', (error) => {
                this.said += String(error);
                this.outcome = { status: -1, signal: null };
                resolve(this.outcome);
            });
        });
    }

    /** What `pattern` finds in what the program says, now or soon. */
    async says(pattern) {
        const found = await until(`the program says ${pattern}: ${this.said}`, () => {
            const match = this.said.match(pattern);
            if (match === null && this.outcome) {
                assert.fail(`the program ended: ${JSON.stringify(this.outcome)}\n${this.said}`);
            }
            return match;
        });
        return found;
    }

    signal(name) {
        this.child.kill(name);
    }

    async kill() {
        this.signal('SIGKILL');
        await this.ended;
    }

    /** Asks it to end, and checks that it does so well. Safe to call again. */
    async stop() {
        if (this.outcome === undefined) this.signal('SIGTERM');
        await this.check_end();
    }

    async check_end() {
        await within(`the end of ${this.child.spawnargs.slice(0, 2).join(' ')}`, this.ended).catch(async (error) => {
            await this.kill();
            error.message += `\n${this.said}`;
            throw error;
        });
        if (this.outcome.signal === 'SIGKILL') return; // by a test
        assert.deepEqual(this.outcome, { status: 0, signal: null }, this.said);
    }
}

/** A mock provider. `args` are flags of `ringway mock`. */
export class Mock extends Program {
    static start(...args) {
        return Mock.start_at(0, ...args);
    }

    static async start_at(port, ...args) {
        const mock = new Mock(['mock', '--listen', `127.0.0.1:${port}`, '--smp', '1', ...args]);
        [, mock.url] = await mock.says(/mock: listening on (https?:\/\/\S+)\n/);
        after(() => mock.stop());
        return mock;
    }

    get port() {
        return Number(new URL(this.url).port);
    }

    async ask(target, method = 'GET') {
        const answer = await fetch(this.url + target, { method });
        assert.equal(answer.status, 200);
        return answer.json();
    }

    stats() {
        return this.ask('/mock/stats');
    }

    /** What arrived since the last `forget()`; the mock must run with `--record 1`. */
    async requests() {
        return (await this.ask('/mock/requests')).requests;
    }

    forget() {
        return this.ask('/mock/requests', 'DELETE');
    }
}

/** A gateway with a configuration file, which `configure()` may rewrite. */
export class Gateway extends Program {
    /** `config` without `listen`, `admin` and `runtime` gets free ports and two workers. */
    static async start(config, environment = {}) {
        const directory = temporary_directory();
        const file = path.join(directory, 'ringway.json');
        const whole = {
            listen: '127.0.0.1:0',
            admin: { listen: '127.0.0.1:0' },
            runtime: { workers: 2 },
            ...config,
        };
        writeFileSync(file, JSON.stringify(whole));
        const gateway = new Gateway(['serve', '--config', file], environment);
        gateway.file = file;
        gateway.config = whole;
        after(() => gateway.stop());
        const scheme = whole.listen.tls ? 'https' : 'http';
        const [, address] = await gateway.says(/ringway: listening on (?:\w+:\/\/)?(\S+)\n/);
        [, gateway.metrics_url] = await gateway.says(/ringway: metrics on (\S+)\n/);
        gateway.url = `${scheme}://${address}`;
        return gateway;
    }

    get port() {
        return Number(new URL(this.url).port);
    }

    /** Rewrites the file and has it read anew. */
    async reload(changes) {
        this.config = { ...this.config, ...changes };
        writeFileSync(this.file, JSON.stringify(this.config));
        const before = this.said.split('configuration reloaded').length;
        this.signal('SIGHUP');
        await until('the configuration is reloaded', () => {
            assert.doesNotMatch(this.said, /not reloaded/);
            return this.said.split('configuration reloaded').length > before;
        });
    }

    /** The sum of a metric over its labels; `label` narrows them, such as 'code="200"'. */
    async metric(name, label = '') {
        const text = await (await fetch(this.metrics_url)).text();
        let sum = 0;
        let is_there = false;
        for (const line of text.split('\n')) {
            const match = line.match(/^(\w+)(?:\{(.*)\})? (\S+)$/);
            if (match === null || match[1] !== name) continue;
            is_there = true;
            if ((match[2] ?? '').includes(label)) sum += Number(match[3]);
        }
        assert.ok(is_there, `no metric ${name}`);
        return sum;
    }

    /** Nothing is under way any more. */
    async is_quiet() {
        return until('nothing is under way', async () =>
            (await this.metric('ringway_inflight_requests')) === 0 && (await this.metric('ringway_streams')) === 0);
    }
}

/** A mock and a gateway in front of it. Its provider "mock" speaks OpenAI's APIs, "claude" Anthropic's,
 *  "hasty" is "mock" with little patience. Model names after "mock/" reach the mock, options and all. */
export async function start_house({ mock_args = [], providers = {}, ...config } = {}) {
    const mock = await Mock.start('--record', '1', ...mock_args);
    const base_url = `${mock.url}/v1`;
    const timeouts = { first_byte: '700ms', idle: '700ms' };
    const gateway = await Gateway.start({
        providers: {
            mock: { base_url, api_key: 'upstream-secret' },
            claude: { kind: 'anthropic', base_url, api_key: 'upstream-secret' },
            hasty: { base_url, timeouts },
            'hasty-claude': { kind: 'anthropic', base_url, timeouts },
            ...providers,
        },
        models: { fast: 'mock/gpt-fast', smart: 'claude/claude-smart' },
        passthrough: 'mock',
        ...config,
    });
    return { mock, gateway };
}

/** An upstream in the test's own hands: `answers` are functions of (request, response), one for each request in
 *  turn; the last one serves all that come later. `requests` holds what arrived. */
export async function start_upstream(...answers) {
    const upstream = { requests: [] };
    const server = http.createServer(async (request, response) => {
        const pieces = await all_of(request).catch(() => []);
        const answer = answers[Math.min(upstream.requests.length, answers.length - 1)];
        upstream.requests.push({ headers: request.headers, url: request.url, body: Buffer.concat(pieces).toString() });
        answer(request, response);
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    after(() => {
        server.close();
        server.closeAllConnections();
    });
    upstream.url = `http://127.0.0.1:${server.address().port}`;
    return upstream;
}

/** An answer for `start_upstream`: a status and a JSON body. */
export function json_answer(status, body, headers = {}) {
    return (_, response) => response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

/** Waits for the mock to notice that a client is gone, once more than `before`. */
export async function client_gone(mock, before) {
    return until('the mock notices that its client is gone', async () => {
        const now = await mock.stats();
        return now.clients_gone > before.clients_gone && now.streams_open === 0 && now;
    });
}

// Files -------------------------------------------------------------------------------------------

const temporary_directories = [];

/** Removed when the tests of the file are done. */
export function temporary_directory() {
    const directory = mkdtempSync(path.join(os.tmpdir(), 'ringway-e2e-'));
    if (temporary_directories.push(directory) === 1) {
        process.on('exit', () => temporary_directories.forEach((each) => rmSync(each, { recursive: true, force: true })));
    }
    return directory;
}

/** A certificate authority of its own, and a certificate it signed for localhost and 127.0.0.1. */
export function make_certificates() {
    const directory = temporary_directory();
    const at = (name) => path.join(directory, name);
    const openssl = (...args) => execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
    const key_args = (name) => ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', at(name)];
    openssl('req', '-x509', ...key_args('ca.key'), '-out', at('ca.pem'), '-days', '2', '-subj', '/CN=ringway test CA',
        '-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign');
    openssl('req', '-new', ...key_args('server.key'), '-out', at('server.csr'), '-subj', '/CN=localhost');
    writeFileSync(at('server.ext'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n');
    openssl('x509', '-req', '-in', at('server.csr'), '-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-CAcreateserial',
        '-days', '2', '-extfile', at('server.ext'), '-out', at('server.pem'));
    return { ca: at('ca.pem'), cert: at('server.pem'), key: at('server.key') };
}

// Raw connections ---------------------------------------------------------------------------------

/** A socket whose bytes the test writes and reads itself. */
export class RawClient {
    static async connect(port, options = {}) {
        const raw = new RawClient();
        raw.forget();
        raw.has_ended = false;
        raw.socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true, ...options });
        raw.socket.on('data', (bytes) => raw.pieces.push(bytes));
        raw.socket.on('end', () => (raw.has_ended = true));
        raw.socket.on('error', (error) => (raw.error = error));
        raw.socket.on('close', () => (raw.has_ended = true));
        await within('connecting', new Promise((resolve, reject) => raw.socket.on('connect', resolve).on('error', reject)));
        return raw;
    }

    get text() {
        this.pieces = [Buffer.concat(this.pieces)];
        return this.pieces[0].toString('latin1');
    }

    /** What was received so far is of no interest any more. */
    forget() {
        this.pieces = [];
    }

    /** Latin-1, so that any byte can be written. */
    write(text) {
        this.socket.write(Buffer.from(text, 'latin1'));
    }

    async reads(pattern) {
        return until(`the gateway answers ${pattern}`, () => {
            const match = this.text.match(pattern);
            if (match === null && this.has_ended) assert.fail(`closed after ${JSON.stringify(this.text)}`);
            return match;
        });
    }

    async closed() {
        await until(`the gateway closes the connection after ${JSON.stringify(this.text)}`, () => this.has_ended);
        this.socket.destroy();
        return this.text;
    }

    close() {
        this.socket.destroy();
    }
}

/** The bytes of a request with a JSON body. */
export function raw_request(target, body, { head = '', method = 'POST', version = '1.1' } = {}) {
    const text = JSON.stringify(body);
    return `${method} ${target} HTTP/${version}\r\nHost: ringway\r\nContent-Type: application/json\r\n` +
        `Content-Length: ${Buffer.byteLength(text)}\r\n${head}\r\n${text}`;
}

// Requests ----------------------------------------------------------------------------------------

export const question = [{ role: 'user', content: 'How many roads must a man walk down?' }];

export const weather_parameters = {
    type: 'object',
    properties: { query: { type: 'string' }, count: { type: 'number' } },
    required: ['query', 'count'],
};

/** What the mock calls any tool with. */
export const mock_arguments = { query: 'what the mock was asked', count: 3 };

export async function all_of(stream) {
    const items = [];
    for await (const item of stream) items.push(item);
    return items;
}
