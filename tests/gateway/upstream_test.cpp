#include <doctest/doctest.h>

#include "base/digest.h"
#include "support/gateway_world.h"

using namespace ringway;
using namespace ringway::tests;

namespace {

const std::string ask_m = post("/v1/chat/completions", R"({"model":"m"})");
const std::string ask_both = post("/v1/chat/completions", R"({"model":"both"})");

std::string digest_of(Bytes key) {
    const auto digest = base::sha256(key);
    return std::string(reinterpret_cast<const char*>(digest.data()), digest.size());
}

} // namespace

TEST_CASE(
    "upstream: a reused connection that turns out dead is replaced once, unseen by the client") {
    GatewayWorld world;
    auto [client, upstream, forwarded] = world.exchange(ask_m);
    upstream.send(answer(200, "{}"));
    world.settle();
    client.take();
    client.send(ask_m);
    world.turn(); // the idle connection is taken and the request goes out
    world.turn();
    SUBCASE("closed") { upstream.close(); }
    SUBCASE("reset") { upstream.reset(); }
    auto second = world.accept();
    REQUIRE(second.has_value());
    CHECK(body_of(second->take()) == R"({"model":"m"})");
    second->send(answer(200, R"({"again":1})"));
    world.settle();
    CHECK(client.received().ends_with(R"({"again":1})"));
    CHECK(world.counters.provider("one", 0).retries.value() == 1);
}

TEST_CASE("upstream: a new connection that breaks before an answer is not tried again") {
    GatewayWorld world;
    auto [client, upstream, forwarded] = world.exchange(ask_m);
    upstream.close();
    CHECK(!world.accept().has_value());
    CHECK(client.received().starts_with("HTTP/1.1 502 "));
    CHECK(client.received().find("bad_upstream_response") != std::string::npos);
}

TEST_CASE("upstream: once a byte of an answer has come nothing is sent twice") {
    GatewayWorld world;
    auto [client, upstream, forwarded] = world.exchange(ask_m);
    upstream.send(answer(200, "{}"));
    world.settle();
    client.take();
    client.send(ask_m);
    world.settle();
    upstream.send("HTTP/1.1 2");
    world.settle();
    upstream.close();
    CHECK(!world.accept().has_value());
    CHECK(client.received().starts_with("HTTP/1.1 502 "));
}

TEST_CASE("upstream: an idle connection that ends, or speaks unasked, is not used again") {
    GatewayWorld world;
    auto [client, upstream, forwarded] = world.exchange(ask_m);
    upstream.send(answer(200, "{}"));
    world.settle();
    client.take();
    SUBCASE("ends") { upstream.close(); }
    SUBCASE("speaks") { upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"); }
    world.settle();
    CHECK(upstream.has_ended());
    client.send(ask_m);
    auto second = world.accept();
    REQUIRE(second.has_value());
    second->send(answer(200, R"({"fresh":1})"));
    world.settle();
    CHECK(client.received().ends_with(R"({"fresh":1})"));
    CHECK(client.received().find("evil") == std::string::npos);
}

TEST_CASE("upstream: bytes behind an answer are never taken for the next one") {
    GatewayWorld world;
    auto [client, upstream, forwarded] = world.exchange(ask_m);
    upstream.send(answer(200, "{}") + answer(200, R"({"poison":1})"));
    world.settle();
    CHECK(upstream.has_ended());
    client.take();
    client.send(ask_m);
    auto second = world.accept();
    REQUIRE(second.has_value());
    CHECK(client.received().empty());
}

TEST_CASE("upstream: the targets of an alias are tried in order until one answers well") {
    struct Row {
        const char* what;
        std::string answer; ///< empty: it closes
    };
    const Row rows[] = {{"closes", ""},
                        {"429", answer(429, "{}")},
                        {"500", answer(500, "{}")},
                        {"503", answer(503, "{}")},
                        {"garbage", "SSH-2.0-x\r\n\r\n"}};
    for (const Row& row : rows) {
        CAPTURE(row.what);
        GatewayWorld world;
        auto [client, first, forwarded] = world.exchange(ask_both);
        CHECK(body_of(forwarded) == R"({"model":"m"})");
        row.answer.empty() ? first.close() : first.send(row.answer);
        auto second = world.accept(2);
        REQUIRE(second.has_value());
        CHECK(body_of(second->received()) == R"({"model":"n"})");
        CHECK(second->received().find("upstream-secret-2") != std::string::npos);
        second->send(answer(200, R"({"by":2})"));
        world.settle();
        CHECK(client.received().ends_with(R"({"by":2})"));
        CHECK(client.received().find("x-ringway-attempts: 2\r\n") != std::string::npos);
        CHECK(client.received().find("x-ringway-provider: two\r\n") != std::string::npos);
    }
}

TEST_CASE("upstream: an error of the caller's making is not tried elsewhere") {
    GatewayWorld world;
    auto [client, first, forwarded] = world.exchange(ask_both);
    first.send(answer(400, R"({"error":{"message":"bad"}})"));
    CHECK(!world.accept(2).has_value());
    CHECK(client.received().starts_with("HTTP/1.1 400 "));
    CHECK(client.received().ends_with(R"({"error":{"message":"bad"}})"));
}

TEST_CASE("upstream: when all targets fail the last one's answer is the client's") {
    GatewayWorld world;
    auto [client, first, forwarded] = world.exchange(ask_both);
    first.close();
    auto second = world.accept(2);
    REQUIRE(second.has_value());
    second->send(answer(529, R"({"error":{"message":"full"}})",
                        "Retry-After: 7\r\nX-Should-Retry: true\r\n"));
    world.settle();
    CHECK(client.received().starts_with("HTTP/1.1 529 "));
    CHECK(client.received().find("Retry-After: 7\r\n") != std::string::npos);
    // Another try of the client's would multiply the attempts.
    CHECK(client.received().find("x-should-retry: false\r\n") != std::string::npos);
    CHECK(client.received().find("true") == std::string::npos);
}

TEST_CASE("upstream: one that nobody answers at is 502, one that is silent 504") {
    GatewayWorld world(1, [](Config& config) { config.providers[0].first_byte_time = 3s; });
    SUBCASE("refused") {
        world.network.stop_listening(GatewayWorld::upstream_address(1));
        auto client = world.connect();
        client.send(ask_m);
        world.settle();
        CHECK(client.received().starts_with("HTTP/1.1 502 "));
    }
    SUBCASE("silent") {
        auto [client, upstream, forwarded] = world.exchange(ask_m);
        world.pass(2900ms);
        CHECK(client.received().empty());
        world.pass(200ms);
        CHECK(client.received().starts_with("HTTP/1.1 504 "));
        CHECK(upstream.has_ended());
    }
}

TEST_CASE("upstream: interim answers are skipped; 204 and 304 have no body") {
    GatewayWorld world;
    auto [client, upstream, forwarded] =
        world.exchange("GET /v1/files HTTP/1.1\r\nHost: x\r\n\r\n");
    upstream.send("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
                  "HTTP/1.1 204 No Content\r\n\r\n");
    world.settle();
    CHECK(client.received().starts_with("HTTP/1.1 204 No Content\r\n"));
    CHECK(client.received().find("content-length") == std::string::npos);
    CHECK(client.take().ends_with("\r\n\r\n"));
    client.send("GET /v1/files HTTP/1.1\r\nHost: x\r\n\r\n");
    world.settle();
    CHECK(upstream.take().starts_with("GET /v1/files "));
    upstream.send("HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n");
    world.settle();
    CHECK(client.received().starts_with("HTTP/1.1 304 "));
    CHECK(client.take().ends_with("\r\n\r\n"));
    client.send("GET /v1/files HTTP/1.1\r\nHost: x\r\n\r\n");
    world.settle();
    CHECK(upstream.take().starts_with("GET /v1/files "));
}

TEST_CASE("upstream: heads that two readers could understand differently are refused") {
    const char* const heads[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n{}",
        "HTTP/1.1 200 OK\nContent-Length: 2\n\n{}",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/9.9 200 OK\r\n\r\n",
    };
    for (const char* head : heads) {
        CAPTURE(head);
        GatewayWorld world;
        auto [client, upstream, forwarded] = world.exchange(ask_m);
        upstream.send(head);
        world.settle();
        CHECK(client.received().starts_with("HTTP/1.1 502 "));
        CHECK(upstream.has_ended());
    }
}

TEST_CASE("keys: each of the three header forms is accepted, and what is wrong is refused") {
    GatewayWorld world(1, [](Config& config) {
        KeyConfig key;
        key.name = "k";
        key.digest = digest_of("secret");
        key.models = {{"one/*"}};
        config.keys.push_back(key);
        key.name = "old";
        key.digest = digest_of("expired");
        key.expires_at_s = 1000;
        config.keys.push_back(key);
    });
    struct Row {
        const char* fields;
        const char* model;
        const char* status; ///< empty: it is forwarded
    };
    const Row rows[] = {
        {"", "m", "401"},
        {"Authorization: Bearer wrong\r\n", "m", "401"},
        {"Authorization: Basic secret\r\n", "m", "401"},
        {"Authorization: Bearer expired\r\n", "m", "401"},
        {"Authorization: Bearer secret\r\n", "n", "403"},
        {"Authorization: Bearer secret\r\n", "m", ""},
        {"authorization: bearer secret\r\n", "one/m", ""},
        {"x-api-key: secret\r\n", "m", ""},
        {"api-key: secret\r\n", "alias", ""},
    };
    for (const Row& row : rows) {
        CAPTURE(row.fields);
        CAPTURE(row.model);
        auto client = world.connect();
        client.send(post("/v1/chat/completions", R"({"model":")" + std::string(row.model) + R"("})",
                         row.fields));
        auto upstream = world.accept();
        CHECK(upstream.has_value() == (*row.status == 0));
        if (*row.status != 0) {
            CHECK(client.received().substr(9, 3) == row.status);
            CHECK(client.received().find("secret") == std::string::npos);
        } else if (upstream) {
            CHECK(upstream->received().find("Bearer secret") == std::string::npos);
            CHECK(upstream->received().find(": secret") == std::string::npos);
        }
        client.close();
    }
    auto client = world.connect();
    client.send("GET /v1/models HTTP/1.1\r\nHost: x\r\nx-api-key: secret\r\n\r\n");
    world.settle();
    CHECK(client.received().find(R"("id":"alias")") != std::string::npos);
    CHECK(client.received().find("two/") == std::string::npos);
    CHECK(client.received().find("claude") == std::string::npos);
}
