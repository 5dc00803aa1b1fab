#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <vector>

#include "ringway/time.h"

namespace ringway::tools {

/// Durations in log-linear buckets: 256 to each power of two of nanoseconds, so that a quantile is
/// known to 0.4 %, and better where many values share its bucket, since it is told by its rank
/// there. Count, sum, least and greatest are exact. Histograms of workers and rounds are merged by
/// addition. Memory grows with the values seen. Source: HdrHistogram's bucketing.
class LatencyHistogram {
public:
    static constexpr unsigned sub_bits = 8;
    static constexpr unsigned value_bits = 44; ///< up to 4.8 hours; what is longer counts as that
    static constexpr unsigned buckets = (value_bits - sub_bits + 1) << sub_bits;

    /// Below zero counts as zero.
    void record(Duration duration) {
        constexpr auto ns_max = static_cast<int64_t>((uint64_t{1} << value_bits) - 1);
        const auto ns = static_cast<uint64_t>(std::clamp<int64_t>(duration.count(), 0, ns_max));
        const unsigned bucket = bucket_of(ns);
        if (bucket >= counts_.size()) grow(bucket + 1);
        ++counts_[bucket];
        ++count_;
        sum_ns_ += static_cast<double>(ns);
        sum_of_squares_ += static_cast<double>(ns) * static_cast<double>(ns);
        min_ns_ = std::min(min_ns_, ns);
        max_ns_ = std::max(max_ns_, ns);
    }
    void merge(const LatencyHistogram& other) {
        if (other.counts_.size() > counts_.size()) grow(other.counts_.size());
        for (size_t i = 0; i < other.counts_.size(); ++i) counts_[i] += other.counts_[i];
        count_ += other.count_;
        sum_ns_ += other.sum_ns_;
        sum_of_squares_ += other.sum_of_squares_;
        min_ns_ = std::min(min_ns_, other.min_ns_);
        max_ns_ = std::max(max_ns_, other.max_ns_);
    }

    uint64_t count() const { return count_; }
    bool empty() const { return count_ == 0; }
    double mean_ns() const { return count_ == 0 ? 0 : sum_ns_ / static_cast<double>(count_); }
    double deviation_ns() const {
        if (count_ == 0) return 0;
        const double mean = mean_ns();
        const double variance = sum_of_squares_ / static_cast<double>(count_) - mean * mean;
        return std::sqrt(std::max(variance, 0.0));
    }
    double min_ns() const { return count_ == 0 ? 0 : static_cast<double>(min_ns_); }
    double max_ns() const { return static_cast<double>(max_ns_); }

    /// The value that `part` (0 to 1) of all values do not exceed: the ceil(part * count)-th
    /// smallest. 0 when there are none.
    double quantile_ns(double part) const {
        if (count_ == 0) return 0;
        const double wanted = std::ceil(std::clamp(part, 0.0, 1.0) * static_cast<double>(count_));
        const auto rank = std::clamp<uint64_t>(static_cast<uint64_t>(wanted), 1, count_);
        if (rank == count_) return max_ns();
        uint64_t seen = 0;
        for (unsigned i = 0; i < counts_.size(); ++i) {
            if (seen + counts_[i] < rank) {
                seen += counts_[i];
                continue;
            }
            // As if the bucket's values were spread evenly over it.
            const double place =
                (static_cast<double>(rank - seen) - 0.5) / static_cast<double>(counts_[i]);
            return std::clamp(lower_ns(i) + place * width_ns(i), min_ns(), max_ns());
        }
        return max_ns();
    }

    static constexpr unsigned bucket_of(uint64_t ns) {
        if (ns < (uint64_t{1} << sub_bits)) return static_cast<unsigned>(ns);
        const auto power = static_cast<unsigned>(std::bit_width(ns)) - 1;
        const unsigned shift = power - sub_bits;
        const auto sub = static_cast<unsigned>(ns >> shift) & ((1U << sub_bits) - 1);
        return ((shift + 1) << sub_bits) + sub;
    }
    static constexpr double lower_ns(unsigned bucket) {
        const unsigned row = bucket >> sub_bits;
        if (row == 0) return bucket;
        const uint64_t sub = (bucket & ((1U << sub_bits) - 1)) + (uint64_t{1} << sub_bits);
        return static_cast<double>(sub << (row - 1));
    }
    /// From a bucket's least to its greatest value.
    static constexpr double width_ns(unsigned bucket) {
        const unsigned row = bucket >> sub_bits;
        return row == 0 ? 0 : static_cast<double>((uint64_t{1} << (row - 1)) - 1);
    }

private:
    void grow(size_t size) {
        constexpr size_t step = 512;
        counts_.resize(std::min<size_t>((size + step - 1) / step * step, buckets), 0);
    }

    std::vector<uint64_t> counts_;
    uint64_t count_ = 0;
    double sum_ns_ = 0;
    double sum_of_squares_ = 0;
    uint64_t min_ns_ = UINT64_MAX;
    uint64_t max_ns_ = 0;
};

} // namespace ringway::tools
