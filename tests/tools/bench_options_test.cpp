#include "tools/bench_options.h"

#include <doctest/doctest.h>

using namespace ringway;
using namespace ringway::tools;

namespace {

std::vector<double> rates(Bytes text) {
    std::vector<double> values;
    const auto loads = parse_sweep(text, BenchLoad{});
    REQUIRE(loads.has_value());
    for (const BenchLoad& load : *loads) values.push_back(load.rate);
    return values;
}

} // namespace

TEST_CASE("bench options: a sweep multiplies, adds or lists, and ends with its last value") {
    CHECK(rates("rate=100..1000x2") == std::vector<double>{100, 200, 400, 800, 1000});
    CHECK(rates("rate=100..400x2") == std::vector<double>{100, 200, 400});
    CHECK(rates("rate=100..250+100") == std::vector<double>{100, 200, 250});
    CHECK(rates("rate=5,0.5,70") == std::vector<double>{5, 0.5, 70});
}

TEST_CASE("bench options: a sweep over connections is a closed loop, whatever the base is") {
    BenchLoad base;
    base.rate = 10;
    const auto loads = parse_sweep("connections=1,10", base);
    REQUIRE(loads.has_value());
    REQUIRE(loads->size() == 2);
    CHECK((*loads)[1].connections == 10);
    CHECK_FALSE((*loads)[1].is_open());
}

TEST_CASE("bench options: a sweep that makes no sense is refused") {
    for (const Bytes text :
         {"", "rate", "rate=", "speed=1,2", "rate=1..", "rate=1..5", "rate=5..1x2", "rate=1..5x1",
          "rate=1..5x", "rate=0,1", "rate=-1", "rate=1,,2", "rate=1..100000+1", "rate=nan",
          "connections=0.2", "rate=..5x2"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_sweep(text, BenchLoad{}).has_value());
    }
}

TEST_CASE("bench options: an SLO names latencies and their bounds") {
    const auto slo = parse_slo("ttft:200ms,itl:50ms,e2el:1.5s");
    REQUIRE(slo.has_value());
    CHECK(slo->ttft == 200ms);
    CHECK(slo->itl == 50ms);
    CHECK(slo->tpot == 0ms);
    CHECK(slo->e2el == 1500ms);
    CHECK(slo->is_set());
}

TEST_CASE("bench options: an SLO that makes no sense is refused") {
    for (const Bytes text : {"", "ttft", "ttft:", "ttft:5", "ttft:0", "speed:5ms", "ttft:5ms,"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_slo(text).has_value());
    }
}
