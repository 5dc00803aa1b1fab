#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tools/bench_options.h"
#include "tools/bench_tally.h"

namespace ringway::tools {

/// One round at one target, all workers together.
struct BenchRoundResult {
    BenchTally tally;
    double window_s = 0;     ///< what was counted in it is told per second of this
    double cpu_share = 0;    ///< of the busiest worker, while it sent: 0 to 1
    double queued_share = 0; ///< the largest part of that time a worker waited for its processor
};

struct BenchTargetResult {
    std::vector<BenchRoundResult> rounds;
    BenchTally total; ///< of all rounds
    double window_s = 0;
};

struct BenchPoint {
    BenchLoad load;
    std::vector<BenchTargetResult> targets; ///< as BenchOptions::targets
};

struct BenchResult {
    std::vector<BenchPoint> points; ///< as BenchOptions::loads
    bool was_interrupted = false;

    bool has_failures() const;
};

/// What a progress line tells.
struct BenchProgress {
    const BenchLoad& load;
    size_t point;
    unsigned round;
    size_t target;
    double elapsed_s; ///< of the round
    uint64_t completed;
    uint64_t failed;
    uint64_t running;
    double events_per_s; ///< lately
};

/// Runs the whole measurement: each load in turn; of each load the rounds; in each round the
/// targets one after the other, in the opposite order every other round, so that drift of the
/// machine falls on both alike. `on_progress` is called five times a second, and says whether to go
/// on. The error is a sentence.
std::expected<BenchResult, std::string>
run_bench(const BenchOptions& options,
          const std::function<bool(const BenchProgress&)>& on_progress);

} // namespace ringway::tools
