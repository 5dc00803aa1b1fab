#include "ring/task.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

using namespace ringway::ring;

namespace {

Task<int> ready(int value) { co_return value; }

Task<void> sum_of_million(long& sum) {
    for (int i = 0; i < 1'000'000; ++i) sum += co_await ready(1);
}

/// Lets a test decide when a task goes on.
struct Gate {
    std::coroutine_handle<> waiter;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> handle) noexcept { waiter = handle; }
    void await_resume() const noexcept {}
    void open() { std::exchange(waiter, nullptr).resume(); }
};

Task<void> wait_at(Gate& gate, bool& done) {
    co_await gate;
    done = true;
}

Task<std::string> pass_on(std::unique_ptr<std::string> text) { co_return *text; }

Task<void> await_drained(Scope& scope, bool& done) {
    co_await scope.drained();
    done = true;
}

} // namespace

TEST_CASE("task: a million ready tasks awaited in one loop use no stack") {
    Scope scope;
    long sum = 0;
    scope.spawn(sum_of_million(sum));
    CHECK(sum == 1'000'000);
    CHECK(scope.running() == 0);
}

TEST_CASE("task: arguments and results may be move-only") {
    Scope scope;
    std::string got;
    struct Body {
        static Task<void> run(std::string& into) {
            auto text = std::make_unique<std::string>("moved");
            auto task = pass_on(std::move(text));
            into = co_await std::move(task);
        }
    };
    scope.spawn(Body::run(got));
    CHECK(got == "moved");
}

TEST_CASE("task: one that is never awaited runs nothing and leaks nothing") {
    const size_t before = memory::bytes_in_use();
    {
        bool done = false;
        Gate gate;
        std::vector<Task<void>>
            tasks; // on the heap, so that the compiler keeps the frame there too
        tasks.push_back(wait_at(gate, done));
        CHECK_FALSE(done);
        CHECK(memory::bytes_in_use() > before);
    }
    CHECK(memory::bytes_in_use() == before);
}

TEST_CASE("scope: drained() goes on when the last spawned task has ended, not before") {
    Gate first_gate;
    Gate second_gate;
    bool first = false;
    bool second = false;
    bool drained = false;
    Scope scope;
    Scope waiters;
    scope.spawn(wait_at(first_gate, first));
    scope.spawn(wait_at(second_gate, second));
    waiters.spawn(await_drained(scope, drained));
    CHECK(scope.running() == 2);
    second_gate.open();
    CHECK(second);
    CHECK_FALSE(drained);
    first_gate.open();
    CHECK(first);
    CHECK(drained);
    CHECK(waiters.running() == 0);
}

TEST_CASE("scope: an empty one is drained at once") {
    Scope scope;
    Scope waiters;
    bool drained = false;
    waiters.spawn(await_drained(scope, drained));
    CHECK(drained);
}
