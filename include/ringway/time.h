#pragma once

#include <chrono>
#include <compare>
#include <cstdint>

namespace ringway {

using Duration = std::chrono::nanoseconds;
using namespace std::chrono_literals;

/// A reading of the monotonic clock (CLOCK_MONOTONIC), in nanoseconds. Time is an argument: only
/// the loop's backend reads the clock, once per turn.
struct TimePoint {
    int64_t ns = 0;

    static constexpr TimePoint never() { return {INT64_MAX}; }
    constexpr auto operator<=>(const TimePoint&) const = default;
    constexpr TimePoint operator+(Duration d) const {
        const int64_t by = d.count();
        return ns > INT64_MAX - by ? never() : TimePoint{ns + by};
    }
    constexpr Duration operator-(TimePoint other) const { return Duration(ns - other.ns); }
};

} // namespace ringway
