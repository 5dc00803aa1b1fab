#include <benchmark/benchmark.h>

// What each bench measures, and why, stands above it. Compare runs of one machine only, and
// several of them: --benchmark_repetitions=9 --benchmark_report_aggregates_only=true.
BENCHMARK_MAIN();
