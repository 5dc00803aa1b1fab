#pragma once

#include <memory>
#include <string>
#include <utility>

#include "ring/loop.h"
#include "ring/sim_backend.h"
#include "ring/task.h"

namespace ringway::tests {

/// A loop on a simulated network. The test plays the far ends, and says when time passes.
/// Declared before everything that lives on it; its end waits for what is still closing.
class SimWorld {
public:
    explicit SimWorld(uint64_t seed = 1, size_t block_bytes_max = 0)
        : network(seed), blocks(block_bytes_max), backend(network, blocks), loop(backend, blocks) {}
    ~SimWorld() {
        network.faults = {};
        settle();
    }

    /// Turns until nothing more happens by itself. No time passes.
    void settle() {
        constexpr int quiet_turns = 8; // a fault may make a turn look idle
        for (int quiet = 0; quiet < quiet_turns;) {
            const uint64_t delivered = backend.delivered();
            const uint64_t wakeups = loop.counters().wakeups;
            loop.turn(loop.now());
            const bool is_quiet = backend.delivered() == delivered &&
                                  loop.counters().wakeups == wakeups &&
                                  backend.queued() == backend.started();
            quiet = is_quiet ? quiet + 1 : 0;
        }
    }
    void advance(Duration by) {
        network.advance(by);
        settle();
    }

    /// A connected socket of the loop, and its far end.
    std::pair<int, ring::SimPeer> connection() {
        auto [ours, theirs] = ring::SimNetwork::make_pair();
        return {backend.adopt(std::move(ours)), ring::SimPeer(std::move(theirs))};
    }
    /// The far end of the oldest connection that somebody of the loop made to `address`.
    ring::SimPeer accept(const std::string& address) {
        auto* const backlog = network.backlog(address);
        ring::SimPeer peer(backlog->front());
        backlog->pop_front();
        return peer;
    }
    size_t waiting_at(const std::string& address) { return network.backlog(address)->size(); }

    ring::SimNetwork network;
    ring::BlockPool blocks;
    ring::SimBackend backend;
    ring::Loop loop;
};

/// A slice of its own with these bytes.
inline ring::Slice slice_of(ring::BlockPool& blocks, Bytes text) {
    ring::Block& block = blocks.take(text.size());
    std::memcpy(block.data(), text.data(), text.size());
    return ring::Slice::adopt(block, text.size());
}

inline std::string text_of(const ring::SliceQueue& queue) {
    std::string text;
    queue.for_each([&](const ring::Slice& slice) {
        text += slice.bytes();
        return true;
    });
    return text;
}

/// What a coroutine returned, once it has.
template <class T>
class Outcome {
public:
    /// Starts `task`; the outcome outlives it.
    void start(ring::Scope& scope, ring::Task<T> task) { scope.spawn(run(*this, std::move(task))); }
    bool is_there() const { return value_.has_value(); }
    T& get() { return *value_; }

private:
    static ring::Task<void> run(Outcome& outcome, ring::Task<T> task) {
        outcome.value_.emplace(co_await task);
    }
    std::optional<T> value_;
};

} // namespace ringway::tests
