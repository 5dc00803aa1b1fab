#include "tools/bench_worker.h"

#include <sys/prctl.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <ctime>

namespace ringway::tools {
namespace {

constexpr Duration pause_after_failure = 10ms; ///< of a closed loop's connection
constexpr Duration wait_max = 100ms;
constexpr Duration idle_time = 40s; ///< below what common servers keep

/// Processor time of this thread, and the time it waited for a processor.
struct ThreadTimes {
    double cpu_s = 0;
    double queued_s = 0;

    static ThreadTimes read() {
        ThreadTimes times;
        timespec cpu{};
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu);
        times.cpu_s = static_cast<double>(cpu.tv_sec) + static_cast<double>(cpu.tv_nsec) * 1e-9;
        std::FILE* file = std::fopen("/proc/thread-self/schedstat", "re");
        if (file == nullptr) return times;
        uint64_t ran_ns = 0;
        uint64_t queued_ns = 0;
        if (std::fscanf(file, "%" SCNu64 " %" SCNu64, &ran_ns, &queued_ns) == 2) {
            times.queued_s = static_cast<double>(queued_ns) * 1e-9;
        }
        std::fclose(file);
        return times;
    }
};

} // namespace

struct BenchWorker::Current {
    BenchOrder order;
    std::promise<BenchOutcome> outcome;
    BenchRound round;
    std::optional<ArrivalSchedule> schedule; ///< of an open loop
    TimePoint started_at;
    ThreadTimes times_before;
    net::TlsClient::Counters tls_before;
    BenchOutcome result;
    bool has_stopped = false; ///< no more is sent
    ring::Scope scope;
};

BenchWorker::BenchWorker(const BenchOptions& options, const std::vector<BenchRequest>& requests,
                         net::NameService& names, unsigned index)
    : options_(options), requests_(requests), names_(names), index_(index),
      random_(options.seed + index), request_number_(uint64_t{index} << 48) {}

BenchWorker::~BenchWorker() = default;

void BenchWorker::run(ring::Worker& worker, std::promise<std::string>& started) {
    loop_ = &worker.loop();
    prctl(PR_SET_TIMERSLACK, 1000UL); // 1 us: send times matter
    std::string problem = set_up();
    if (!problem.empty()) is_told_to_end_ = true;
    started.set_value(std::move(problem));
    while (!is_told_to_end_) {
        // What the turn does before it waits may change what there is to wait for: it never waits
        // long.
        loop_->turn(std::min(wakes_at(), loop_->now() + wait_max));
        if (current_ != nullptr) pump();
    }
    take_down();
}

std::string BenchWorker::set_up() {
    resolver_ = std::make_unique<net::Resolver>(*loop_, names_);
    scan_ = std::make_unique<EventScan>(options_.api);
    fields_ = std::make_unique<wire::Fields>();
    for (const BenchTarget& target : options_.targets) {
        http::PoolOptions pool;
        pool.origin = target.url;
        pool.tls.is_verified = !options_.is_insecure;
        pool.tls.resumes_sessions = options_.resumes_tls;
        pool.idle_max = options_.opens_connections ? 0 : UINT32_MAX;
        pool.idle_time = idle_time;
        pool.connect_time = std::min<Duration>(options_.timeout, 30s);
        std::unique_ptr<net::TlsClient> tls;
        if (target.url.is_tls) {
            auto made = net::TlsClient::make(target.url.host, pool.tls);
            if (!made) return made.error();
            tls = std::move(*made);
        }
        pools_.push_back(
            std::make_unique<http::Pool>(*loop_, *resolver_, std::move(pool), std::move(tls)));
    }
    return "";
}

// A round --------------------------------------------------------------------------------------

std::future<BenchOutcome> BenchWorker::begin(const BenchOrder& order) {
    auto outcome = std::make_shared<std::promise<BenchOutcome>>();
    auto future = outcome->get_future();
    loop_->mailbox().post([this, order, outcome] { start(order, std::move(*outcome)); });
    return future;
}

void BenchWorker::start(const BenchOrder& order, std::promise<BenchOutcome> outcome) {
    RINGWAY_ASSERT(current_ == nullptr);
    current_.reset(new Current{.order = order,
                               .outcome = std::move(outcome),
                               .round = {options_, requests_[order.target], *pools_[order.target],
                                         *loop_, *scan_, *fields_, random_, live_, request_number_,
                                         order.window_begin, order.end},
                               .schedule = {},
                               .started_at = loop_->backend().now(),
                               .times_before = ThreadTimes::read(),
                               .tls_before = pools_[order.target]->tls_counters(),
                               .result = {},
                               .scope = {}});
    if (order.load.is_open()) {
        current_->schedule.emplace(ArrivalSchedule::Options{order.load.rate, order.load.is_poisson,
                                                            index_, options_.workers, random_()});
        return;
    }
    const unsigned connections = order.load.connections;
    for (unsigned i = index_; i < connections; i += options_.workers) {
        const auto ramped = order.ramp.count() * int64_t{i} / int64_t{connections};
        current_->scope.spawn(client(order.begin + Duration(ramped)));
    }
}

bool BenchWorker::is_sending() const {
    const BenchOrder& order = current_->order;
    if (current_->has_stopped || loop_->now() >= order.end) return false;
    return order.requests == nullptr || order.requests->load(std::memory_order_relaxed) > 0;
}

/// One of the requests left is this worker's to send.
bool BenchWorker::takes_request() {
    std::atomic<int64_t>* const left = current_->order.requests;
    return left == nullptr || left->fetch_sub(1, std::memory_order_relaxed) > 0;
}

/// After each turn of the loop.
void BenchWorker::pump() {
    Current& current = *current_;
    if (is_sending()) {
        if (current.schedule) send_due();
    } else if (!current.has_stopped) {
        stop_sending();
    }
    const TimePoint now = loop_->backend().now();
    if (now >= current.order.window_begin) current.round.tally.turn.record(now - loop_->now());
    if (!current.has_stopped) return;
    if (current.scope.running() == 0) return deliver();
    const TimePoint drained = current.order.end + options_.drain_time;
    if (now >= drained && !current.round.is_abandoned) current.round.abandon();
}

/// Sends what is due of an open loop. A few at a time: the sockets want to be served as well.
void BenchWorker::send_due() {
    constexpr int batch_max = 32;
    Current& current = *current_;
    const TimePoint now = loop_->backend().now();
    for (int i = 0; i < batch_max; ++i) {
        const TimePoint due = current.order.begin + current.schedule->due();
        const bool has_room = current.scope.running() < current.order.running_max;
        if (due > now || due >= current.order.end || !has_room || !takes_request()) return;
        current.schedule->advance();
        current.scope.spawn(send_once(due));
    }
}

TimePoint BenchWorker::wakes_at() const {
    if (current_ == nullptr) return TimePoint::never();
    const Current& current = *current_;
    if (current.has_stopped) {
        return current.round.is_abandoned ? TimePoint::never()
                                          : current.order.end + options_.drain_time;
    }
    if (!current.schedule || current.scope.running() >= current.order.running_max) {
        return current.order.end;
    }
    return std::min(current.order.begin + current.schedule->due(), current.order.end);
}

ring::Task<void> BenchWorker::send_once(TimePoint intended) {
    BenchExchange exchange(current_->round, intended);
    co_await exchange.run();
}

/// One connection of a closed loop.
ring::Task<void> BenchWorker::client(TimePoint starts_at) {
    constexpr Duration slice = 100ms; // so that an interrupt is noticed
    while (loop_->now() < starts_at && is_sending()) {
        ring::Pause pause(*loop_, std::min(starts_at - loop_->now(), slice));
        co_await pause;
    }
    while (is_sending() && takes_request()) {
        bool is_good = false;
        {
            BenchExchange exchange(current_->round, loop_->backend().now());
            is_good = co_await exchange.run();
        }
        if (is_good) continue;
        ring::Pause pause(*loop_, pause_after_failure);
        co_await pause;
    }
}

void BenchWorker::stop_sending() {
    current_->has_stopped = true;
    if (current_->order.end != TimePoint::never()) measure_times();
}

/// The load on this worker: of a timed round until no more is sent, since the rest is no full load.
void BenchWorker::measure_times() {
    Current& current = *current_;
    const ThreadTimes times = ThreadTimes::read();
    current.result.cpu_s = times.cpu_s - current.times_before.cpu_s;
    current.result.queued_s = times.queued_s - current.times_before.queued_s;
    const Duration passed = loop_->backend().now() - current.started_at;
    current.result.loaded_s = static_cast<double>(passed.count()) * 1e-9;
}

void BenchWorker::deliver() {
    if (current_->order.end == TimePoint::never()) measure_times();
    const auto finished = std::move(current_);
    const auto tls = pools_[finished->order.target]->tls_counters();
    finished->round.tally.tls_handshakes = tls.handshakes - finished->tls_before.handshakes;
    finished->round.tally.tls_resumed = tls.resumed - finished->tls_before.resumed;
    finished->result.tally = std::move(finished->round.tally);
    finished->outcome.set_value(std::move(finished->result));
}

// The end --------------------------------------------------------------------------------------

void BenchWorker::interrupt() {
    loop_->mailbox().post([this] {
        if (current_ == nullptr) return;
        if (!current_->has_stopped) stop_sending();
        current_->round.abandon();
    });
}

void BenchWorker::end() {
    loop_->mailbox().post([this] { is_told_to_end_ = true; });
}

ring::Task<void> BenchWorker::close_pools() {
    for (const auto& pool : pools_) pool->close();
    for (const auto& pool : pools_) co_await pool->drained();
}

void BenchWorker::take_down() {
    RINGWAY_ASSERT(current_ == nullptr);
    ring::Scope scope;
    scope.spawn(close_pools());
    while (scope.running() > 0) loop_->turn(loop_->now() + 1ms);
    // Closing sockets takes the kernel a turn or two: their streams free themselves after that.
    for (int turn = 0; turn < 8; ++turn) loop_->turn(loop_->now() + 1ms);
    pools_.clear();
    resolver_.reset();
}

} // namespace ringway::tools
