// OpenAI's own SDK through the gateway: what it is told when something goes wrong.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import OpenAI, { toFile } from 'openai';

import { json_answer, question, start_house, start_upstream } from './support.mjs';

const answer = {
    id: 'c', object: 'chat.completion', created: 1, model: 'gpt',
    choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 3, completion_tokens: 1, total_tokens: 4 },
};
const too_many = json_answer(429, { error: { message: 'Slow down', type: 'requests' } }, { 'retry-after': '1' });
const unwell = json_answer(503, { error: { message: 'Unwell', type: 'server_error' } }, { 'retry-after-ms': '10' });
const good = json_answer(200, answer);

const upstreams = {
    limited: await start_upstream(too_many, good),
    unwell: await start_upstream(unwell, unwell, good),
    first: await start_upstream(unwell),
    second: await start_upstream(good),
};
const { mock, gateway } = await start_house({
    providers: Object.fromEntries(Object.entries(upstreams).map(([name, upstream]) => [name, { base_url: upstream.url }])),
    models: {
        fast: 'mock/gpt-fast',
        smart: 'claude/claude-smart',
        sure: { targets: ['first/gpt', 'second/gpt'] },
        hopeless: { targets: ['mock/gpt:fault=500', 'mock/gpt:fault=503'] },
    },
    keys: [
        { name: 'app', key: 'app-key' },
        { name: 'narrow', key: 'narrow-key', models: ['fast', 'mock/gpt-4*'] },
        { name: 'old', key: 'old-key', expires: '2020-01-01' },
    ],
});
const connect = (options = {}) =>
    new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: 'app-key', maxRetries: 0, logLevel: 'off', ...options });
const client = connect();
const ask = (model, options) => client.chat.completions.create({ model, messages: question }, options);

/** The text of a stream so far, and the error it ended in. */
async function read(model, options = {}) {
    const stream = await client.chat.completions.create({ model, messages: question, stream: true, ...options });
    const seen = { text: '', finish: undefined };
    try {
        for await (const chunk of stream) {
            seen.text += chunk.choices[0]?.delta.content ?? '';
            seen.finish ??= chunk.choices[0]?.finish_reason ?? undefined;
        }
    } catch (error) {
        seen.error = error;
    }
    return seen;
}

describe('openai errors: the SDK tries again', () => {
    it('after a 429, when retry-after says so', async () => {
        const sent_at = [];
        const patient = connect({
            maxRetries: 2,
            fetch: (...args) => {
                sent_at.push(performance.now());
                return fetch(...args);
            },
        });
        const whole = await patient.chat.completions.create({ model: 'limited/gpt', messages: question });
        assert.deepEqual(whole.choices, answer.choices);
        assert.equal(sent_at.length, 2);
        // Its own choice would have been at most half a second.
        assert.ok(sent_at[1] - sent_at[0] >= 990, `${sent_at[1] - sent_at[0]} ms`);
        const [first, second] = upstreams.limited.requests;
        assert.equal(first.body, second.body);
    });

    it('after a 503, and the gateway does not do so on its own account', async () => {
        const { data, response } = await connect({ maxRetries: 2 }).chat.completions
            .create({ model: 'unwell/gpt', messages: question }).withResponse();
        assert.deepEqual(data.choices, answer.choices);
        assert.equal(upstreams.unwell.requests.length, 3);
        assert.equal(response.headers.get('x-ringway-attempts'), '1');
    });

    it('not at all when another target answers', async () => {
        const { data, response } = await connect({ maxRetries: 2 }).chat.completions
            .create({ model: 'sure', messages: question }).withResponse();
        assert.deepEqual(data.choices, answer.choices);
        assert.equal(upstreams.first.requests.length, 1);
        assert.equal(response.headers.get('x-ringway-attempts'), '2');
        assert.equal(response.headers.get('x-ringway-provider'), 'second');
    });

    it('not after all targets have failed', async () => {
        await mock.forget();
        await assert.rejects(connect({ maxRetries: 2 }).chat.completions.create({ model: 'hopeless', messages: question }),
            { status: 503 });
        assert.equal((await mock.requests()).length, 2);
    });
});

describe('openai errors: statuses', () => {
    for (const [fault, kind] of [
        ['400', OpenAI.BadRequestError],
        ['401', OpenAI.AuthenticationError],
        ['404', OpenAI.NotFoundError],
        ['429', OpenAI.RateLimitError],
        ['500', OpenAI.InternalServerError],
        ['502', OpenAI.InternalServerError],
        ['503', OpenAI.InternalServerError],
    ]) {
        it(`the upstream's ${fault} arrives as it is`, async () => {
            for (const stream of [false, true]) {
                await assert.rejects(
                    client.chat.completions.create({ model: `mock/gpt:fault=${fault}`, messages: question, stream }),
                    (error) => {
                        assert.ok(error instanceof kind, String(error));
                        assert.equal(error.status, Number(fault));
                        assert.match(error.requestID, /^req_[0-9a-v]{24}$/);
                        return true;
                    },
                );
            }
        });
    }

    it('an upstream\'s rate limits reach the client', async () => {
        const error = await ask('mock/gpt:fault=429').catch((thrown) => thrown);
        assert.equal(error.headers.get('retry-after'), '1');
        assert.equal(error.headers.get('x-ratelimit-remaining-requests'), '0');
        assert.equal(error.code, 'rate_limit_exceeded');
    });

    for (const fault of ['close', 'reset', 'garbage', 'bad_status', 'two_lengths', 'huge_head']) {
        it(`an upstream's "${fault}" is a 502`, async () => {
            await assert.rejects(ask(`mock/gpt:fault=${fault}`), (error) => {
                assert.equal(error.status, 502);
                assert.equal(error.code, 'bad_upstream_response');
                assert.equal(error.type, 'server_error');
                return true;
            });
        });
    }

    it('an upstream that is not there is a 502', async () => {
        await gateway.reload({ providers: { ...gateway.config.providers, gone: { base_url: 'http://127.0.0.1:1' } } });
        await assert.rejects(ask('gone/gpt'), { status: 502, code: 'bad_upstream_response' });
    });

    it('an upstream that is silent is a 504', async () => {
        await assert.rejects(ask('hasty/gpt:fault=silence'), { status: 504, code: 'timeout' });
    });
});

describe('openai errors: broken streams', () => {
    for (const fault of ['cut', 'reset_mid', 'malformed_chunk']) {
        it(`"${fault}" is an error behind all that came before`, async () => {
            const seen = await read(`mock/gpt:tokens=10,fault=${fault},at=4`);
            assert.equal(seen.text, 'token '.repeat(4));
            assert.equal(seen.finish, undefined);
            assert.ok(seen.error instanceof OpenAI.APIError, String(seen.error));
            assert.equal(seen.error.code, 'bad_upstream_response');
            assert.equal(seen.error.type, 'server_error');
            assert.match(seen.error.requestID, /^req_/);
        });
    }

    for (const fault of ['cut_mid_event', 'malformed_event']) {
        it(`"${fault}" is an error of the SDK's parser`, async () => {
            const seen = await read(`mock/gpt:tokens=10,fault=${fault},at=4`);
            assert.equal(seen.text, 'token '.repeat(4));
            assert.ok(seen.error instanceof SyntaxError, String(seen.error));
        });
    }

    it('a stream that stalls ends in a time-out', async () => {
        const seen = await read('hasty/gpt:tokens=10,fault=stall,at=4');
        assert.equal(seen.text, 'token '.repeat(4));
        assert.ok(seen.error instanceof OpenAI.APIError, String(seen.error));
        assert.equal(seen.error.code, 'timeout');
    });

    it('an error that the upstream tells in mid-stream arrives as it is', async () => {
        const seen = await read('mock/gpt:tokens=10,fault=error_mid_stream,at=4');
        assert.equal(seen.text, 'token '.repeat(4));
        assert.match(seen.error.message, /The mock is overloaded/);
    });

    it('an error inside a 200 arrives as it is', async () => {
        const seen = await read('mock/gpt:fault=error_in_200');
        assert.equal(seen.text, '');
        assert.match(seen.error.message, /The mock is overloaded/);
        assert.match((await ask('mock/gpt:fault=error_in_200')).error.message, /The mock had an error/);
    });

    it('a stream without [DONE] is whole if it told its finish reason', async () => {
        const seen = await read('mock/gpt:tokens=10,fault=no_done');
        assert.deepEqual(seen, { text: 'token '.repeat(10), finish: 'stop' });
    });

    it('a stream without a finish reason is whole if it told its [DONE]', async () => {
        const seen = await read('mock/gpt:tokens=10,fault=no_finish');
        assert.deepEqual(seen, { text: 'token '.repeat(10), finish: undefined });
    });

    it('a stream with neither is broken, even if its body ends well', async () => {
        const upstream = await start_upstream((_, response) => {
            response.writeHead(200, { 'content-type': 'text/event-stream' });
            response.end(`data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: 'Hi' }, finish_reason: null }] })}\n\n`);
        });
        await gateway.reload({ providers: { ...gateway.config.providers, brief: { base_url: upstream.url } } });
        const seen = await read('brief/gpt');
        assert.equal(seen.text, 'Hi');
        assert.equal(seen.error.code, 'bad_upstream_response');
    });

    it('responses: a cut stream ends in an error', async () => {
        const stream = await client.responses.create({ model: 'mock/gpt:tokens=10,fault=cut,at=4', input: 'Hello', stream: true });
        let text = '';
        await assert.rejects(async () => {
            for await (const event of stream) if (event.type === 'response.output_text.delta') text += event.delta;
        }, OpenAI.APIError);
        assert.equal(text, 'token '.repeat(4));
    });

    it('the wire shows the error event, and no [DONE]', async () => {
        const response = await client.chat.completions
            .create({ model: 'mock/gpt:tokens=10,fault=cut,at=4', messages: question, stream: true }).asResponse();
        const events = (await response.text()).split('\n\n');
        assert.equal(events.pop(), '');
        const { error } = JSON.parse(events.at(-1).replace(/^data: /, ''));
        assert.deepEqual(Object.keys(error), ['message', 'type', 'param', 'code']);
        assert.ok(!events.some((event) => event.includes('[DONE]')));
    });

    it('a whole answer that is cut is an error', async () => {
        await assert.rejects(ask('mock/gpt:fault=cut'));
        await assert.rejects(ask('mock/gpt:fault=reset_mid'));
        await assert.rejects(ask('hasty/gpt:fault=stall'));
        await gateway.is_quiet();
    });
});

describe('openai errors: models and keys', () => {
    const error_of = (promise) => promise.then(() => assert.fail('it should have failed'), (error) => error);

    it('an unknown model is 404 and names near ones', async () => {
        const error = await error_of(ask('fsat'));
        assert.ok(error instanceof OpenAI.NotFoundError, String(error));
        assert.equal(error.code, 'model_not_found');
        assert.equal(error.param, 'model');
        assert.equal(error.type, 'invalid_request_error');
        assert.match(error.message, /Did you mean "fast"/);
    });

    it('a model that is not there to retrieve is 404', async () => {
        assert.equal((await error_of(client.models.retrieve('fsat'))).code, 'model_not_found');
    });

    it('a model of another API is refused', async () => {
        const error = await error_of(ask('smart'));
        assert.equal(error.status, 400);
        assert.equal(error.code, 'unsupported_api');
    });

    for (const [what, apiKey] of Object.entries({ wrong: 'nonsense', expired: 'old-key' })) {
        it(`a key that is ${what} is refused before anything reaches the upstream`, async () => {
            await mock.forget();
            const error = await error_of(connect({ apiKey }).chat.completions.create({ model: 'fast', messages: question }));
            assert.ok(error instanceof OpenAI.AuthenticationError, String(error));
            assert.equal(error.code, 'invalid_api_key');
            assert.doesNotMatch(error.message, new RegExp(apiKey));
            assert.deepEqual(await mock.requests(), []);
        });
    }

    it('no key at all is refused, but for health', async () => {
        assert.equal((await fetch(`${gateway.url}/v1/models`)).status, 401);
        assert.equal((await fetch(`${gateway.url}/healthz`)).status, 200);
    });

    for (const field of ['x-api-key', 'api-key']) {
        it(`a key in ${field} is taken, and stays here`, async () => {
            await mock.forget();
            await connect({ apiKey: 'ignored', defaultHeaders: { [field]: 'app-key', authorization: null } })
                .chat.completions.create({ model: 'fast', messages: question });
            const [request] = await mock.requests();
            assert.doesNotMatch(request.head, /app-key/);
            assert.match(request.head, /\r\nauthorization: Bearer upstream-secret\r\n/i);
        });
    }

    it('a key with a list of models may use and see those only', async () => {
        const narrow = connect({ apiKey: 'narrow-key' });
        const use = (model) => narrow.chat.completions.create({ model, messages: question });
        assert.equal((await use('fast')).object, 'chat.completion');
        assert.equal((await use('mock/gpt-4o')).object, 'chat.completion');
        for (const model of ['mock/gpt', 'sure', 'limited/gpt']) {
            const error = await error_of(use(model));
            assert.ok(error instanceof OpenAI.PermissionDeniedError, String(error));
            assert.equal(error.code, 'model_not_allowed');
        }
        assert.equal((await error_of(narrow.files.list())).code, 'path_not_allowed');
        const names = [];
        for await (const model of narrow.models.list()) names.push(model.id);
        assert.deepEqual(names, ['fast']);
    });

    it('keys and prompts are not in the log', async () => {
        assert.doesNotMatch(gateway.said, /app-key|nonsense|old-key|narrow-key|upstream-secret|How many roads/);
    });
});

describe('openai errors: refused while the body is still coming', () => {
    const long = 'x'.repeat(8_000_000);
    const file = async () => toFile(Buffer.alloc(8_000_000, 'x'), 'train.bin');

    it('a wrong key is a 401, not a broken connection', async () => {
        const stranger = connect({ apiKey: 'nonsense' });
        for (let i = 0; i < 5; ++i) {
            await assert.rejects(stranger.chat.completions.create({ model: 'fast', messages: [{ role: 'user', content: long }] }), { status: 401 });
            await assert.rejects(stranger.files.create({ file: await file(), purpose: 'batch' }), { status: 401 });
        }
        await gateway.is_quiet();
    });

    it('a body that is too long is a 413, here and at the upstream', async () => {
        const { gateway: small } = await start_house({ runtime: { workers: 2, max_body: '1MiB' }, mock_args: ['--fault', 'early_413'] });
        const visitor = new OpenAI({ baseURL: `${small.url}/v1`, apiKey: 'anything', maxRetries: 0, logLevel: 'off' });
        for (let i = 0; i < 5; ++i) {
            await assert.rejects(visitor.chat.completions.create({ model: 'fast', messages: [{ role: 'user', content: long }] }), { status: 413 });
            await assert.rejects(visitor.files.create({ file: await file(), purpose: 'batch' }), { status: 413 });
        }
        await small.is_quiet();
    });
});

describe('openai errors: fields of answers', () => {
    it('they tell the request, the upstream and the time', async () => {
        const { response, request_id } = await ask('fast').withResponse();
        assert.match(request_id, /^req_[0-9a-v]{24}$/);
        assert.match(response.headers.get('x-ringway-upstream-request-id'), /^req_mock_/);
        assert.equal(response.headers.get('x-ringway-provider'), 'mock');
        assert.equal(response.headers.get('x-ringway-model'), 'gpt-fast');
        assert.equal(response.headers.get('x-ringway-attempts'), '1');
        assert.match(response.headers.get('server-timing'), /^gw;dur=\d+(\.\d+)?, up;dur=\d+(\.\d+)?$/);
    });

    it('a client\'s own request id is taken', async () => {
        const { request_id } = await ask('fast', { headers: { 'x-request-id': 'my-own-1' } }).withResponse();
        assert.equal(request_id, 'my-own-1');
    });

    it('they stay away when the configuration says so', async () => {
        await gateway.reload({ telemetry: { debug_headers: false } });
        const { response } = await ask('fast').withResponse();
        for (const name of ['x-ringway-provider', 'x-ringway-model', 'x-ringway-attempts', 'server-timing']) {
            assert.equal(response.headers.get(name), null);
        }
        assert.match(response.headers.get('x-request-id'), /^req_/);
    });
});
