#pragma once

#include <cstdint>
#include <memory>

#include "base/intrusive_list.h"
#include "ring/backend.h"
#include "ring/buffers.h"
#include "ring/mailbox.h"
#include "ring/signal.h"
#include "ring/timers.h"
#include "ring/zero_copy.h"
#include "ringway/time.h"

namespace ringway::ring {

struct WriterTag;

/// Something that gathers bytes during a turn and sends them at its end: at most one send per
/// socket and turn, and everything received in a turn is forwarded in it.
class Writer : public base::ListHook<WriterTag> {
public:
    /// The turn ends: queue the sends. True: something waits for settle(), such as bytes that did
    /// not fit the send; a send that goes well wakes nobody, so the turn must not wait then.
    virtual bool flush() = 0;
    /// The sends queued by flush() were started, and what failed of them has been reported.
    virtual void settle() = 0;

protected:
    ~Writer() = default;

private:
    friend class Loop;
    uint64_t queued_at_ : 63 = 0;  ///< the backend's count when flush() returned
    uint64_t wants_again_ : 1 = 0; ///< asked for another flush() before settle()
};

struct LoopCounters {
    uint64_t turns = 0;
    uint64_t wakeups = 0; ///< coroutines resumed
};

/// One worker's event loop. A turn: start the queued operations and wait (one system call), hear
/// the completions, settle the sends, fire the timers, resume whoever was signalled, and gather
/// their sends for the next submission.
class Loop {
public:
    Loop(Backend& backend, BlockPool& blocks);
    ~Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    /// Turns until stop() was called and nothing holds the loop; what was queued last is started.
    void run();
    /// One turn; waits until `until` at the latest.
    void turn(TimePoint until = TimePoint::never());
    void stop() { is_stopped_ = true; }
    /// Something waits for the kernel to let go of its operations: run() goes on until release().
    void hold() { ++holders_; }
    void release() {
        RINGWAY_ASSERT(holders_ > 0);
        --holders_;
    }

    Backend& backend() { return backend_; }
    BlockPool& blocks() { return blocks_; }
    TimerWheel& timers() { return timers_; }
    Mailbox& mailbox() { return mailbox_; }
    /// Of all large sends of this worker.
    ZeroCopy& zero_copy() { return zero_copy_; }
    /// The clock as read at the start of this turn's work.
    TimePoint now() const { return now_; }
    const LoopCounters& counters() const { return counters_; }

    /// `writer` has something to send at the end of this turn.
    void wants_flush(Writer& writer) {
        if (writer.is_linked()) {
            writer.wants_again_ = 1; // in vain, unless it waits to be settled
        } else {
            flushing_.push_back(writer);
        }
    }

private:
    friend class Signal;
    /// Whether a writer waits to be settled.
    bool flush_writers();
    void settle_writers();
    void resume_ready();
    static void housekeep(void* self);

    Backend& backend_;
    BlockPool& blocks_;
    Mailbox mailbox_;
    TimePoint now_;
    TimerWheel timers_;
    base::IntrusiveList<Signal, ReadyTag> ready_;
    base::IntrusiveList<Writer, WriterTag> flushing_;
    base::IntrusiveList<Writer, WriterTag> settling_;
    Timer housekeeping_;
    ZeroCopy zero_copy_;
    LoopCounters counters_;
    size_t holders_ = 0;
    bool is_stopped_ = false;
};

/// Awaitable pause.
class Pause {
public:
    Pause(Loop& loop, Duration length)
        : loop_(loop), signal_(loop), timer_(&Pause::on_time, this), length_(length) {}
    auto operator co_await() {
        loop_.timers().arm(timer_, loop_.now() + length_);
        return signal_.wait();
    }

private:
    static void on_time(void* self) { static_cast<Pause*>(self)->signal_.raise(); }
    Loop& loop_;
    Signal signal_;
    Timer timer_;
    Duration length_;
};

} // namespace ringway::ring
