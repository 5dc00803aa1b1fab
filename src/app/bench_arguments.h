#pragma once

#include <expected>
#include <string>

#include "tools/bench_options.h"

namespace ringway::app {

/// What the flags of `ringway bench` say, as they were written.
struct BenchFlags {
    std::string url;
    std::string vs_url;
    std::string api = "chat";
    std::string model = "mock";
    std::string vs_model; ///< empty: the same
    std::string key;
    std::string vs_key; ///< empty: the same
    unsigned connections = 1;
    double rate = 0;
    bool is_poisson = false;
    std::string sweep;
    std::string duration; ///< empty: 10 s, or as long as the requests take
    std::string warmup;
    std::string ramp;
    std::string drain;
    std::string timeout;
    std::string slo;
    unsigned rounds = 0; ///< 0: 1, or 5 when two targets are compared
    bool without_usage = false;
    uint64_t expect_tokens = 0;
    tools::BenchOptions options; ///< what needs no reading
};

/// The error is a sentence about the flag that is wrong.
std::expected<tools::BenchOptions, std::string> read_bench_flags(const BenchFlags& flags);

} // namespace ringway::app
