#pragma once

#include <coroutine>
#include <optional>
#include <utility>

#include "ring/backend.h"

namespace ringway::ring {

/// One operation that a coroutine awaits: `Operation op; backend.connect(op.name(), ...);
/// const Completion done = co_await op;`. Cancellation is by completion: cancel() asks, and the
/// awaiting coroutine wakes when the kernel has let go. Destroying it while the kernel holds it is
/// a bug, and asserted.
class Operation final : private Completer {
public:
    Operation() = default;
    Operation(const Operation&) = delete;
    Operation& operator=(const Operation&) = delete;
    ~Operation() { RINGWAY_ASSERT(!is_under_way_); }

    /// To be given to exactly one of the backend's operations.
    OpName name() {
        RINGWAY_ASSERT(!is_under_way_);
        is_under_way_ = true;
        done_.reset();
        return {this, 0};
    }
    void cancel(Backend& backend) {
        if (is_under_way_) backend.cancel({this, 0});
    }

    auto operator co_await() {
        struct Awaiter {
            Operation& operation;
            bool await_ready() const noexcept { return operation.done_.has_value(); }
            void await_suspend(std::coroutine_handle<> waiter) const noexcept {
                RINGWAY_ASSERT(!operation.waiter_);
                operation.waiter_ = waiter;
            }
            Completion await_resume() const { return std::move(*operation.done_); }
        };
        return Awaiter{*this};
    }

private:
    void on_completion(unsigned, Completion&& completion) override {
        is_under_way_ = false;
        done_.emplace(std::move(completion));
        if (waiter_) std::exchange(waiter_, nullptr).resume();
    }

    std::coroutine_handle<> waiter_;
    std::optional<Completion> done_;
    bool is_under_way_ = false;
};

} // namespace ringway::ring
