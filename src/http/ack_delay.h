#pragma once

#include <cstddef>
#include <cstdint>

#include "ringway/time.h"

namespace ringway::http {

/// What the connections to one upstream have taught about delaying acknowledgements to it. Before
/// one was found to be well with that, only one at a time is put on trial.
class AckHistory {
public:
    bool may_try(TimePoint now) const { return now >= retry_at_; }
    void begin_trial(TimePoint now);
    void succeed();
    /// The next trial is a second away, then four, sixteen, up to an hour.
    void fail(TimePoint now);

private:
    TimePoint retry_at_;
    uint8_t failures_ = 0;
    bool is_proven_ = false;
};

/// Whether the acknowledgements of one upstream connection are delayed. Left alone, the kernel
/// sends a packet of its own for each event of a stream, right when it is read; delayed, one packet
/// acknowledges two, or goes along with the next request.
///
/// But a sender with Nagle's algorithm holds an event back until the one before is acknowledged,
/// which would then take 40 ms. So a stream whose events come briskly is put on trial: a sender
/// that goes on sending before the kernel can have acknowledged does not wait for it. The first
/// event that comes late ends the trial, and is all that one with the algorithm can lose. Source:
/// RFC 9293, 3.7.4 (Nagle) and 3.8.6.3 (delayed acknowledgements).
class AckDelay {
public:
    enum class Change : uint8_t { none, delay, acknowledge_at_once };

    /// Nothing more is to be learned.
    bool is_settled() const { return state_ == State::delayed; }
    /// An event of `bytes` has come, `gap` after the one before. What the connection is to do.
    Change on_event(Duration gap, size_t bytes, TimePoint now, AckHistory& history);

private:
    enum class State : uint8_t { watching, on_trial, delayed };
    State state_ = State::watching;
    uint8_t brisk_events_ = 0; ///< in a row
};

} // namespace ringway::http
