#include "app/bench_arguments.h"

#include "base/duration_text.h"

namespace ringway::app {
namespace {

constexpr unsigned rounds_compared = 5;

/// An empty text leaves `into` as it is. Returns what is wrong.
std::string read_duration(const char* flag, const std::string& text, Duration& into) {
    if (text.empty()) return "";
    const auto duration = base::parse_duration(text);
    if (!duration) return std::string(flag) + ": \"" + text + "\" is no duration such as 10s";
    into = *duration;
    return "";
}

std::expected<tools::BenchTarget, std::string> read_target(const std::string& label,
                                                           const std::string& url,
                                                           const std::string& model,
                                                           const std::string& key) {
    auto parsed = wire::parse_url(url.find("://") == std::string::npos ? "http://" + url : url);
    if (!parsed) return std::unexpected(url + ": " + parsed.error());
    if (model.find_first_of("\r\n") != std::string::npos ||
        key.find_first_of("\r\n") != std::string::npos) {
        return std::unexpected("a model or key is one line");
    }
    return tools::BenchTarget{label, std::move(*parsed), model, key};
}

std::string read_targets(const BenchFlags& flags, tools::BenchOptions& options) {
    const bool compares = !flags.vs_url.empty();
    auto target = read_target(compares ? "gateway" : "target", flags.url, flags.model, flags.key);
    if (!target) return target.error();
    options.targets.push_back(std::move(*target));
    if (!compares) return "";
    auto other =
        read_target("direct", flags.vs_url, flags.vs_model.empty() ? flags.model : flags.vs_model,
                    flags.vs_key.empty() ? flags.key : flags.vs_key);
    if (!other) return other.error();
    options.targets.push_back(std::move(*other));
    return "";
}

std::string read_loads(const BenchFlags& flags, tools::BenchOptions& options) {
    tools::BenchLoad load;
    load.connections = flags.connections;
    load.rate = flags.rate;
    load.is_poisson = flags.is_poisson;
    options.loads = {load};
    if (flags.sweep.empty()) return "";
    auto loads = tools::parse_sweep(flags.sweep, load);
    if (!loads) return "--sweep: " + loads.error();
    options.loads = std::move(*loads);
    return "";
}

std::string read_times(const BenchFlags& flags, tools::BenchOptions& options) {
    struct Time {
        const char* flag;
        const std::string& text;
        Duration& into;
    };
    if (options.requests > 0) options.duration = Duration::zero();
    for (const Time& time :
         {Time{"--duration", flags.duration, options.duration},
          Time{"--warmup", flags.warmup, options.warmup}, Time{"--ramp", flags.ramp, options.ramp},
          Time{"--drain", flags.drain, options.drain_time},
          Time{"--timeout", flags.timeout, options.timeout}}) {
        if (std::string problem = read_duration(time.flag, time.text, time.into);
            !problem.empty()) {
            return problem;
        }
    }
    if (options.requests == 0 && options.duration == Duration::zero()) {
        return "--duration: a time, or --requests";
    }
    return "";
}

} // namespace

std::expected<tools::BenchOptions, std::string> read_bench_flags(const BenchFlags& flags) {
    tools::BenchOptions options = flags.options;
    const auto api = tools::parse_bench_api(flags.api);
    if (!api) return std::unexpected("--api: chat, responses, messages, completions or embeddings");
    options.api = *api;
    if (*api == tools::BenchApi::embeddings) options.streams = false;
    options.asks_for_usage = !flags.without_usage;
    if (flags.expect_tokens > 0) options.expect_tokens = flags.expect_tokens;
    for (const auto read : {read_targets, read_loads, read_times}) {
        if (std::string problem = read(flags, options); !problem.empty()) {
            return std::unexpected(problem);
        }
    }
    for (const std::string& header : options.headers) {
        const size_t colon = header.find(':');
        if (colon == 0 || colon == std::string::npos ||
            header.find_first_of("\r\n") != std::string::npos) {
            return std::unexpected("--header: \"" + header + "\" is not like \"name: value\"");
        }
    }
    if (!flags.slo.empty()) {
        auto slo = tools::parse_slo(flags.slo);
        if (!slo) return std::unexpected("--slo: " + slo.error());
        options.slo = *slo;
    }
    options.rounds = flags.rounds > 0             ? flags.rounds
                     : options.targets.size() > 1 ? rounds_compared
                                                  : 1;
    return options;
}

} // namespace ringway::app
