#include "ring/zero_copy.h"

#include <doctest/doctest.h>

using ringway::ring::ZeroCopy;
using Outcome = ZeroCopy::Outcome;

namespace {

/// How many plain sends come before the next try.
uint32_t plain_sends(ZeroCopy& rule) {
    uint32_t plain = 0;
    while (!rule.is_worth_trying()) ++plain;
    return plain;
}

} // namespace

TEST_CASE("zero copy: begins by trying one, and waits for what the kernel says of it") {
    ZeroCopy rule;
    CHECK(rule.is_worth_trying());
    CHECK_FALSE(rule.is_worth_trying());
    CHECK_FALSE(rule.is_worth_trying());
    CHECK(rule.tried() == 1);
    rule.settle(Outcome::lent);
    for (int i = 0; i < 1000; ++i) CHECK(rule.is_worth_trying());
    CHECK(rule.tried() == 1001);
    CHECK(rule.copied() == 0);
}

TEST_CASE("zero copy: each try in vain doubles the pause, up to a bound") {
    ZeroCopy rule;
    CHECK(plain_sends(rule) == 0);
    for (uint32_t pause = ZeroCopy::pause_min; pause < ZeroCopy::pause_max; pause *= 2) {
        rule.settle(Outcome::copied);
        CHECK(plain_sends(rule) == pause);
    }
    for (int i = 0; i < 3; ++i) {
        rule.settle(Outcome::copied);
        CHECK(plain_sends(rule) == ZeroCopy::pause_max);
    }
    rule.settle(Outcome::lent); // the path is another one now
    CHECK(plain_sends(rule) == 0);
    rule.settle(Outcome::copied);
    CHECK(plain_sends(rule) == ZeroCopy::pause_min);
}

TEST_CASE("zero copy: of several under way that were copied, the first makes the pause") {
    ZeroCopy rule;
    CHECK(rule.is_worth_trying());
    rule.settle(Outcome::lent);
    for (int i = 0; i < 5; ++i) CHECK(rule.is_worth_trying());
    for (int i = 0; i < 5; ++i) rule.settle(Outcome::copied);
    CHECK(rule.copied() == 5);
    CHECK(plain_sends(rule) == ZeroCopy::pause_min);
}

TEST_CASE("zero copy: a try that was not sent says nothing, and is made again") {
    ZeroCopy rule;
    CHECK(rule.is_worth_trying());
    rule.settle(Outcome::unsent);
    CHECK(rule.is_worth_trying());
    CHECK(rule.copied() == 0);
    rule.settle(Outcome::lent);
    CHECK(rule.is_worth_trying());
    rule.settle(Outcome::unsent);
    CHECK(rule.is_worth_trying());
}

TEST_CASE("zero copy: told to, it tries always") {
    ZeroCopy rule;
    rule.try_always();
    for (int i = 0; i < 10; ++i) {
        CHECK(rule.is_worth_trying());
        rule.settle(Outcome::copied);
    }
}
