#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "observe/counters.h"

namespace ringway::gateway {

/// What a worker has to do, as far as it decides who serves the next connection. A connection that
/// has not asked yet counts as much as a stream: when many come at once, those of one worker become
/// streams while another still has to look at its own.
struct WorkerLoad {
    uint64_t busy = 0;   ///< connections with an exchange, or that have not asked for anything yet
    uint64_t idle = 0;   ///< connections kept open between two exchanges
    bool is_open = true; ///< takes connections of others
};

/// Which worker serves a connection that `self` accepted: `self`, unless it is clearly busier than
/// the least busy one; among equally busy ones, unless it clearly keeps more idle connections.
/// Clearly: by 4, and by a 16th. A connection is placed once, when it is accepted, so the
/// tolerance is not against its going back and forth, but against two workers that trade
/// connections, and against the price of a hand-over while the numbers are small.
unsigned choose_worker(std::span<const WorkerLoad> loads, unsigned self);

/// Spreads connections over the workers of one server. The kernel deals them out by a hash, without
/// a look at who is busy, and a Unix socket has one listener only.
///
/// Each worker counts its own connections (observe::Counters), and the one that accepts reads what
/// all have counted. Connections that are on their way are counted here until they have arrived, so
/// that a burst accepted in one turn does not all go to the same worker.
/// Shared by all workers; every member may be called from any thread.
class Placement {
public:
    explicit Placement(observe::Counters& counters);

    /// Which worker serves the connection that `self` has just accepted. On its own thread.
    unsigned choose(unsigned self);
    /// `worker` has a loop, and takes connections of others from now on.
    void open(unsigned worker);
    /// It takes no more; what was sent already still arrives.
    void close(unsigned worker);

    /// A connection was sent to `worker`.
    void send(unsigned worker) { seats_[worker].under_way.fetch_add(1, std::memory_order_relaxed); }
    /// It has arrived there, and was counted.
    void arrive(unsigned worker) {
        seats_[worker].under_way.fetch_sub(1, std::memory_order_relaxed);
    }

private:
    struct alignas(64) Seat {
        std::atomic<uint64_t> under_way = 0;
        std::atomic<bool> is_open = false;
        std::vector<WorkerLoad> loads; ///< room for choose(), of the worker itself
    };
    WorkerLoad load_of(unsigned worker) const;

    observe::Counters& counters_;
    std::unique_ptr<Seat[]> seats_;
};

} // namespace ringway::gateway
