#pragma once

#include <string>

#include "tools/bench_metrics.h"

namespace ringway::tools {

/// For people. With two targets the last column is what the first added, round against round.
std::string text_report(const BenchOptions& options, const BenchResult& result);

/// For programs: one object; its fields are named as those of vLLM's `bench serve` where it has
/// them. With a sweep the objects of its points stand in "points".
std::string json_report(const BenchOptions& options, const BenchResult& result);

/// For slides: latencies by percentile, or over the points of a sweep.
std::string svg_report(const BenchOptions& options, const BenchResult& result);

} // namespace ringway::tools
