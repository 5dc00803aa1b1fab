#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

#include "base/assert.h"
#include "ring/memory.h"

namespace ringway::ring {

class Scope;

namespace detail {

/// What promises share: who goes on when the task ends, and frames from this thread's free lists.
struct PromiseBase {
    std::coroutine_handle<> continuation;
    Scope* scope = nullptr; ///< set when the task was spawned; then it frees itself at the end

    static void* operator new(size_t bytes) { return memory::allocate(bytes); }
    static void operator delete(void* pointer, size_t bytes) noexcept {
        memory::release(pointer, bytes);
    }

    std::suspend_always initial_suspend() const noexcept { return {}; }
    /// Our own code throws nothing; whatever a library throws past its wrapper is a bug.
    void unhandled_exception() const noexcept { std::terminate(); }

    struct Final {
        bool await_ready() const noexcept { return false; }
        template <class Promise>
        std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> ended) const noexcept {
            if (ended.promise().continuation) return ended.promise().continuation;
            end_spawned(ended, ended.promise().scope);
            return std::noop_coroutine();
        }
        void await_resume() const noexcept {}
    };
    Final final_suspend() const noexcept { return {}; }

    /// Destroys the frame, then tells the scope, which may resume whoever waits for it to drain.
    static void end_spawned(std::coroutine_handle<> ended, Scope* scope) noexcept;
};

template <class T>
struct Promise : PromiseBase {
    std::optional<T> value;
    std::coroutine_handle<Promise> get_return_object() noexcept {
        return std::coroutine_handle<Promise>::from_promise(*this);
    }
    template <class U>
    void return_value(U&& result) {
        value.emplace(std::forward<U>(result));
    }
    T take() { return std::move(*value); }
};

template <>
struct Promise<void> : PromiseBase {
    std::coroutine_handle<Promise> get_return_object() noexcept {
        return std::coroutine_handle<Promise>::from_promise(*this);
    }
    void return_void() const noexcept {}
    void take() const noexcept {}
};

} // namespace detail

/// A coroutine that starts when awaited and ends before its awaiter goes on. Owned where it was
/// made, or given to a Scope. A frame that waits on the ring is never destroyed: cancelling means
/// asking the operation to end, and letting the task unwind itself.
template <class T>
class [[nodiscard]] Task {
public:
    using promise_type = detail::Promise<T>;

    Task(std::coroutine_handle<promise_type> handle) : handle_(handle) {} // NOLINT: promise's
    Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    Task& operator=(Task other) noexcept {
        std::swap(handle_, other.handle_);
        return *this;
    }
    ~Task() {
        if (handle_) handle_.destroy();
    }

    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiter) noexcept {
        handle_.promise().continuation = awaiter;
        return handle_;
    }
    T await_resume() { return handle_.promise().take(); }

private:
    friend class Scope;
    std::coroutine_handle<promise_type> release() { return std::exchange(handle_, nullptr); }
    std::coroutine_handle<promise_type> handle_;
};

/// Keeps count of the tasks that outlive whoever started them. Shutting down is: tell them to
/// stop, then `co_await scope.drained()`.
class Scope {
public:
    Scope() = default;
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;
    ~Scope() { RINGWAY_ASSERT(running_ == 0); }

    /// Starts `task` now; it runs until its first suspension before this returns.
    void spawn(Task<void> task) {
        auto handle = task.release();
        handle.promise().scope = this;
        ++running_;
        handle.resume();
    }
    size_t running() const { return running_; }

    /// Awaitable: goes on when no spawned task is left. One waiter at a time.
    auto drained() {
        struct Awaiter {
            Scope& scope;
            bool await_ready() const noexcept { return scope.running_ == 0; }
            void await_suspend(std::coroutine_handle<> waiter) const noexcept {
                RINGWAY_ASSERT(!scope.waiter_);
                scope.waiter_ = waiter;
            }
            void await_resume() const noexcept {}
        };
        return Awaiter{*this};
    }

private:
    friend struct detail::PromiseBase;
    void on_end() {
        RINGWAY_ASSERT(running_ > 0);
        if (--running_ == 0 && waiter_) std::exchange(waiter_, nullptr).resume();
    }
    size_t running_ = 0;
    std::coroutine_handle<> waiter_;
};

inline void detail::PromiseBase::end_spawned(std::coroutine_handle<> ended, Scope* scope) noexcept {
    ended.destroy();
    if (scope != nullptr) scope->on_end();
}

} // namespace ringway::ring
