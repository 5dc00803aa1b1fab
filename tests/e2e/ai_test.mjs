// Vercel's AI SDK, with its provider for OpenAI-compatible APIs, through the gateway.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { APICallError, RetryError, embedMany, generateText, isStepCount, jsonSchema, streamText, tool } from 'ai';

import {
    all_of, client_gone, json_answer, mock_arguments, start_house, start_upstream, weather_parameters,
} from './support.mjs';

const unwell = json_answer(503, { error: { message: 'Unwell', type: 'server_error' } }, { 'retry-after-ms': '10' });
const good = json_answer(200, {
    id: 'c', object: 'chat.completion', created: 1, model: 'gpt',
    choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 3, completion_tokens: 1, total_tokens: 4 },
});
const unwell_once = await start_upstream(unwell, good);
const { mock, gateway } = await start_house({
    providers: { own: { base_url: unwell_once.url } },
    keys: [{ name: 'app', key: 'app-key' }],
});

const prompt = 'How many roads must a man walk down?';
const connect = (options = {}) =>
    createOpenAICompatible({ name: 'ringway', baseURL: `${gateway.url}/v1`, apiKey: 'app-key', includeUsage: true, ...options });
const ringway = connect();
const ask = (model, more = {}) => ({ model: ringway(model), prompt, maxRetries: 0, ...more });

/** Streams, and returns what came: the text, and the errors that the SDK tells of. */
async function read(options) {
    const errors = [];
    const parts = await all_of(streamText({ ...options, onError: ({ error }) => errors.push(error) }).fullStream);
    const text = parts.filter((part) => part.type === 'text-delta').map((part) => part.text).join('');
    return { parts, text, errors };
}

describe('ai: text', () => {
    it('is generated whole', async () => {
        const { text, usage, finishReason, response } = await generateText(ask('mock/gpt:tokens=5,input=12'));
        assert.equal(text, 'token '.repeat(5));
        assert.equal(finishReason, 'stop');
        assert.equal(usage.inputTokens, 12);
        assert.equal(usage.outputTokens, 5);
        assert.match(response.headers['x-request-id'], /^req_/);
    });

    it('is streamed, with its usage', async () => {
        const stream = streamText(ask('fast', { model: ringway('mock/gpt:tokens=200,input=7') }));
        const deltas = await all_of(stream.textStream);
        assert.equal(deltas.join(''), 'token '.repeat(200));
        assert.equal(await stream.finishReason, 'stop');
        assert.equal((await stream.usage).inputTokens, 7);
        assert.equal((await stream.usage).outputTokens, 200);
    });

    it('is streamed without a usage that was not asked for', async () => {
        const stream = streamText(ask('', { model: connect({ includeUsage: false })('mock/gpt:tokens=20') }));
        assert.equal((await all_of(stream.textStream)).join(''), 'token '.repeat(20));
        assert.equal((await stream.usage).outputTokens, undefined);
    });

    it('many slow streams at once keep apart', async () => {
        const lengths = [...Array(16).keys()].map((i) => 20 + i);
        const texts = await Promise.all(lengths.map(async (length) =>
            (await read(ask(`mock/gpt:tokens=${length},burst=3,gap=1ms`))).text));
        assert.deepEqual(texts, lengths.map((length) => 'token '.repeat(length)));
    });

    it('embeddings come in order', async () => {
        const { embeddings } = await embedMany({ model: ringway.embeddingModel('mock/embed'), values: ['one', 'two', 'three'] });
        assert.equal(embeddings.length, 3);
        assert.ok(embeddings.every((row) => row.length === 8));
    });
});

describe('ai: tools', () => {
    const asked = [];
    const tools = {
        weather: tool({
            inputSchema: jsonSchema(weather_parameters),
            execute: (input) => {
                asked.push(input);
                return 'sunny';
            },
        }),
    };

    it('are called in a loop that ends in text', async () => {
        asked.length = 0;
        const { text, steps } = await generateText(ask('mock/gpt:tokens=3', { tools, stopWhen: isStepCount(5) }));
        assert.equal(text, 'token token token ');
        assert.equal(steps.length, 2);
        assert.deepEqual(asked, [mock_arguments]);
    });

    it('are called in a loop of streams', async () => {
        asked.length = 0;
        const { parts, text, errors } = await read(ask('mock/gpt:tokens=3', { tools, stopWhen: isStepCount(5) }));
        assert.deepEqual(errors, []);
        assert.equal(text, 'token token token ');
        assert.deepEqual(asked, [mock_arguments]);
        const pieces = parts.filter((part) => part.type === 'tool-input-delta').map((part) => part.delta);
        assert.ok(pieces.length > 3);
        assert.deepEqual(JSON.parse(pieces.join('')), mock_arguments);
    });
});

describe('ai: errors', () => {
    /** What the SDK throws; of retries, the last. */
    const error_of = (options) => generateText(options).then(
        () => assert.fail('it should have failed'),
        (error) => (RetryError.isInstance(error) ? error.lastError : error),
    );

    for (const [what, model, status, retries] of [
        ['an unknown model', 'fsat', 404, false],
        ['a bad request', 'mock/gpt:fault=400', 400, false],
        ['a rate limit', 'mock/gpt:fault=429', 429, true],
        ['a fault of the upstream', 'mock/gpt:fault=500', 500, true],
        ['an upstream that closes', 'mock/gpt:fault=close', 502, true],
        ['an upstream that is silent', 'hasty/gpt:fault=silence', 504, true],
    ]) {
        it(`${what} is a call's error, with its status`, async () => {
            const error = await error_of(ask(model));
            assert.ok(APICallError.isInstance(error), String(error));
            assert.equal(error.statusCode, status);
            assert.equal(error.isRetryable, retries);
            assert.equal(typeof error.data.error.message, 'string');
            assert.match(error.responseHeaders['x-request-id'], /^req_/);
        });
    }

    it('a wrong key is a 401', async () => {
        const error = await error_of({ ...ask('fast'), model: connect({ apiKey: 'nonsense' })('fast') });
        assert.equal(error.statusCode, 401);
        assert.doesNotMatch(JSON.stringify(error.data), /nonsense/);
    });

    it('the SDK tries again after a 503', async () => {
        const { text } = await generateText(ask('own/gpt', { maxRetries: 2 }));
        assert.equal(text, 'Hi');
        assert.equal(unwell_once.requests.length, 2);
    });

    for (const fault of ['cut', 'cut_mid_event', 'reset_mid', 'malformed_chunk', 'malformed_event', 'error_mid_stream']) {
        it(`a stream with "${fault}" is an error behind all that came before`, async () => {
            const { text, parts, errors } = await read(ask(`mock/gpt:tokens=10,fault=${fault},at=4`));
            // This SDK reads on behind an event that is no JSON.
            assert.ok(text.startsWith('token '.repeat(4)), text);
            assert.ok(errors.length > 0);
            assert.ok(parts.some((part) => part.type === 'error'));
        });
    }

    it('a stream that stalls is an error', async () => {
        const { text, errors } = await read(ask('hasty/gpt:tokens=10,fault=stall,at=4'));
        assert.equal(text, 'token '.repeat(4));
        assert.match(JSON.stringify(errors[0]?.message ?? errors[0]), /stopped sending/);
    });

    it('an error inside a 200 is an error', async () => {
        const { text, errors } = await read(ask('mock/gpt:fault=error_in_200'));
        assert.equal(text, '');
        assert.ok(errors.length > 0);
    });
});

describe('ai: giving up', () => {
    it('an abort in mid-stream reaches the upstream', async () => {
        const earlier = await mock.stats();
        const abort = new AbortController();
        const stream = streamText(ask('mock/gpt:tokens=100000,gap=5ms', { abortSignal: abort.signal }));
        let deltas = 0;
        for await (const part of stream.fullStream) {
            if (part.type === 'text-delta' && ++deltas === 3) abort.abort();
        }
        assert.ok(deltas >= 3);
        await client_gone(mock, earlier);
        await gateway.is_quiet();
    });

    it('a time-out before the answer reaches the upstream', async () => {
        const earlier = await mock.stats();
        await assert.rejects(generateText(ask('mock/gpt:fault=silence', { timeout: 300 })));
        await client_gone(mock, earlier);
        await gateway.is_quiet();
    });
});
