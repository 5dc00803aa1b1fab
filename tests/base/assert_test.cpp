#include "base/assert.h"

#include <doctest/doctest.h>

#include "support/aborts.h"

using namespace ringway;

TEST_CASE("assert: a broken invariant stops the program in every build") {
    CHECK(tests::aborts([] { RINGWAY_ASSERT(1 + 1 == 3); }));
    CHECK_FALSE(tests::aborts([] { RINGWAY_ASSERT(1 + 1 == 2); }));
}

TEST_CASE("assert: the expression is evaluated once") {
    int evaluations = 0;
    RINGWAY_ASSERT(++evaluations == 1);
    CHECK(evaluations == 1);
}
