#pragma once

#include <coroutine>

#include "base/intrusive_list.h"

namespace ringway::ring {

class Loop;
struct ReadyTag;

/// Where one coroutine waits for whatever happens next to the things it watches. Those raise the
/// signal; the coroutine wakes once per turn, however often that was, and looks at them anew.
/// Lives on one loop. A raise with nobody waiting is kept for the next wait.
class Signal : public base::ListHook<ReadyTag> {
public:
    explicit Signal(Loop& loop) : loop_(loop) {}
    ~Signal() { RINGWAY_ASSERT(!waiter_); }

    Loop& loop() const { return loop_; }
    void raise();
    /// Forgets a raise that nobody has waited for yet.
    void clear() { is_raised_ = false; }

    /// Awaitable: goes on at once if the signal was raised since the last wait.
    auto wait() {
        struct Awaiter {
            Signal& signal;
            bool await_ready() const noexcept {
                const bool raised = signal.is_raised_;
                signal.is_raised_ = false;
                return raised;
            }
            void await_suspend(std::coroutine_handle<> waiter) const noexcept {
                RINGWAY_ASSERT(!signal.waiter_);
                signal.waiter_ = waiter;
            }
            void await_resume() const noexcept {}
        };
        return Awaiter{*this};
    }

private:
    friend class Loop;
    Loop& loop_;
    std::coroutine_handle<> waiter_;
    bool is_raised_ = false;
};

} // namespace ringway::ring
