#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <string>

#include "app/commands.h"
#include "app/signals.h"
#include "ring/worker.h"
#include "tools/bench_report.h"

namespace ringway::app {
namespace {

/// An order to stop has come; block_order_signals() keeps it until somebody asks.
bool is_interrupted() {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : {SIGTERM, SIGINT, SIGQUIT}) sigaddset(&set, signal);
    const timespec at_once{};
    return sigtimedwait(&set, nullptr, &at_once) > 0;
}

void print_progress(const tools::BenchOptions& options, const tools::BenchProgress& progress) {
    std::string place;
    if (options.loads.size() > 1) {
        place += std::to_string(progress.point + 1) + "/" + std::to_string(options.loads.size()) +
                 " " + progress.load.to_string() + ", ";
    }
    if (options.rounds > 1) {
        place += "round " + std::to_string(progress.round + 1) + "/" +
                 std::to_string(options.rounds) + ", ";
    }
    if (options.targets.size() > 1) place += options.targets[progress.target].label + ", ";
    std::fprintf(stderr, "\r\x1b[K%s%.1f s: %llu done, %llu failed, %llu under way, %.0f events/s",
                 place.c_str(), std::max(progress.elapsed_s, 0.0),
                 static_cast<unsigned long long>(progress.completed),
                 static_cast<unsigned long long>(progress.failed),
                 static_cast<unsigned long long>(progress.running), progress.events_per_s);
}

bool write_file(const std::string& name, const std::string& text) {
    std::FILE* const file = std::fopen(name.c_str(), "we");
    const bool is_written =
        file != nullptr && std::fwrite(text.data(), 1, text.size(), file) == text.size();
    const bool is_closed = file != nullptr && std::fclose(file) == 0;
    if (is_written && is_closed) return true;
    std::fprintf(stderr, "ringway: cannot write %s\n", name.c_str());
    return false;
}

std::string place_workers(const Arguments& arguments, tools::BenchOptions& options) {
    options.workers_max = static_cast<unsigned>(ring::allowed_cpus().size());
    options.workers = arguments.workers.value_or(1);
    if (arguments.cpuset.empty()) return "";
    auto cpus = ring::parse_cpu_list(arguments.cpuset);
    if (!cpus) return "cpuset: " + std::string(cpus.error().what);
    options.cpus = std::move(*cpus);
    if (!arguments.workers) options.workers = static_cast<unsigned>(options.cpus.size());
    return "";
}

bool print_report(const tools::BenchOptions& options, const tools::BenchResult& result) {
    const bool prints_json = options.json_file == "-";
    const std::string report =
        prints_json ? json_report(options, result) : text_report(options, result);
    std::fwrite(report.data(), 1, report.size(), stdout);
    bool is_written = true;
    if (!options.json_file.empty() && !prints_json) {
        is_written = write_file(options.json_file, json_report(options, result));
    }
    if (!options.svg_file.empty()) {
        is_written = write_file(options.svg_file, svg_report(options, result)) && is_written;
    }
    return is_written;
}

} // namespace

int bench_command(const Arguments& arguments) {
    tools::BenchOptions options = arguments.bench;
    if (const std::string problem = place_workers(arguments, options); !problem.empty()) {
        std::fprintf(stderr, "ringway: %s\n", problem.c_str());
        return 2;
    }
    block_order_signals();
    const bool shows = options.shows_progress && isatty(STDERR_FILENO) == 1;
    const auto result = tools::run_bench(options, [&](const tools::BenchProgress& progress) {
        if (shows) print_progress(options, progress);
        return !is_interrupted();
    });
    if (shows) std::fputs("\r\x1b[K", stderr);
    if (!result) {
        std::fprintf(stderr, "ringway: %s\n", result.error().c_str());
        return 2;
    }
    if (!print_report(options, *result)) return 1;
    if (result->was_interrupted) return 130;
    return result->has_failures() && !options.allows_failures ? 1 : 0;
}

} // namespace ringway::app
