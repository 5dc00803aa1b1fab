#include "ring/timers.h"

#include <algorithm>
#include <bit>

namespace ringway::ring {

Timer::~Timer() {
    if (wheel_ != nullptr) wheel_->disarm(*this);
}

TimerWheel::TimerWheel(TimePoint now) : origin_(now), next_tick_(find_next_tick()) {}

TimerWheel::~TimerWheel() {
    for (auto& level : wheel_) {
        for (auto& slot : level) {
            while (!slot.empty()) slot.pop_front().wheel_ = nullptr;
        }
    }
}

void TimerWheel::arm(Timer& timer, TimePoint when) {
    if (timer.wheel_ != nullptr) disarm(timer);
    if (when == TimePoint::never()) return;
    const int64_t ns = std::max<int64_t>((when - origin_).count(), 0);
    const auto due = static_cast<uint64_t>((ns + tick.count() - 1) / tick.count());
    timer.tick_ = std::max(due, now_tick_ + 1) & Timer::tick_max;
    timer.wheel_ = this;
    ++armed_;
    place(timer);
}

void TimerWheel::disarm(Timer& timer) {
    if (timer.wheel_ == nullptr) return;
    timer.unlink();
    timer.wheel_ = nullptr;
    --armed_;
    if (wheel_[timer.level_][timer.slot_].empty()) {
        occupied_[timer.level_] &= ~(uint64_t{1} << timer.slot_);
    }
}

/// A timer stands on the lowest level whose span reaches its tick.
void TimerWheel::place(Timer& timer) {
    const uint64_t differing = timer.tick_ ^ now_tick_;
    const unsigned top_bit = 63U - static_cast<unsigned>(std::countl_zero(differing | 1));
    const unsigned level = std::min(top_bit / level_bits, levels - 1);
    const uint64_t slot_number = timer.tick_ >> (level * level_bits);
    const auto slot = static_cast<unsigned>(slot_number % slots);
    next_tick_ = std::min(next_tick_, slot_number << (level * level_bits));
    timer.level_ = level & 15;
    timer.slot_ = slot & 255;
    wheel_[level][slot].push_back(timer);
    occupied_[level] |= uint64_t{1} << slot;
}

void TimerWheel::fire(Slot& slot) {
    Slot due; // callbacks may arm timers into the same slot
    due.splice_back(slot);
    while (!due.empty()) {
        Timer& timer = due.pop_front();
        RINGWAY_ASSERT(timer.tick_ == now_tick_);
        timer.wheel_ = nullptr;
        --armed_;
        timer.callback_(timer.context_);
    }
}

/// The slot of `level` that now_tick_ has just entered is spread over the levels below.
void TimerWheel::cascade(unsigned level) {
    const auto index = static_cast<unsigned>((now_tick_ >> (level * level_bits)) % slots);
    if (index == 0 && level + 1 < levels) cascade(level + 1);
    Slot moving;
    moving.splice_back(wheel_[level][index]);
    occupied_[level] &= ~(uint64_t{1} << index);
    while (!moving.empty()) place(moving.pop_front());
}

void TimerWheel::move_to(TimePoint now) {
    const auto target = static_cast<uint64_t>(std::max<int64_t>((now - origin_) / tick, 0));
    while (now_tick_ < target) {
        if (armed_ == 0) {
            now_tick_ = target;
            occupied_.fill(0);
            break;
        }
        // Jump over ticks whose slot is empty, up to the next cascade.
        const unsigned position = static_cast<unsigned>(now_tick_ % slots);
        const uint64_t ahead = position + 1 < slots ? occupied_[0] >> (position + 1) : 0;
        const uint64_t step =
            ahead != 0 ? static_cast<uint64_t>(std::countr_zero(ahead)) + 1 : slots - position;
        now_tick_ = std::min(now_tick_ + step, target);
        const auto slot = static_cast<unsigned>(now_tick_ % slots);
        if (slot == 0) cascade(1);
        if ((occupied_[0] >> slot) & 1) {
            occupied_[0] &= ~(uint64_t{1} << slot);
            fire(wheel_[0][slot]);
        }
    }
    next_tick_ = find_next_tick();
}

uint64_t TimerWheel::find_next_tick() const {
    for (unsigned level = 0; level < levels; ++level) {
        const unsigned shift = level * level_bits;
        const uint64_t position = (now_tick_ >> shift) % slots;
        const uint64_t ahead =
            position + 1 < slots ? occupied_[level] >> (position + 1) << (position + 1) : 0;
        if (ahead == 0) continue;
        const auto slot = static_cast<uint64_t>(std::countr_zero(ahead));
        const uint64_t base = now_tick_ >> (shift + level_bits) << (shift + level_bits);
        return base + (slot << shift);
    }
    // All that is armed lies a full turn of the top level ahead.
    const unsigned shift = (levels - 1) * level_bits;
    return ((now_tick_ >> shift) + 1) << shift;
}

} // namespace ringway::ring
