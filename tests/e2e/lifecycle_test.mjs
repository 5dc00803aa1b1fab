// What lives and dies: upstreams and clients that are killed, reloads, the drain, and nothing left behind.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';

import OpenAI from 'openai';

import { Mock, RawClient, all_of, client_gone, question, raw_request, start_house, until } from './support.mjs';

const connect = (gateway) => new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: 'anything', maxRetries: 0, logLevel: 'off' });
const stream_of = (model) => ({ model, messages: question, stream: true });
const open = (gateway, model) => connect(gateway).chat.completions.create(stream_of(model));
const content = (chunks) => chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('');
const raw_stream = (model, path = '/v1/chat/completions') => raw_request(path, { ...stream_of(model), max_tokens: 9 });

/** A house, and a function that waits until all that belongs to requests and clients is given back. */
async function start_empty_house(config) {
    const house = await start_house(config);
    const { gateway } = house;
    const names = ['ringway_client_connections', 'ringway_tasks', 'ringway_pooled_bytes_in_use'];
    const read = async () => {
        const values = []; // one by one: connections that ask for them count as well
        for (const name of names) values.push(await gateway.metric(name));
        return values;
    };
    const idle = await read();
    const is_empty = async () => {
        await gateway.is_quiet();
        await until(`nothing is left: ${names}`, async () => {
            const pooled = await gateway.metric('ringway_upstream_connections'); // which may well be kept
            const bounds = [idle[0], idle[1], idle[2] + 512 * pooled];
            return (await read()).every((value, i) => value <= bounds[i]);
        });
    };
    return { ...house, is_empty };
}

/** The payload of a chunked message that has come to its end. */
function payload_of(text) {
    let coded = text.slice(text.indexOf('\r\n\r\n') + 4);
    let payload = '';
    for (;;) {
        const [line] = coded.split('\r\n', 1);
        const length = parseInt(line, 16);
        if (length === 0) return payload;
        payload += coded.slice(line.length + 2, line.length + 2 + length);
        coded = coded.slice(line.length + 2 + length + 2);
        assert.ok(coded.length > 0, 'the message is not whole');
    }
}

describe('lifecycle: upstreams', () => {
    for (const [api, path, model, event] of [
        ['chat', '/v1/chat/completions', 'mock/gpt', /\n\ndata: (\{"error":\{.*\}\})\n\n$/],
        ['responses', '/v1/responses', 'mock/gpt', /\n\nevent: error\ndata: (\{"type":"error",.*\})\n\n$/],
        ['messages', '/v1/messages', 'claude/claude-x', /\n\nevent: error\ndata: (\{"type":"error",.*\})\n\n$/],
    ]) {
        it(`killed in mid-stream (${api}): every client is told, and none sees a good end`, async () => {
            const { mock, gateway, is_empty } = await start_empty_house();
            const clients = await Promise.all([...Array(8)].map(async () => {
                const raw = await RawClient.connect(gateway.port);
                raw.write(raw_request(path, { ...stream_of(`${model}:tokens=100000,gap=2ms`), input: 'Hello', max_tokens: 9 }));
                await raw.reads(/token.*token/s);
                return raw;
            }));
            await mock.kill();
            for (const raw of clients) {
                const text = payload_of(await raw.closed());
                const last = text.match(event);
                assert.ok(last, text.slice(-600));
                assert.doesNotMatch(text, /\[DONE\]|message_stop|response\.completed/);
                const error = JSON.parse(last[1]);
                assert.equal(typeof (error.error ?? error).message, 'string');
            }
            assert.equal(await gateway.metric('ringway_cut_streams_total'), clients.length);
            await is_empty();
            assert.equal(await gateway.metric('ringway_upstream_connections'), 0);
        });
    }

    it('killed before they answer, and back again: a 502, and then an answer', async () => {
        const { mock, gateway } = await start_house();
        const client = connect(gateway);
        const ask = (options) => client.chat.completions.create({ model: `mock/gpt:${options}`, messages: question });
        const waiting = ask('fault=silence').catch((error) => error);
        await until('the upstream has the request', async () => (await mock.requests()).length > 0);
        await mock.kill();
        assert.equal((await waiting).status, 502);
        await assert.rejects(ask('tokens=1'), { status: 502 });
        await Mock.start_at(mock.port);
        assert.equal((await ask('tokens=1')).choices[0].message.content, 'token ');
        await gateway.is_quiet();
    });
});

describe('lifecycle: clients', () => {
    it('that vanish in mid-stream are noticed, whatever they were doing', async () => {
        const { mock, gateway, is_empty } = await start_empty_house();
        for (const leave of ['destroy', 'resetAndDestroy']) {
            const earlier = await mock.stats();
            const clients = await Promise.all([...Array(8)].map(async () => {
                const raw = await RawClient.connect(gateway.port);
                raw.write(raw_stream('mock/gpt:tokens=100000,gap=2ms'));
                await raw.reads(/token/);
                return raw;
            }));
            for (const raw of clients) raw.socket[leave]();
            await until('the upstream has noticed all', async () => {
                const now = await mock.stats();
                return now.clients_gone === earlier.clients_gone + clients.length && now.streams_open === 0;
            });
        }
        assert.equal(await gateway.metric('ringway_cancelled_total'), 16);
        assert.equal(await gateway.metric('ringway_requests_total', 'code="499"'), 16);
        await is_empty();
    });

    it('that vanish with half a request, or before the answer, leave nothing', async () => {
        const { mock, gateway, is_empty } = await start_empty_house();
        const request = raw_stream('mock/gpt:fault=silence');
        for (const part of [0, 1, 30, request.length - 1]) {
            const raw = await RawClient.connect(gateway.port);
            raw.write(request.slice(0, part));
            raw.socket.end();
            await raw.closed();
        }
        const earlier = await mock.stats();
        const raw = await RawClient.connect(gateway.port);
        raw.write(request);
        await until('the upstream has the request', async () => (await mock.requests()).length > 0);
        raw.socket.resetAndDestroy(); // a mere end, this early, would be one who still listens
        await client_gone(mock, earlier);
        await is_empty();
    });

    it('that vanish in the middle of an upload leave nothing', async () => {
        const { mock, gateway, is_empty } = await start_empty_house();
        for (const framing of ['Content-Length: 1000000', 'Transfer-Encoding: chunked']) {
            const raw = await RawClient.connect(gateway.port);
            raw.write(`POST /v1/files HTTP/1.1\r\nHost: x\r\nContent-Type: a/b\r\n${framing}\r\n\r\n2710\r\n${'x'.repeat(10000)}\r\n`);
            await until('the upload is under way', async () => (await gateway.metric('ringway_upstream_connections')) > 0);
            raw.close();
            await is_empty();
            await until('the upstream\'s connection is closed', async () => (await gateway.metric('ringway_upstream_connections')) === 0);
        }
        assert.deepEqual(await mock.requests(), []);
    });

    it('that read nothing make their upstream wait, and then get every byte', async () => {
        const { mock, gateway, is_empty } = await start_empty_house();
        const raw = await RawClient.connect(gateway.port);
        raw.socket.pause();
        raw.write(raw_request('/v1/chat/completions', stream_of('mock/gpt:tokens=4000,bytes=8000'), { head: 'Connection: close\r\n' }));
        await until('the gateway pauses', async () => (await gateway.metric('ringway_slow_client_pauses_total')) > 0);
        const held = await gateway.metric('ringway_block_bytes_in_use');
        assert.ok(held < 2_000_000, `${held} bytes for one stream`);
        assert.ok((await mock.stats()).tokens_written < 4000);
        raw.socket.resume();
        const text = payload_of(await raw.closed());
        assert.ok(text.endsWith('data: [DONE]\n\n'));
        assert.equal(text.match(/"finish_reason":"stop"/g).length, 1);
        assert.equal(text.match(/"content":"token /g).length, 4000);
        await is_empty();
    });
});

describe('lifecycle: reload', () => {
    it('leaves streams alone, and new requests go by the new configuration', async () => {
        const { mock, gateway } = await start_house();
        const other = await Mock.start('--record', '1');
        const streams = await Promise.all([...Array(6)].map(() => open(gateway, 'mock/gpt:tokens=120,gap=5ms')));
        const texts = streams.map(async (stream) => content(await all_of(stream)));
        for (let i = 0; i < 3; ++i) {
            await gateway.reload({
                models: { [`fast-${i}`]: 'mock/gpt-fast' },
                providers: { mock: { base_url: `${other.url}/v1` }, hasty: gateway.config.providers.hasty },
            });
        }
        const client = connect(gateway);
        const answer = (model) => client.chat.completions.create({ model, messages: question });
        assert.equal((await answer('fast-2')).object, 'chat.completion');
        assert.equal((await other.requests()).length, 1);
        await assert.rejects(answer('fast'), { status: 404 });
        await assert.rejects(answer('fast-1'), { status: 404 });
        assert.deepEqual(await Promise.all(texts), streams.map(() => 'token '.repeat(120)));
        await gateway.is_quiet();
        assert.equal((await mock.stats()).clients_gone, 0);
    });

    it('with a mistake changes nothing, and says what is wrong', async () => {
        const { gateway } = await start_house();
        writeFileSync(gateway.file, '{"providers": {"mock": {"base_url": "nonsense"}},\n "modles": {}}');
        gateway.signal('SIGHUP');
        await gateway.says(/not reloaded/);
        await gateway.says(/:2:\d+: modles: .*models/);
        assert.equal((await connect(gateway).chat.completions.create({ model: 'fast', messages: question })).object, 'chat.completion');
    });

    it('takes keys away at once', async () => {
        const { gateway } = await start_house({ keys: [{ name: 'one', key: 'key-one' }] });
        const status = async (key) => (await fetch(`${gateway.url}/v1/models`, { headers: { 'x-api-key': key } })).status;
        assert.deepEqual([await status('key-one'), await status('key-two')], [200, 401]);
        await gateway.reload({ keys: [{ name: 'two', key: 'key-two' }] });
        assert.deepEqual([await status('key-one'), await status('key-two')], [401, 200]);
    });
});

describe('lifecycle: the end', () => {
    it('SIGTERM lets streams finish, refuses nobody whose request is under way, and takes no new ones', async () => {
        const { mock, gateway } = await start_house();
        const idle = await RawClient.connect(gateway.port);
        idle.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
        await idle.reads(/"status":"ok"/);
        const stream = await open(gateway, 'mock/gpt:tokens=150,gap=5ms');
        const whole = connect(gateway).chat.completions.create({ model: 'mock/gpt:tokens=2,delay=300ms', messages: question });
        await until('both are under way', async () => (await mock.requests()).length === 2);
        gateway.signal('SIGTERM');
        await idle.closed();
        await until('new connections are refused', () => new Promise((resolve) => {
            RawClient.connect(gateway.port).then((raw) => {
                raw.close();
                resolve(false);
            }, () => resolve(true));
        }));
        assert.equal((await whole).choices[0].message.content, 'token token ');
        assert.equal(content(await all_of(stream)), 'token '.repeat(150));
        await gateway.check_end();
    });

    it('a stream that outlasts the drain ends in an error event', async () => {
        const { mock, gateway } = await start_house({ drain: { timeout: '300ms' } });
        const raw = await RawClient.connect(gateway.port);
        raw.write(raw_stream('mock/gpt:tokens=100000,gap=5ms'));
        await raw.reads(/token/);
        const earlier = await mock.stats();
        gateway.signal('SIGTERM');
        const text = payload_of(await raw.closed());
        assert.match(text, /\n\ndata: \{"error":\{[^\n]*"code":"shutting_down"\}\}\n\n$/);
        assert.doesNotMatch(text, /\[DONE\]/);
        await client_gone(mock, { ...earlier, clients_gone: 0 });
        await gateway.check_end();
    });

    it('a second signal stops at once', async () => {
        const { mock, gateway } = await start_house();
        const raw = await RawClient.connect(gateway.port);
        raw.write(raw_stream('mock/gpt:tokens=100000,gap=5ms'));
        await raw.reads(/token/);
        gateway.signal('SIGTERM');
        await until('new connections are refused', () =>
            RawClient.connect(gateway.port).then((late) => late.close(), () => true));
        gateway.signal('SIGTERM');
        await gateway.check_end();
        assert.doesNotMatch(await raw.closed(), /\[DONE\]/);
        await until('the upstream has noticed', async () => (await mock.stats()).streams_open === 0);
    });

    it('readiness says no while a drain is delayed, and requests are still served', async () => {
        const { gateway } = await start_house({ drain: { delay: '1s' } });
        const ready = async () => (await fetch(`${gateway.url}/readyz`)).status;
        assert.equal(await ready(), 200);
        gateway.signal('SIGTERM');
        await until('it is not ready', async () => (await ready()) === 503);
        await gateway.check_end();
    });
});

describe('lifecycle: a crowd', () => {
    it('of requests that end in every way leaves nothing', async () => {
        const { mock, gateway, is_empty } = await start_empty_house();
        const ways = ['tokens=20', 'tokens=20,gap=1ms', 'fault=cut', 'fault=reset', 'fault=500', 'fault=malformed_chunk', 'fault=no_done', 'fault=garbage'];
        const agent = { left: 400 };
        await Promise.all([...Array(24)].map(async (_, worker) => {
            while (agent.left-- > 0) {
                const stream = agent.left % 3 > 0;
                const abort = new AbortController();
                const options = ways[(agent.left + worker) % ways.length];
                try {
                    const response = await fetch(`${gateway.url}/v1/chat/completions`, {
                        method: 'POST',
                        headers: { 'content-type': 'application/json' },
                        body: JSON.stringify({ model: `mock/gpt:${options}`, messages: question, stream }),
                        signal: abort.signal,
                    });
                    if (agent.left % 5 === 0) abort.abort();
                    await response.text();
                } catch (error) {
                    assert.ok(error instanceof Error);
                }
            }
        }));
        await gateway.is_quiet();
        const served = await gateway.metric('ringway_requests_total');
        assert.equal(served, 400);
        await until('the mock is idle', async () => (await mock.stats()).streams_open === 0);
        await gateway.stop();
    });
});
