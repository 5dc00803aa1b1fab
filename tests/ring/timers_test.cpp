#include "ring/timers.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <vector>

using namespace ringway;
using namespace ringway::ring;

namespace {

struct Probe {
    Timer timer{&Probe::on_time, this};
    int fired = 0;
    TimePoint fired_at;
    const TimePoint* now = nullptr;

    static void on_time(void* self) {
        auto& probe = *static_cast<Probe*>(self);
        ++probe.fired;
        if (probe.now != nullptr) probe.fired_at = *probe.now;
    }
};

} // namespace

TEST_CASE("timers: one fires at its time, not before, and once") {
    TimerWheel wheel(TimePoint{0});
    Probe probe;
    wheel.arm(probe.timer, TimePoint{0} + 10ms);
    wheel.advance(TimePoint{0} + 9ms);
    CHECK(probe.fired == 0);
    wheel.advance(TimePoint{0} + 10ms);
    CHECK(probe.fired == 1);
    wheel.advance(TimePoint{0} + 1h);
    CHECK(probe.fired == 1);
    CHECK(wheel.armed() == 0);
}

TEST_CASE("timers: arming again moves a timer; disarming and destroying take it out") {
    TimerWheel wheel(TimePoint{0});
    Probe moved;
    wheel.arm(moved.timer, TimePoint{0} + 5ms);
    wheel.arm(moved.timer, TimePoint{0} + 50ms);
    auto gone = std::make_unique<Probe>();
    wheel.arm(gone->timer, TimePoint{0} + 7ms);
    gone.reset();
    Probe disarmed;
    wheel.arm(disarmed.timer, TimePoint{0} + 7ms);
    wheel.disarm(disarmed.timer);
    wheel.advance(TimePoint{0} + 49ms);
    CHECK(moved.fired == 0);
    CHECK(disarmed.fired == 0);
    wheel.advance(TimePoint{0} + 50ms);
    CHECK(moved.fired == 1);
}

TEST_CASE("timers: nothing armed means nothing to wait for") {
    TimerWheel wheel(TimePoint{0});
    CHECK(wheel.next_expiry() == TimePoint::never());
    Probe probe;
    wheel.arm(probe.timer, TimePoint::never());
    CHECK_FALSE(probe.timer.is_armed());
    wheel.arm(probe.timer, TimePoint{0} + 3s);
    wheel.disarm(probe.timer);
    CHECK(wheel.next_expiry() == TimePoint::never());
}

TEST_CASE("timers: following next_expiry fires every timer within a tick of its time") {
    const auto seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    TimePoint now{123'456'789};
    TimerWheel wheel(now);
    std::vector<std::unique_ptr<Probe>> probes;
    std::vector<TimePoint> due;
    const std::vector<Duration> spans = {10ms, 1s, 100s, 2h, 24h * 30};
    for (int i = 0; i < 500; ++i) {
        probes.push_back(std::make_unique<Probe>());
        probes.back()->now = &now;
        const auto span = static_cast<uint64_t>(spans[random() % spans.size()].count());
        due.push_back(now + Duration(static_cast<int64_t>(random() % span)));
        wheel.arm(probes.back()->timer, due.back());
    }
    int wakes = 0;
    while (wheel.armed() > 0) {
        const TimePoint next = wheel.next_expiry();
        REQUIRE(next > now);
        now = next;
        wheel.advance(now);
        ++wakes;
    }
    CHECK(wakes < 500 * 5);
    for (size_t i = 0; i < probes.size(); ++i) {
        CAPTURE(i);
        CHECK(probes[i]->fired == 1);
        CHECK(probes[i]->fired_at >= due[i]);
        CHECK(probes[i]->fired_at <= due[i] + 2 * TimerWheel::tick);
    }
}

TEST_CASE("timers: a callback may arm its own timer and destroy another that is due") {
    TimerWheel wheel(TimePoint{0});
    struct Chain {
        TimerWheel& wheel;
        int fired = 0;
        TimePoint next;
        std::unique_ptr<Probe> victim = std::make_unique<Probe>();
        Timer timer{[](void* self) {
                        auto& chain = *static_cast<Chain*>(self);
                        chain.victim.reset();
                        if (++chain.fired < 3) chain.wheel.arm(chain.timer, chain.next);
                    },
                    this};
    } chain{wheel, 0, TimePoint{0} + 20ms};
    wheel.arm(chain.timer, TimePoint{0} + 10ms);
    wheel.arm(chain.victim->timer, TimePoint{0} + 10ms);
    wheel.advance(TimePoint{0} + 10ms);
    CHECK(chain.fired == 1);
    wheel.advance(TimePoint{0} + 30ms);
    CHECK(chain.fired == 3);
    CHECK(wheel.armed() == 0);
}
