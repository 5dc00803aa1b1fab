#include "tools/bench_histogram.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

using namespace ringway;
using namespace ringway::tools;

namespace {

/// The ceil(part * n)-th smallest.
double exact_quantile(std::vector<int64_t> values, double part) {
    std::sort(values.begin(), values.end());
    const auto rank = static_cast<size_t>(std::ceil(part * static_cast<double>(values.size())));
    return static_cast<double>(values[std::clamp<size_t>(rank, 1, values.size()) - 1]);
}

LatencyHistogram histogram_of(const std::vector<int64_t>& values) {
    LatencyHistogram histogram;
    for (const int64_t value : values) histogram.record(Duration(value));
    return histogram;
}

std::vector<int64_t> log_normal_values(uint64_t seed, size_t count) {
    std::mt19937_64 random(seed);
    std::lognormal_distribution<double> distribution(13, 2.5); // around 0.4 ms, over decades
    std::vector<int64_t> values;
    for (size_t i = 0; i < count; ++i) {
        values.push_back(static_cast<int64_t>(std::min(distribution(random), 1e13)));
    }
    return values;
}

} // namespace

TEST_CASE("bench histogram: every quantile is within one percent of the exact one") {
    for (const uint64_t seed : {1U, 2U, 3U}) {
        const auto values = log_normal_values(seed, 20000);
        const LatencyHistogram histogram = histogram_of(values);
        for (const double part : {0.0, 0.01, 0.25, 0.5, 0.9, 0.99, 0.999, 0.9999, 1.0}) {
            CAPTURE(seed);
            CAPTURE(part);
            const double exact = exact_quantile(values, part);
            CHECK(std::abs(histogram.quantile_ns(part) - exact) <= 0.01 * exact);
        }
    }
}

TEST_CASE("bench histogram: any single value is told to within one percent") {
    for (int64_t value = 1; value < int64_t{1} << 43; value = value * 21 / 20 + 1) {
        LatencyHistogram histogram;
        histogram.record(Duration(value));
        histogram.record(Duration(value + value / 3)); // so that the median is not the greatest
        CAPTURE(value);
        CHECK(std::abs(histogram.quantile_ns(0.5) - static_cast<double>(value)) <=
              0.01 * static_cast<double>(value));
    }
}

TEST_CASE("bench histogram: buckets follow each other without gap or overlap") {
    for (unsigned bucket = 0; bucket + 1 < LatencyHistogram::buckets; ++bucket) {
        const double last = LatencyHistogram::lower_ns(bucket) + LatencyHistogram::width_ns(bucket);
        REQUIRE(LatencyHistogram::lower_ns(bucket + 1) == last + 1);
        REQUIRE(LatencyHistogram::bucket_of(static_cast<uint64_t>(last)) == bucket);
    }
}

TEST_CASE("bench histogram: count, mean, least and greatest are exact") {
    const LatencyHistogram histogram = histogram_of({1'000'003, 2'000'001, 6'000'011});
    CHECK(histogram.count() == 3);
    CHECK(histogram.mean_ns() == doctest::Approx(3'000'005.0));
    CHECK(histogram.min_ns() == 1'000'003);
    CHECK(histogram.max_ns() == 6'000'011);
    CHECK(histogram.quantile_ns(1) == 6'000'011);
    CHECK(histogram.deviation_ns() == doctest::Approx(2'160'250.0).epsilon(0.001));
}

TEST_CASE("bench histogram: two merged are as one that saw all values") {
    const auto values = log_normal_values(7, 5000);
    const std::vector<int64_t> first(values.begin(), values.begin() + 100);
    const std::vector<int64_t> rest(values.begin() + 100, values.end());
    LatencyHistogram merged = histogram_of(first);
    merged.merge(histogram_of(rest));
    merged.merge(LatencyHistogram());
    const LatencyHistogram whole = histogram_of(values);
    CHECK(merged.count() == whole.count());
    CHECK(merged.mean_ns() == doctest::Approx(whole.mean_ns()));
    for (const double part : {0.0, 0.5, 0.99, 1.0}) {
        CHECK(merged.quantile_ns(part) == whole.quantile_ns(part));
    }
}

TEST_CASE("bench histogram: nothing recorded is zero everywhere") {
    const LatencyHistogram histogram;
    CHECK(histogram.empty());
    CHECK(histogram.quantile_ns(0.5) == 0);
    CHECK(histogram.mean_ns() == 0);
    CHECK(histogram.min_ns() == 0);
    CHECK(histogram.max_ns() == 0);
}

TEST_CASE("bench histogram: what is out of range counts as the nearest value in it") {
    LatencyHistogram histogram;
    histogram.record(Duration(-5));
    histogram.record(Duration(INT64_MAX));
    CHECK(histogram.count() == 2);
    CHECK(histogram.min_ns() == 0);
    CHECK(histogram.max_ns() ==
          static_cast<double>((uint64_t{1} << LatencyHistogram::value_bits) - 1));
}
