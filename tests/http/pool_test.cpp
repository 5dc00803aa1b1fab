#include "http/pool.h"

#include <doctest/doctest.h>

#include "support/sim_world.h"

using namespace ringway;
using namespace ringway::http;
using ringway::tests::Outcome;
using ringway::tests::SimWorld;
using ringway::tests::slice_of;

namespace {

constexpr const char* address = "127.0.0.1:80";

/// No name is asked for: origins are in numbers, but for one that nobody knows.
class NoNames final : public net::NameService {
public:
    void ask(std::string, ring::Mailbox&, Answer answer) override { answer({}); }
    void forget(ring::Mailbox&) override {}
};

PoolOptions options_for(const char* url) {
    PoolOptions options;
    options.origin = *wire::parse_url(url);
    return options;
}

/// One who wants a connection.
struct Caller {
    explicit Caller(SimWorld& world) : signal(world.loop), deadline(signal) {}
    Waiting waiting() {
        return {signal, deadline,
                [](const void* self) { return static_cast<const Caller*>(self)->is_gone; }, this};
    }
    ring::Signal signal;
    ring::Deadline deadline;
    bool is_gone = false;
};

using Taken = Outcome<Result<ClientConnectionPtr>>;

struct Fixture {
    explicit Fixture(const PoolOptions& options = options_for("http://127.0.0.1"))
        : pool(world.loop, resolver, options, nullptr), caller(world) {
        world.network.listen(address);
    }
    ~Fixture() {
        pool.close();
        world.settle();
        CHECK(pool.counters().open == 0);
    }

    /// Takes a connection, which must be there at once.
    ClientConnectionPtr take() {
        Taken taken;
        taken.start(scope, pool.take(caller.waiting()));
        world.settle();
        REQUIRE(taken.is_there());
        REQUIRE(taken.get().has_value());
        return std::move(*taken.get());
    }
    /// One whole exchange on it.
    void exchange(ClientConnection& connection, ring::SimPeer& upstream) {
        connection.begin_request(wire::Method::get);
        connection.stream().write(slice_of(world.blocks, "request"));
        world.settle();
        CHECK(upstream.take() == "request");
        upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        world.settle();
        wire::Fields fields;
        wire::StatusLine line;
        const auto progress = connection.poll_head(fields, line);
        REQUIRE(progress.has_value());
        REQUIRE(*progress == Progress::done);
    }
    /// An idle connection, and its far end.
    ring::SimPeer make_idle() {
        ClientConnectionPtr connection = take();
        ring::SimPeer upstream = world.accept(address);
        exchange(*connection, upstream);
        pool.give_back(std::move(connection));
        world.settle();
        return upstream;
    }

    SimWorld world;
    NoNames names;
    ring::Scope scope;
    net::Resolver resolver{world.loop, names};
    Pool pool;
    Caller caller;
};

} // namespace

TEST_CASE("pool: a connection that was given back is taken again") {
    Fixture fixture;
    ring::SimPeer upstream = fixture.make_idle();
    CHECK(fixture.pool.counters().idle == 1);
    ClientConnectionPtr again = fixture.take();
    CHECK(fixture.world.waiting_at(address) == 0);
    fixture.exchange(*again, upstream);
    CHECK(again->was_used());
    fixture.pool.give_back(std::move(again));
    const PoolCounters counters = fixture.pool.counters();
    CHECK(counters.opened == 1);
    CHECK(counters.reused == 1);
    CHECK(counters.open == 1);
    CHECK(counters.idle == 1);
    fixture.pool.give_back(nullptr); // nothing was taken
}

TEST_CASE("pool: the one given back last is taken first, so that the others expire") {
    Fixture fixture;
    ClientConnectionPtr first = fixture.take();
    ClientConnectionPtr second = fixture.take();
    ring::SimPeer first_peer = fixture.world.accept(address);
    ring::SimPeer second_peer = fixture.world.accept(address);
    fixture.exchange(*first, first_peer);
    fixture.exchange(*second, second_peer);
    ClientConnection* const last = second.get();
    fixture.pool.give_back(std::move(first));
    fixture.world.advance(20s);
    fixture.pool.give_back(std::move(second));
    ClientConnectionPtr taken = fixture.take();
    CHECK(taken.get() == last);
    fixture.pool.give_back(std::move(taken));

    fixture.world.advance(31s); // 51 s after the first one
    CHECK(fixture.pool.counters().expired == 1);
    CHECK(fixture.pool.counters().idle == 1);
    CHECK(first_peer.has_ended());
    CHECK_FALSE(second_peer.has_ended());
    fixture.world.advance(20s);
    CHECK(fixture.pool.counters().expired == 2);
    CHECK(fixture.pool.counters().open == 0);
    CHECK(second_peer.has_ended());
}

TEST_CASE("pool: an idle connection that dies, or speaks, is not used again") {
    for (const int way : {0, 1, 2}) {
        CAPTURE(way);
        Fixture fixture;
        ring::SimPeer upstream = fixture.make_idle();
        if (way == 0) upstream.end();
        if (way == 1) upstream.reset();
        if (way == 2) upstream.send("HTTP/1.1 408 Request Timeout\r\n\r\n");
        fixture.world.settle();
        CHECK(fixture.pool.counters().idle == 0);
        CHECK(fixture.pool.counters().open == 0);
        ClientConnectionPtr fresh = fixture.take();
        CHECK(fixture.world.waiting_at(address) == 1);
        fixture.pool.give_back(std::move(fresh));
    }
}

TEST_CASE("pool: a connection whose death was not heard of yet is passed over") {
    Fixture fixture;
    ring::SimPeer upstream = fixture.make_idle();
    upstream.end();
    fixture.world.loop.turn(fixture.world.loop.now());
    CHECK(fixture.pool.try_take_idle(fixture.caller.signal) == nullptr);
}

TEST_CASE("pool: a connection given back while it was paused reads again") {
    Fixture fixture;
    ClientConnectionPtr connection = fixture.take();
    ring::SimPeer upstream = fixture.world.accept(address);
    fixture.exchange(*connection, upstream);
    connection->stream().pause_reading(); // as for a slow client
    fixture.world.settle();
    fixture.pool.give_back(std::move(connection));
    ClientConnectionPtr again = fixture.take();
    fixture.exchange(*again, upstream); // its answer is heard
    again->stream().pause_reading();
    fixture.world.settle();
    fixture.pool.give_back(std::move(again));
    upstream.end();
    fixture.world.settle();
    CHECK(fixture.pool.counters().open == 0); // and so is its death
}

TEST_CASE("pool: what is not whole, or above the idle limit, is closed") {
    PoolOptions options = options_for("http://127.0.0.1");
    options.idle_max = 1;
    Fixture fixture(options);
    ClientConnectionPtr one = fixture.take();
    ClientConnectionPtr two = fixture.take();
    ClientConnectionPtr three = fixture.take();
    ring::SimPeer peer_one = fixture.world.accept(address);
    ring::SimPeer peer_two = fixture.world.accept(address);
    ring::SimPeer peer_three = fixture.world.accept(address);
    fixture.exchange(*one, peer_one);
    fixture.exchange(*two, peer_two);
    fixture.pool.give_back(std::move(three)); // nothing was answered on it
    fixture.pool.give_back(std::move(one));
    fixture.pool.give_back(std::move(two));
    fixture.world.settle();
    CHECK(fixture.pool.counters().idle == 1);
    CHECK(fixture.pool.counters().open == 1);
    CHECK(peer_three.has_ended());
    CHECK(peer_two.has_ended());
    CHECK_FALSE(peer_one.has_ended());
}

TEST_CASE("pool: the bound on connections counts those that are still connecting") {
    PoolOptions options = options_for("http://127.0.0.1");
    options.open_max = 2;
    Fixture fixture(options);
    fixture.world.network.stall(address);
    Taken one;
    Taken two;
    Taken three;
    Caller first(fixture.world);
    Caller second(fixture.world);
    one.start(fixture.scope, fixture.pool.take(first.waiting()));
    two.start(fixture.scope, fixture.pool.take(second.waiting()));
    three.start(fixture.scope, fixture.pool.take(fixture.caller.waiting()));
    fixture.world.settle();
    CHECK_FALSE(one.is_there());
    CHECK_FALSE(two.is_there());
    REQUIRE(three.is_there());
    REQUIRE_FALSE(three.get().has_value());
    CHECK(three.get().error().code == Code::overloaded);
    CHECK(three.get().error().blame == Blame::upstream);
    CHECK(fixture.pool.counters().open == 2);
    fixture.world.advance(6s);
    CHECK(one.is_there());
    CHECK(two.is_there());
    CHECK(fixture.pool.counters().open == 0);
}

TEST_CASE("pool: connecting ends with an error that says why") {
    Fixture refused(options_for("http://127.0.0.1:81"));
    Taken taken;
    taken.start(refused.scope, refused.pool.take(refused.caller.waiting()));
    refused.world.settle();
    REQUIRE(taken.is_there());
    CHECK(taken.get().error().code == Code::refused);
    CHECK(refused.pool.counters().failed == 1);

    Fixture unknown(options_for("http://nowhere.test"));
    Taken unresolved;
    unresolved.start(unknown.scope, unknown.pool.take(unknown.caller.waiting()));
    unknown.world.settle();
    REQUIRE(unresolved.is_there());
    CHECK(unresolved.get().error().code == Code::unreachable);

    Fixture no_tls(options_for("https://127.0.0.1"));
    Taken plain;
    plain.start(no_tls.scope, no_tls.pool.take(no_tls.caller.waiting()));
    no_tls.world.settle();
    REQUIRE(plain.is_there());
    CHECK(plain.get().error().code == Code::tls_failed);
}

TEST_CASE("pool: connecting takes no longer than it may") {
    Fixture fixture;
    fixture.world.network.stall(address);
    Taken taken;
    taken.start(fixture.scope, fixture.pool.take(fixture.caller.waiting()));
    fixture.world.advance(5s - 10ms);
    CHECK_FALSE(taken.is_there());
    fixture.world.advance(20ms);
    REQUIRE(taken.is_there());
    CHECK(taken.get().error().code == Code::timeout);
    CHECK(taken.get().error().blame == Blame::upstream);
    CHECK(fixture.pool.counters().failed == 1);
}

TEST_CASE("pool: when nobody waits any more the connection is given up") {
    Fixture fixture;
    fixture.world.network.stall(address);
    Taken taken;
    taken.start(fixture.scope, fixture.pool.take(fixture.caller.waiting()));
    fixture.world.settle();
    fixture.caller.is_gone = true;
    fixture.caller.signal.raise();
    fixture.world.settle();
    REQUIRE(taken.is_there());
    CHECK(taken.get().error().code == Code::cancelled);
    CHECK(fixture.pool.counters().failed == 0);
    CHECK(fixture.pool.counters().open == 0);
}

TEST_CASE("pool: closed, it keeps nothing") {
    Fixture fixture;
    ring::SimPeer idle = fixture.make_idle();
    ClientConnectionPtr busy = fixture.take();
    fixture.exchange(*busy, idle);
    fixture.pool.close();
    fixture.pool.give_back(std::move(busy));
    fixture.world.settle();
    CHECK(idle.has_ended());
    CHECK(fixture.pool.counters().open == 0);
}
