#pragma once

#include <array>
#include <cstdint>

#include "base/intrusive_list.h"
#include "ringway/time.h"

namespace ringway::ring {

struct TimerTag;

/// Something to do at a time. Lives in the object that needs it; disarmed when destroyed.
class Timer : public base::ListHook<TimerTag> {
public:
    /// Called on the loop's thread, at most once for each arming. May arm the timer again.
    using Callback = void (*)(void* context);

    Timer(Callback callback, void* context) : callback_(callback), context_(context) {}
    ~Timer();
    bool is_armed() const { return wheel_ != nullptr; }

private:
    friend class TimerWheel;
    static constexpr uint64_t tick_max = (uint64_t{1} << 52) - 1; ///< 140,000 years

    Callback callback_;
    void* context_;
    uint64_t tick_ : 52 = 0;
    uint64_t level_ : 4 = 0;
    uint64_t slot_ : 8 = 0;
    class TimerWheel* wheel_ = nullptr;
};

/// A hierarchical timer wheel: 1 ms ticks, 5 levels of 64 slots (12 days), O(1) to arm and disarm.
/// A timer never fires early and at most one tick late, as far as the loop turns in time.
/// Source: Varghese and Lauck, "Hashed and Hierarchical Timing Wheels", SOSP 1987.
class TimerWheel {
public:
    static constexpr Duration tick = 1ms;

    explicit TimerWheel(TimePoint now);
    ~TimerWheel();

    /// Arms `timer` to fire at `when`, or moves it there.
    void arm(Timer& timer, TimePoint when);
    void disarm(Timer& timer);
    /// Fires all that is due at `now`.
    void advance(TimePoint now) {
        if (now >= at_tick(next_tick_)) [[unlikely]]
            move_to(now);
    }
    /// When advance() must be called next: never later than the first timer is due.
    TimePoint next_expiry() const { return armed_ == 0 ? TimePoint::never() : at_tick(next_tick_); }
    size_t armed() const { return armed_; }

private:
    static constexpr unsigned level_bits = 6;
    static constexpr unsigned slots = 1U << level_bits;
    static constexpr unsigned levels = 5;
    using Slot = base::IntrusiveList<Timer, TimerTag>;

    TimePoint at_tick(uint64_t number) const {
        return origin_ + Duration(tick.count() * static_cast<int64_t>(number));
    }
    void move_to(TimePoint now);
    uint64_t find_next_tick() const;
    void place(Timer& timer);
    void cascade(unsigned level);
    void fire(Slot& slot);

    std::array<std::array<Slot, slots>, levels> wheel_;
    std::array<uint64_t, levels> occupied_{}; ///< a bit per slot that holds timers
    TimePoint origin_;
    uint64_t now_tick_ = 0; ///< all ticks up to this one have fired
    uint64_t next_tick_;    ///< the next with timers to fire or to spread, or an earlier one
    size_t armed_ = 0;
};

} // namespace ringway::ring
