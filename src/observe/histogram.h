#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>

#include "ringway/time.h"

namespace ringway::observe {

/// Durations in log-linear buckets: 16 to each power of two of nanoseconds, so that a value is
/// known to 6 %. One worker writes, any thread reads. Source: HdrHistogram's bucketing.
class Histogram {
public:
    static constexpr unsigned sub_bits = 4;
    static constexpr unsigned buckets = (64 - sub_bits) << sub_bits;

    void record(Duration duration) {
        const auto ns = static_cast<uint64_t>(duration.count() > 0 ? duration.count() : 0);
        bump(counts_[bucket_of(ns)], 1);
        bump(sum_ns_, ns);
    }
    uint64_t count_at(unsigned bucket) const {
        return counts_[bucket].load(std::memory_order_relaxed);
    }
    uint64_t sum_ns() const { return sum_ns_.load(std::memory_order_relaxed); }

    static unsigned bucket_of(uint64_t ns) {
        if (ns < (uint64_t{1} << sub_bits)) return static_cast<unsigned>(ns);
        const auto power = static_cast<unsigned>(std::bit_width(ns)) - 1;
        const unsigned shift = power - sub_bits;
        const auto sub = static_cast<unsigned>(ns >> shift) & ((1U << sub_bits) - 1);
        return ((shift + 1) << sub_bits) + sub;
    }
    /// The largest value of a bucket.
    static uint64_t upper_ns(unsigned bucket) {
        const unsigned row = bucket >> sub_bits;
        if (row == 0) return bucket;
        const uint64_t sub = (bucket & ((1U << sub_bits) - 1)) + (uint64_t{1} << sub_bits);
        return ((sub + 1) << (row - 1)) - 1;
    }

private:
    static void bump(std::atomic<uint64_t>& counter, uint64_t amount) {
        counter.store(counter.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
    }
    std::array<std::atomic<uint64_t>, buckets> counts_{};
    std::atomic<uint64_t> sum_ns_ = 0;
};

} // namespace ringway::observe
