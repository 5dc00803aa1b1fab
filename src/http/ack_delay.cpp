#include "http/ack_delay.h"

#include <algorithm>

namespace ringway::http {
namespace {

/// Well below the 40 ms (30 where the kernel counts in hundredths) after which it acknowledges.
constexpr Duration brisk_gap = 25ms;
/// Whoever waits for an acknowledgement is no earlier than this.
constexpr Duration late_gap = 30ms;
constexpr uint8_t watched_events = 8;
constexpr uint8_t trial_events = 4;
/// How long a trial takes at most, mostly: others wait for it.
constexpr Duration trial_time = 200ms;
/// More than TCP's least segment size (536) is acknowledged at once, whatever the socket is told.
constexpr size_t small_bytes_max = 512;

} // namespace

void AckHistory::begin_trial(TimePoint now) {
    if (!is_proven_) retry_at_ = now + trial_time;
}

void AckHistory::succeed() {
    is_proven_ = true;
    failures_ = 0;
    retry_at_ = TimePoint();
}

void AckHistory::fail(TimePoint now) {
    constexpr uint8_t failures_max = 6; // 4^6 s are more than an hour
    if (retry_at_ > now + trial_time) return; // of trials at the same time one counts
    is_proven_ = false;
    retry_at_ = now + std::min<Duration>(1s * (1 << (2 * failures_)), 1h);
    failures_ = std::min<uint8_t>(failures_ + 1, failures_max);
}

AckDelay::Change AckDelay::on_event(Duration gap, size_t bytes, TimePoint now,
                                    AckHistory& history) {
    const bool is_brisk = gap <= brisk_gap;
    if (state_ == State::on_trial) {
        if (gap >= late_gap) {
            *this = AckDelay();
            history.fail(now);
            return Change::acknowledge_at_once;
        }
        if (is_brisk && bytes <= small_bytes_max && ++brisk_events_ == trial_events) {
            state_ = State::delayed;
            history.succeed();
        }
        return Change::none;
    }
    brisk_events_ = is_brisk ? static_cast<uint8_t>(brisk_events_ + 1) : uint8_t{0};
    if (brisk_events_ < watched_events) return Change::none;
    brisk_events_ = 0;
    if (!history.may_try(now)) return Change::none;
    state_ = State::on_trial;
    history.begin_trial(now);
    return Change::delay;
}

} // namespace ringway::http
