#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>

#include "base/bytes.h"
#include "observe/histogram.h"

namespace ringway::observe {

/// A number that one worker writes and any thread reads. Adding takes no locked instruction.
class Counter {
public:
    void add(uint64_t amount = 1) {
        value_.store(value_.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
    }
    void subtract(uint64_t amount = 1) { add(0 - amount); }
    void set(uint64_t value) { value_.store(value, std::memory_order_relaxed); }
    uint64_t value() const { return value_.load(std::memory_order_relaxed); }

private:
    std::atomic<uint64_t> value_ = 0;
};

/// What one worker counts of one provider. Lives as long as the process, across reloads.
struct ProviderCounters {
    std::string provider;
    unsigned worker = 0;
    Counter attempts_ok;
    Counter attempts_failed;  ///< no answer: refused, reset, timed out, malformed
    Counter attempts_refused; ///< the answer was an error
    Counter retries;          ///< a reused connection was dead
    Counter input_tokens;
    Counter output_tokens;
    Counter cached_tokens;
    Counter usage_unknown; ///< answered exchanges whose usage nobody told
    Counter cut_streams;
    Counter cancelled; ///< the client went away first
};

/// What one worker counts. Each field stands beside a row of observe/catalogue.cpp.
struct WorkerCounters {
    static constexpr size_t statuses = 600;
    std::array<Counter, statuses> answers; ///< by status; 499: the client left
    // Other workers read these when they place a connection: apart from what every chunk writes.
    alignas(64) Counter connections_open;
    Counter connections_idle; ///< of these: kept open between two exchanges
    Counter connections_accepted;
    Counter connections_handed_over; ///< of these: given to a worker with less to do
    Counter exchanges_running;
    Counter streams_running;
    alignas(64) Counter chunks_relayed;
    Counter bytes_relayed;
    Counter slow_clients; ///< upstreams paused because a client was slow

    // Sampled by the worker itself when someone asks.
    Counter upstream_open;
    Counter upstream_idle;
    Counter upstream_opened;
    Counter upstream_reused;
    Counter tls_handshakes;
    Counter tls_resumed;
    Counter block_bytes_in_use;
    Counter block_bytes_held;
    Counter pooled_bytes_in_use;
    Counter tasks_running;
    Counter timers_armed;
    Counter turns;
    Counter wakeups;
    Counter uring_enters;
    Counter uring_operations;
    Counter uring_overflows;
    Counter buffer_shortages;
    Counter zero_copy_tried;
    Counter zero_copy_copied;

    Histogram overhead;       ///< what ringway itself added before the answer's head
    Histogram upstream_first; ///< from the request sent to the answer's head
};

/// All counters of a server.
class Counters {
public:
    explicit Counters(unsigned workers) : workers_(workers) {}

    WorkerCounters& worker(unsigned index) { return workers_[index]; }
    unsigned workers() const { return static_cast<unsigned>(workers_.size()); }
    /// The counters of a provider at a worker, made when first asked for. Off the hot path.
    ProviderCounters& provider(Bytes name, unsigned worker);
    template <class F>
    void for_each_provider(F&& visit) {
        const std::lock_guard lock(mutex_);
        for (const ProviderCounters& counters : providers_) visit(counters);
    }

private:
    std::deque<WorkerCounters> workers_;
    std::mutex mutex_; ///< guards the list, not the counters
    std::deque<ProviderCounters> providers_;
};

} // namespace ringway::observe
