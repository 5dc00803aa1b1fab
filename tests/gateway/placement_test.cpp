#include "gateway/placement.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <string>

using namespace ringway;
using namespace ringway::gateway;

namespace {

using Loads = std::vector<WorkerLoad>;

uint64_t total_busy(const Loads& loads) {
    uint64_t sum = 0;
    for (const WorkerLoad& load : loads) sum += load.busy;
    return sum;
}

/// (most - least) / mean, in percent.
double spread_percent(const Loads& loads) {
    const auto [least, most] = std::minmax_element(
        loads.begin(), loads.end(), [](const auto& a, const auto& b) { return a.busy < b.busy; });
    return 100.0 * static_cast<double>(most->busy - least->busy) *
           static_cast<double>(loads.size()) / static_cast<double>(total_busy(loads));
}

/// Workers to which connections come by chance, and on which they last as long as chance will.
struct Crowd {
    explicit Crowd(unsigned workers) : loads(workers) {}
    /// Returns who serves it.
    unsigned accept_at(unsigned worker) {
        const unsigned chosen = choose_worker(loads, worker);
        if (chosen != worker) ++handed_over;
        ++loads[chosen].busy;
        ++accepted;
        return chosen;
    }
    unsigned accept_anywhere() { return accept_at(static_cast<unsigned>(random() % loads.size())); }
    /// One of all that run, each as likely as the other.
    void end_one() {
        uint64_t victim = random() % total_busy(loads);
        for (WorkerLoad& load : loads) {
            if (victim < load.busy) {
                --load.busy;
                return;
            }
            victim -= load.busy;
        }
    }
    Loads loads;
    std::mt19937_64 random{7};
    uint64_t accepted = 0;
    uint64_t handed_over = 0;
};

} // namespace

TEST_CASE("placement: a connection stays where it was accepted while loads are near equal") {
    CHECK(choose_worker(Loads{{0, 0}}, 0) == 0);
    CHECK(choose_worker(Loads{{0, 0}, {0, 0}}, 1) == 1);
    CHECK(choose_worker(Loads{{3, 0}, {0, 0}}, 0) == 0);
    CHECK(choose_worker(Loads{{101, 0}, {100, 0}}, 0) == 0);
    CHECK(choose_worker(Loads{{109, 3}, {100, 3}}, 0) == 0);
    CHECK(choose_worker(Loads{{5, 0}, {100, 0}}, 0) == 0);
}

TEST_CASE("placement: a worker that is clearly busier hands over to the least busy one") {
    CHECK(choose_worker(Loads{{4, 0}, {0, 0}}, 0) == 1);
    CHECK(choose_worker(Loads{{110, 0}, {100, 0}}, 0) == 1);
    CHECK(choose_worker(Loads{{50, 0}, {40, 0}, {30, 0}, {35, 0}}, 0) == 2);
    CHECK(choose_worker(Loads{{50, 0}, {40, 0}, {30, 0}, {35, 0}}, 2) == 2);
}

TEST_CASE("placement: among equals the next one is chosen, and one with fewer idle connections") {
    CHECK(choose_worker(Loads{{0, 0}, {9, 0}, {0, 0}, {0, 0}}, 1) == 2);
    CHECK(choose_worker(Loads{{0, 5}, {9, 0}, {0, 5}, {0, 1}}, 1) == 3);
}

TEST_CASE("placement: idle connections decide among equally busy workers only") {
    CHECK(choose_worker(Loads{{10, 50}, {10, 40}}, 0) == 1);
    CHECK(choose_worker(Loads{{10, 45}, {10, 40}}, 0) == 0);
    CHECK(choose_worker(Loads{{9, 500}, {10, 0}}, 0) == 0);
    CHECK(choose_worker(Loads{{14, 0}, {10, 500}}, 0) == 1);
}

TEST_CASE("placement: a worker that takes none is not chosen, however little it does") {
    CHECK(choose_worker(Loads{{90, 0}, {0, 0, false}, {70, 0}}, 0) == 2);
    CHECK(choose_worker(Loads{{90, 0}, {0, 0, false}}, 0) == 0);
    CHECK(choose_worker(Loads{{90, 0, false}, {95, 0}}, 0) == 0);
}

TEST_CASE("placement: two workers never trade connections, whatever their loads") {
    for (uint64_t a = 0; a < 70; ++a) {
        for (uint64_t b = 0; b < 70; ++b) {
            for (const uint64_t idle : {0U, 3U, 100U}) {
                const Loads loads{{a, idle}, {b, 10}};
                CHECK_FALSE((choose_worker(loads, 0) == 1 && choose_worker(loads, 1) == 0));
                // Nor does the one that has just been given a connection give the next one back.
                Loads after = loads;
                if (choose_worker(loads, 0) == 0) continue;
                ++after[1].busy;
                CHECK(choose_worker(after, 1) == 1);
            }
        }
    }
}

TEST_CASE("placement: streams are within 20 %, wherever they were accepted") {
    for (const unsigned workers : {2U, 3U, 4U, 8U, 32U}) {
        CAPTURE(workers);
        Crowd at_one(workers); // as on a Unix socket
        Crowd at_random(workers);
        Crowd by_half(workers); // a hash that is unlucky
        for (unsigned i = 0; i < 50 * workers; ++i) {
            at_one.accept_at(0);
            at_random.accept_anywhere();
            by_half.accept_at(static_cast<unsigned>(at_random.random() % (workers / 2)));
        }
        CHECK(spread_percent(at_one.loads) <= 20);
        CHECK(spread_percent(at_random.loads) <= 20);
        CHECK(spread_percent(by_half.loads) <= 20);
    }
}

TEST_CASE("placement: streams that come and go stay within 20 %, and few are handed over") {
    for (const unsigned workers : {2U, 4U, 16U, 64U}) {
        CAPTURE(workers);
        Crowd crowd(workers);
        double worst = 0;
        for (unsigned i = 0; i < 100 * workers; ++i) crowd.accept_anywhere();
        crowd.accepted = crowd.handed_over = 0;
        for (unsigned i = 0; i < 1000 * workers; ++i) {
            crowd.accept_anywhere();
            crowd.end_one();
            worst = std::max(worst, spread_percent(crowd.loads));
        }
        CHECK(worst <= 20);
        CHECK(crowd.handed_over <= crowd.accepted / 8);
    }
}

TEST_CASE("placement: of short requests, a connection for each, few are handed over") {
    for (const unsigned at_once : {8U, 16U, 64U}) {
        CAPTURE(at_once);
        Crowd crowd(2);
        for (unsigned i = 0; i < at_once; ++i) crowd.accept_anywhere();
        crowd.accepted = crowd.handed_over = 0;
        for (int i = 0; i < 10'000; ++i) {
            crowd.end_one();
            crowd.accept_anywhere();
        }
        CHECK(crowd.handed_over <= crowd.accepted / 6);
    }
}

TEST_CASE("placement: connections under way count where they go") {
    observe::Counters counters(2);
    Placement placement(counters);
    placement.open(0);
    placement.open(1);
    counters.worker(0).connections_open.set(40);
    counters.worker(1).connections_open.set(30);
    int handed_over = 0;
    for (; placement.choose(0) == 1; ++handed_over) placement.send(1); // none has arrived yet
    CHECK(handed_over == 5); // until 40 < 35 + 4 + 35 / 16
    for (int i = 0; i < handed_over; ++i) {
        counters.worker(1).connections_open.add();
        placement.arrive(1);
    }
    CHECK(placement.choose(0) == 0);
    counters.worker(1).connections_idle.add(20); // their answers are over
    CHECK(placement.choose(0) == 1);
    placement.close(1);
    CHECK(placement.choose(0) == 0);
}
