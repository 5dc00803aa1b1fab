#include "tools/bench_schedule.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

using namespace ringway;
using namespace ringway::tools;

namespace {

std::vector<int64_t> dues(const ArrivalSchedule::Options& options, size_t count) {
    ArrivalSchedule schedule(options);
    std::vector<int64_t> all;
    for (size_t i = 0; i < count; ++i, schedule.advance()) {
        all.push_back(schedule.due().count());
    }
    return all;
}

} // namespace

TEST_CASE("bench schedule: an even rate is exact, and does not drift") {
    const auto all = dues({.rate = 3000, .is_poisson = false, .seed = 1}, 3'000'001);
    CHECK(all[0] == 0);
    CHECK(all[1] == 333'333);
    CHECK(all[3] == 1'000'000);
    CHECK(std::abs(all[3'000'000] - 1'000'000'000'000) <= 1); // after 1000 s
}

TEST_CASE("bench schedule: the shares of an even rate interleave to the whole of it") {
    std::vector<int64_t> joined;
    for (unsigned share = 0; share < 3; ++share) {
        const auto part = dues({.rate = 1000, .share = share, .shares = 3}, 100);
        joined.insert(joined.end(), part.begin(), part.end());
    }
    std::sort(joined.begin(), joined.end());
    CHECK(joined == dues({.rate = 1000}, 300));
}

TEST_CASE("bench schedule: a Poisson process has the mean and the spread of one") {
    for (const uint64_t seed : {1U, 42U, 99U}) {
        constexpr size_t count = 100'000;
        const auto all = dues({.rate = 500, .is_poisson = true, .seed = seed}, count);
        double sum = 0;
        double squares = 0;
        int64_t before = 0;
        for (const int64_t due : all) {
            const auto gap = static_cast<double>(due - before) * 1e-9;
            before = due;
            sum += gap;
            squares += gap * gap;
        }
        const double mean = sum / count;
        const double deviation = std::sqrt(squares / count - mean * mean);
        CAPTURE(seed);
        CHECK(mean == doctest::Approx(1.0 / 500).epsilon(0.02));
        CHECK(deviation == doctest::Approx(1.0 / 500).epsilon(0.03)); // exponential: as the mean
    }
}

TEST_CASE("bench schedule: one seed gives one Poisson process, another seed another") {
    const ArrivalSchedule::Options options{.rate = 100, .is_poisson = true, .seed = 5};
    ArrivalSchedule::Options other = options;
    other.seed = 6;
    CHECK(dues(options, 50) == dues(options, 50));
    CHECK(dues(options, 50) != dues(other, 50));
}

TEST_CASE("bench schedule: shares of a Poisson process are processes of their own") {
    ArrivalSchedule::Options options{.rate = 100, .is_poisson = true, .shares = 2};
    const auto first = dues(options, 20'000);
    options.share = 1;
    const auto second = dues(options, 20'000);
    CHECK(first != second);
    CHECK(static_cast<double>(first.back()) == doctest::Approx(400e9).epsilon(0.03));
    CHECK(static_cast<double>(second.back()) == doctest::Approx(400e9).epsilon(0.03));
}
