#include "ring/loop.h"

#include <algorithm>

#include "ring/memory.h"

namespace ringway::ring {
namespace {

constexpr Duration housekeeping_interval = 1s;

} // namespace

void Signal::raise() {
    if (is_raised_) return;
    if (!waiter_) {
        is_raised_ = true;
        return;
    }
    if (!is_linked()) loop_.ready_.push_back(*this);
}

Loop::Loop(Backend& backend, BlockPool& blocks)
    : backend_(backend), blocks_(blocks), mailbox_(backend), now_(backend.now()), timers_(now_),
      housekeeping_(&Loop::housekeep, this) {}

Loop::~Loop() { RINGWAY_ASSERT(ready_.empty()); }

void Loop::run() {
    timers_.arm(housekeeping_, now_ + housekeeping_interval);
    while (!is_stopped_ || holders_ > 0) turn();
    turn(now_); // the last sockets' closes start
    timers_.disarm(housekeeping_);
    is_stopped_ = false;
}

void Loop::turn(TimePoint until) {
    resume_ready();
    const bool awaits_settling = flush_writers();
    const bool has_work = awaits_settling || !ready_.empty() || !mailbox_.is_empty();
    backend_.wait(has_work ? now_ : std::min(until, timers_.next_expiry()));
    now_ = backend_.now();
    backend_.deliver();
    ++counters_.turns;
    settle_writers();
    mailbox_.run_posted();
    timers_.advance(now_);
    resume_ready();
}

/// Writers whose operations the kernel has not consumed yet wait for the next turn.
void Loop::settle_writers() {
    const uint64_t started = backend_.started();
    while (!settling_.empty() && settling_.front().queued_at_ <= started) {
        Writer& writer = settling_.pop_front();
        if (writer.wants_again_ != 0) flushing_.push_back(writer);
        writer.wants_again_ = 0;
        writer.settle(); // which may be its end
    }
}

bool Loop::flush_writers() {
    bool awaits_settling = !settling_.empty(); // the kernel was too busy for them
    while (!flushing_.empty()) {
        Writer& writer = flushing_.pop_front();
        writer.wants_again_ = 0;
        if (writer.flush()) awaits_settling = true;
        writer.queued_at_ = backend_.queued() & (UINT64_MAX >> 1);
        settling_.push_back(writer);
    }
    return awaits_settling;
}

/// Runs those that are ready, and who becomes ready meanwhile, by them. But a pair of coroutines
/// that wake each other for ever would starve the sockets, so their number is bounded.
void Loop::resume_ready() {
    constexpr int resumed_max = 16384;
    for (int resumed = 0; resumed < resumed_max && !ready_.empty(); ++resumed) {
        ++counters_.wakeups;
        std::exchange(ready_.pop_front().waiter_, nullptr).resume();
    }
}

void Loop::housekeep(void* self) {
    auto& loop = *static_cast<Loop*>(self);
    const bool has_trimmed_blocks = loop.blocks_.trim();
    if (memory::trim() || has_trimmed_blocks) memory::return_pages();
    loop.timers_.arm(loop.housekeeping_, loop.now_ + housekeeping_interval);
}

} // namespace ringway::ring
