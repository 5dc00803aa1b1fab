#include "net/resolver.h"

#include <doctest/doctest.h>

#include "support/ring_world.h"
#include "support/sim_world.h"

using namespace ringway;
using namespace ringway::net;
using ringway::tests::SimWorld;

namespace {

/// Answers when the test says so.
class ScriptedNames final : public NameService {
public:
    void ask(std::string host, ring::Mailbox&, Answer answer) override {
        ++asked;
        last_host = std::move(host);
        pending.push_back(std::move(answer));
    }
    void forget(ring::Mailbox&) override { pending.clear(); }

    void answer(const std::vector<const char*>& hosts) {
        REQUIRE_FALSE(pending.empty());
        std::vector<Address> addresses;
        for (const char* host : hosts) addresses.push_back(*parse_numeric(host, 0));
        const Answer first = pending.front();
        pending.pop_front();
        first(addresses);
    }

    std::deque<Answer> pending;
    std::string last_host;
    int asked = 0;
};

using Resolved = Result<std::vector<Address>>;

struct Fixture {
    SimWorld world;
    ScriptedNames names;
    ring::Scope scope;
    Resolver resolver{world.loop, names};

    void ask(tests::Outcome<Resolved>& outcome, const char* host = "api.test",
             Duration within = 5s) {
        outcome.start(scope, resolver.resolve(host, 443, world.loop.now() + within));
        world.settle();
    }
    /// Asks for what is known already.
    std::string ask_known() {
        tests::Outcome<Resolved> outcome;
        ask(outcome);
        REQUIRE(outcome.is_there());
        return outcome.get() ? outcome.get()->front().to_string() : "error";
    }
    void answer(const std::vector<const char*>& hosts) {
        names.answer(hosts);
        world.settle();
    }
};

} // namespace

TEST_CASE("resolver: numbers need no asking") {
    Fixture fixture;
    tests::Outcome<Resolved> v4;
    tests::Outcome<Resolved> v6;
    fixture.ask(v4, "127.0.0.1");
    fixture.ask(v6, "::1");
    REQUIRE(v4.is_there());
    REQUIRE(v6.is_there());
    CHECK(v4.get()->front().to_string() == "127.0.0.1:443");
    CHECK(v6.get()->front().to_string() == "[::1]:443");
    CHECK(fixture.names.asked == 0);
}

TEST_CASE("resolver: all who wait for a name share one question, and all its addresses") {
    Fixture fixture;
    tests::Outcome<Resolved> one;
    tests::Outcome<Resolved> two;
    fixture.ask(one);
    fixture.ask(two);
    CHECK_FALSE(one.is_there());
    CHECK(fixture.names.asked == 1);
    CHECK(fixture.names.last_host == "api.test");
    fixture.answer({"10.0.0.1", "10.0.0.2"});
    REQUIRE(one.is_there());
    REQUIRE(two.is_there());
    REQUIRE(one.get().has_value());
    CHECK(one.get()->size() == 2);
    CHECK(one.get()->at(1).to_string() == "10.0.0.2:443");
    CHECK(two.get()->size() == 2);
    CHECK(fixture.ask_known() == "10.0.0.1:443");
    CHECK(fixture.names.asked == 1);
}

TEST_CASE("resolver: an answer that is no longer fresh is used while it is asked for anew") {
    Fixture fixture;
    tests::Outcome<Resolved> first;
    fixture.ask(first);
    fixture.answer({"10.0.0.1"});
    fixture.world.advance(Resolver::fresh_for - 1ms);
    CHECK(fixture.ask_known() == "10.0.0.1:443");
    CHECK(fixture.names.asked == 1);
    fixture.world.advance(1ms);
    CHECK(fixture.ask_known() == "10.0.0.1:443");
    CHECK(fixture.ask_known() == "10.0.0.1:443");
    CHECK(fixture.names.asked == 2);
    fixture.answer({"10.0.0.9"});
    CHECK(fixture.ask_known() == "10.0.0.9:443");
}

TEST_CASE("resolver: while the name service fails the old answer holds, for a time") {
    Fixture fixture;
    tests::Outcome<Resolved> first;
    fixture.ask(first);
    fixture.answer({"10.0.0.1"});
    fixture.world.advance(Resolver::fresh_for);
    CHECK(fixture.ask_known() == "10.0.0.1:443");
    fixture.answer({});
    CHECK(fixture.ask_known() == "10.0.0.1:443");
    fixture.world.advance(Resolver::stale_for);
    tests::Outcome<Resolved> late;
    fixture.ask(late);
    CHECK_FALSE(late.is_there());
    fixture.answer({});
    REQUIRE(late.is_there());
    REQUIRE_FALSE(late.get().has_value());
    CHECK(late.get().error().code == Code::unreachable);
}

TEST_CASE("resolver: a name that does not resolve is an error, and is asked again a little later") {
    Fixture fixture;
    tests::Outcome<Resolved> first;
    fixture.ask(first);
    fixture.answer({});
    REQUIRE(first.is_there());
    REQUIRE_FALSE(first.get().has_value());
    CHECK(first.get().error().code == Code::unreachable);
    CHECK(first.get().error().blame == Blame::upstream);
    CHECK(fixture.ask_known() == "error");
    CHECK(fixture.names.asked == 1);
    fixture.world.advance(Resolver::failed_for);
    tests::Outcome<Resolved> second;
    fixture.ask(second);
    CHECK(fixture.names.asked == 2);
    fixture.answer({"10.0.0.1"});
    REQUIRE(second.is_there());
    CHECK(second.get().has_value());
}

TEST_CASE("resolver: a name whose failure took long to come is an error all the same") {
    Fixture fixture;
    tests::Outcome<Resolved> outcome;
    fixture.ask(outcome);
    fixture.world.advance(Resolver::failed_for + 2s);
    fixture.answer({});
    REQUIRE(outcome.is_there());
    REQUIRE_FALSE(outcome.get().has_value());
    CHECK(outcome.get().error().code == Code::unreachable);
    CHECK(fixture.names.asked == 1);
}

TEST_CASE("resolver: no answer by the deadline is a timeout, and the late answer is kept") {
    Fixture fixture;
    tests::Outcome<Resolved> outcome;
    fixture.ask(outcome, "api.test", 2s);
    fixture.world.advance(1990ms);
    CHECK_FALSE(outcome.is_there());
    fixture.world.advance(20ms);
    REQUIRE(outcome.is_there());
    REQUIRE_FALSE(outcome.get().has_value());
    CHECK(outcome.get().error().code == Code::timeout);
    fixture.answer({"10.0.0.1"});
    CHECK(fixture.ask_known() == "10.0.0.1:443");
}

TEST_CASE("resolver: the system's own resolver knows localhost, and not what cannot be") {
    tests::RingWorld world;
    ResolverThread names;
    ring::Scope scope;
    {
        Resolver resolver(world.loop, names);
        tests::Outcome<Resolved> known;
        tests::Outcome<Resolved> unknown;
        known.start(scope, resolver.resolve("localhost", 80, world.loop.now() + 30s));
        unknown.start(scope, resolver.resolve("a..b", 80, world.loop.now() + 30s));
        world.turn_until([&] { return known.is_there() && unknown.is_there(); });
        REQUIRE(known.get().has_value());
        CHECK(known.get()->front().is_loopback());
        CHECK(known.get()->front().port() == 80);
        CHECK_FALSE(unknown.get().has_value());
    }
}

TEST_CASE("resolver: a loop that ends takes its open questions with it") {
    ResolverThread names;
    ring::Scope scope;
    tests::RingWorld world;
    for (int round = 0; round < 5; ++round) {
        Resolver resolver(world.loop, names);
        tests::Outcome<Resolved> outcome;
        outcome.start(scope, resolver.resolve("localhost", 80, world.loop.now()));
        world.turn_until([&] { return outcome.is_there(); });
    }
    names.forget(world.loop.mailbox());
}
