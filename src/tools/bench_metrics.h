#pragma once

#include <array>
#include <span>
#include <string>
#include <vector>

#include "tools/bench_run.h"

namespace ringway::tools {

/// A latency that is reported: the key as vLLM's bench has it where it has one.
struct LatencyRow {
    Bytes key;
    Bytes label;
    LatencyHistogram BenchTally::* histogram;
};
inline constexpr std::array<LatencyRow, 6> latency_rows = {{
    {"ttft", "first event", &BenchTally::ttft},
    {"event_delay", "event delay", &BenchTally::delay},
    {"itl", "between events", &BenchTally::itl},
    {"tpot", "per output token", &BenchTally::tpot},
    {"e2el", "whole answer", &BenchTally::e2el},
    {"connect", "new connection", &BenchTally::connect},
}};

struct QuantileRow {
    Bytes key;
    double part;
};
inline constexpr std::array<QuantileRow, 5> quantile_rows = {
    {{"median", 0.5}, {"p90", 0.9}, {"p95", 0.95}, {"p99", 0.99}, {"p99.9", 0.999}}};

/// What happened per second of a window.
struct BenchRates {
    double requests = 0; ///< good answers
    double good = 0;     ///< and within every SLO
    double events = 0;   ///< content events
    double tokens = 0;   ///< output tokens: events, in the proportion that whole answers had
    double bytes = 0;    ///< of answers
};
BenchRates rates_of(const BenchTally& tally, double window_s);

/// A quantity that was measured at two targets in turn, round by round: what the first has more.
struct Added {
    double median = 0;
    double min = 0;
    double max = 0;
    bool is_known = false; ///< both were measured in at least one round
};
/// Of a latency's quantile, in milliseconds.
Added added_ms(const BenchPoint& point, const LatencyRow& row, double part);
/// The middle one; of an even number the mean of both. `values` must not be empty.
double median_of(std::vector<double> values);

/// What the reader must know before believing the numbers: where the load generator itself, its
/// machine or its clock stood in the way.
struct SaturationFacts {
    double cpu_share = 0;    ///< of its busiest worker
    double queued_share = 0; ///< of the time: ready, and waiting for a processor
    double lag_p99_ms = 0;   ///< how late requests were sent
    double turn_p99_ms = 0;  ///< how coarsely arrivals were seen
    double typical_ms = 0;   ///< the shortest typical latency that is reported
    double offered_rate = 0; ///< of an open loop
    double sent_rate = 0;
    bool can_add_workers = false;
    uint64_t early_stamps = 0;
};
std::vector<std::string> saturation_notes(const SaturationFacts& facts);
SaturationFacts saturation_of(const BenchOptions& options, const BenchPoint& point, size_t target);
/// All notes on one point, each with its target's label where there are two.
std::vector<std::string> notes_of(const BenchOptions& options, const BenchPoint& point);

} // namespace ringway::tools
