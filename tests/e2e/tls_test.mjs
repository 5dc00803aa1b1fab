// TLS on both sides: from OpenAI's SDK to the gateway, and from there to upstreams.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { copyFileSync, readFileSync } from 'node:fs';
import https from 'node:https';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import tls from 'node:tls';

import OpenAI, { toFile } from 'openai';

import {
    Gateway, Mock, RawClient, all_of, client_gone, make_certificates, question, recordings, temporary_directory, until, within,
} from './support.mjs';

const certificates = make_certificates();
const stranger = make_certificates(); // signed by another authority
const own_files = temporary_directory();
const own = { cert: path.join(own_files, 'own.pem'), key: path.join(own_files, 'own.key') };
copyFileSync(certificates.cert, own.cert);
copyFileSync(certificates.key, own.key);
tls.setDefaultCACertificates([certificates.ca, stranger.ca].map((file) => readFileSync(file, 'utf8')));

/** A TLS server of the test's own. `seen` has what its clients asked for in their handshakes. */
async function start_server({ host = '127.0.0.1', identity = certificates } = {}) {
    const seen = [];
    const server = https.createServer({ cert: readFileSync(identity.cert), key: readFileSync(identity.key) });
    server.on('secureConnection', (socket) => seen.push({
        name: socket.servername,
        protocol: socket.getProtocol(),
        alpn: socket.alpnProtocol,
        is_resumed: socket.isSessionReused(),
    }));
    server.on('tlsClientError', () => {});
    server.on('request', (request, response) => {
        request.resume().on('end', () => response
            .writeHead(200, { 'content-type': 'application/json', connection: 'close' })
            .end('{"object":"chat.completion","choices":[]}'));
    });
    await new Promise((resolve) => server.listen(0, host, resolve));
    after(() => {
        server.close();
        server.closeAllConnections();
    });
    return { seen, server, port: server.address().port };
}

/** A TLS server that says a few bytes and then closes without saying so. */
async function start_rude_server(text) {
    const server = tls.createServer({ cert: readFileSync(certificates.cert), key: readFileSync(certificates.key) }, (socket) => {
        socket.on('error', () => {});
        socket.once('data', () => socket.write(text, () => socket.destroy()));
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    after(() => server.close());
    return { port: server.address().port };
}

// Streams whose bytes are compared, as the mock's options, and recordings with ways to cut them up.
const generated = ['tokens=500', 'tokens=40,bytes=3000', 'tokens=60,gap=2ms,burst=3', 'tokens=0', 'tokens=30,fault=error_mid_stream'];
const recorded = [
    'openai-chat/stream-logprobs-gpt-4-1-mini',
    'deepseek/stream-tool-args-escape-split',
    'anthropic-messages/stream-emoji-split',
    'anthropic-messages/stream-web-search-pause-turn',
];
const splits = ['whole', 'events', 'bytes:61', 'random:1', 'random:2'];

const tls_args = ['--tls-cert', certificates.cert, '--tls-key', certificates.key];
const mock = await Mock.start('--record', '1', ...tls_args);
const player = await Mock.start('--replay', recordings, ...tls_args);
const plain = await Mock.start();
const server = await start_server();
const elsewhere = await start_server({ host: '127.0.0.2' });
const foreign = await start_server({ identity: stranger });
const whole_json = '{"object":"chat.completion","choices":[]}';
const rude = await start_rude_server(`HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n${whole_json}`);

const trust = { tls: { ca_file: certificates.ca } };
const named = (url) => url.replace('127.0.0.1', 'localhost');
const replay_fields = (id, split) => ({ 'x-mock-recording': id, 'x-mock-options': `split=${split}` });
const player_name = (id, split) => `${id}-${split}`.replace(/[^a-zA-Z0-9_-]/g, '_');
const gateway = await Gateway.start({
    listen: { address: '127.0.0.1:0', tls: own },
    providers: {
        mock: { base_url: `${named(mock.url)}/v1`, ...trust },
        ...Object.fromEntries(recorded.flatMap((id) => splits.map((split) => [
            player_name(id, split),
            {
                kind: id.startsWith('anthropic') ? 'anthropic' : 'openai',
                base_url: `${player.url}/v1`,
                headers: replay_fields(id, split),
                ...trust,
            },
        ]))),
        fresh: { base_url: `${mock.url}/v1`, pool: { idle_max: 0 }, ...trust },
        server: { base_url: `https://localhost:${server.port}`, ...trust },
        numeric: { base_url: `https://127.0.0.1:${server.port}`, ...trust },
        elsewhere: { base_url: `https://127.0.0.2:${elsewhere.port}`, ...trust },
        foreign: { base_url: `https://localhost:${foreign.port}`, ...trust },
        careless: { base_url: `https://localhost:${foreign.port}`, tls: { verify: false } },
        public: { base_url: `https://localhost:${server.port}` },
        plain: { base_url: named(plain.url).replace('http:', 'https:'), ...trust },
        rude: { base_url: `https://localhost:${rude.port}`, ...trust },
    },
    passthrough: 'mock',
});

const connect = (url) => new OpenAI({ baseURL: `${url}/v1`, apiKey: 'anything', maxRetries: 0, logLevel: 'off' });
const client = connect(gateway.url);
const direct = connect(mock.url);
const ask = (model) => client.chat.completions.create({ model, messages: question });

const stream_of = (model) => ({ model, messages: question, stream: true, stream_options: { include_usage: true } });
const body_of = async (response) => Buffer.from(await response.arrayBuffer());

describe('tls: the bytes of a stream', () => {
    for (const options of generated) {
        it(`are those of a direct connection: ${options}`, async () => {
            const [through, straight] = await Promise.all([
                client.chat.completions.create(stream_of(`mock/gpt:${options}`)).asResponse().then(body_of),
                direct.chat.completions.create(stream_of(`gpt:${options}`)).asResponse().then(body_of),
            ]);
            assert.ok(straight.length > 100);
            assert.ok(through.equals(straight));
        });
    }

    it('and so are the events that the SDK makes of them', async () => {
        const [through, straight] = await Promise.all([
            client.chat.completions.create(stream_of('mock/gpt:tokens=300')).then(all_of),
            direct.chat.completions.create(stream_of('gpt:tokens=300')).then(all_of),
        ]);
        assert.equal(straight.length, 303);
        assert.deepEqual(through, straight);
    });

    for (const id of recorded) {
        it(`are those of the recording: ${id}`, async () => {
            const file = readFileSync(path.join(recordings, `${id}.response.sse`));
            const is_anthropic = id.startsWith('anthropic');
            const where = is_anthropic ? '/v1/messages' : '/v1/chat/completions';
            const ask_at = async (url, model, headers) => body_of(await fetch(url + where, {
                method: 'POST',
                headers: { 'content-type': 'application/json', ...headers },
                body: JSON.stringify({ ...stream_of(model), ...(is_anthropic ? { stream_options: undefined, max_tokens: 9 } : {}) }),
            }));
            for (const split of splits) {
                const through = await ask_at(gateway.url, `${player_name(id, split)}/any`, {});
                const straight = await ask_at(player.url, 'any', replay_fields(id, split));
                assert.ok(straight.equals(file), split);
                assert.ok(through.equals(file), split);
            }
        });
    }

    it('many at once keep apart', async () => {
        const lengths = [...Array(16).keys()].map((i) => 50 + i);
        const texts = await Promise.all(lengths.map(async (length) => {
            const chunks = await all_of(await client.chat.completions.create(stream_of(`mock/gpt:tokens=${length},burst=3,gap=1ms`)));
            return chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('');
        }));
        assert.deepEqual(texts, lengths.map((length) => 'token '.repeat(length)));
    });

    it('an upload has the same digest at the upstream', async () => {
        await mock.forget();
        const echo = await client.files.create({ file: await toFile(randomBytes(3_000_000), 'train.bin'), purpose: 'batch' });
        assert.ok(echo.body_bytes > 3_000_000);
        const [request] = await mock.requests();
        assert.equal(request.body_sha256, echo.body_sha256);
    });

    it('a long prompt has the same digest at the upstream', async () => {
        await mock.forget();
        const messages = [{ role: 'user', content: 'Grüße, 世界 👋 '.repeat(40_000) }];
        await client.chat.completions.create({ model: 'mock/gpt', messages });
        const [request] = await mock.requests();
        const sent = JSON.stringify({ model: 'gpt', messages });
        assert.equal(request.body_sha256, createHash('sha256').update(sent).digest('hex'));
    });

    it('a client that leaves is noticed at the upstream', async () => {
        const earlier = await mock.stats();
        for await (const chunk of await client.chat.completions.create(stream_of('mock/gpt:tokens=100000,gap=5ms'))) {
            if (chunk.choices[0]?.delta.content) break;
        }
        await client_gone(mock, earlier);
        await gateway.is_quiet();
    });

    it('a stream that is cut ends in an error', async () => {
        await assert.rejects(
            async () => all_of(await client.chat.completions.create(stream_of('mock/gpt:tokens=10,fault=cut,at=4'))),
            OpenAI.APIError,
        );
    });
});

describe('tls: upstreams', () => {
    const is_refused = (model) => assert.rejects(ask(model), (error) => {
        assert.equal(error.status, 502, String(error));
        assert.equal(error.code, 'bad_upstream_response');
        assert.equal(error.type, 'server_error');
        return true;
    });

    it('are asked for by name, in HTTP/1.1', async () => {
        server.seen.length = 0;
        await ask('server/gpt');
        assert.equal(server.seen[0].name, 'localhost');
        assert.equal(server.seen[0].alpn, 'http/1.1');
        assert.equal(server.seen[0].protocol, 'TLSv1.3');
    });

    it('have no name asked for if their address is a number', async () => {
        server.seen.length = 0;
        await ask('numeric/gpt');
        assert.equal(server.seen[0].name, false);
    });

    it('have sessions resumed', async () => {
        const count = (what) => gateway.metric(`ringway_upstream_tls_${what}_total`);
        const before = { handshakes: await count('handshakes'), resumed: await count('resumed') };
        for (let i = 0; i < 8; ++i) await ask('fresh/gpt');
        assert.equal(await count('handshakes') - before.handshakes, 8);
        // Each of the two workers begins a session of its own.
        const resumed = await count('resumed') - before.resumed;
        assert.ok(resumed >= 6, `${resumed} of 8`);
    });

    it('have sessions resumed, by their own account as well', async () => {
        server.seen.length = 0;
        const before = await gateway.metric('ringway_upstream_tls_resumed_total');
        for (let i = 0; i < 8; ++i) await ask('server/gpt');
        // This one gives no new ticket with a session that is resumed, and a ticket is used once.
        const resumed = server.seen.filter((handshake) => handshake.is_resumed).length;
        assert.ok(resumed >= 3, `${resumed} of 8`);
        assert.equal(await gateway.metric('ringway_upstream_tls_resumed_total') - before, resumed);
    });

    it('of an unknown authority are refused', async () => {
        await is_refused('foreign/gpt');
        await is_refused('public/gpt'); // the system does not know the tests' authority
    });

    it('of another name are refused', () => is_refused('elsewhere/gpt'));

    it('that speak no TLS are refused', () => is_refused('plain/gpt'));

    it('of an unknown authority are taken if the configuration says so', async () => {
        assert.equal((await ask('careless/gpt')).object, 'chat.completion');
    });

    it('that end without saying so do not end an answer', async () => {
        const answer = await fetch(`${gateway.url}/v1/chat/completions`, {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify({ model: 'rude/gpt', messages: question }),
        });
        await assert.rejects(answer.text());
    });
});

describe('tls: clients', () => {
    const shake = (options) => within('a handshake', new Promise((resolve, reject) => {
        const socket = tls.connect({ port: gateway.port, host: '127.0.0.1', ...options });
        socket.on('error', reject).on('secureConnect', () => resolve(socket));
    }));

    it('agree on HTTP/1.1, also if they would like another', async () => {
        const socket = await shake({ ALPNProtocols: ['h2', 'http/1.1'] });
        assert.equal(socket.alpnProtocol, 'http/1.1');
        assert.equal(socket.getProtocol(), 'TLSv1.3');
        socket.destroy();
        const older = await shake({ maxVersion: 'TLSv1.2' });
        assert.equal(older.getProtocol(), 'TLSv1.2');
        older.destroy();
    });

    it('resume their sessions, at any worker', async () => {
        const first = await shake({});
        const session = await within('a session ticket', new Promise((resolve) => first.on('session', resolve)));
        first.destroy();
        for (let i = 0; i < 4; ++i) {
            const again = await shake({ session });
            assert.ok(again.isSessionReused());
            again.destroy();
        }
    });

    it('that speak no TLS, or break off, harm nobody', async () => {
        const plain = await RawClient.connect(gateway.port);
        plain.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
        assert.doesNotMatch(await plain.closed(), /HTTP/);
        for (const bytes of ['', '\x16', '\x16\x03\x01\x02\x00\x01\x00', '\x16\x03\x01\xff\xff']) {
            const raw = await RawClient.connect(gateway.port);
            raw.write(bytes);
            raw.close();
        }
        assert.equal((await fetch(`${gateway.url}/healthz`)).status, 200);
    });

    it('see a new certificate after a reload, while a stream of before goes on', async () => {
        const before = await shake({});
        const stream = await client.chat.completions.create(stream_of('mock/gpt:tokens=100,gap=5ms'));
        copyFileSync(stranger.cert, own.cert);
        copyFileSync(stranger.key, own.key);
        await gateway.reload({});
        const fingerprint = (socket) => socket.getPeerCertificate().fingerprint256;
        await until('a worker has the new certificate', async () => {
            const now = await shake({});
            const is_new = fingerprint(now) !== fingerprint(before);
            now.destroy();
            return is_new;
        });
        before.destroy();
        assert.equal((await all_of(stream)).length, 103);
        await gateway.is_quiet();
    });
});
