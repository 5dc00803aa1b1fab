#pragma once

#include <atomic>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/resolver.h"
#include "ring/worker.h"
#include "tools/bench_exchange.h"
#include "tools/bench_schedule.h"

namespace ringway::tools {

/// One worker's share of a round: one load at one target.
struct BenchOrder {
    size_t target = 0;
    BenchLoad load;         ///< of all workers together
    TimePoint begin;        ///< the same for all workers
    TimePoint window_begin; ///< what is meant to be sent earlier warms up
    TimePoint end;          ///< no request is sent from then on; never: `requests` decides
    Duration ramp{};        ///< over which the connections of a closed loop start
    size_t running_max = 0; ///< requests under way at once; the next ones wait, and count that
    std::atomic<int64_t>* requests = nullptr; ///< left to be sent, by all workers; null: no bound
};

/// What came of it.
struct BenchOutcome {
    BenchTally tally;
    double loaded_s = 0; ///< the time that the next two are parts of
    double cpu_s = 0;    ///< used by the worker
    double queued_s = 0; ///< it was ready to run, and another ran on its processor
};

/// A worker of the load generator: sends its share of each round, one round at a time. It turns the
/// loop itself, since requests of an open loop are due at times that a timer wheel is too coarse
/// for.
class BenchWorker {
public:
    BenchWorker(const BenchOptions& options, const std::vector<BenchRequest>& requests,
                net::NameService& names, unsigned index);
    ~BenchWorker();

    /// On the worker's thread, until end(). `started` brings what went wrong, or nothing.
    void run(ring::Worker& worker, std::promise<std::string>& started);

    // From any thread, once started --------------------------------------------------------------
    std::future<BenchOutcome> begin(const BenchOrder& order);
    /// Sends no more, and ends what is under way.
    void interrupt();
    void end();
    const BenchLive& live() const { return live_; }

private:
    struct Current;

    std::string set_up();
    void start(const BenchOrder& order, std::promise<BenchOutcome> outcome);
    void pump();
    void send_due();
    bool takes_request();
    bool is_sending() const;
    TimePoint wakes_at() const;
    ring::Task<void> client(TimePoint starts_at);
    ring::Task<void> send_once(TimePoint intended);
    void stop_sending();
    void measure_times();
    void deliver();
    void take_down();
    ring::Task<void> close_pools();

    const BenchOptions& options_;
    const std::vector<BenchRequest>& requests_;
    net::NameService& names_;
    unsigned index_;
    std::mt19937_64 random_;
    uint64_t request_number_;
    BenchLive live_;
    ring::Loop* loop_ = nullptr;
    std::unique_ptr<net::Resolver> resolver_;
    std::vector<std::unique_ptr<http::Pool>> pools_; ///< one for each target
    std::unique_ptr<EventScan> scan_;
    std::unique_ptr<wire::Fields> fields_;
    std::unique_ptr<Current> current_; ///< the round under way
    bool is_told_to_end_ = false;
};

} // namespace ringway::tools
