#pragma once

#include "ring/loop.h"

namespace ringway::ring {

/// A time by which something must have happened; raises a signal when it passes. Moving it further
/// away costs nothing: the timer is left where it is and looks again when it fires. One deadline
/// serves a connection through all its phases.
class Deadline {
public:
    explicit Deadline(Signal& signal) : signal_(signal), timer_(&Deadline::on_time, this) {}

    void set(Loop& loop, TimePoint due) {
        due_ = due;
        if (!timer_.is_armed() || due < armed_for_) {
            armed_for_ = due;
            loop.timers().arm(timer_, due);
        }
    }
    void clear() { due_ = TimePoint::never(); }
    bool has_passed(TimePoint now) const { return now >= due_; }
    TimePoint due() const { return due_; }

private:
    static void on_time(void* self) {
        auto& deadline = *static_cast<Deadline*>(self);
        Loop& loop = deadline.signal_.loop();
        if (deadline.has_passed(loop.now())) {
            deadline.signal_.raise();
        } else if (deadline.due_ != TimePoint::never()) {
            deadline.armed_for_ = deadline.due_;
            loop.timers().arm(deadline.timer_, deadline.due_);
        }
    }

    Signal& signal_;
    TimePoint due_ = TimePoint::never();
    TimePoint armed_for_ = TimePoint::never();
    Timer timer_;
};

} // namespace ringway::ring
