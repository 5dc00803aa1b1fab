#include "tools/bench_run.h"

#include <sys/resource.h>

#include <algorithm>
#include <ctime>

#include "tools/bench_worker.h"

namespace ringway::tools {
namespace {

constexpr Duration progress_interval = 200ms;
constexpr Duration start_delay = 10ms; ///< so that all workers know of a round before it begins
constexpr uint64_t spare_descriptors = 64;

TimePoint monotonic_now() {
    timespec reading{};
    clock_gettime(CLOCK_MONOTONIC, &reading);
    return {int64_t{reading.tv_sec} * 1'000'000'000 + reading.tv_nsec};
}

/// How many sockets this process may have, once its limit is raised as far as it goes.
uint64_t raise_descriptor_limit() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur;
}

/// Connections of a large closed loop start spread out, or the listener's queue overflows and the
/// kernel tries again only after a second.
Duration ramp_of(const BenchOptions& options, const BenchLoad& load) {
    constexpr Duration ramp_per_connection = 100us;
    constexpr unsigned connections_at_once = 500;
    if (load.is_open()) return {};
    const bool needs_ramp = load.connections > connections_at_once;
    return std::max<Duration>(options.ramp,
                              needs_ramp ? ramp_per_connection * load.connections : Duration());
}

class Runner {
public:
    Runner(const BenchOptions& options, const std::function<bool(const BenchProgress&)>& progress)
        : options_(options), on_progress_(progress) {
        for (const BenchTarget& target : options.targets) requests_.emplace_back(options, target);
    }
    ~Runner() {
        for (const auto& worker : workers_) worker->end();
        for (const auto& thread : threads_) thread->join();
    }
    std::string start();
    BenchResult run();

private:
    void run_round(BenchPoint& point, size_t index, unsigned round, size_t target);
    BenchOrder order_for(const BenchLoad& load, size_t target, std::atomic<int64_t>& left) const;
    bool tell(const BenchLoad& load, size_t point, unsigned round, size_t target, TimePoint began);

    const BenchOptions& options_;
    const std::function<bool(const BenchProgress&)>& on_progress_;
    std::vector<BenchRequest> requests_;
    net::ResolverThread names_;
    std::vector<std::unique_ptr<BenchWorker>> workers_;
    std::vector<std::unique_ptr<ring::Worker>> threads_;
    uint64_t descriptors_ = 0;
    TimePoint told_at_;
    uint64_t told_events_ = 0;
    bool is_interrupted_ = false;
};

std::string Runner::start() {
    descriptors_ = raise_descriptor_limit();
    for (const BenchLoad& load : options_.loads) {
        // Idle connections to the other targets stay open.
        const uint64_t wanted =
            uint64_t{load.connections} * options_.targets.size() + spare_descriptors;
        if (!load.is_open() && wanted > descriptors_) {
            return load.to_string() + " need " + std::to_string(wanted) +
                   " descriptors, and this process may have " + std::to_string(descriptors_) +
                   " (ulimit -n)";
        }
    }
    for (unsigned i = 0; i < options_.workers; ++i) {
        ring::WorkerOptions options;
        options.index = i;
        options.cpu = options_.cpus.empty() ? -1 : options_.cpus[i % options_.cpus.size()];
        workers_.push_back(std::make_unique<BenchWorker>(options_, requests_, names_, i));
        auto ready = std::make_shared<std::promise<std::string>>();
        auto problem = ready->get_future();
        threads_.push_back(std::make_unique<ring::Worker>(
            options, [part = workers_.back().get(), ready](ring::Worker& worker) {
                part->run(worker, *ready);
            }));
        std::string explanation;
        if (!threads_.back()->start(explanation)) {
            workers_.pop_back();
            return explanation;
        }
        if (std::string text = problem.get(); !text.empty()) return text;
    }
    return "";
}

BenchResult Runner::run() {
    BenchResult result;
    for (size_t i = 0; i < options_.loads.size() && !is_interrupted_; ++i) {
        BenchPoint& point = result.points.emplace_back();
        point.load = options_.loads[i];
        point.targets.resize(options_.targets.size());
        for (unsigned round = 0; round < options_.rounds && !is_interrupted_; ++round) {
            for (size_t k = 0; k < point.targets.size() && !is_interrupted_; ++k) {
                const size_t target = round % 2 == 0 ? k : point.targets.size() - 1 - k;
                run_round(point, i, round, target);
            }
        }
    }
    result.was_interrupted = is_interrupted_;
    return result;
}

BenchOrder Runner::order_for(const BenchLoad& load, size_t target,
                             std::atomic<int64_t>& left) const {
    BenchOrder order;
    order.target = target;
    order.load = load;
    order.begin = monotonic_now() + start_delay;
    order.ramp = ramp_of(options_, load);
    order.end = TimePoint::never();
    order.window_begin = order.begin + options_.warmup;
    if (options_.duration > Duration::zero()) {
        order.window_begin = order.begin + std::max(options_.warmup, order.ramp);
        order.end = order.window_begin + options_.duration / int64_t{options_.rounds};
    }
    if (options_.requests > 0) {
        const uint64_t per_round = (options_.requests + options_.rounds - 1) / options_.rounds;
        left = static_cast<int64_t>(per_round);
        order.requests = &left;
    }
    order.running_max = (descriptors_ - spare_descriptors) / options_.workers;
    return order;
}

void Runner::run_round(BenchPoint& point, size_t index, unsigned round, size_t target) {
    std::atomic<int64_t> left = 0;
    const BenchOrder order = order_for(point.load, target, left);
    std::vector<std::future<BenchOutcome>> outcomes;
    for (const auto& worker : workers_) outcomes.push_back(worker->begin(order));
    BenchRoundResult result;
    int64_t last_completion_ns = order.window_begin.ns + 1;
    for (auto& outcome : outcomes) {
        while (outcome.wait_for(progress_interval) != std::future_status::ready) {
            if (is_interrupted_ || tell(point.load, index, round, target, order.begin)) continue;
            is_interrupted_ = true;
            for (const auto& worker : workers_) worker->interrupt();
        }
        const BenchOutcome part = outcome.get();
        result.tally.merge(part.tally);
        if (part.loaded_s > 0) {
            result.cpu_share = std::max(result.cpu_share, part.cpu_s / part.loaded_s);
            result.queued_share = std::max(result.queued_share, part.queued_s / part.loaded_s);
        }
    }
    last_completion_ns = std::max(last_completion_ns, result.tally.last_completion_ns);
    // Where a time was given, and passed, the window is as long as that.
    const bool is_cut = is_interrupted_ || options_.requests > 0;
    const int64_t window_end_ns =
        is_cut ? std::min(order.end.ns, last_completion_ns) : order.end.ns;
    result.window_s = static_cast<double>(window_end_ns - order.window_begin.ns) * 1e-9;
    BenchTargetResult& into = point.targets[target];
    into.total.merge(result.tally);
    into.window_s += result.window_s;
    into.rounds.push_back(std::move(result));
}

bool Runner::tell(const BenchLoad& load, size_t point, unsigned round, size_t target,
                  TimePoint began) {
    BenchProgress progress{load, point, round, target, 0, 0, 0, 0, 0};
    uint64_t events = 0;
    for (const auto& worker : workers_) {
        const BenchLive& live = worker->live();
        progress.completed += live.completed.load(std::memory_order_relaxed);
        progress.failed += live.failed.load(std::memory_order_relaxed);
        progress.running += live.running.load(std::memory_order_relaxed);
        events += live.events.load(std::memory_order_relaxed);
    }
    const TimePoint now = monotonic_now();
    progress.elapsed_s = static_cast<double>((now - began).count()) * 1e-9;
    const double since_s = static_cast<double>((now - told_at_).count()) * 1e-9;
    progress.events_per_s = static_cast<double>(events - told_events_) / since_s;
    told_at_ = now;
    told_events_ = events;
    return on_progress_(progress);
}

} // namespace

bool BenchResult::has_failures() const {
    return std::any_of(points.begin(), points.end(), [](const BenchPoint& point) {
        return std::any_of(point.targets.begin(), point.targets.end(),
                           [](const BenchTargetResult& target) {
                               return target.total.failed > 0 || target.total.unfinished > 0 ||
                                      target.total.completed + target.total.aborted == 0;
                           });
    });
}

std::expected<BenchResult, std::string>
run_bench(const BenchOptions& options,
          const std::function<bool(const BenchProgress&)>& on_progress) {
    Runner runner(options, on_progress);
    if (std::string problem = runner.start(); !problem.empty()) return std::unexpected(problem);
    return runner.run();
}

} // namespace ringway::tools
