#pragma once

#include <cstdint>
#include <optional>
#include <random>

#include "ringway/time.h"

namespace ringway::tools {

/// When requests are meant to be sent, as time since the start: evenly, or as a Poisson process.
/// An open loop keeps to it whatever the answers do, and latencies count from it, so that a stall
/// is told by every request that should have been sent meanwhile (no coordinated omission).
///
/// The load is dealt out over `shares` workers: each takes every shares-th even slot, or a Poisson
/// process of its own, since such processes add up to one.
class ArrivalSchedule {
public:
    struct Options {
        double rate = 1; ///< of all shares together, per second
        bool is_poisson = false;
        unsigned share = 0;
        unsigned shares = 1;
        uint64_t seed = 1;
    };
    explicit ArrivalSchedule(const Options& options)
        : options_(options), random_(options.seed + options.share),
          gap_s_(options.rate / options.shares) {
        if (options_.is_poisson) due_s_ = gap_s_(random_);
        set_due();
    }

    /// When the next request is due.
    Duration due() const { return due_; }
    void advance() {
        ++index_;
        if (options_.is_poisson) due_s_ += gap_s_(random_);
        set_due();
    }

private:
    void set_due() {
        if (!options_.is_poisson) {
            const auto slot = static_cast<double>(index_ * options_.shares + options_.share);
            due_s_ = slot / options_.rate; // from the index: errors do not add up
        }
        due_ = Duration(static_cast<int64_t>(due_s_ * 1e9));
    }

    Options options_;
    std::mt19937_64 random_;
    std::exponential_distribution<double> gap_s_;
    uint64_t index_ = 0;
    double due_s_ = 0;
    Duration due_{};
};

} // namespace ringway::tools
