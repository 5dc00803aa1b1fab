#include "observe/histogram.h"

#include <doctest/doctest.h>

#include <thread>

#include "observe/counters.h"

using namespace ringway;
using namespace ringway::observe;

TEST_CASE("histogram: every duration is in a bucket whose bounds hold it, to 6 percent") {
    uint64_t ns = 0;
    for (int i = 0; i < 5000 && ns < static_cast<uint64_t>(INT64_MAX) / 2; ++i) {
        CAPTURE(ns);
        const unsigned bucket = Histogram::bucket_of(ns);
        REQUIRE(bucket < Histogram::buckets);
        CHECK(ns <= Histogram::upper_ns(bucket));
        if (bucket > 0) CHECK(ns > Histogram::upper_ns(bucket - 1));
        CHECK(Histogram::upper_ns(bucket) <= ns + ns / 16);
        ns += 1 + ns / 97;
    }
    CHECK(Histogram::bucket_of(static_cast<uint64_t>(INT64_MAX)) == Histogram::buckets - 1);
}

TEST_CASE("histogram: the buckets' bounds grow without a gap") {
    for (unsigned bucket = 0; bucket + 1 < Histogram::buckets; ++bucket) {
        CHECK(Histogram::upper_ns(bucket) < Histogram::upper_ns(bucket + 1));
        CHECK(Histogram::bucket_of(Histogram::upper_ns(bucket)) == bucket);
        CHECK(Histogram::bucket_of(Histogram::upper_ns(bucket) + 1) == bucket + 1);
    }
}

TEST_CASE("histogram: durations are counted and added up, and none is below zero") {
    Histogram histogram;
    histogram.record(10ns);
    histogram.record(1ms);
    histogram.record(-5s);
    CHECK(histogram.count_at(0) == 1);
    CHECK(histogram.count_at(10) == 1);
    CHECK(histogram.count_at(Histogram::bucket_of(1'000'000)) == 1);
    CHECK(histogram.sum_ns() == 1'000'010);
}

TEST_CASE("counters: one thread writes while another reads, and nothing is lost") {
    Counters counters(1);
    constexpr uint64_t rounds = 100'000;
    std::thread writer([&] {
        ProviderCounters& provider = counters.provider("p", 0);
        for (uint64_t i = 0; i < rounds; ++i) {
            counters.worker(0).bytes_relayed.add(3);
            counters.worker(0).overhead.record(1us);
            provider.attempts_ok.add();
        }
    });
    uint64_t seen = 0;
    while (seen < 3 * rounds) {
        const uint64_t now = counters.worker(0).bytes_relayed.value();
        CHECK(now >= seen);
        seen = now;
        counters.for_each_provider([](const ProviderCounters& p) { CHECK(p.provider == "p"); });
        std::this_thread::yield();
    }
    writer.join();
    CHECK(counters.provider("p", 0).attempts_ok.value() == rounds);
    CHECK(counters.worker(0).overhead.sum_ns() == rounds * 1000);
}

TEST_CASE("counters: a provider has counters of its own at each worker, and they stay put") {
    Counters counters(2);
    ProviderCounters& first = counters.provider("a", 0);
    CHECK(&counters.provider("a", 1) != &first);
    for (int i = 0; i < 100; ++i) counters.provider("p" + std::to_string(i), 0);
    CHECK(&counters.provider("a", 0) == &first);
    Counter gauge;
    gauge.add(2);
    gauge.subtract();
    CHECK(gauge.value() == 1);
}
