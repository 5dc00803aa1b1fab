#include <doctest/doctest.h>

#include "support/gateway_world.h"

using namespace ringway;
using namespace ringway::tests;

namespace {

constexpr std::string_view ask =
    R"({"model":"m","stream":true,"stream_options":{"include_usage":true}})";
constexpr std::string_view event_one = "data: "
                                       "{\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{"
                                       "\"content\":\"Hi\"},\"finish_reason\":null}]}\n\n";
constexpr std::string_view event_finish =
    "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
constexpr std::string_view event_usage =
    "data: "
    "{\"id\":\"c\",\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":3,\"total_"
    "tokens\":10}}\n\n";
constexpr std::string_view event_done = "data: [DONE]\n\n";

} // namespace

TEST_CASE("relay: a chunk that is whole goes on byte for byte, framing included") {
    GatewayWorld world;
    auto [client, upstream, forwarded] = world.exchange(post("/v1/chat/completions", ask));
    upstream.send(std::string(stream_head) + chunk(event_one));
    world.settle();
    CHECK(body_of(client.received()) == chunk(event_one));
    client.take();
    upstream.send(chunk(event_one) + chunk(event_one));
    world.settle();
    CHECK(client.take() == chunk(event_one) + chunk(event_one));
}

TEST_CASE("relay: the head waits for the first event, and both go out in one write") {
    GatewayWorld world;
    auto [client, upstream, forwarded] = world.exchange(post("/v1/chat/completions", ask));
    upstream.send(stream_head);
    world.settle();
    CHECK(client.received().empty());
    upstream.send(chunk(event_one));
    world.turn(); // receives and writes
    world.turn(); // the write starts
    CHECK(client.received().ends_with(chunk(event_one)));
}

TEST_CASE("relay: the head of a slow upstream goes alone after a second") {
    GatewayWorld world;
    auto [client, upstream, forwarded] = world.exchange(post("/v1/chat/completions", ask));
    upstream.send(stream_head);
    world.pass(900ms);
    CHECK(client.received().empty());
    world.pass(200ms);
    CHECK(client.received().starts_with("HTTP/1.1 200 OK\r\n"));
}

TEST_CASE("relay: acknowledgements of brisk events may wait until a late one shows that it hurts") {
    GatewayWorld world;
    auto [client, upstream, forwarded] = world.exchange(post("/v1/chat/completions", ask));
    upstream.send(std::string(stream_head) + chunk(event_one));
    world.settle();
    CHECK(world.backend.delaying_sockets() == 0);
    for (int count = 0; count < 10; ++count) {
        world.pass(20ms);
        upstream.send(chunk(event_one));
        world.settle();
    }
    CHECK(world.backend.delaying_sockets() == 1);
    world.pass(40ms);
    upstream.send(chunk(event_one));
    world.settle();
    CHECK(world.backend.delaying_sockets() == 0);
}

TEST_CASE("relay: every split of a stream gives the client the same events") {
    const std::string whole = std::string(stream_head) + chunk(event_one) + chunk(event_finish) +
                              chunk(event_usage) + chunk(event_done) + "0\r\n\r\n";
    const std::string expected = std::string(event_one) + std::string(event_finish) +
                                 std::string(event_usage) + std::string(event_done);
    for (size_t cut = 1; cut < whole.size(); ++cut) {
        CAPTURE(cut);
        GatewayWorld world;
        auto [client, upstream, forwarded] = world.exchange(post("/v1/chat/completions", ask));
        upstream.send(whole.substr(0, cut));
        world.settle();
        upstream.send(whole.substr(cut));
        world.settle();
        REQUIRE(dechunk(body_of(client.received())) == expected);
    }
}

TEST_CASE("relay: usage that only ringway asked for is counted and not passed on, however split") {
    constexpr std::string_view asks_not = R"({"model":"m","stream":true})";
    const std::string whole = std::string(stream_head) + chunk(event_one) + chunk(event_finish) +
                              chunk(event_usage) + chunk(event_done) + "0\r\n\r\n";
    const std::string expected =
        std::string(event_one) + std::string(event_finish) + std::string(event_done);
    for (size_t cut = 1; cut < whole.size(); ++cut) {
        CAPTURE(cut);
        GatewayWorld world;
        auto [client, upstream, forwarded] = world.exchange(post("/v1/chat/completions", asks_not));
        REQUIRE(forwarded.ends_with(
            R"({"stream_options":{"include_usage":true},"model":"m","stream":true})"));
        upstream.send(whole.substr(0, cut));
        world.settle();
        upstream.send(whole.substr(cut));
        world.settle();
        REQUIRE(dechunk(body_of(client.received())) == expected);
        REQUIRE(world.counters.provider("one", 0).input_tokens.value() == 7);
        REQUIRE(world.counters.provider("one", 0).output_tokens.value() == 3);
    }
}

TEST_CASE("relay: a client that leaves has its upstream closed in the same turn") {
    GatewayWorld world;
    auto [client, upstream, forwarded] = world.exchange(post("/v1/chat/completions", ask));
    upstream.send(std::string(stream_head) + chunk(event_one));
    world.settle();
    SUBCASE("by closing") { client.close(); }
    SUBCASE("by a reset") { client.reset(); }
    world.turn(); // hears of it, and asks the receive on the upstream to end
    world.turn(); // that has ended: the socket is closed with the next submission
    world.turn();
    CHECK(upstream.has_ended());
    world.settle();
    CHECK(world.counters.provider("one", 0).cancelled.value() == 1);
    CHECK(world.count().answers[499].value() == 1);
}

TEST_CASE("relay: an upstream that cuts a stream ends it in a typed error event, without [DONE]") {
    struct Row {
        const char* what;
        bool resets;
        std::string tail;
    };
    const Row rows[] = {{"between chunks", false, ""},
                        {"within an event", false, "20\r\ndata: {\"id\""},
                        {"within a chunk header", false, "2"},
                        {"reset", true, ""},
                        {"end of chunks without a finish", false, "0\r\n\r\n"},
                        {"malformed chunk size", false, "zz\r\n"},
                        {"chunk longer than said", false, "1\r\nabc\r\n"}};
    for (const Row& row : rows) {
        CAPTURE(row.what);
        GatewayWorld world;
        auto [client, upstream, forwarded] = world.exchange(post("/v1/chat/completions", ask));
        upstream.send(std::string(stream_head) + chunk(event_one));
        world.settle();
        upstream.send(row.tail);
        world.settle();
        row.resets ? upstream.reset() : upstream.close();
        world.settle();
        const std::string events = dechunk(body_of(client.received()));
        CHECK(events.starts_with(event_one));
        CHECK(events.find("\n\ndata: {\"error\":{") != std::string::npos);
        CHECK(events.ends_with("}}\n\n"));
        CHECK(events.find("[DONE]") == std::string::npos);
        CHECK(world.counters.provider("one", 0).cut_streams.value() == 1);
        world.pass(3s);
        CHECK(client.has_ended());
    }
}

TEST_CASE("relay: what came before a malformed chunk reaches the client, even in the same read") {
    GatewayWorld world;
    auto [client, upstream, forwarded] = world.exchange(post("/v1/chat/completions", ask));
    upstream.send(std::string(stream_head) + chunk(event_one) + chunk(event_one) + "1g\r\n");
    world.settle();
    const std::string events = dechunk(body_of(client.received()));
    CHECK(events.starts_with(std::string(event_one) + std::string(event_one) +
                             R"(data: {"error":{)"));
    CHECK(events.find("[DONE]") == std::string::npos);
}

TEST_CASE("relay: an Anthropic event that breaks off is not taken for one by the official SDKs") {
    GatewayWorld world;
    auto [client, upstream, forwarded] =
        world.exchange(post("/v1/messages", R"({"model":"claude-x","max_tokens":5,"stream":true})",
                            "anthropic-version: 2023-06-01\r\n"),
                       3);
    upstream.send(std::string(stream_head) +
                  chunk("event: content_block_delta\ndata: {\"type\":\"content_bl"));
    world.settle();
    upstream.close();
    world.settle();
    const std::string events = dechunk(body_of(client.received()));
    // The last name of an event counts, and the SDKs skip pings unread.
    CHECK(events.find("content_bl\nevent: ping\n\nevent: error\ndata: ") != std::string::npos);
}

TEST_CASE("relay: an Anthropic stream that is cut ends in an event of type error") {
    GatewayWorld world;
    auto [client, upstream, forwarded] =
        world.exchange(post("/v1/messages", R"({"model":"claude-x","max_tokens":5,"stream":true})",
                            "anthropic-version: 2023-06-01\r\n"),
                       3);
    upstream.send(
        std::string(stream_head) +
        chunk("event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":"
              "{\"input_tokens\":5,\"output_tokens\":1}}}\n\n"));
    world.settle();
    upstream.close();
    world.settle();
    const std::string events = dechunk(body_of(client.received()));
    CHECK(events.find(
              "\n\nevent: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\"") !=
          std::string::npos);
    CHECK(events.find("message_stop") == std::string::npos);
}

TEST_CASE("relay: a Responses stream that is cut ends in an event of type error") {
    GatewayWorld world;
    auto [client, upstream, forwarded] =
        world.exchange(post("/v1/responses", R"({"model":"m","input":"x","stream":true})"));
    upstream.send(std::string(stream_head) +
                  chunk("event: response.created\ndata: {\"type\":\"response.created\","
                        "\"sequence_number\":0,\"response\":{}}\n\n"));
    world.settle();
    upstream.close();
    world.settle();
    const std::string events = dechunk(body_of(client.received()));
    CHECK(events.find("\n\nevent: error\ndata: {\"type\":\"error\"") != std::string::npos);
    CHECK(events.find("\"sequence_number\":1") != std::string::npos);
}

TEST_CASE("relay: a stream that stalls longer than the idle time ends in an error event") {
    GatewayWorld world(1, [](Config& config) { config.providers[0].idle_time = 5s; });
    auto [client, upstream, forwarded] = world.exchange(post("/v1/chat/completions", ask));
    upstream.send(std::string(stream_head) + chunk(event_one));
    world.pass(4900ms);
    CHECK_FALSE(upstream.has_ended());
    upstream.send(": keep-alive\n\n"); // not a chunk: malformed on purpose is another test
    upstream.take();
    world.pass(200ms);
    CHECK(client.received().find("\"error\"") != std::string::npos);
    CHECK(upstream.has_ended());
}

TEST_CASE("relay: a server that stops ends the streams under way in an error event") {
    GatewayWorld world;
    auto [client, upstream, forwarded] = world.exchange(post("/v1/chat/completions", ask));
    upstream.send(std::string(stream_head) + chunk(event_one));
    world.settle();
    world.state->abandon();
    world.settle();
    const std::string events = dechunk(body_of(client.received()));
    CHECK(events.find(R"("code":"shutting_down")") != std::string::npos);
    CHECK(events.find("[DONE]") == std::string::npos);
    CHECK(client.has_ended());
    CHECK(upstream.has_ended());
}

TEST_CASE("relay: a server that stops waits little for clients that read nothing") {
    GatewayWorld world;
    world.network.faults.socket_bytes = 100;
    auto [client, upstream, forwarded] = world.exchange(post("/v1/chat/completions", ask));
    upstream.send(std::string(stream_head) + chunk(event_one));
    world.settle();
    world.state->abandon();
    world.pass(300ms);
    CHECK(world.count().connections_open.value() == 0);
}

TEST_CASE("relay: a stream that has said its last word is complete, even if its framing breaks") {
    GatewayWorld world;
    auto [client, upstream, forwarded] = world.exchange(post("/v1/chat/completions", ask));
    upstream.send(std::string(stream_head) + chunk(event_one) + chunk(event_finish) +
                  chunk(event_done));
    world.settle();
    upstream.close();
    world.settle();
    const std::string events = dechunk(body_of(client.received()));
    CHECK(events.ends_with(event_done));
    CHECK(events.find("\"error\"") == std::string::npos);
}

TEST_CASE(
    "relay: a body with a length that breaks off is closed early, so that the client sees it") {
    GatewayWorld world;
    auto [client, upstream, forwarded] =
        world.exchange(post("/v1/chat/completions", R"({"model":"m"})"));
    upstream.send(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"a\"");
    world.settle();
    upstream.close();
    world.pass(3s);
    CHECK(client.received().ends_with("\r\n\r\n{\"a\""));
    CHECK(client.received().find("content-length: 100\r\n") != std::string::npos);
    CHECK(client.has_ended());
}

TEST_CASE("relay: a slow client pauses its upstream, and loses nothing") {
    GatewayWorld world(7, [](Config& config) { config.stream_buffer_bytes = 16384; });
    world.network.faults.socket_bytes = 4096;
    auto [client, upstream, forwarded] = world.exchange(post("/v1/chat/completions", ask));
    std::string sent;
    upstream.send(stream_head);
    size_t kept_max = 0;
    for (int i = 0; i < 3000; ++i) {
        upstream.send(chunk(event_one));
        sent += event_one;
        if (i % 30 == 0) world.settle();
        kept_max = std::max(kept_max, world.blocks.bytes_in_use());
    }
    // 16 KiB kept for the client, compacted, and what one turn brought beyond that.
    CHECK(kept_max < 32768);
    world.settle();
    CHECK(world.count().slow_clients.value() == 1);
    std::string got;
    for (int i = 0; i < 2000; ++i) {
        got += client.take();
        world.settle();
    }
    upstream.send(chunk(event_finish) + chunk(event_done) + "0\r\n\r\n");
    for (int i = 0; i < 20; ++i) {
        world.settle();
        got += client.take();
    }
    sent += std::string(event_finish) + std::string(event_done);
    CHECK(dechunk(body_of(got)) == sent);
}

TEST_CASE("relay: an upstream that waits for a slow client is not silent, and is left in peace") {
    GatewayWorld world(7, [](Config& config) {
        config.stream_buffer_bytes = 16384;
        config.providers.front().idle_time = 5s;
    });
    world.network.faults.socket_bytes = 4096;
    auto [client, upstream, forwarded] = world.exchange(post("/v1/chat/completions", ask));
    upstream.send(stream_head);
    for (int i = 0; i < 300; ++i) upstream.send(chunk(event_one));
    world.settle();
    REQUIRE(world.count().slow_clients.value() == 1);
    const uint64_t wakeups = world.loop.counters().wakeups;
    world.pass(30s);
    CHECK(world.loop.counters().wakeups - wakeups <= 30);
    std::string got;
    upstream.send(chunk(event_finish) + chunk(event_done) + "0\r\n\r\n");
    for (int i = 0; i < 300; ++i) {
        got += client.take();
        world.settle();
    }
    CHECK(dechunk(body_of(got)).ends_with(event_done));
}

TEST_CASE("relay: an upstream connection is used again after a stream, and after an error") {
    GatewayWorld world;
    auto [client, upstream, forwarded] = world.exchange(post("/v1/chat/completions", ask));
    upstream.send(std::string(stream_head) + chunk(event_finish) + chunk(event_done) + "0\r\n\r\n");
    world.settle();
    client.take();
    client.send(post("/v1/chat/completions", ask));
    world.settle();
    CHECK(upstream.take().starts_with("POST /v1/chat/completions HTTP/1.1\r\n"));
    upstream.send(answer(429, R"({"error":{}})", "Retry-After: 3\r\n"));
    world.settle();
    const std::string refused = client.take();
    CHECK(refused.starts_with("HTTP/1.1 429 X\r\n"));
    CHECK(refused.find("Retry-After: 3\r\n") != std::string::npos);
    CHECK(refused.ends_with(R"({"error":{}})"));
    client.send(post("/v1/chat/completions", ask));
    world.settle();
    CHECK(upstream.take().starts_with("POST /v1/chat/completions HTTP/1.1\r\n"));
}

TEST_CASE("relay: hop-by-hop fields, and fields of the provider's account, do not pass") {
    GatewayWorld world;
    auto [client, upstream, forwarded] =
        world.exchange(post("/v1/chat/completions", R"({"model":"m"})"));
    upstream.send(
        answer(200, "{}",
               "Connection: x-secret-hop\r\nX-Secret-Hop: 1\r\nKeep-Alive: timeout=5\r\n"
               "Proxy-Authenticate: x\r\nTrailer: y\r\nUpgrade: h2c\r\nSet-Cookie: a=b\r\n"
               "openai-organization: org\r\nx-request-id: up-1\r\nServer: x\r\n"
               "x-ratelimit-remaining-requests: 9\r\nopenai-processing-ms: 12\r\n"));
    world.settle();
    const std::string got = client.received();
    for (const char* name :
         {"X-Secret-Hop", "Keep-Alive", "Proxy-Auth", "Trailer", "Upgrade", "Set-Cookie",
          "openai-organization", "Server:", "\nx-request-id: up-1"}) {
        CAPTURE(name);
        CHECK(got.find(name) == std::string::npos);
    }
    CHECK(got.find("x-ratelimit-remaining-requests: 9\r\n") != std::string::npos);
    CHECK(got.find("openai-processing-ms: 12\r\n") != std::string::npos);
    CHECK(got.find("x-ringway-upstream-request-id: up-1\r\n") != std::string::npos);
    CHECK(got.find("x-request-id: req_") != std::string::npos);
    CHECK(got.find("x-ringway-provider: one\r\n") != std::string::npos);
    CHECK(got.find("server-timing: gw;dur=") != std::string::npos);
}
