#include "tools/bench_metrics.h"

#include <algorithm>
#include <cstdio>

namespace ringway::tools {
namespace {

// From these shares on the generator is no longer a bystander.
constexpr double cpu_share_max = 0.85;
constexpr double queued_share_max = 0.05;
constexpr double rate_missed = 0.98;
constexpr double lag_share_max = 0.1; ///< of the latency that is measured
constexpr double lag_ms_min = 0.2;    ///< below that nobody minds

template <class... Values>
std::string format(const char* pattern, Values... values) {
    char text[256];
    std::snprintf(text, sizeof text, pattern, values...);
    return text;
}

bool is_noticeable(double lag_ms, double typical_ms) {
    return lag_ms > lag_ms_min && lag_ms > lag_share_max * typical_ms;
}

} // namespace

BenchRates rates_of(const BenchTally& tally, double window_s) {
    BenchRates rates;
    if (window_s <= 0) return rates;
    rates.requests = static_cast<double>(tally.window_completed) / window_s;
    rates.good = static_cast<double>(tally.window_good) / window_s;
    rates.events = static_cast<double>(tally.window_events) / window_s;
    rates.bytes = static_cast<double>(tally.window_bytes) / window_s;
    if (tally.content_events > 0) {
        rates.tokens = rates.events * static_cast<double>(tally.output_tokens) /
                       static_cast<double>(tally.content_events);
    } else if (tally.completed > 0) { // no streams
        rates.tokens = rates.requests * static_cast<double>(tally.output_tokens) /
                       static_cast<double>(tally.completed);
    }
    return rates;
}

double median_of(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    const size_t middle = values.size() / 2;
    if (values.size() % 2 == 1) return values[middle];
    return (values[middle - 1] + values[middle]) / 2;
}

Added added_ms(const BenchPoint& point, const LatencyRow& row, double part) {
    Added added;
    if (point.targets.size() < 2) return added;
    const auto& through = point.targets[0].rounds;
    const auto& direct = point.targets[1].rounds;
    std::vector<double> differences;
    for (size_t i = 0; i < std::min(through.size(), direct.size()); ++i) {
        const LatencyHistogram& a = through[i].tally.*row.histogram;
        const LatencyHistogram& b = direct[i].tally.*row.histogram;
        if (a.empty() || b.empty()) continue;
        differences.push_back((a.quantile_ns(part) - b.quantile_ns(part)) * 1e-6);
    }
    if (differences.empty()) return added;
    added.is_known = true;
    added.min = *std::min_element(differences.begin(), differences.end());
    added.max = *std::max_element(differences.begin(), differences.end());
    added.median = median_of(std::move(differences));
    return added;
}

std::vector<std::string> saturation_notes(const SaturationFacts& facts) {
    std::vector<std::string> notes;
    const char* const advice = facts.can_add_workers ? " (give it more workers: --smp)" : "";
    if (facts.cpu_share >= cpu_share_max) {
        notes.push_back(
            format("the load generator was itself the bottleneck: a worker used %.0f %% "
                   "of its processor%s",
                   facts.cpu_share * 100, advice));
    }
    if (facts.queued_share >= queued_share_max) {
        notes.push_back(format("the load generator waited for a processor %.0f %% of the time: "
                               "something else runs on its processors, and latencies include the "
                               "wait",
                               facts.queued_share * 100));
    }
    if (facts.offered_rate > 0 && facts.sent_rate < rate_missed * facts.offered_rate) {
        notes.push_back(format("the offered rate was missed: %.1f of %.1f requests/s were sent",
                               facts.sent_rate, facts.offered_rate));
    }
    if (is_noticeable(facts.lag_p99_ms, facts.typical_ms)) {
        notes.push_back(format("requests were sent late by the load generator: 1 %% by more than "
                               "%.3f ms, which latencies include",
                               facts.lag_p99_ms));
    }
    if (is_noticeable(facts.turn_p99_ms, facts.typical_ms)) {
        notes.push_back(format("arrivals are known only to about %.3f ms: the load generator was "
                               "busy that long between two looks at its sockets",
                               facts.turn_p99_ms));
    }
    if (facts.early_stamps > 0) {
        notes.push_back(format("%llu events came before they were sent: the stamps are of another "
                               "machine's clock, so event delays mean nothing",
                               static_cast<unsigned long long>(facts.early_stamps)));
    }
    return notes;
}

SaturationFacts saturation_of(const BenchOptions& options, const BenchPoint& point, size_t target) {
    const BenchTargetResult& result = point.targets[target];
    SaturationFacts facts;
    std::vector<double> cpu;
    std::vector<double> queued;
    for (const BenchRoundResult& round : result.rounds) {
        cpu.push_back(round.cpu_share);
        queued.push_back(round.queued_share);
    }
    if (!cpu.empty()) facts.cpu_share = median_of(std::move(cpu));
    if (!queued.empty()) facts.queued_share = median_of(std::move(queued));
    facts.lag_p99_ms = result.total.send_lag.quantile_ns(0.99) * 1e-6;
    facts.turn_p99_ms = result.total.turn.quantile_ns(0.99) * 1e-6;
    const LatencyHistogram& shortest =
        result.total.delay.empty() ? result.total.ttft : result.total.delay;
    facts.typical_ms = shortest.quantile_ns(0.5) * 1e-6;
    if (!point.load.is_open()) facts.lag_p99_ms = 0; // nothing is due at a time
    const bool is_timed = options.requests == 0;
    if (point.load.is_open() && is_timed && result.window_s > 0) {
        facts.offered_rate = point.load.rate;
        facts.sent_rate = static_cast<double>(result.total.sent) / result.window_s;
    }
    facts.can_add_workers = options.workers < options.workers_max;
    facts.early_stamps = result.total.early_stamps;
    return facts;
}

std::vector<std::string> notes_of(const BenchOptions& options, const BenchPoint& point) {
    std::vector<std::string> all;
    for (size_t i = 0; i < point.targets.size(); ++i) {
        const std::string prefix = point.targets.size() > 1 ? options.targets[i].label + ": " : "";
        for (const std::string& note : saturation_notes(saturation_of(options, point, i))) {
            all.push_back(prefix + note);
        }
        for (const BenchFailure& failure : point.targets[i].total.failures) {
            if (failure.what != "no local port left") continue;
            all.push_back(prefix + "local ports ran out: each new connection keeps one for a "
                                   "minute; keep connections, or push less");
        }
        if (point.targets[i].total.unfinished > 0) {
            all.push_back(prefix + "some answers were still under way at the end, and are in no "
                                   "latency");
        }
    }
    return all;
}

} // namespace ringway::tools
