#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <vector>

#include "tools/bench_answer.h"
#include "tools/bench_histogram.h"

namespace ringway::tools {

/// Why requests failed, and how many. `what` is a static literal.
struct BenchFailure {
    Bytes what;
    uint16_t status = 0; ///< of the answer; 0: none came
    uint64_t count = 0;
};

/// What one worker, or all of them, measured at one target. Latencies are those of good answers to
/// requests meant to be sent within the window; they count from then.
struct BenchTally {
    LatencyHistogram ttft;     ///< first content event; without a stream: the body's first byte
    LatencyHistogram tpot;     ///< (last - first content event) / (content events - 1)
    LatencyHistogram itl;      ///< between two content events
    LatencyHistogram e2el;     ///< the whole answer
    LatencyHistogram delay;    ///< of a content event, from the time that the mock stamped
    LatencyHistogram connect;  ///< of new connections: name, TCP and TLS
    LatencyHistogram send_lag; ///< how late requests were begun: our own doing
    LatencyHistogram turn;     ///< work between two looks at the sockets: arrivals are as uncertain

    uint64_t sent = 0; ///< begun in the window
    uint64_t completed = 0;
    uint64_t failed = 0;
    uint64_t aborted = 0;    ///< by us, on purpose
    uint64_t unfinished = 0; ///< still under way when the drain time was over
    uint64_t content_events = 0;
    uint64_t output_tokens = 0;
    uint64_t input_tokens = 0;
    uint64_t reconnects = 0; ///< an idle connection turned out to be dead
    uint64_t tls_handshakes = 0;
    uint64_t tls_resumed = 0;  ///< of these
    uint64_t early_stamps = 0; ///< events that came before they were sent: two clocks
    /// Of any request, by the time at which it happened within the window.
    uint64_t window_completed = 0;
    uint64_t window_good = 0; ///< and kept every SLO
    uint64_t window_events = 0;
    uint64_t window_bytes = 0;
    int64_t last_completion_ns = 0;
    std::array<uint64_t, answer_faults> faults{};
    std::vector<BenchFailure> failures;

    void fail(Bytes what, uint16_t status = 0, uint64_t count = 1);
    void add_faults(FaultSet set);
    void merge(const BenchTally& other);
    /// Answers whose events or end were not as they must be.
    bool has_faults() const;
};

/// Numbers that the progress line shows: written by one worker, read by the main thread.
struct BenchLive {
    std::atomic<uint64_t> completed = 0;
    std::atomic<uint64_t> failed = 0;
    std::atomic<uint64_t> events = 0;
    std::atomic<uint64_t> running = 0;

    static void add(std::atomic<uint64_t>& number, uint64_t by) {
        number.store(number.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
    }
};

} // namespace ringway::tools
