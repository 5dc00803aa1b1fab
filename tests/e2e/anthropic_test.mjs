// Anthropic's own SDK through the gateway.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import Anthropic from '@anthropic-ai/sdk';

import {
    all_of, client_gone, json_answer, mock_arguments, question, start_house, start_upstream, weather_parameters,
} from './support.mjs';

const overloaded = { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } };
const message = {
    id: 'msg_1', type: 'message', role: 'assistant', model: 'claude-x', content: [{ type: 'text', text: 'Hi' }],
    stop_reason: 'end_turn', stop_sequence: null, usage: { input_tokens: 3, output_tokens: 1 },
};

const { mock, gateway } = await start_house({
    keys: [
        { name: 'app', key: 'app-key' },
        { name: 'narrow', key: 'narrow-key', models: ['smart'] },
        { name: 'old', key: 'old-key', expires: '2020-01-01' },
    ],
});
const connect = (options = {}) =>
    new Anthropic({ baseURL: gateway.url, apiKey: 'app-key', maxRetries: 0, logLevel: 'off', ...options });
const client = connect();
const ask = (model, more = {}) => ({ model, max_tokens: 1000, messages: question, ...more });
const tools = [{ name: 'weather', input_schema: weather_parameters }];

/** The text of a stream so far, and how it ended: undefined when it ended well. */
async function read(stream) {
    const seen = { text: '', types: [] };
    try {
        for await (const event of stream) {
            seen.types.push(event.type);
            if (event.type === 'content_block_delta') seen.text += event.delta.text ?? '';
        }
    } catch (error) {
        seen.error = error;
    }
    return seen;
}

describe('anthropic: messages', () => {
    it('an answer comes whole, with its usage and its request\'s id', async () => {
        await mock.forget();
        const { data, response, request_id } =
            await client.messages.create(ask('claude/claude-x:tokens=5,input=12')).withResponse();
        assert.equal(data.content[0].text, 'token '.repeat(5));
        assert.equal(data.stop_reason, 'end_turn');
        assert.equal(data.usage.input_tokens, 12);
        assert.equal(data.usage.output_tokens, 5);
        assert.match(request_id, /^req_[0-9a-v]{24}$/);
        assert.equal(response.headers.get('x-request-id'), request_id);
        assert.match(response.headers.get('x-ringway-upstream-request-id'), /^req_mock_/);
        assert.equal(response.headers.get('x-ringway-provider'), 'claude');
        const [request] = await mock.requests();
        assert.match(request.head, /^POST \/v1\/messages HTTP\/1\.1\r\n/);
        assert.match(request.head, /\r\nx-api-key: upstream-secret\r\n/i);
        assert.match(request.head, /\r\nanthropic-version: \d{4}-\d{2}-\d{2}\r\n/i);
        assert.doesNotMatch(request.head, /app-key/);
    });

    it('an alias is replaced by the name its provider knows', async () => {
        await mock.forget();
        await client.messages.create(ask('smart'));
        const [request] = await mock.requests();
        assert.equal(JSON.parse(request.body).model, 'claude-smart');
    });

    it('a stream brings every token, in order, and its usage', async () => {
        const stream = await client.messages.create(ask('claude/claude-x:tokens=300,stamp=1,input=9', { stream: true }));
        const events = await all_of(stream);
        assert.deepEqual(events.map((event) => event.mock_seq).filter((seq) => seq !== undefined), [...Array(300).keys()]);
        assert.equal(events[0].message.usage.input_tokens, 9);
        assert.equal(events.at(-2).delta.stop_reason, 'end_turn');
        assert.equal(events.at(-2).usage.output_tokens, 300);
        assert.equal(events.at(-1).type, 'message_stop');
    });

    it('the SDK\'s helper puts a slow stream together', async () => {
        const stream = client.messages.stream(ask('claude/claude-x:tokens=20,gap=5ms'));
        const texts = [];
        stream.on('text', (text) => texts.push(text));
        const whole = await stream.finalMessage();
        assert.equal(texts.length, 20);
        assert.equal(whole.content[0].text, 'token '.repeat(20));
        assert.match(stream.request_id, /^req_/);
    });

    it('a beta\'s header and query reach the upstream', async () => {
        await mock.forget();
        await client.beta.messages.create(ask('claude/claude-x', { betas: ['files-api-2025-04-14'] }), { query: { beta: true } });
        const [request] = await mock.requests();
        assert.match(request.head, /^POST \/v1\/messages\?beta=true HTTP/);
        assert.match(request.head, /\r\nanthropic-beta: files-api-2025-04-14\r\n/i);
    });

    it('tokens are counted', async () => {
        const counted = await client.messages.countTokens({ model: 'claude/claude-x:input=77', messages: question });
        assert.equal(counted.input_tokens, 77);
    });

    it('models: the list and one of it', async () => {
        const names = (await all_of(client.models.list())).map((model) => model.id);
        assert.ok(names.includes('smart'), names.join());
        assert.equal((await client.models.retrieve('smart')).id, 'smart');
    });
});

describe('anthropic: tools', () => {
    it('a loop of call and result ends in text', async () => {
        const first = await client.messages.create(ask('claude/claude-x', { tools }));
        assert.equal(first.stop_reason, 'tool_use');
        const call = first.content.find((block) => block.type === 'tool_use');
        assert.deepEqual(call.input, mock_arguments);
        const second = await client.messages.create(ask('claude/claude-x:tokens=2', {
            tools,
            messages: [
                ...question,
                { role: 'assistant', content: first.content },
                { role: 'user', content: [{ type: 'tool_result', tool_use_id: call.id, content: 'sunny' }] },
            ],
        }));
        assert.equal(second.content[0].text, 'token token ');
    });

    it('a call\'s input comes in pieces', async () => {
        const stream = client.messages.stream(ask('claude/claude-x', { tools }));
        const pieces = [];
        stream.on('inputJson', (piece) => pieces.push(piece));
        const whole = await stream.finalMessage();
        assert.ok(pieces.length > 3);
        assert.deepEqual(JSON.parse(pieces.join('')), mock_arguments);
        assert.deepEqual(whole.content[0].input, mock_arguments);
    });
});

describe('anthropic: keys', () => {
    for (const [what, options] of Object.entries({
        'x-api-key': { apiKey: null, defaultHeaders: { 'x-api-key': 'app-key' } },
        'a bearer token': { apiKey: null, authToken: 'app-key' },
    })) {
        it(`${what} is a key, and stays here`, async () => {
            await mock.forget();
            await connect(options).messages.create(ask('claude/claude-x'));
            const [request] = await mock.requests();
            assert.doesNotMatch(request.head, /app-key/);
            assert.match(request.head, /upstream-secret/);
        });
    }

    for (const [what, apiKey] of Object.entries({ wrong: 'nonsense', expired: 'old-key' })) {
        it(`a key that is ${what} is refused before anything reaches the upstream`, async () => {
            await mock.forget();
            const error = await connect({ apiKey }).messages.create(ask('claude/claude-x')).catch((thrown) => thrown);
            assert.ok(error instanceof Anthropic.AuthenticationError, String(error));
            assert.equal(error.type, 'authentication_error');
            assert.equal(error.error.type, 'error');
            assert.match(error.requestID, /^req_/);
            assert.equal(error.error.request_id, error.requestID);
            assert.doesNotMatch(JSON.stringify(error.error), new RegExp(apiKey));
            assert.deepEqual(await mock.requests(), []);
        });
    }

    it('a key with a list of models may use those only', async () => {
        const narrow = connect({ apiKey: 'narrow-key' });
        assert.equal((await narrow.messages.create(ask('smart'))).type, 'message');
        await assert.rejects(narrow.messages.create(ask('claude/claude-x')), (error) => {
            assert.ok(error instanceof Anthropic.PermissionDeniedError, String(error));
            assert.equal(error.type, 'permission_error');
            return true;
        });
        assert.deepEqual((await all_of(narrow.models.list())).map((model) => model.id), ['smart']);
    });
});

describe('anthropic: errors', () => {
    it('an unknown model is 404 and names a near one', async () => {
        await assert.rejects(client.messages.create(ask('smrt')), (error) => {
            assert.ok(error instanceof Anthropic.NotFoundError, String(error));
            assert.equal(error.type, 'not_found_error');
            assert.match(error.apiMessage, /Did you mean "smart"\?/);
            return true;
        });
    });

    it('a model of another API is refused', async () => {
        await assert.rejects(client.messages.create(ask('mock/gpt')), (error) => {
            assert.ok(error instanceof Anthropic.BadRequestError, String(error));
            assert.match(error.apiMessage, /"mock\/gpt"/);
            return true;
        });
    });

    for (const [fault, type, kind] of [
        ['400', 'invalid_request_error', Anthropic.BadRequestError],
        ['429', 'rate_limit_error', Anthropic.RateLimitError],
        ['500', 'api_error', Anthropic.InternalServerError],
        ['529', 'overloaded_error', Anthropic.InternalServerError],
    ]) {
        it(`the upstream's ${fault} arrives as it is`, async () => {
            await assert.rejects(client.messages.create(ask(`claude/claude-x:fault=${fault}`)), (error) => {
                assert.ok(error instanceof kind, String(error));
                assert.equal(error.status, Number(fault));
                assert.equal(error.type, type);
                assert.equal(error.error.error.type, type);
                assert.match(error.apiMessage, /mock/);
                return true;
            });
        });
    }

    it('the rate limits of an upstream\'s 429 reach the client', async () => {
        const error = await client.messages.create(ask('claude/claude-x:fault=429')).catch((thrown) => thrown);
        assert.equal(error.headers.get('retry-after'), '1');
        assert.equal(error.headers.get('anthropic-ratelimit-requests-remaining'), '0');
    });

    for (const fault of ['close', 'reset', 'garbage', 'two_lengths', 'huge_head']) {
        it(`an upstream's "${fault}" is an API error`, async () => {
            await assert.rejects(client.messages.create(ask(`claude/claude-x:fault=${fault}`)), (error) => {
                assert.equal(error.status, 502);
                assert.equal(error.type, 'api_error');
                return true;
            });
        });
    }

    it('an upstream that is silent is a time-out', async () => {
        await assert.rejects(client.messages.create(ask('hasty-claude/claude-x:fault=silence')), (error) => {
            assert.equal(error.status, 504);
            assert.equal(error.type, 'timeout_error');
            return true;
        });
    });
});

describe('anthropic: the SDK tries again', () => {
    it('after a 429, when retry-after says so, and after a 529', async () => {
        const upstream = await start_upstream(
            json_answer(429, { type: 'error', error: { type: 'rate_limit_error', message: 'Slow down' } }, { 'retry-after': '1' }),
            json_answer(529, overloaded, { 'retry-after-ms': '10' }),
            json_answer(200, message),
        );
        await gateway.reload({ providers: { ...gateway.config.providers, own: { kind: 'anthropic', base_url: upstream.url } } });
        const sent_at = [];
        const patient = connect({
            maxRetries: 2,
            fetch: (...args) => {
                sent_at.push(performance.now());
                return fetch(...args);
            },
        });
        assert.deepEqual((await patient.messages.create(ask('own/claude-x'))).content, message.content);
        assert.equal(upstream.requests.length, 3);
        assert.equal(new Set(upstream.requests.map((request) => request.body)).size, 1);
        // Its own choice would have been at most half a second.
        assert.ok(sent_at[1] - sent_at[0] >= 990, `${sent_at[1] - sent_at[0]} ms`);
    });

    it('but not after a 400 or a wrong key', async () => {
        await mock.forget();
        await assert.rejects(connect({ maxRetries: 2 }).messages.create(ask('claude/claude-x:fault=400')));
        assert.equal((await mock.requests()).length, 1);
    });
});

describe('anthropic: broken streams', () => {
    const broken = {
        cut: 'api_error',
        cut_mid_event: 'api_error',
        reset_mid: 'api_error',
        malformed_chunk: 'api_error',
        error_mid_stream: 'overloaded_error',
    };
    for (const [fault, type] of Object.entries(broken)) {
        it(`"${fault}" is an error behind all that came before`, async () => {
            const seen = await read(await client.messages.create(ask(`claude/claude-x:tokens=10,fault=${fault},at=4`, { stream: true })));
            assert.equal(seen.text, 'token '.repeat(4));
            assert.ok(seen.error instanceof Anthropic.APIError, String(seen.error));
            assert.equal(seen.error.type, type);
            assert.ok(!seen.types.includes('message_stop'));
        });
    }

    it('a stream that stalls ends in a time-out', async () => {
        const seen = await read(await client.messages.create(ask('hasty-claude/claude-x:tokens=10,fault=stall,at=4', { stream: true })));
        assert.equal(seen.text, 'token '.repeat(4));
        assert.ok(seen.error instanceof Anthropic.APIError, String(seen.error));
        assert.equal(seen.error.type, 'timeout_error');
        assert.equal(seen.error.error.request_id, seen.error.requestID);
    });

    it('an error inside a 200 is an error', async () => {
        const seen = await read(await client.messages.create(ask('claude/claude-x:fault=error_in_200', { stream: true })));
        assert.deepEqual(seen.types, []);
        assert.equal(seen.error.type, 'overloaded_error');
    });

    it('an event that is no JSON is an error', async () => {
        const seen = await read(await client.messages.create(ask('claude/claude-x:tokens=10,fault=malformed_event,at=4', { stream: true })));
        assert.equal(seen.text, 'token '.repeat(4));
        assert.ok(seen.error instanceof Error);
    });

    it('the SDK\'s helper rejects', async () => {
        await assert.rejects(client.messages.stream(ask('claude/claude-x:tokens=10,fault=cut')).finalMessage(), Anthropic.APIError);
    });

    it('an answer that is no stream and is cut is an error', async () => {
        await assert.rejects(client.messages.create(ask('claude/claude-x:fault=cut')));
        await gateway.is_quiet();
    });
});

describe('anthropic: giving up', () => {
    const endless = ask('claude/claude-x:tokens=100000,gap=5ms', { stream: true });

    it('an abort in mid-stream reaches the upstream', async () => {
        const earlier = await mock.stats();
        const abort = new AbortController();
        let deltas = 0;
        for await (const event of await client.messages.create(endless, { signal: abort.signal })) {
            if (event.type === 'content_block_delta' && ++deltas === 3) abort.abort();
        }
        assert.ok(deltas >= 3);
        await client_gone(mock, earlier);
        await gateway.is_quiet();
    });

    it('a client that leaves the loop over a stream reaches the upstream', async () => {
        const earlier = await mock.stats();
        for await (const event of await client.messages.create(endless)) {
            if (event.type === 'content_block_delta') break;
        }
        await client_gone(mock, earlier);
    });

    it('a client\'s time-out before the answer reaches the upstream', async () => {
        const earlier = await mock.stats();
        await assert.rejects(
            client.messages.create(ask('claude/claude-x:fault=silence'), { timeout: 300 }),
            Anthropic.APIConnectionTimeoutError,
        );
        await client_gone(mock, earlier);
        await gateway.is_quiet();
    });
});
