#include "admin/admin.h"

#include <doctest/doctest.h>

#include "support/sim_world.h"

using namespace ringway;
using namespace ringway::admin;
using ringway::tests::SimWorld;

namespace {

/// An admin listener's worker, with one client. Workers answer when the test lets them.
struct Served {
    Served()
        : context{world.loop,
                  counters,
                  {"1.0", "c++"},
                  {},
                  [this](const std::function<void()>& done) { sampled.push_back(done); },
                  [this] { return is_ready; },
                  {},
                  {},
                  false},
          peer(connect()) {}
    ~Served() {
        context.stop();
        world.settle();
        peer.close();
        world.advance(5s);
        CHECK(context.scope.running() == 0);
    }
    ring::SimPeer connect() {
        auto [socket, far] = world.connection();
        context.scope.spawn(serve_admin_connection(context, socket));
        world.settle();
        return far;
    }
    std::string ask(Bytes request) {
        peer.send(request);
        world.settle();
        return peer.take();
    }
    std::string get(const std::string& path) {
        return ask("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n");
    }

    SimWorld world;
    observe::Counters counters{2};
    std::vector<std::function<void()>> sampled;
    bool is_ready = true;
    AdminContext context;
    ring::SimPeer peer;
};

} // namespace

TEST_CASE("admin: health is told, and readiness until the server drains") {
    Served served;
    CHECK(served.get("/healthz").starts_with("HTTP/1.1 200 OK\r\n"));
    CHECK(served.get("/readyz?verbose").ends_with("\r\n\r\nready\n"));
    served.is_ready = false;
    const std::string answer = served.get("/readyz");
    CHECK(answer.starts_with("HTTP/1.1 503 "));
    CHECK(answer.ends_with("\r\n\r\ndraining\n"));
    CHECK(served.get("/healthz").starts_with("HTTP/1.1 200 OK\r\n"));
}

TEST_CASE("admin: metrics wait until every worker has told its numbers") {
    Served served;
    CHECK(served.get("/metrics").empty());
    REQUIRE(served.sampled.size() == 1);
    served.counters.worker(1).turns.set(42);
    served.sampled[0]();
    served.world.settle();
    CHECK(served.peer.received().empty());
    served.sampled[0]();
    served.world.settle();
    const std::string answer = served.peer.take();
    CHECK(answer.starts_with("HTTP/1.1 200 OK\r\ncontent-type: text/plain; version=0.0.4"));
    CHECK(answer.find("ringway_loop_turns_total{worker=\"1\"} 42\n") != std::string::npos);
}

TEST_CASE("admin: a worker that is stuck does not hold up the others' numbers") {
    Served served;
    CHECK(served.get("/metrics").empty());
    served.world.advance(1001ms);
    CHECK(served.peer.take().starts_with("HTTP/1.1 200 OK\r\n"));
    served.sampled[0](); // late, and heard by nobody
    served.sampled[0]();
    CHECK(served.get("/healthz").starts_with("HTTP/1.1 200 OK\r\n"));
}

TEST_CASE("admin: HEAD tells the length and no more, other methods and paths are refused") {
    Served served;
    const std::string head = served.ask("HEAD /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(head.find("content-length: 3\r\n") != std::string::npos);
    CHECK(head.ends_with("\r\n\r\n"));
    CHECK(served.ask("DELETE /healthz HTTP/1.1\r\nHost: x\r\n\r\n").starts_with("HTTP/1.1 405 "));
    CHECK(served.get("/").starts_with("HTTP/1.1 404 "));
    CHECK(served.get("/metricsx").starts_with("HTTP/1.1 404 "));
}

TEST_CASE("admin: requests sent at once are answered in order, on one connection") {
    Served served;
    const std::string request = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    const std::string answers = served.ask(request + request + request);
    size_t count = 0;
    for (size_t at = 0; (at = answers.find("HTTP/1.1 200", at)) != std::string::npos; ++at) ++count;
    CHECK(count == 3);
}

TEST_CASE("admin: a request with a body, or one that is malformed, ends the connection") {
    Served with_body;
    CHECK(with_body.ask("GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")
              .find("connection: close\r\n") != std::string::npos);
    CHECK(with_body.peer.has_ended());

    Served malformed;
    CHECK(malformed.ask("nonsense\r\n\r\n").starts_with("HTTP/1.1 400 "));
    malformed.peer.end();
    malformed.world.settle();
    CHECK(malformed.peer.has_ended());
    CHECK(malformed.context.scope.running() == 0);
}

TEST_CASE("admin: stopping ends the connections that wait for a request") {
    Served served;
    ring::SimPeer other = served.connect();
    CHECK(served.context.scope.running() == 2);
    served.context.stop();
    served.world.settle();
    CHECK(served.context.scope.running() == 0);
    CHECK(other.has_ended());
}
