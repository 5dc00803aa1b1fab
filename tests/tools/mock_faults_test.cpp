#include "tools/mock_faults.h"

#include "tools/mock_client.h"

using namespace ringway;
using namespace ringway::test;

namespace {

constexpr const char* paths[] = {"/v1/chat/completions", "/v1/completions", "/v1/messages",
                                 "/v1/responses"};

/// A client that has asked for an answer with a fault.
struct Asked {
    Asked(tools::MockServer& mock, std::string_view path, std::string_view model, bool is_stream,
          std::string_view fault)
        : client(mock.port()) {
        REQUIRE(client.is_connected());
        const std::string field = "x-mock-fault: " + std::string(fault) + "\r\n";
        REQUIRE(client.send(mock_request("POST", path, mock_body(model, is_stream), field)));
    }
    RawClient client;
};

size_t count(std::string_view text, std::string_view pattern) {
    size_t found = 0;
    for (size_t at = text.find(pattern); at != std::string_view::npos;
         at = text.find(pattern, at + pattern.size())) {
        ++found;
    }
    return found;
}

std::string_view last_event_mark(std::string_view path) {
    if (path == "/v1/messages") return "event: message_stop";
    return path == "/v1/responses" ? "event: response.completed" : "data: [DONE]";
}

} // namespace

TEST_CASE("mock faults: each HTTP error has its status and a body in the API's shape") {
    const auto mock = start_mock();
    for (const tools::MockFaultRow& row : tools::mock_faults()) {
        if (row.fault != tools::MockFault::status || row.status == 502) continue;
        for (const char* path : paths) {
            CAPTURE(std::string(row.name));
            CAPTURE(std::string(path));
            Asked asked(*mock, path, "m", true, row.name);
            const MockReply reply = read_reply(asked.client);
            CHECK(reply.status == row.status);
            CHECK_FALSE(string_at(json_of(reply.body), "error.type").empty());
            CHECK((reply.head.find("retry-after: 1\r\n") != std::string::npos) ==
                  (row.status == 429));
        }
    }
}

TEST_CASE("mock faults: 502 is a proxy's page") {
    const auto mock = start_mock();
    Asked asked(*mock, "/v1/messages", "m", true, "502");
    const MockReply reply = read_reply(asked.client);
    CHECK(reply.status == 502);
    CHECK(reply.head.find("text/html") != std::string::npos);
}

TEST_CASE("mock faults: an unknown one is a 400 that lists near names") {
    const auto mock = start_mock();
    Asked asked(*mock, "/v1/messages", "m", true, "cut_mid_evnt");
    const MockReply reply = read_reply(asked.client);
    CHECK(reply.status == 400);
    CHECK(reply.body.find("cut_mid_event") != std::string::npos);
}

TEST_CASE("mock faults: reset and close end the connection before any byte, each in its way") {
    const auto mock = start_mock();
    for (const bool is_stream : {false, true}) {
        Asked reset(*mock, "/v1/messages", "m", is_stream, "reset");
        CHECK(reset.client.read_to_end().empty());
        CHECK(reset.client.end() == RawClient::End::rst);
        Asked closed(*mock, "/v1/messages", "m", is_stream, "close");
        CHECK(closed.client.read_to_end().empty());
        CHECK(closed.client.end() == RawClient::End::fin);
    }
}

TEST_CASE("mock faults: cut ends between events after so many tokens, without the chunked end") {
    const auto mock = start_mock();
    for (const char* path : paths) {
        CAPTURE(std::string(path));
        Asked asked(*mock, path, "m:tokens=9,at=4,bytes=7", true, "cut");
        const std::string all = asked.client.read_to_end();
        CHECK(count(all, "token t") == 4);
        CHECK(all.ends_with("\n\n\r\n"));
        CHECK(asked.client.end() == RawClient::End::fin);
    }
}

TEST_CASE("mock faults: reset_mid delivers its tokens, then resets") {
    const auto mock = start_mock();
    Asked asked(*mock, "/v1/messages", "m:tokens=9,at=4,bytes=7", true, "reset_mid");
    CHECK(count(asked.client.read_to_end(), "token t") == 4);
    CHECK(asked.client.end() == RawClient::End::rst);
}

TEST_CASE("mock faults: cut_mid_event ends inside an event") {
    const auto mock = start_mock();
    for (const char* path : paths) {
        CAPTURE(std::string(path));
        Asked asked(*mock, path, "m:tokens=9,at=2", true, "cut_mid_event");
        const MockReply reply = read_reply(asked.client);
        CHECK_FALSE(reply.is_whole);
        CHECK_FALSE(reply.body.ends_with("\n\n"));
        CHECK(asked.client.end() == RawClient::End::fin);
    }
}

TEST_CASE("mock faults: stall and silence send nothing more and keep the connection") {
    const auto mock = start_mock();
    Asked stalled(*mock, "/v1/messages", "m:tokens=9,at=1,bytes=7", true, "stall");
    Asked silent(*mock, "/v1/messages", "m", true, "silence");
    REQUIRE_FALSE(stalled.client.read_until("token t").empty());
    // Another exchange comes and goes meanwhile.
    Asked other(*mock, "/v1/messages", "m", true, "none");
    CHECK(read_reply(other.client).is_whole);
    pollfd silence{silent.client.socket(), POLLIN, 0};
    CHECK(poll(&silence, 1, 0) == 0);
    mock->stop();
    CHECK(count(stalled.client.read_to_end(), "token t") == 0);
    CHECK(silent.client.read_to_end().empty());
}

TEST_CASE("mock faults: malformed_event is one event of broken JSON in a good stream") {
    const auto mock = start_mock();
    for (const char* path : paths) {
        CAPTURE(std::string(path));
        Asked asked(*mock, path, "m:tokens=4,at=2", true, "malformed_event");
        const MockReply reply = read_reply(asked.client);
        CHECK(reply.is_whole);
        size_t broken = 0;
        for (const wire::SseEvent& event : sse_events(reply.body)) {
            broken += event.data != "[DONE]" && !wire::parse_json(event.data, false) ? 1U : 0U;
        }
        CHECK(broken == 1);
        CHECK(count(reply.body, last_event_mark(path)) == 1);
    }
}

TEST_CASE("mock faults: malformed_chunk breaks the framing") {
    const auto mock = start_mock();
    for (const bool is_stream : {false, true}) {
        Asked asked(*mock, "/v1/messages", "m:tokens=4,at=2", is_stream, "malformed_chunk");
        CHECK_FALSE(read_reply(asked.client).is_whole);
        CHECK(asked.client.end() == RawClient::End::open); // the decoder gave up, not the stream
    }
}

TEST_CASE("mock faults: no_done leaves out the last event, no_finish the finish reason") {
    const auto mock = start_mock();
    for (const char* path : paths) {
        CAPTURE(std::string(path));
        Asked without_done(*mock, path, "m", true, "no_done");
        const MockReply no_done = read_reply(without_done.client);
        CHECK(no_done.is_whole);
        CHECK(count(no_done.body, last_event_mark(path)) == 0);
        Asked without_finish(*mock, path, "m", true, "no_finish");
        const MockReply no_finish = read_reply(without_finish.client);
        CHECK(no_finish.is_whole);
        for (const char* sign : {"\"stop\"", "end_turn", "response.completed"}) {
            CHECK(count(no_finish.body, sign) == 0);
        }
    }
}

TEST_CASE("mock faults: error_in_200 and error_mid_stream are errors inside a good answer") {
    const auto mock = start_mock();
    for (const char* path : paths) {
        CAPTURE(std::string(path));
        Asked plain(*mock, path, "m", false, "error_in_200");
        const MockReply body = read_reply(plain.client);
        CHECK(body.status == 200);
        CHECK(at(json_of(body.body), "error") != nullptr);
        Asked first(*mock, path, "m", true, "error_in_200");
        const auto only = sse_events(read_reply(first.client).body);
        REQUIRE(only.size() == 1);
        CHECK(only[0].data.find("error") != std::string::npos);
        Asked later(*mock, path, "m:tokens=9,at=3,bytes=7", true, "error_mid_stream");
        const MockReply reply = read_reply(later.client);
        CHECK(reply.is_whole);
        CHECK(count(reply.body, "token t") == 3);
        CHECK(sse_events(reply.body).back().data.find("error") != std::string::npos);
    }
}

TEST_CASE("mock faults: heads that are none, or not to be believed") {
    const auto mock = start_mock();
    const auto first_bytes = [&](std::string_view fault) {
        Asked asked(*mock, "/v1/messages", "m", true, fault);
        return asked.client.read_to_end();
    };
    CHECK_FALSE(first_bytes("garbage").starts_with("HTTP/"));
    CHECK(first_bytes("bad_status").starts_with("HTTP/1.1 2000 "));
    CHECK(count(first_bytes("two_lengths"), "content-length:") == 2);
    Asked huge(*mock, "/v1/messages", "m", true, "huge_head");
    CHECK(huge.client.read_until("\r\n\r\n").size() > 256 * 1024);
}

TEST_CASE("mock faults: slow waits for the first token as long as ttft says") {
    const auto mock = start_mock();
    Asked asked(*mock, "/v1/messages", "m:ttft=30ms,tokens=2,stamp=1", true, "slow");
    CHECK(read_reply(asked.client).is_whole);
}

TEST_CASE("mock faults: early_413 answers before the body has come") {
    const auto mock = start_mock();
    RawClient client(mock->port());
    REQUIRE(client.send("POST /v1/messages HTTP/1.1\r\nHost: m\r\nContent-Length: 1000000\r\n"
                        "x-mock-fault: early_413\r\n\r\n{"));
    const MockReply reply = read_reply(client);
    CHECK(reply.status == 413);
    CHECK(string_at(json_of(reply.body), "error.type") == "request_too_large");
    client.read_to_end();
    CHECK(client.end() == RawClient::End::fin);
}

TEST_CASE("mock faults: an answer that does not stream breaks off in its body") {
    const auto mock = start_mock();
    Asked asked(*mock, "/v1/messages", "m", false, "cut");
    const MockReply reply = read_reply(asked.client);
    CHECK(reply.status == 200);
    CHECK_FALSE(reply.is_whole);
    CHECK_FALSE(reply.body.empty());
}
