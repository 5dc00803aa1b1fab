#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "ringway/time.h"
#include "wire/url.h"

namespace ringway::tools {

enum class BenchApi : uint8_t { chat, responses, messages, completions, embeddings };
std::optional<BenchApi> parse_bench_api(Bytes name);
Bytes to_string(BenchApi api);
/// Below the base URL, such as "/chat/completions".
Bytes path_of(BenchApi api);

/// What an answer must keep to be good; 0: no bound.
struct BenchSlo {
    Duration ttft{};
    Duration itl{}; ///< of the answer's longest gap
    Duration tpot{};
    Duration e2el{};
    bool is_set() const { return (ttft + itl + tpot + e2el).count() > 0; }
};
/// "ttft:200ms,itl:50ms". The error is a sentence.
std::expected<BenchSlo, std::string> parse_slo(Bytes text);

/// How hard to push: a closed loop of connections, or an open loop at a rate.
struct BenchLoad {
    unsigned connections = 1; ///< of the closed loop
    double rate = 0;          ///< requests per second; 0: closed loop
    bool is_poisson = false;
    bool is_open() const { return rate > 0; }
    /// "100 connections", "250 requests/s (Poisson)".
    std::string to_string() const;
};
/// The loads that "rate=100..1000x2", "rate=100..500+100" or "connections=1,10,100" stands for,
/// each like `base` but for what is swept. The error is a sentence.
std::expected<std::vector<BenchLoad>, std::string> parse_sweep(Bytes text, const BenchLoad& base);

/// Where requests go.
struct BenchTarget {
    std::string label; ///< in the report
    wire::Url url;     ///< base URL, or with the API's whole path
    std::string model;
    std::string key;
};

struct BenchOptions {
    std::vector<BenchTarget> targets; ///< the one under test, then what it is compared with
    BenchApi api = BenchApi::chat;
    bool streams = true;
    std::vector<BenchLoad> loads; ///< one, or the points of a sweep
    uint64_t requests = 0;        ///< per load and target; 0: go by `duration`
    Duration duration = 10s;      ///< per load and target, all rounds together
    Duration warmup{};            ///< at the start of each round, not counted
    Duration drain_time = 30s;    ///< answers under way at the end get this long
    Duration timeout = 5min;      ///< of one request
    unsigned rounds = 1;
    unsigned prompt_bytes = 100;
    unsigned max_tokens = 128;
    std::optional<uint64_t> expect_tokens; ///< content events in every whole answer
    bool opens_connections = false;        ///< a new connection for each request
    bool asks_for_usage = true;
    bool makes_unique = false; ///< each prompt differs, so that no cache answers
    Duration ramp{};           ///< over which the closed loop's connections start
    unsigned abort_percent = 0;
    BenchSlo slo;
    bool is_insecure = false;
    bool resumes_tls = true;          ///< new connections resume the TLS session of another
    std::vector<std::string> headers; ///< "name: value", sent with every request
    bool allows_failures = false;
    bool shows_progress = true;
    uint64_t seed = 1;
    std::string json_file; ///< "-": standard output, in place of the text
    std::string svg_file;
    std::vector<int> cpus; ///< one for each worker; empty: not pinned
    unsigned workers = 1;
    unsigned workers_max = 1; ///< processors that it could use
};

} // namespace ringway::tools
