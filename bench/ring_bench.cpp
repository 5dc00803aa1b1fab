#include <benchmark/benchmark.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <random>
#include <vector>

#include "net/stream.h"
#include "ring/loop.h"
#include "ring/task.h"
#include "ring/uring_backend.h"

namespace ringway::bench {
namespace {

/// A loop on a ring of its own, on the bench's thread.
struct Rig {
    ring::BlockPool blocks;
    std::unique_ptr<ring::UringBackend> backend;
    std::unique_ptr<ring::Loop> loop;

    Rig() {
        std::string explanation;
        auto made = ring::UringBackend::make(blocks, {}, explanation);
        if (!made) return;
        backend = std::move(*made);
        loop = std::make_unique<ring::Loop>(*backend, blocks);
    }
    bool is_good(benchmark::State& state) const {
        if (loop == nullptr) state.SkipWithError("no io_uring here");
        return loop != nullptr;
    }
};

// Coroutines ------------------------------------------------------------------------------------

ring::Task<int> add_one(int value) { co_return value + 1; }

ring::Task<void> call_many(benchmark::State& state) {
    int value = 0;
    while (state.KeepRunning()) value = co_await add_one(value);
    benchmark::DoNotOptimize(value);
}

// What calling a coroutine that does not wait costs: its frame from the free list, and two
// transfers. A plain call is the yardstick of 1 to 2 ns.
void call_coroutine(benchmark::State& state) {
    ring::Scope scope;
    scope.spawn(call_many(state));
}
BENCHMARK(call_coroutine);

ring::Task<void> wait_many(ring::Signal& signal, const bool& is_done, uint64_t& wakes) {
    while (!is_done) {
        co_await signal.wait();
        ++wakes;
    }
}

// What a turn of the loop costs in which one coroutine is ready: raise, one system call that does
// not wait, resume. The least that any work on the ring costs.
void turn_with_ready_task(benchmark::State& state) {
    const Rig rig;
    if (!rig.is_good(state)) return;
    ring::Signal signal(*rig.loop);
    ring::Scope scope;
    bool is_done = false;
    uint64_t wakes = 0;
    scope.spawn(wait_many(signal, is_done, wakes));
    for (auto _ : state) {
        signal.raise();
        rig.loop->turn(rig.loop->now());
    }
    is_done = true;
    signal.raise();
    rig.loop->turn(rig.loop->now());
    benchmark::DoNotOptimize(wakes);
}
BENCHMARK(turn_with_ready_task);

// Timers ----------------------------------------------------------------------------------------

// What arming and disarming a timer costs, while `others` are armed, which must not matter. Each
// request does this a few times.
void arm_and_disarm(benchmark::State& state) {
    ring::TimerWheel wheel(TimePoint{});
    std::vector<std::unique_ptr<ring::Timer>> others;
    std::mt19937_64 random(1);
    for (int i = 0; i < state.range(0); ++i) {
        others.push_back(std::make_unique<ring::Timer>([](void*) {}, nullptr));
        wheel.arm(*others.back(), TimePoint{} + Duration(1ms * (1 + random() % 600'000)));
    }
    ring::Timer timer([](void*) {}, nullptr);
    for (auto _ : state) {
        wheel.arm(timer, TimePoint{} + 30s);
        wheel.disarm(timer);
    }
}
BENCHMARK(arm_and_disarm)->ArgName("others")->Arg(0)->Arg(10000);

// What a timer costs from arming to its callback, cascades included: `armed` timers spread over ten
// seconds, and the wheel turned through them millisecond by millisecond. Per timer.
void expire(benchmark::State& state) {
    const auto count = static_cast<size_t>(state.range(0));
    uint64_t fired = 0;
    std::vector<std::unique_ptr<ring::Timer>> timers;
    for (size_t i = 0; i < count; ++i) {
        timers.push_back(std::make_unique<ring::Timer>(
            [](void* counter) { ++*static_cast<uint64_t*>(counter); }, &fired));
    }
    TimePoint now{};
    ring::TimerWheel wheel(now);
    std::mt19937_64 random(1);
    for (auto _ : state) {
        for (const auto& timer : timers) wheel.arm(*timer, now + 1ms * (1 + random() % 10'000));
        for (int tick = 0; tick <= 10'000; ++tick) wheel.advance(now = now + 1ms);
    }
    if (fired != count * static_cast<uint64_t>(state.iterations())) {
        state.SkipWithError("timers lost");
    }
    state.SetItemsProcessed(static_cast<int64_t>(fired));
}
BENCHMARK(expire)->ArgName("armed")->Arg(100)->Arg(10000);

// Sockets ---------------------------------------------------------------------------------------

/// Two streams that are each other's other side.
struct Pair {
    ring::Signal left_signal;
    ring::Signal right_signal;
    net::StreamPtr left;
    net::StreamPtr right;

    explicit Pair(ring::Loop& loop) : left_signal(loop), right_signal(loop) {
        std::array<int, 2> sockets{};
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets.data()) != 0) return;
        left = net::Stream::adopt(loop, sockets[0], left_signal);
        right = net::Stream::adopt(loop, sockets[1], right_signal);
    }
    /// Lets the loop close what is let go of.
    void close(ring::Loop& loop) {
        left.reset();
        right.reset();
        for (int turn = 0; turn < 4; ++turn) loop.turn(loop.now() + 1ms);
    }
};

// What a message costs from write() in one turn to its bytes in another stream's hands: `pairs`
// ping at once, so that 1 shows the whole price of a turn and 64 what sharing it saves. Per message
// there and back.
void ping(benchmark::State& state) {
    const Rig rig;
    if (!rig.is_good(state)) return;
    std::vector<std::unique_ptr<Pair>> pairs;
    for (int i = 0; i < state.range(0); ++i) pairs.push_back(std::make_unique<Pair>(*rig.loop));
    const ring::Slice message = ring::Slice::of_static("data: {}\n\n");
    const uint64_t enters_before = rig.backend->counters().enters;
    for (auto _ : state) {
        for (const auto& pair : pairs) pair->left->write(message);
        size_t answered = 0;
        while (answered < pairs.size()) {
            rig.loop->turn();
            for (const auto& pair : pairs) {
                if (pair->right->has_input()) pair->right->write(pair->right->take());
                if (!pair->left->has_input()) continue;
                pair->left->take();
                ++answered;
            }
        }
    }
    const auto pings =
        static_cast<double>(state.iterations()) * static_cast<double>(state.range(0));
    state.SetItemsProcessed(static_cast<int64_t>(pings));
    state.counters["enters_per_ping"] =
        static_cast<double>(rig.backend->counters().enters - enters_before) / pings;
    for (const auto& pair : pairs) pair->close(*rig.loop);
}
BENCHMARK(ping)->ArgName("pairs")->Arg(1)->Arg(8)->Arg(64);

// What combining writes saves: `writes` small pieces written to one stream in a turn go out in one
// send. Per piece, from write() to the other side's hands.
void combine_writes(benchmark::State& state) {
    const Rig rig;
    if (!rig.is_good(state)) return;
    Pair pair(*rig.loop);
    const ring::Slice piece = ring::Slice::of_static("data: {\"delta\":\"word\"}\n\n");
    for (auto _ : state) {
        for (int i = 0; i < state.range(0); ++i) pair.left->write(piece);
        const size_t wanted = piece.size() * static_cast<size_t>(state.range(0));
        for (size_t got = 0; got < wanted;) {
            rig.loop->turn();
            while (pair.right->has_input()) got += pair.right->take().size();
        }
    }
    state.SetItemsProcessed(static_cast<int64_t>(state.iterations()) * state.range(0));
    pair.close(*rig.loop);
}
BENCHMARK(combine_writes)->ArgName("writes")->Arg(1)->Arg(8)->Arg(64);

} // namespace
} // namespace ringway::bench
