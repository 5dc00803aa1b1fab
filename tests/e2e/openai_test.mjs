// OpenAI's own SDK through the gateway: the APIs when all goes well.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';

import OpenAI, { toFile } from 'openai';

import { all_of, client_gone, mock_arguments, question, start_house, weather_parameters } from './support.mjs';

const { mock, gateway } = await start_house();
const client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: 'anything', maxRetries: 0 });

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

describe('openai: chat', () => {
    it('an answer comes whole, with its usage', async () => {
        const answer = await client.chat.completions.create({ model: 'mock/gpt:tokens=5,input=12', messages: question });
        assert.equal(answer.choices[0].message.content, 'token '.repeat(5));
        assert.equal(answer.choices[0].finish_reason, 'stop');
        assert.equal(answer.usage.prompt_tokens, 12);
        assert.equal(answer.usage.completion_tokens, 5);
    });

    it('an alias is replaced by the name its provider knows', async () => {
        await mock.forget();
        const { data, response } = await client.chat.completions.create({ model: 'fast', messages: question }).withResponse();
        assert.equal(data.choices[0].finish_reason, 'stop');
        assert.equal(response.headers.get('x-ringway-provider'), 'mock');
        const [request] = await mock.requests();
        assert.equal(JSON.parse(request.body).model, 'gpt-fast');
        assert.deepEqual(JSON.parse(request.body).messages, question);
    });

    it('a stream brings every token, in order, and no usage when none was asked for', async () => {
        const stream = await client.chat.completions.create({
            model: 'mock/gpt:tokens=300,stamp=1',
            messages: question,
            stream: true,
        });
        const chunks = await all_of(stream);
        assert.deepEqual(chunks.map((chunk) => chunk.mock_seq).filter((seq) => seq !== undefined), [...Array(300).keys()]);
        assert.equal(chunks.map((chunk) => chunk.choices[0].delta.content ?? '').join(''), 'token '.repeat(300));
        assert.equal(chunks.at(-1).choices[0].finish_reason, 'stop');
        assert.ok(chunks.every((chunk) => !chunk.usage));
    });

    it('a stream ends in its usage when that was asked for', async () => {
        const stream = await client.chat.completions.create({
            model: 'mock/gpt:tokens=7,input=11',
            messages: question,
            stream: true,
            stream_options: { include_usage: true },
        });
        const chunks = await all_of(stream);
        assert.deepEqual(chunks.at(-1).choices, []);
        assert.equal(chunks.at(-1).usage.completion_tokens, 7);
        assert.equal(chunks.at(-1).usage.prompt_tokens, 11);
        assert.equal(chunks.filter((chunk) => chunk.usage).length, 1);
    });

    it('a slow stream arrives token by token', async () => {
        const stream = await client.chat.completions.create({
            model: 'mock/gpt:tokens=20,gap=15ms',
            messages: question,
            stream: true,
        });
        const chunks = await all_of(stream);
        assert.equal(chunks.map((chunk) => chunk.choices[0].delta.content ?? '').join(''), 'token '.repeat(20));
    });

    it('many streams at once keep apart', async () => {
        const lengths = [...Array(24).keys()].map((i) => 40 + i);
        const texts = await Promise.all(lengths.map(async (length) => {
            const stream = await client.chat.completions.create({
                model: `mock/gpt:tokens=${length},burst=3,gap=1ms`,
                messages: question,
                stream: true,
            });
            return (await all_of(stream)).map((chunk) => chunk.choices[0].delta.content ?? '').join('');
        }));
        assert.deepEqual(texts, lengths.map((length) => 'token '.repeat(length)));
    });

    it('a long text of every script goes up and is counted byte for byte', async () => {
        await mock.forget();
        const content = 'Grüße, 世界 👋\u2028\u0001"\\ '.repeat(20_000);
        await client.chat.completions.create({ model: 'mock/gpt', messages: [{ role: 'user', content }] });
        const [request] = await mock.requests();
        const sent = JSON.stringify({ model: 'gpt', messages: [{ role: 'user', content }] });
        assert.equal(request.body_bytes, Buffer.byteLength(sent));
        assert.equal(request.body_sha256, sha256(sent));
    });
});

describe('openai: tools', () => {
    const tools = [{ type: 'function', function: { name: 'weather', parameters: weather_parameters } }];

    it('a loop of call and result ends in text', async () => {
        const messages = [...question];
        const first = await client.chat.completions.create({ model: 'mock/gpt', messages, tools });
        assert.equal(first.choices[0].finish_reason, 'tool_calls');
        const [call] = first.choices[0].message.tool_calls;
        assert.equal(call.function.name, 'weather');
        assert.deepEqual(JSON.parse(call.function.arguments), mock_arguments);
        messages.push(first.choices[0].message, { role: 'tool', tool_call_id: call.id, content: 'sunny' });
        const second = await client.chat.completions.create({ model: 'mock/gpt:tokens=2', messages, tools });
        assert.equal(second.choices[0].message.content, 'token token ');
    });

    it('the SDK\'s own runner loops over a stream', async () => {
        const asked = [];
        const runner = client.chat.completions.runTools({
            model: 'mock/gpt:tokens=3',
            stream: true,
            messages: question,
            tools: [{
                type: 'function',
                function: {
                    name: 'weather',
                    parameters: weather_parameters,
                    parse: JSON.parse,
                    function: (given) => {
                        asked.push(given);
                        return 'sunny';
                    },
                },
            }],
        });
        assert.equal(await runner.finalContent(), 'token token token ');
        assert.deepEqual(asked, [mock_arguments]);
    });
});

describe('openai: other APIs', () => {
    it('responses: an answer comes whole', async () => {
        const answer = await client.responses.create({ model: 'mock/gpt:tokens=4', input: 'Hello' });
        assert.equal(answer.status, 'completed');
        assert.equal(answer.output_text, 'token '.repeat(4));
        assert.equal(answer.usage.output_tokens, 4);
    });

    it('responses: a stream brings its events in order', async () => {
        const stream = await client.responses.create({ model: 'mock/gpt:tokens=50', input: 'Hello', stream: true });
        const events = await all_of(stream);
        assert.deepEqual(events.map((event) => event.sequence_number), [...events.keys()]);
        assert.equal(events.filter((event) => event.type === 'response.output_text.delta').length, 50);
        assert.equal(events.at(-1).type, 'response.completed');
        assert.equal(events.at(-1).response.usage.output_tokens, 50);
    });

    it('responses: a function is called', async () => {
        const answer = await client.responses.create({
            model: 'mock/gpt',
            input: 'Hello',
            tools: [{ type: 'function', name: 'weather', parameters: weather_parameters, strict: false }],
        });
        assert.equal(answer.output[0].type, 'function_call');
        assert.deepEqual(JSON.parse(answer.output[0].arguments), mock_arguments);
    });

    it('embeddings: numbers and base64 say the same', async () => {
        const input = ['one', 'two', 'three'];
        const packed = await client.embeddings.create({ model: 'mock/embed', input }); // the SDK asks for base64
        const plain = await client.embeddings.create({ model: 'mock/embed', input, encoding_format: 'float' });
        assert.equal(packed.data.length, 3);
        assert.deepEqual(packed.data.map((row) => [...row.embedding]), plain.data.map((row) => row.embedding));
    });

    it('completions: whole and streaming', async () => {
        const whole = await client.completions.create({ model: 'mock/text:tokens=3', prompt: 'Once' });
        assert.equal(whole.choices[0].text, 'token '.repeat(3));
        const stream = await client.completions.create({ model: 'mock/text:tokens=30', prompt: 'Once', stream: true });
        const chunks = await all_of(stream);
        assert.equal(chunks.map((chunk) => chunk.choices[0].text).join(''), 'token '.repeat(30));
        assert.ok(chunks.every((chunk) => !chunk.usage));
    });

    it('models: the list and one of it', async () => {
        const names = (await all_of(client.models.list())).map((model) => model.id);
        assert.ok(names.includes('fast'), names.join());
        assert.equal((await client.models.retrieve('fast')).id, 'fast');
    });
});

describe('openai: uploads', () => {
    it('a file passes through unread, byte for byte', async () => {
        const bytes = randomBytes(3_000_000);
        await mock.forget();
        // The mock echoes what it got; the SDK hands that on as it is.
        const echo = await client.files.create({ file: await toFile(bytes, 'train.bin'), purpose: 'batch' });
        assert.equal(echo.mock, 'echo');
        assert.equal(echo.path, '/v1/files');
        assert.match(echo.content_type, /^multipart\/form-data; ?boundary=/);
        assert.ok(echo.body_bytes > bytes.length);
        const [request] = await mock.requests();
        assert.equal(request.body_sha256, echo.body_sha256);
    });

    for (const framing of ['a length', 'chunks']) {
        it(`a body with ${framing} has the same digest at the upstream`, async () => {
            const bytes = randomBytes(1_500_000);
            const body = framing === 'chunks' ? new Blob([bytes]).stream() : bytes;
            const answer = await fetch(`${gateway.url}/v1/audio/transcriptions`, {
                method: 'POST',
                headers: { 'content-type': 'multipart/form-data; boundary=frontier' },
                body,
                duplex: 'half',
            });
            const echo = await answer.json();
            assert.equal(echo.body_bytes, bytes.length);
            assert.equal(echo.body_sha256, sha256(bytes));
        });
    }
});

describe('openai: giving up', () => {
    it('an abort in mid-stream reaches the upstream', async () => {
        const earlier = await mock.stats();
        const abort = new AbortController();
        const stream = await client.chat.completions.create(
            { model: 'mock/gpt:tokens=100000,gap=5ms', messages: question, stream: true },
            { signal: abort.signal },
        );
        let seen = 0;
        for await (const chunk of stream) {
            if (chunk.choices[0].delta.content && ++seen === 3) abort.abort();
        }
        assert.ok(seen >= 3);
        await client_gone(mock, earlier);
        await gateway.is_quiet();
    });

    it('a client that leaves the loop over a stream reaches the upstream', async () => {
        const earlier = await mock.stats();
        const stream = await client.chat.completions.create({
            model: 'mock/gpt:tokens=100000,gap=5ms',
            messages: question,
            stream: true,
        });
        for await (const chunk of stream) {
            if (chunk.choices[0].delta.content) break;
        }
        await client_gone(mock, earlier);
    });

    it('a client\'s time-out before the answer reaches the upstream', async () => {
        const earlier = await mock.stats();
        await assert.rejects(
            client.chat.completions.create({ model: 'mock/gpt:fault=silence', messages: question }, { timeout: 300 }),
            OpenAI.APIConnectionTimeoutError,
        );
        await client_gone(mock, earlier);
        await gateway.is_quiet();
    });
});
