#include "tools/bench_options.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "base/duration_text.h"
#include "base/text.h"

namespace ringway::tools {
namespace {

struct ApiRow {
    BenchApi api;
    Bytes name;
    Bytes path;
};
constexpr std::array<ApiRow, 5> apis = {{{BenchApi::chat, "chat", "/chat/completions"},
                                         {BenchApi::responses, "responses", "/responses"},
                                         {BenchApi::messages, "messages", "/messages"},
                                         {BenchApi::completions, "completions", "/completions"},
                                         {BenchApi::embeddings, "embeddings", "/embeddings"}}};

constexpr size_t loads_max = 100;

/// A positive number, decimals allowed.
std::optional<double> parse_number(Bytes text) {
    double value = 0;
    const char* const end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), end, value);
    if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
    if (!std::isfinite(value) || value <= 0) return std::nullopt;
    return value;
}

template <class F>
bool for_each_part(Bytes text, F&& visit) {
    for (;;) {
        const size_t comma = std::min(text.find(','), text.size());
        if (!visit(text.substr(0, comma))) return false;
        if (comma == text.size()) return true;
        text.remove_prefix(comma + 1);
    }
}

/// "100..1000x2" or "100..500+100": the last value is always among them.
std::optional<std::vector<double>> parse_range(Bytes text) {
    const size_t dots = text.find("..");
    const size_t sign = text.find_first_of("x+", dots + 2);
    if (sign == Bytes::npos) return std::nullopt;
    const auto first = parse_number(text.substr(0, dots));
    const auto last = parse_number(text.substr(dots + 2, sign - dots - 2));
    const auto step = parse_number(text.substr(sign + 1));
    const bool multiplies = text[sign] == 'x';
    if (!first || !last || !step || *last < *first || (multiplies && *step <= 1)) {
        return std::nullopt;
    }
    std::vector<double> values;
    for (double value = *first; value < *last * (1 - 1e-9) && values.size() < loads_max;) {
        values.push_back(value);
        value = multiplies ? value * *step : value + *step;
    }
    values.push_back(*last);
    return values;
}

std::optional<std::vector<double>> parse_values(Bytes text) {
    if (text.find("..") != Bytes::npos) return parse_range(text);
    std::vector<double> values;
    const bool is_good = for_each_part(text, [&](Bytes part) {
        const auto value = parse_number(part);
        if (value) values.push_back(*value);
        return value.has_value();
    });
    return is_good ? std::optional(values) : std::nullopt;
}

} // namespace

std::optional<BenchApi> parse_bench_api(Bytes name) {
    for (const ApiRow& row : apis) {
        if (row.name == name) return row.api;
    }
    return std::nullopt;
}

Bytes to_string(BenchApi api) { return apis[static_cast<size_t>(api)].name; }
Bytes path_of(BenchApi api) { return apis[static_cast<size_t>(api)].path; }

std::expected<BenchSlo, std::string> parse_slo(Bytes text) {
    BenchSlo slo;
    std::string problem;
    for_each_part(text, [&](Bytes part) {
        const size_t colon = std::min(part.find(':'), part.size());
        const Bytes name = part.substr(0, colon);
        Duration* const into = name == "ttft"   ? &slo.ttft
                               : name == "itl"  ? &slo.itl
                               : name == "tpot" ? &slo.tpot
                               : name == "e2el" ? &slo.e2el
                                                : nullptr;
        const auto bound =
            base::parse_duration(colon < part.size() ? part.substr(colon + 1) : Bytes());
        if (into == nullptr) {
            problem = "an SLO is on ttft, itl, tpot or e2el, not on \"" + std::string(name) + "\"";
        } else if (!bound || bound->count() == 0) {
            problem = "an SLO reads like ttft:200ms, not \"" + std::string(part) + "\"";
        } else {
            *into = *bound;
        }
        return problem.empty();
    });
    if (!problem.empty()) return std::unexpected(problem);
    return slo;
}

std::string BenchLoad::to_string() const {
    char text[64];
    if (is_open()) {
        std::snprintf(text, sizeof text, "%g requests/s%s", rate, is_poisson ? " (Poisson)" : "");
    } else {
        std::snprintf(text, sizeof text, "%u connection%s", connections,
                      connections == 1 ? "" : "s");
    }
    return text;
}

std::expected<std::vector<BenchLoad>, std::string> parse_sweep(Bytes text, const BenchLoad& base) {
    const size_t equals = std::min(text.find('='), text.size());
    const Bytes name = text.substr(0, equals);
    const auto values = parse_values(text.substr(std::min(equals + 1, text.size())));
    if ((name != "rate" && name != "connections") || !values) {
        return std::unexpected("a sweep reads like rate=100..1000x2, rate=100..500+100 or "
                               "connections=1,10,100, not \"" +
                               std::string(text) + "\"");
    }
    if (values->size() >= loads_max) {
        return std::unexpected("a sweep has " + std::to_string(loads_max) + " points at most");
    }
    std::vector<BenchLoad> loads;
    for (const double value : *values) {
        BenchLoad load = base;
        load.rate = name == "rate" ? value : 0;
        if (name == "connections") load.connections = static_cast<unsigned>(std::lround(value));
        if (name == "connections" && (value < 1 || value > 1e6)) {
            return std::unexpected("connections of a sweep lie between 1 and 1000000");
        }
        loads.push_back(load);
    }
    return loads;
}

} // namespace ringway::tools
