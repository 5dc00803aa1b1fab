#include <doctest/doctest.h>

#include "http/ack_delay.h"

using namespace ringway;
using http::AckDelay;
using http::AckHistory;
using Change = AckDelay::Change;

namespace {

/// Events, one after the other.
struct Events {
    AckHistory& history;
    TimePoint now{1'000'000'000};
    AckDelay delay;

    Change next(Duration gap, size_t bytes = 300) {
        now = now + gap;
        return delay.is_settled() ? Change::none : delay.on_event(gap, bytes, now, history);
    }
    /// As many brisk events as it takes to be put on trial; 0: it was not.
    int until_trial() {
        for (int count = 1; count <= 100; ++count) {
            if (next(10ms) == Change::delay) return count;
        }
        return 0;
    }
};

} // namespace

TEST_CASE("ack delay: a sender that goes on unacknowledged is not waited for again") {
    AckHistory history;
    Events events{history};
    CHECK(events.until_trial() == 8);
    for (int count = 0; count < 4; ++count) {
        CHECK_FALSE(events.delay.is_settled());
        CHECK(events.next(20ms) == Change::none);
    }
    CHECK(events.delay.is_settled());
    CHECK(history.may_try(events.now));
}

TEST_CASE("ack delay: the first late event ends the trial, and the next one is a second away") {
    AckHistory history;
    Events events{history};
    REQUIRE(events.until_trial() > 0);
    CHECK(events.next(20ms) == Change::none);
    CHECK(events.next(40ms) == Change::acknowledge_at_once);
    CHECK_FALSE(events.delay.is_settled());

    Events others{history, events.now};
    for (int count = 0; count < 99; ++count) CHECK(others.next(10ms) == Change::none);
    CHECK(others.until_trial() > 0);
    events.now = others.now + 1h;
    CHECK(events.until_trial() > 0); // it may try again itself
}

TEST_CASE("ack delay: an event that is neither brisk nor late proves nothing") {
    AckHistory history;
    Events events{history};
    REQUIRE(events.until_trial() > 0);
    for (int count = 0; count < 3; ++count) CHECK(events.next(20ms) == Change::none);
    for (int count = 0; count < 100; ++count) CHECK(events.next(27ms) == Change::none);
    CHECK_FALSE(events.delay.is_settled());
    CHECK(events.next(20ms) == Change::none);
    CHECK(events.delay.is_settled());
}

TEST_CASE("ack delay: an upstream that is not known has one connection on trial at a time") {
    AckHistory history;
    Events first{history};
    REQUIRE(first.until_trial() > 0);
    Events second{history, first.now};
    for (int count = 0; count < 19; ++count) CHECK(second.next(10ms) == Change::none);
    for (int count = 0; count < 4; ++count) CHECK(first.next(20ms) == Change::none);
    REQUIRE(first.delay.is_settled());
    CHECK(second.until_trial() > 0);
    Events third{history, first.now};
    CHECK(third.until_trial() == 8); // while the second is still on trial
}

TEST_CASE("ack delay: slow streams have nothing to gain, and are not tried") {
    AckHistory history;
    Events events{history};
    for (int round = 0; round < 20; ++round) {
        for (int count = 0; count < 7; ++count) CHECK(events.next(25ms) == Change::none);
        CHECK(events.next(26ms) == Change::none);
    }
    CHECK_FALSE(events.delay.is_settled());
}

TEST_CASE("ack delay: large events prove nothing: they are acknowledged at once in any case") {
    AckHistory history;
    Events events{history};
    REQUIRE(events.until_trial() > 0);
    for (int count = 0; count < 100; ++count) CHECK(events.next(10ms, 600) == Change::none);
    CHECK_FALSE(events.delay.is_settled());
    CHECK(events.next(40ms) == Change::acknowledge_at_once);
}

TEST_CASE("ack delay: failures make the time to the next trial longer, up to an hour") {
    AckHistory history;
    TimePoint now{0};
    for (const Duration wait : {1s, 4s, 16s, 64s, 256s, 1024s, 3600s, 3600s}) {
        REQUIRE(history.may_try(now));
        history.fail(now);
        history.fail(now); // one on another connection, at the same time
        CHECK_FALSE(history.may_try(now + (wait - 1ns)));
        CHECK(history.may_try(now + wait));
        now = now + wait;
    }
    history.succeed();
    history.fail(now);
    CHECK(history.may_try(now + 1s));
}
