#include <doctest/doctest.h>

#include "base/digest.h"
#include "base/text.h"
#include "tools/mock_client.h"

using namespace ringway;
using namespace ringway::test;

namespace {

MockReply ask(tools::MockServer& mock, std::string_view target, std::string_view body,
              std::string_view fields = "", std::string_view method = "POST") {
    RawClient client(mock.port());
    REQUIRE(client.is_connected());
    REQUIRE(client.send(mock_request(method, target, body, fields)));
    return read_reply(client);
}

MockReply stream_of(tools::MockServer& mock, std::string_view target, std::string_view model,
                    std::string_view more = "") {
    MockReply reply = ask(mock, target, mock_body(model, true, more));
    CHECK(reply.status == 200);
    CHECK(reply.is_whole);
    CHECK(reply.head.find("text/event-stream") != std::string::npos);
    return reply;
}

constexpr std::string_view one_tool =
    ",\"tools\":[{\"type\":\"function\",\"name\":\"sum\",\"function\":{\"name\":\"sum\"},"
    "\"input_schema\":{\"type\":\"object\"}}]";
constexpr std::string_view anthropic_tool =
    ",\"tools\":[{\"name\":\"sum\",\"input_schema\":{\"type\":\"object\"}}]";

/// Asks until the mock's own numbers satisfy `is_met`; the client's deadline ends it.
template <class F>
wire::Json stats_when(tools::MockServer& mock, F&& is_met) {
    RawClient client(mock.port());
    for (;;) {
        REQUIRE(client.send(mock_request("GET", "/mock/stats", "")));
        const MockReply reply = read_reply(client);
        REQUIRE(reply.is_whole);
        wire::Json stats = json_of(reply.body);
        if (is_met(stats)) return stats;
    }
}

} // namespace

TEST_CASE("mock: a chat stream has its role, its tokens, its finish and [DONE]") {
    const auto mock = start_mock();
    const auto events =
        sse_events(stream_of(*mock, "/v1/chat/completions", "m:tokens=3,bytes=4").body);
    REQUIRE(events.size() == 6);
    CHECK(string_at(json_of(events[0].data), "choices.0.delta.role") == "assistant");
    for (size_t i = 1; i <= 3; ++i) {
        const wire::Json chunk = json_of(events[i].data);
        CHECK(string_at(chunk, "model") == "m:tokens=3,bytes=4");
        CHECK(string_at(chunk, "choices.0.delta.content") == "toke");
        CHECK(chunk.find("usage") == nullptr);
    }
    CHECK(string_at(json_of(events[4].data), "choices.0.finish_reason") == "stop");
    CHECK(events[5].data == "[DONE]");
}

TEST_CASE("mock: usage comes in a chunk without choices, for those who ask") {
    const auto mock = start_mock();
    for (const char* path : {"/v1/chat/completions", "/v1/completions"}) {
        CAPTURE(std::string(path));
        const auto events = sse_events(stream_of(*mock, path, "m:tokens=3,input=7",
                                                 ",\"stream_options\":{\"include_usage\":true}")
                                           .body);
        REQUIRE(events.size() >= 2);
        const wire::Json chunk = json_of(events[events.size() - 2].data);
        CHECK(at(chunk, "choices")->elements.empty());
        CHECK(integer_at(chunk, "usage.prompt_tokens") == 7);
        CHECK(integer_at(chunk, "usage.completion_tokens") == 3);
        CHECK(integer_at(chunk, "usage.total_tokens") == 10);
    }
}

TEST_CASE("mock: a messages stream has the events of its grammar, in order") {
    const auto mock = start_mock();
    const auto events = sse_events(stream_of(*mock, "/v1/messages", "m:tokens=2,input=5").body);
    std::vector<std::string> names;
    for (const wire::SseEvent& event : events) {
        names.push_back(event.name);
        CHECK(string_at(json_of(event.data), "type") == event.name);
    }
    CHECK(names == std::vector<std::string>{"message_start", "content_block_start", "ping",
                                            "content_block_delta", "content_block_delta",
                                            "content_block_stop", "message_delta", "message_stop"});
    const wire::Json delta = json_of(events[6].data);
    CHECK(string_at(delta, "delta.stop_reason") == "end_turn");
    CHECK(integer_at(delta, "usage.output_tokens") == 2);
    CHECK(integer_at(json_of(events[0].data), "message.usage.input_tokens") == 5);
}

TEST_CASE("mock: a responses stream numbers its events without a gap and repeats its text") {
    const auto mock = start_mock();
    const auto events = sse_events(stream_of(*mock, "/v1/responses", "m:tokens=12,burst=5").body);
    REQUIRE(events.size() == 20);
    for (size_t i = 0; i < events.size(); ++i) {
        const wire::Json json = json_of(events[i].data);
        CHECK(string_at(json, "type") == events[i].name);
        CHECK(integer_at(json, "sequence_number") == static_cast<int64_t>(i));
    }
    const wire::Json last = json_of(events.back().data);
    CHECK(events.back().name == "response.completed");
    CHECK(string_at(last, "response.output.0.content.0.text").size() == size_t{12} * 6);
    CHECK(integer_at(last, "response.usage.output_tokens") == 12);
}

TEST_CASE("mock: answers that do not stream carry the same content and usage") {
    const auto mock = start_mock();
    struct Case {
        const char* path;
        const char* text;
        const char* usage;
    };
    for (const Case& c :
         {Case{"/v1/chat/completions", "choices.0.message.content", "usage.completion_tokens"},
          {"/v1/completions", "choices.0.text", "usage.completion_tokens"},
          {"/v1/messages", "content.0.text", "usage.output_tokens"},
          {"/v1/responses", "output.0.content.0.text", "usage.output_tokens"}}) {
        CAPTURE(std::string(c.path));
        const MockReply reply = ask(*mock, c.path, mock_body("m:tokens=4,bytes=3", false));
        REQUIRE(reply.is_whole);
        const wire::Json json = json_of(reply.body);
        CHECK(string_at(json, c.text) == "toktoktoktok");
        CHECK(integer_at(json, c.usage) == 4);
    }
}

TEST_CASE(
    "mock: a request with tools is answered with a call of the first, its arguments in pieces") {
    const auto mock = start_mock();
    struct Case {
        const char* path;
        std::string_view tools;
        const char* piece;
    };
    for (const Case& c :
         {Case{"/v1/chat/completions", one_tool, "choices.0.delta.tool_calls.0.function.arguments"},
          {"/v1/messages", anthropic_tool, "delta.partial_json"},
          {"/v1/responses", one_tool, "delta"}}) {
        CAPTURE(std::string(c.path));
        const MockReply reply = stream_of(*mock, c.path, "m", c.tools);
        CHECK(reply.body.find("\"sum\"") != std::string::npos);
        std::string arguments;
        for (const wire::SseEvent& event : sse_events(reply.body)) {
            if (event.data != "[DONE]") arguments += string_at(json_of(event.data), c.piece);
        }
        CHECK(integer_at(json_of(arguments), "count") == 3);
    }
}

TEST_CASE("mock: no call when tools are refused, or after a tool's result") {
    const auto mock = start_mock();
    struct Case {
        const char* path;
        const char* body;
    };
    for (
        const Case& c :
        {Case{
             "/v1/chat/completions",
             R"({"model":"m","tool_choice":"none","tools":[{"type":"function","function":{"name":"f"}}],"messages":[]})"},
         {"/v1/messages",
          R"({"model":"m","tool_choice":{"type":"none"},"tools":[{"name":"f"}],"messages":[]})"},
         {"/v1/chat/completions",
          R"({"model":"m","tools":[{"type":"function","function":{"name":"f"}}],"messages":[{"role":"user","content":"x"},{"role":"tool","content":"x","tool_call_id":"c"}]})"},
         {"/v1/messages",
          R"({"model":"m","tools":[{"name":"f"}],"messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"c"}]}]})"},
         {"/v1/responses",
          R"({"model":"m","tools":[{"type":"function","name":"f"}],"input":[{"type":"function_call_output","call_id":"c","output":"x"}]})"}}) {
        CAPTURE(std::string(c.body));
        const MockReply reply = ask(*mock, c.path, c.body);
        CHECK(reply.status == 200);
        CHECK(reply.body.find("token token ") != std::string::npos);
    }
    const MockReply later = ask(
        *mock, "/v1/chat/completions",
        R"({"model":"m","tools":[{"type":"function","function":{"name":"f"}}],"messages":[{"role":"tool","content":"x"},{"role":"user","content":"x"}]})");
    CHECK(later.body.find("tool_calls") != std::string::npos);
}

TEST_CASE("mock: stamps count from 0 and carry the time of sending, in every burst size") {
    const auto mock = start_mock();
    for (const char* path :
         {"/v1/chat/completions", "/v1/completions", "/v1/messages", "/v1/responses"}) {
        for (const char* model : {"m:tokens=40,stamp=1", "m:tokens=40,stamp=1,burst=7",
                                  "m:tokens=40,stamp=1,gap=1ms,burst=3"}) {
            CAPTURE(std::string(path));
            CAPTURE(std::string(model));
            int64_t expected = 0;
            int64_t newest_ns = 0;
            for (const wire::SseEvent& event : sse_events(stream_of(*mock, path, model).body)) {
                if (event.data == "[DONE]") continue;
                const wire::Json json = json_of(event.data);
                if (json.find("mock_seq") == nullptr) continue;
                CHECK(integer_at(json, "mock_seq") == expected++);
                CHECK(integer_at(json, "mock_sent_ns") >= newest_ns);
                newest_ns = integer_at(json, "mock_sent_ns");
            }
            CHECK(expected == 40);
            CHECK(newest_ns > 0);
        }
    }
}

TEST_CASE("mock: options come by model, by header and by flag, the nearest one winning") {
    tools::MockConfig config;
    REQUIRE(config.apply("tokens", "5").has_value());
    const auto mock = start_mock(std::move(config));
    const auto tokens = [&](std::string_view model, std::string_view fields) {
        const MockReply reply = ask(*mock, "/v1/messages", mock_body(model, false), fields);
        return integer_at(json_of(reply.body), "usage.output_tokens");
    };
    CHECK(tokens("m", "") == 5);
    CHECK(tokens("m:tokens=6", "") == 6);
    CHECK(tokens("m:tokens=6", "x-mock-options: tokens=7\r\n") == 7);
}

TEST_CASE("mock: an unknown option is a 400 in the API's shape that names it") {
    const auto mock = start_mock();
    const MockReply chat = ask(*mock, "/v1/chat/completions", mock_body("m:tokns=1", false));
    CHECK(chat.status == 400);
    CHECK(string_at(json_of(chat.body), "error.message").find("tokns") != std::string::npos);
    const MockReply messages = ask(*mock, "/v1/messages", mock_body("m:tokns=1", false));
    CHECK(messages.status == 400);
    CHECK(string_at(json_of(messages.body), "type") == "error");
}

TEST_CASE("mock: a body that is no JSON, or has no model, is a 400") {
    const auto mock = start_mock();
    for (const char* body : {"", "{", "[]", "{\"stream\":true}", "{\"model\":3}"}) {
        CAPTURE(std::string(body));
        CHECK(ask(*mock, "/v1/chat/completions", body).status == 400);
    }
}

TEST_CASE("mock: embeddings say the same in decimal and in base64") {
    const auto mock = start_mock();
    const MockReply plain =
        ask(*mock, "/v1/embeddings", R"({"model":"m","input":["a","b"],"dimensions":3})");
    const wire::Json json = json_of(plain.body);
    CHECK(at(json, "data")->elements.size() == 2);
    CHECK(at(json, "data.1.embedding")->elements.size() == 3);
    CHECK(at(json, "data.0.embedding.0")->number == -0.5);
    const MockReply packed =
        ask(*mock, "/v1/embeddings",
            R"({"model":"m","input":[1,2,3],"dimensions":1,"encoding_format":"base64"})");
    CHECK(at(json_of(packed.body), "data")->elements.size() == 1);
    CHECK(string_at(json_of(packed.body), "data.0.embedding") == "AAAAvw=="); // -0.5f
}

TEST_CASE("mock: other paths under /v1/ echo what arrived") {
    const auto mock = start_mock();
    const std::string body(100'000, 'b');
    const MockReply reply =
        ask(*mock, "/v1/files/x?limit=2", body, "Content-Type: a/b\r\nX-Own: 1\r\n", "PUT");
    const wire::Json json = json_of(reply.body);
    CHECK(string_at(json, "method") == "PUT");
    CHECK(string_at(json, "path") == "/v1/files/x");
    CHECK(string_at(json, "query") == "?limit=2");
    CHECK(string_at(json, "content_type") == "a/b");
    CHECK(integer_at(json, "body_bytes") == 100'000);
    const base::Sha256 digest = base::sha256(body);
    CHECK(string_at(json, "body_sha256") == base::to_hex({digest.data(), digest.size()}));
    CHECK(string_at(json, "headers.3") == "X-Own");
}

TEST_CASE("mock: a connection serves one request after the other, pipelined ones as well") {
    const auto mock = start_mock();
    RawClient client(mock->port());
    const std::string one = mock_request("POST", "/v1/messages", mock_body("m:tokens=1", true));
    REQUIRE(client.send(one + one));
    for (int i = 0; i < 2; ++i) {
        const MockReply reply = read_reply(client);
        CHECK(reply.status == 200);
        CHECK(reply.is_whole);
    }
}

TEST_CASE("mock: a client of HTTP/1.0 gets a stream without chunks") {
    const auto mock = start_mock();
    RawClient client(mock->port());
    const std::string body = mock_body("m:tokens=2", true);
    REQUIRE(client.send("POST /v1/messages HTTP/1.0\r\nHost: m\r\nContent-Length: " +
                        std::to_string(body.size()) + "\r\n\r\n" + body));
    const MockReply reply = read_reply(client);
    CHECK(reply.head.find("chunked") == std::string::npos);
    CHECK(sse_events(reply.body).size() == 8);
    CHECK(client.end() == RawClient::End::fin);
}

TEST_CASE("mock: a client that leaves in the middle of a stream is noticed") {
    const auto mock = start_mock();
    {
        RawClient client(mock->port());
        REQUIRE(client.send(
            mock_request("POST", "/v1/chat/completions", mock_body("m:tokens=9,gap=1h", true))));
        REQUIRE_FALSE(client.read_until("token ").empty());
        CHECK(integer_at(stats_when(*mock, [](const wire::Json&) { return true; }),
                         "streams_open") == 1);
    }
    const wire::Json stats = stats_when(
        *mock, [](const wire::Json& now) { return integer_at(now, "clients_gone") == 1; });
    CHECK(integer_at(stats, "streams_open") == 0);
    CHECK(integer_at(stats, "last_client_gone_ns") > 0);
    CHECK(integer_at(stats, "tokens_written") == 1);
}

TEST_CASE("mock: a client that does not read holds the stream up, within a bound") {
    const auto mock = start_mock();
    constexpr int64_t tokens = 60'000;
    RawClient client(mock->port());
    REQUIRE(client.send(mock_request("POST", "/v1/chat/completions",
                                     mock_body("m:tokens=60000,bytes=1000", true))));
    REQUIRE_FALSE(client.read_until("token ").empty());
    int64_t last = -1;
    int quiet = 0; // rounds without progress: the sockets' buffers are full
    const wire::Json stats = stats_when(*mock, [&](const wire::Json& now) {
        const int64_t written = integer_at(now, "tokens_written");
        quiet = written == last ? quiet + 1 : 0;
        last = written;
        return quiet == 200 || written == tokens;
    });
    CHECK(integer_at(stats, "tokens_written") < tokens);
    CHECK(integer_at(stats, "streams_open") == 1);
    const std::string rest = client.read_until("data: [DONE]\n\n");
    CHECK(rest.size() > size_t{59'000} * 1000);
}

TEST_CASE("mock: recorded requests can be read back and forgotten") {
    tools::MockConfig config;
    REQUIRE(config.apply("record", "1").has_value());
    REQUIRE(config.apply("keep", "2").has_value());
    const auto mock = start_mock(std::move(config));
    for (const char* body : {"{\"model\":\"a\"}", "{\"model\":\"b\"}", "{\"model\":\"c\"}"}) {
        CHECK(ask(*mock, "/v1/messages", body, "X-Own: 7\r\n").status == 200);
    }
    const wire::Json kept = json_of(ask(*mock, "/mock/requests", "", "", "GET").body);
    CHECK(at(kept, "requests")->elements.size() == 2);
    CHECK(string_at(kept, "requests.1.body") == "{\"model\":\"c\"}");
    CHECK(string_at(kept, "requests.1.head").find("X-Own: 7\r\n") != std::string::npos);
    const wire::Json none = json_of(ask(*mock, "/mock/requests", "", "", "DELETE").body);
    CHECK(at(none, "requests")->elements.empty());
}

TEST_CASE("mock: an order to stop ends streams that would never end") {
    const auto mock = start_mock();
    RawClient client(mock->port());
    REQUIRE(
        client.send(mock_request("POST", "/v1/messages", mock_body("m:tokens=9,gap=1h", true))));
    REQUIRE_FALSE(client.read_until("token ").empty());
    mock->stop();
    mock->wait();
    client.read_to_end();
    CHECK(client.end() != RawClient::End::deadline);
}

TEST_CASE("mock: an order to drain lets streams end first") {
    const auto mock = start_mock();
    RawClient client(mock->port());
    REQUIRE(
        client.send(mock_request("POST", "/v1/messages", mock_body("m:tokens=20,gap=5ms", true))));
    REQUIRE_FALSE(client.read_until("token ").empty());
    mock->drain();
    mock->wait();
    CHECK(client.read_to_end().find("message_stop") != std::string::npos);
    CHECK(client.end() == RawClient::End::fin);
}

TEST_CASE("mock: an address that is taken is refused with a sentence") {
    const auto first = start_mock();
    tools::MockConfig config;
    config.listen = first->address();
    const auto second = tools::MockServer::start(std::move(config));
    REQUIRE_FALSE(second.has_value());
    CHECK(second.error().find(first->address()) != std::string::npos);
}
