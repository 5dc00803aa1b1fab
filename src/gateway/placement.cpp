#include "gateway/placement.h"

namespace ringway::gateway {
namespace {

/// By how much more than `least` is clearly more.
constexpr uint64_t slack(uint64_t least) { return 4 + least / 16; }

bool is_less_loaded(const WorkerLoad& a, const WorkerLoad& b) {
    return a.busy != b.busy ? a.busy < b.busy : a.idle < b.idle;
}

} // namespace

unsigned choose_worker(std::span<const WorkerLoad> loads, unsigned self) {
    const WorkerLoad& own = loads[self];
    // Among equals the next one behind `self`, so that not all send to the first.
    unsigned chosen = self;
    const auto count = static_cast<unsigned>(loads.size());
    for (unsigned step = 1; step < count; ++step) {
        const unsigned other = (self + step) % count;
        if (loads[other].is_open && is_less_loaded(loads[other], loads[chosen])) chosen = other;
    }
    const WorkerLoad& least = loads[chosen];
    const bool is_busier = own.busy >= least.busy + slack(least.busy);
    const bool keeps_more = own.idle >= least.idle + slack(least.idle);
    return is_busier || keeps_more ? chosen : self;
}

Placement::Placement(observe::Counters& counters)
    : counters_(counters), seats_(std::make_unique<Seat[]>(counters.workers())) {
    for (unsigned worker = 0; worker < counters.workers(); ++worker) {
        seats_[worker].loads.resize(counters.workers());
    }
}

/// Release and acquire: who sees that a worker is open also sees its loop.
void Placement::open(unsigned worker) {
    seats_[worker].is_open.store(true, std::memory_order_release);
}

void Placement::close(unsigned worker) {
    seats_[worker].is_open.store(false, std::memory_order_relaxed);
}

WorkerLoad Placement::load_of(unsigned worker) const {
    const Seat& seat = seats_[worker];
    const observe::WorkerCounters& counted = counters_.worker(worker);
    WorkerLoad load;
    load.is_open = seat.is_open.load(std::memory_order_acquire);
    load.idle = counted.connections_idle.value();
    // Read one after the other while their owner counts on, so the sum may be off by a few.
    const uint64_t open =
        counted.connections_open.value() + seat.under_way.load(std::memory_order_relaxed);
    load.busy = open > load.idle ? open - load.idle : 0;
    return load;
}

unsigned Placement::choose(unsigned self) {
    std::vector<WorkerLoad>& loads = seats_[self].loads;
    loads[self] = load_of(self);
    if (loads[self].busy < slack(0) && loads[self].idle < slack(0)) return self;
    for (unsigned worker = 0; worker < loads.size(); ++worker) {
        if (worker != self) loads[worker] = load_of(worker);
    }
    return choose_worker(loads, self);
}

} // namespace ringway::gateway
