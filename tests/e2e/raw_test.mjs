// HTTP byte by byte: what is ambiguous is refused, and no upstream sees what it should not.

import assert from 'node:assert/strict';
import net from 'node:net';
import { after, describe, it } from 'node:test';

import { desync_cases, desync_head } from './desync_cases.mjs';
import { RawClient, client_gone, raw_request, start_house, start_upstream, until } from './support.mjs';

/** An upstream that says `text` to whatever comes. */
async function start_talker(text) {
    const server = net.createServer((socket) => {
        socket.on('error', () => {}).on('data', () => socket.write(text));
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    after(() => server.close());
    return `http://127.0.0.1:${server.address().port}`;
}

const fields_upstream = await start_upstream((request, response) => {
    response.writeHead(200, {
        connection: 'close, x-hop', 'x-hop': 'hop', 'keep-alive': 'timeout=7', 'proxy-authenticate': 'hop', upgrade: 'h2c',
        'set-cookie': 'hop=1', 'content-type': 'application/json', trailer: 'x-trailer', 'x-ratelimit-remaining-requests': '9',
    });
    response.write('{"ok"');
    response.addTrailers({ 'x-trailer': 'hop' });
    response.end(':1}');
});
const interim_upstream = await start_upstream(
    (_, response) => {
        response.writeProcessing();
        response.writeEarlyHints({ link: '</x>; rel=preload' });
        response.writeHead(204).end();
    },
    (_, response) => response.writeHead(304, { etag: '"x"' }).end(),
);
const poison = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 12\r\n\r\n{"poison":1}';
const poisoner = await start_talker('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 8\r\n\r\n{"ok":1}' + poison);

const { mock, gateway } = await start_house({
    providers: {
        fields: { base_url: `${fields_upstream.url}/v1` },
        interim: { base_url: `${interim_upstream.url}/v1` },
        poisoner: { base_url: `${poisoner}/v1` },
    },
});
const strict = (await start_house({
    runtime: { workers: 2, max_head: '8KiB', max_body: '64KiB', max_upload: '128KiB' },
    timeouts: { head: '300ms', body: '300ms', idle: '500ms' },
}));

const connect = (options) => RawClient.connect(gateway.port, options);
const ask = (model, options) => raw_request('/v1/chat/completions', { model, messages: [] }, options);
const statuses = (text) => [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1]));
const body_of = (text) => text.slice(text.indexOf('\r\n\r\n') + 4);
const smuggled = 'GET /v1/smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n';
const get = (target, fields = '') => `GET ${target} HTTP/1.1\r\nHost: localhost\r\n${fields}\r\n`;

/** Sends `bytes`, waits for the close, and returns the answer. */
async function answer_to(bytes, port = gateway.port) {
    const raw = await RawClient.connect(port);
    raw.write(bytes);
    return raw.closed();
}

/** Runs `check` for all `items`, some at a time. */
async function for_all(items, check) {
    const queue = [...items];
    await Promise.all([...Array(16)].map(async () => {
        for (let item = queue.shift(); item !== undefined; item = queue.shift()) await check(item);
    }));
}

describe('raw: the http-desync corpus', () => {
    const cases = desync_cases();
    // Below /v1 whatever is accepted would reach the upstream.
    const target = ({ uri }) => (uri.startsWith('/') ? `/v1${uri}` : uri);
    const of_tiers = (...tiers) => cases.filter((one) => tiers.includes(one.tier));

    it('is whole', () => {
        assert.deepEqual(['Compliant', 'Acceptable', 'Ambiguous', 'Severe'].map((tier) => of_tiers(tier).length), [28, 15, 58, 58]);
    });

    for (const rest of [smuggled, `0\r\n\r\n${smuggled}`, `2c\r\n${smuggled}\r\n0\r\n\r\n${smuggled}`]) {
        it(`is refused where ambiguous or severe, with ${JSON.stringify(rest.slice(0, 5))}... behind it`, async () => {
            await mock.forget();
            await for_all(of_tiers('Ambiguous', 'Severe'), async (one) => {
                const text = await answer_to(desync_head(one, target(one)) + rest);
                assert.equal(statuses(text).length, 1, `${one.name}: ${text}`);
                assert.ok([400, 431, 501, 505].includes(statuses(text)[0]), `${one.name}: ${text}`);
                assert.match(text, /\r\nconnection: close\r\n/, one.name);
                assert.match(body_of(text), /^\{"error":\{"message":".+\}$/, one.name);
            });
            assert.deepEqual(await mock.requests(), []);
        });
    }

    it('is never read as two requests where compliant', async () => {
        await mock.forget();
        await for_all(of_tiers('Compliant', 'Acceptable'), async (one) => {
            const field = (wanted) => one.fields.find(([name]) => name.toLowerCase() === wanted)?.[1];
            const length = Number(field('content-length') ?? 0);
            const body = field('transfer-encoding') === undefined
                ? smuggled.repeat(1 + Math.ceil(length / smuggled.length)).slice(0, length)
                : `${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`;
            const text = await answer_to(desync_head(one, target(one)) + body + get('/v1/after', 'Connection: close\r\n'));
            const answers = statuses(text);
            assert.ok(answers.length === 2 ? answers[1] === 200 : answers.length === 1, `${one.name}: ${text}`);
        });
        const paths = (await mock.requests()).map(({ head }) => head.slice(0, head.indexOf('\r\n')));
        assert.ok(paths.length > 20);
        assert.deepEqual(paths.filter((line) => line.includes('smuggled')), []);
    });
});

describe('raw: smuggling', () => {
    const post = (fields, body, target = '/v1/files') => `POST ${target} HTTP/1.1\r\nHost: localhost\r\n${fields}\r\n${body}`;
    const chunked = (body) => post('Content-Type: a/b\r\nTransfer-Encoding: chunked\r\n', body);
    const forms = {
        'a length and chunks': post('Content-Length: 6\r\nTransfer-Encoding: chunked\r\n', `0\r\n\r\n${smuggled}`),
        'chunks and a length': post('Transfer-Encoding: chunked\r\nContent-Length: 6\r\n', `0\r\n\r\n${smuggled}`),
        'two lengths that agree': post('Content-Length: 3\r\nContent-Length: 3\r\n', `abc${smuggled}`),
        'a list of lengths': post('Content-Length: 3, 3\r\n', `abc${smuggled}`),
        'a length with a sign': post('Content-Length: +3\r\n', `abc${smuggled}`),
        'a hexadecimal length': post('Content-Length: 0x3\r\n', `abc${smuggled}`),
        'a length with a space in it': post('Content-Length: 1 0\r\n', `abc${smuggled}`),
        'an empty length': post('Content-Length: \r\n', smuggled),
        'a space before the colon': post('Content-Length : 3\r\n', `abc${smuggled}`),
        'a tab before the colon': post('Transfer-Encoding\t: chunked\r\n', `0\r\n\r\n${smuggled}`),
        'another coding': post('Transfer-Encoding: xchunked\r\n', `0\r\n\r\n${smuggled}`),
        'a coding in quotes': post('Transfer-Encoding: "chunked"\r\n', `0\r\n\r\n${smuggled}`),
        'chunked twice': post('Transfer-Encoding: chunked, chunked\r\n', `0\r\n\r\n${smuggled}`),
        'chunked, then identity': post('Transfer-Encoding: chunked, identity\r\n', `0\r\n\r\n${smuggled}`),
        'two codings': post('Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n', `0\r\n\r\n${smuggled}`),
        'a coding behind a form feed': post('Transfer-Encoding: \x0bchunked\r\n', `0\r\n\r\n${smuggled}`),
        'chunks in HTTP/1.0': `POST /v1/files HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`,
        'a folded field': post('X-A: b\r\n Content-Length: 3\r\n', smuggled),
        'a bare line feed in a field': post('X-A: b\nTransfer-Encoding: chunked\r\n', smuggled),
        'a bare carriage return in a field': post('X-A: b\rTransfer-Encoding: chunked\r\n', smuggled),
        'NUL in a field': post('X-A: b\0c\r\n', smuggled),
        'a field without a colon': post('X-A\r\n', smuggled),
        'a field without a name': post(': b\r\n', smuggled),
        'line feeds alone': `POST /v1/files HTTP/1.1\nHost: localhost\n\n${smuggled}`,
        'two hosts': `GET /v1/files HTTP/1.1\r\nHost: localhost\r\nHost: other\r\n\r\n${smuggled}`,
        'no host': `GET /v1/files HTTP/1.1\r\n\r\n${smuggled}`,
        'a host with a path': `GET /v1/files HTTP/1.1\r\nHost: localhost/x\r\n\r\n${smuggled}`,
        'two spaces in the request line': `GET  /v1/files HTTP/1.1\r\nHost: localhost\r\n\r\n${smuggled}`,
        'a tab in the request line': `GET\t/v1/files HTTP/1.1\r\nHost: localhost\r\n\r\n${smuggled}`,
        'a space before the request line': ` GET /v1/files HTTP/1.1\r\nHost: localhost\r\n\r\n${smuggled}`,
        'HTTP/0.9': `GET /v1/files\r\n\r\n${smuggled}`,
        'HTTP/1.2': `GET /v1/files HTTP/1.2\r\nHost: localhost\r\n\r\n${smuggled}`,
        'HTTP/1.10': `GET /v1/files HTTP/1.10\r\nHost: localhost\r\n\r\n${smuggled}`,
        'the preface of HTTP/2': `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${smuggled}`,
        'CONNECT': `CONNECT localhost:80 HTTP/1.1\r\nHost: localhost:80\r\n\r\n${smuggled}`,
        'a method in small letters': `get /v1/files HTTP/1.1\r\nHost: localhost\r\n\r\n${smuggled}`,
        'a chunk size with a sign': chunked(`+3\r\nabc\r\n0\r\n\r\n${smuggled}`),
        'a chunk size in 0x': chunked(`0x3\r\nabc\r\n0\r\n\r\n${smuggled}`),
        'a chunk size with a space before it': chunked(` 3\r\nabc\r\n0\r\n\r\n${smuggled}`),
        'an empty chunk size': chunked(`\r\nabc\r\n0\r\n\r\n${smuggled}`),
        'a chunk size that overflows': chunked(`10000000000000003\r\nabc\r\n0\r\n\r\n${smuggled}`),
        'a chunk size that ends in a line feed': chunked(`3\nabc\r\n0\r\n\r\n${smuggled}`),
        'a chunk that ends in a line feed': chunked(`3\r\nabc\n0\r\n\r\n${smuggled}`),
        'a chunk that is longer than it says': chunked(`3\r\nabcd\r\n0\r\n\r\n${smuggled}`),
        'a line feed in a chunk extension': chunked(`3;a\nb\r\nabc\r\n0\r\n\r\n${smuggled}`),
        'a last chunk that ends in line feeds': chunked(`3\r\nabc\r\n0\n\n${smuggled}`),
        'a trailer without a colon': chunked(`3\r\nabc\r\n0\r\nX\r\n\r\n${smuggled}`),
        'a folded trailer': chunked(`3\r\nabc\r\n0\r\nX: a\r\n b\r\n\r\n${smuggled}`),
    };
    for (const [what, bytes] of Object.entries(forms)) {
        it(`${what}: refused, and nothing reaches the upstream`, async () => {
            await mock.forget();
            const text = await answer_to(bytes);
            assert.equal(statuses(text).length, 1, text);
            assert.match(text, /^HTTP\/1\.1 (400|405|411|501|505) /);
            assert.match(text, /\r\nconnection: close\r\n/);
            await gateway.is_quiet();
            assert.deepEqual(await mock.requests(), []);
        });
    }

    for (const target of [
        '/v1/../mock/requests', '/v1/x/../../mock/requests', '/v1/%2e%2e/mock/requests', '/v1/..%2fmock/requests', '/v1/.%2E/mock/requests',
        '/v1\\..\\mock/requests', '/v1/files#x', '/v1/fi les', '//localhost/v1/files', 'http://other/v1/files', 'http://localhost@other/v1/files',
        '*', 'v1/files', '/v1/files\x7f', '/v1/\xe9', '/v2/files', '/mock/requests',
    ]) {
        it(`the target ${JSON.stringify(target)} reaches no upstream`, async () => {
            await mock.forget();
            const text = await answer_to(get(target, 'Connection: close\r\n'));
            assert.match(text, /^HTTP\/1\.1 (400|404) /);
            assert.equal(statuses(text).length, 1);
            assert.deepEqual(await mock.requests(), []);
        });
    }

    it('what is escaped in a target stays so, and an absolute one is cut down to its path', async () => {
        await mock.forget();
        await answer_to(get('/v1/files/a%0d%0ab%00?q=%0d%0aHost:%20x&r=/../', 'Connection: close\r\n'));
        await answer_to(get('http://localhost/v1/files?n=1', 'Connection: close\r\n'));
        const lines = (await mock.requests()).map(({ head }) => head.split('\r\n', 1)[0]);
        assert.deepEqual(lines, ['GET /v1/files/a%0d%0ab%00?q=%0d%0aHost:%20x&r=/../ HTTP/1.1', 'GET /v1/files?n=1 HTTP/1.1']);
    });

    it('one request is one request, whatever stands in its body', async () => {
        for (const [fields, body] of [
            [`Content-Type: a/b\r\nContent-Length: ${smuggled.length}\r\n`, smuggled],
            ['Content-Type: a/b\r\nTransfer-Encoding: chunked\r\n', `${smuggled.length.toString(16)};x="y"\r\n${smuggled}\r\n0\r\nX-Trailer: t\r\n\r\n`],
        ]) {
            await mock.forget();
            const text = await answer_to(post(`${fields}Connection: close\r\n`, body));
            assert.deepEqual(statuses(text), [200]);
            const requests = await mock.requests();
            assert.equal(requests.length, 1);
            assert.equal(requests[0].body, smuggled);
            assert.doesNotMatch(requests[0].head, /trailer/i);
        }
    });

    it('what an upstream says unasked reaches nobody', async () => {
        const raw = await connect();
        for (let i = 0; i < 6; ++i) {
            raw.forget();
            raw.write(ask('poisoner/gpt'));
            await raw.reads(/\{"ok":1\}/);
            assert.deepEqual(statuses(raw.text), [200]);
            assert.doesNotMatch(raw.text, /poison"/);
        }
        raw.close();
    });
});

describe('raw: connections', () => {
    it('pipelined requests are answered in order', async () => {
        await mock.forget();
        const raw = await connect();
        raw.write(ask('mock/gpt:tokens=1,delay=80ms') + get('/v1/models') + ask('mock/gpt:tokens=2') +
            ask('mock/gpt:tokens=3,gap=5ms') + get('/v1/files?n=5', 'Connection: close\r\n'));
        const text = await raw.closed();
        assert.deepEqual(statuses(text), [200, 200, 200, 200, 200]);
        const marks = ['"completion_tokens":1,', '"object":"list"', '"completion_tokens":2,', '"completion_tokens":3,', '?n=5'];
        const places = marks.map((mark) => text.indexOf(mark));
        assert.ok(places.every((place) => place > 0), text);
        assert.deepEqual(places, places.toSorted((a, b) => a - b));
        assert.equal((await mock.requests()).length, 4);
    });

    it('requests may come byte by byte', async () => {
        const raw = await connect();
        for (const byte of ask('mock/gpt:tokens=2', { head: 'Connection: close\r\n' })) {
            raw.write(byte);
            await new Promise(setImmediate);
        }
        assert.deepEqual(statuses(await raw.closed()), [200]);
    });

    it('HEAD is answered without a body, here and at the upstream', async () => {
        const raw = await connect();
        raw.write('HEAD /v1/models HTTP/1.1\r\nHost: x\r\n\r\nHEAD /v1/files HTTP/1.1\r\nHost: x\r\n\r\n' +
            get('/v1/models', 'Connection: close\r\n'));
        const text = await raw.closed();
        assert.deepEqual(statuses(text), [200, 200, 200]);
        const [list, files] = text.split(/(?=HTTP\/1\.1 200)/);
        for (const head of [list, files]) {
            assert.match(head, /\r\ncontent-length: [1-9]\d*\r\n/);
            assert.equal(body_of(head), '');
        }
    });

    it('a client that waits for 100 Continue gets it, and its body reaches the upstream', async () => {
        await mock.forget();
        const raw = await connect();
        const [head, body] = ask('mock/gpt', { head: 'Expect: 100-continue\r\nConnection: close\r\n' }).split(/(?<=\r\n\r\n)/);
        raw.write(head);
        await raw.reads(/^HTTP\/1\.1 100 Continue\r\n\r\n$/);
        raw.write(body);
        assert.deepEqual(statuses(await raw.closed()), [100, 200]);
        const [request] = await mock.requests();
        assert.equal(request.body, JSON.stringify({ model: 'gpt', messages: [] }));
        assert.doesNotMatch(request.head, /expect/i);
    });

    it('a body that streams through is invited too', async () => {
        const raw = await connect();
        raw.write('POST /v1/files HTTP/1.1\r\nHost: x\r\nContent-Type: a/b\r\nContent-Length: 5\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n');
        await raw.reads(/^HTTP\/1\.1 100 Continue\r\n\r\n$/);
        raw.write('hello');
        const text = await raw.closed();
        assert.deepEqual(statuses(text), [100, 200]);
        assert.match(text, /"body_bytes":5,/);
    });

    it('a client that will be refused is not asked for its body', async () => {
        const raw = await connect();
        raw.write('POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\nExpect: 100-continue\r\n\r\n');
        assert.deepEqual(statuses(await raw.closed()), [413]);
    });

    it('Connection: close is heard, and HTTP/1.0 is closed unless it asks otherwise', async () => {
        const closing = await answer_to(ask('mock/gpt', { head: 'Connection: close\r\n' }));
        assert.match(closing, /\r\nconnection: close\r\n/);
        assert.match(await answer_to(ask('mock/gpt', { version: '1.0' })), /\r\nconnection: close\r\n/);
        const kept = await connect();
        kept.write(ask('mock/gpt', { version: '1.0', head: 'Connection: keep-alive\r\n' }));
        await kept.reads(/\r\nconnection: keep-alive\r\n/);
        kept.write(ask('mock/gpt', { version: '1.0' }));
        assert.deepEqual(statuses(await kept.closed()), [200, 200]);
    });

    it('HTTP/1.0 gets a stream without chunks', async () => {
        const text = await answer_to(raw_request('/v1/chat/completions', { model: 'mock/gpt:tokens=3', messages: [], stream: true }, { version: '1.0' }));
        assert.doesNotMatch(text, /transfer-encoding/i);
        assert.match(body_of(text), /^data: \{.*\n\ndata: \[DONE\]\n\n$/s);
    });

    it('a client that ends its side behind its request still gets the answer', async () => {
        for (const stream of [false, true]) {
            const raw = await connect();
            raw.write(raw_request('/v1/chat/completions', { model: 'mock/gpt:tokens=5,delay=50ms,gap=5ms', messages: [], stream }));
            raw.socket.end();
            const text = await raw.closed();
            assert.deepEqual(statuses(text), [200]);
            assert.match(text, stream ? /data: \[DONE\]\n\n\r\n0\r\n\r\n$/ : /"completion_tokens":5/);
        }
    });

    it('a client that ended its side and then leaves is noticed', async () => {
        const earlier = await mock.stats();
        const raw = await connect();
        raw.write(raw_request('/v1/chat/completions', { model: 'mock/gpt:tokens=100000,delay=50ms,gap=5ms', messages: [], stream: true }));
        raw.socket.end();
        await raw.reads(/token/);
        raw.socket.resetAndDestroy();
        await client_gone(mock, earlier);
        await gateway.is_quiet();
    });

    it('interim answers are skipped, and 204 and 304 have no body', async () => {
        const raw = await connect();
        raw.write(get('/interim/v1/files') + get('/interim/v1/files', 'Connection: close\r\n'));
        const text = await raw.closed();
        assert.deepEqual(statuses(text), [204, 304]);
        assert.match(text, /\r\nETag: "x"\r\n/i);
        assert.doesNotMatch(text, /preload/);
        assert.ok(text.endsWith('\r\n\r\n'));
    });
});

describe('raw: fields', () => {
    it('of the client\'s connection, and its secrets, do not reach the upstream', async () => {
        await mock.forget();
        await answer_to(ask('mock/gpt', {
            head: 'Connection: close, x-hop, accept\r\nX-Hop: hop\r\nAccept: hop/hop\r\nKeep-Alive: hop\r\nTE: trailers\r\n' +
                'Trailer: hop\r\nUpgrade: h2c\r\nHTTP2-Settings: hop\r\nProxy-Authorization: hop\r\nProxy-Connection: hop\r\n' +
                'Cookie: hop\r\nForwarded: for=hop\r\nX-Forwarded-For: hop\r\nX-Forwarded-Host: hop\r\nVia: hop\r\n' +
                'Authorization: Bearer hop\r\nX-Api-Key: hop\r\nApi-Key: hop\r\nOpenAI-Organization: hop\r\nX-Ringway-Provider: hop\r\n' +
                'OpenAI-Beta: kept\r\nIdempotency-Key: kept\r\n',
        }));
        const [{ head }] = await mock.requests();
        assert.doesNotMatch(head, /hop|trailer|upgrade|h2c|\r\nconnection/i);
        assert.equal(head.match(/kept/g).length, 2);
        assert.match(head, /^POST \/v1\/chat\/completions HTTP\/1\.1\r\nHost: 127\.0\.0\.1:\d+\r\n/);
    });

    it('of the upstream\'s connection do not reach the client', async () => {
        const raw = await connect();
        raw.write(ask('fields/gpt') + get('/v1/models', 'Connection: close\r\n'));
        const text = await raw.closed();
        assert.deepEqual(statuses(text), [200, 200]);
        const [first] = text.split(/(?=HTTP\/1\.1 200)/);
        assert.doesNotMatch(first, /hop|timeout=7|h2c|\r\nconnection/i);
        assert.match(first, /\r\nx-ratelimit-remaining-requests: 9\r\n/);
        assert.match(first, /\r\n0\r\n\r\n$/);
    });
});

describe('raw: limits', () => {
    const line = (path) => `POST ${path} HTTP/1.1\r\nHost: x\r\n`;
    const limits = {
        'a malformed length': [400, (path) => `${line(path)}Content-Length: x\r\n\r\n`],
        'broken JSON': [400, (path) => `${line(path)}Connection: close\r\nContent-Length: 1\r\n\r\n{`],
        'a head that does not end': [408, line],
        'a body that does not come': [408, (path) => `${line(path)}Content-Length: 9\r\n\r\n{`],
        'no length': [411, (path) => `${line(path)}Connection: close\r\n\r\n`],
        'a long body': [413, (path) => `${line(path)}Content-Length: 65537\r\n\r\n`],
        'a long body in chunks': [413, (path) => `${line(path)}Transfer-Encoding: chunked\r\n\r\n10001\r\n{"a":"${'x'.repeat(65531)}\r\n`],
        'a long target': [414, (path) => `POST ${path}?${'a'.repeat(9000)} HTTP/1.1\r\nHost: x\r\n\r\n`],
        'a coded body': [415, (path) => `${line(path)}Connection: close\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}`],
        'another expectation': [417, (path) => `${line(path)}Expect: tea\r\nContent-Length: 2\r\n\r\n{}`],
        'a long field': [431, (path) => `${line(path)}X-A: ${'a'.repeat(9000)}\r\n\r\n`],
        'many fields': [431, (path) => `${line(path)}${'a: b\r\n'.repeat(400)}\r\n`],
        'another coding': [501, (path) => `${line(path)}Transfer-Encoding: gzip, chunked\r\n\r\n`],
        'an unknown method': [501, (path) => `BREW ${path} HTTP/1.1\r\nHost: x\r\n\r\n`],
        'another version': [505, (path) => `POST ${path} HTTP/3.0\r\nHost: x\r\n\r\n`],
        'a wrong method': [405, (path) => `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`],
    };
    for (const [what, [status, bytes]] of Object.entries(limits)) {
        it(`${what} is ${status}, in the shape of either API`, async () => {
            await strict.mock.forget();
            for (const path of ['/v1/chat/completions', '/v1/messages']) {
                const text = await answer_to(bytes(path), strict.gateway.port);
                assert.deepEqual(statuses(text), [status]);
                assert.match(text, /\r\nconnection: close\r\n/);
                assert.match(text, /\r\ncontent-type: application\/json\r\n/);
                const { error, type } = JSON.parse(body_of(text));
                assert.equal(typeof error.message, 'string');
                assert.equal(typeof error.type, 'string');
                if (path === '/v1/messages') assert.equal(type, 'error');
                if (path !== '/v1/messages') assert.deepEqual(Object.keys(error), ['message', 'type', 'param', 'code']);
            }
            assert.deepEqual(await strict.mock.requests(), []);
        });
    }

    it('an upload beyond its limit is 413, and never whole at the upstream', async () => {
        await strict.mock.forget();
        const text = await answer_to('POST /v1/files HTTP/1.1\r\nHost: x\r\nContent-Type: a/b\r\nTransfer-Encoding: chunked\r\n\r\n' +
            `20001\r\n${'x'.repeat(0x20001)}\r\n0\r\n\r\n${smuggled}`, strict.gateway.port);
        assert.deepEqual(statuses(text), [413]);
        assert.deepEqual(await strict.mock.requests(), []);
        await until('the upstream\'s connection is closed', async () =>
            (await strict.gateway.metric('ringway_upstream_connections')) === 0);
    });

    it('a connection without requests is closed without a word', async () => {
        assert.equal(await answer_to('', strict.gateway.port), '');
        const raw = await RawClient.connect(strict.gateway.port);
        raw.write(get('/v1/models'));
        assert.deepEqual(statuses(await raw.closed()), [200]);
    });

    it('nothing is left of all that', async () => {
        await gateway.is_quiet();
        await strict.gateway.is_quiet();
        await until('all connections are closed', async () =>
            (await strict.gateway.metric('ringway_client_connections')) === 0 &&
            (await gateway.metric('ringway_client_connections')) === 0);
    });
});
