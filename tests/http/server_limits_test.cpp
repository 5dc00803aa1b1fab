#include <doctest/doctest.h>

#include "http/server_connection.h"
#include "support/sim_world.h"

using namespace ringway;
using namespace ringway::http;
using ringway::tests::SimWorld;

namespace {

struct Served {
    explicit Served(const ServerLimits& wanted = {}) : limits(wanted) {
        auto [socket, far] = world.connection();
        peer.emplace(std::move(far));
        connection = std::make_unique<ServerConnection>(world.loop, socket, limits, nullptr);
        world.settle();
    }
    ~Served() { connection.reset(); }

    Result<Progress> send(Bytes bytes) {
        peer->send(bytes);
        world.settle();
        return connection->poll_head();
    }
    Result<Progress> after(Duration time) {
        world.advance(time);
        return connection->poll_head();
    }
    /// What the head in `text` comes to: its error, or nothing.
    std::optional<Code> verdict(Bytes text) {
        const auto progress = send(text);
        if (!progress) return progress.error().code;
        if (*progress == Progress::waiting) return std::nullopt;
        wire::Fields fields;
        const auto line = wire::parse_request_head(connection->head().bytes(), fields, limits.head);
        return line ? std::nullopt : std::optional(line.error().code);
    }
    void begin_body(Bytes head) {
        REQUIRE(*send(head) == Progress::done);
        wire::Fields fields;
        auto line = wire::parse_request_head(connection->head().bytes(), fields, limits.head);
        REQUIRE(line.has_value());
        connection->begin_body(*line);
    }
    Result<Progress> poll_body() {
        ring::SliceQueue into;
        return connection->poll_body(into);
    }

    SimWorld world;
    ServerLimits limits;
    std::optional<ring::SimPeer> peer;
    std::unique_ptr<ServerConnection> connection;
};

bool is_waiting(const Result<Progress>& progress) {
    return progress && *progress == Progress::waiting;
}

Code code_of(const Result<Progress>& progress) {
    REQUIRE_FALSE(progress.has_value());
    return progress.error().code;
}

} // namespace

TEST_CASE("server limits: heads are bounded in bytes, in lines, and in the target") {
    const std::string start = "GET / HTTP/1.1\r\nHost: x\r\n";
    ServerLimits limits;
    limits.head.head_bytes_max = 4096;
    CHECK(Served(limits).verdict(start + "A: " + std::string(3900, 'a') + "\r\n\r\n") ==
          std::nullopt);
    CHECK(Served(limits).verdict(start + "A: " + std::string(4096, 'a') + "\r\n\r\n") ==
          Code::head_too_large);
    CHECK(Served(limits).verdict(start + "A: " + std::string(5000, 'a')) == Code::head_too_large);

    CHECK(Served().verdict(start + "A: " + std::string(16400, 'a') + "\r\n\r\n") ==
          Code::head_too_large);
    CHECK(Served().verdict("GET /" + std::string(16400, 'a')) == Code::uri_too_long);
    CHECK(Served().verdict("GET /" + std::string(8192, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n") ==
          Code::uri_too_long);
    CHECK(Served().verdict("GET /" + std::string(8191, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n") ==
          std::nullopt);

    std::string many = start;
    for (size_t i = 1; i < wire::fields_max; ++i) many += "A: b\r\n";
    CHECK(Served().verdict(many + "\r\n") == std::nullopt);
    CHECK(Served().verdict(many + "One: more\r\n\r\n") == Code::head_too_large);
}

TEST_CASE("server limits: a head of many pieces is bounded like one that comes at once") {
    Served served;
    served.send("GET / HTTP/1.1\r\nHost: x\r\n");
    std::optional<Code> code;
    for (int i = 0; i < 200 && !code; ++i) {
        const auto progress = served.send("A: " + std::string(1000, 'a') + "\r\n");
        if (!progress) code = progress.error().code;
    }
    CHECK(code == Code::head_too_large);
}

TEST_CASE("server limits: an announced body above the limit is refused before it comes") {
    ServerLimits limits;
    limits.body_bytes_max = 1000;
    Served served(limits);
    served.begin_body("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n");
    CHECK(code_of(served.poll_body()) == Code::too_large);

    Served exact(limits);
    exact.begin_body("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n" +
                     std::string(1000, 'x'));
    CHECK(*exact.poll_body() == Progress::done);

    Served larger(limits);
    larger.begin_body("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n" +
                      std::string(1001, 'x'));
    larger.connection->set_body_limit(2000);
    CHECK(*larger.poll_body() == Progress::done);
}

TEST_CASE("server limits: a chunked body is refused with the byte that is too many") {
    ServerLimits limits;
    limits.body_bytes_max = 1000;
    Served served(limits);
    served.begin_body("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    served.peer->send("3e8\r\n" + std::string(1000, 'x') + "\r\n");
    served.world.settle();
    CHECK(is_waiting(served.poll_body()));
    served.peer->send("1\r\ny\r\n");
    served.world.settle();
    CHECK(code_of(served.poll_body()) == Code::too_large);
}

TEST_CASE("server limits: a connection without a request ends quietly after its idle time") {
    Served served;
    CHECK(is_waiting(served.after(served.limits.idle - 10ms)));
    CHECK(code_of(served.after(20ms)) == Code::closed);

    Served blank; // empty lines are no request
    CHECK(is_waiting(blank.send("\r\n")));
    CHECK(code_of(blank.after(blank.limits.idle)) == Code::closed);
}

TEST_CASE("server limits: a head has its time from its first byte, however it trickles") {
    Served served;
    served.after(60s);
    CHECK(is_waiting(served.send("G")));
    for (int i = 0; i < 9; ++i) {
        CHECK(is_waiting(served.after(1s)));
        CHECK(is_waiting(served.send(i == 0 ? "ET / HTTP/1.1\r\nA:" : "x")));
    }
    CHECK(is_waiting(served.after(990ms)));
    CHECK(code_of(served.after(20ms)) == Code::timeout);
}

TEST_CASE(
    "server limits: a body may take its grace and the time its bytes need at the least rate") {
    Served served;
    served.begin_body("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 30000\r\n\r\n");
    CHECK(is_waiting(served.poll_body()));
    served.peer->send(std::string(10 * 1024, 'x')); // ten seconds more
    served.world.advance(29s);
    CHECK(is_waiting(served.poll_body()));
    served.world.advance(10s + 990ms);
    CHECK(is_waiting(served.poll_body()));
    served.world.advance(20ms);
    CHECK(code_of(served.poll_body()) == Code::timeout);
}

TEST_CASE("server limits: the next request has its idle time anew") {
    Served served;
    served.world.advance(70s);
    served.begin_body("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(*served.poll_body() == Progress::done);
    served.world.advance(10min); // the exchange may take long
    served.connection->await_next_request();
    CHECK(is_waiting(served.after(74s)));
    CHECK(code_of(served.after(2s)) == Code::closed);
}
