#include "observe/catalogue.h"

#include <doctest/doctest.h>

#include <map>
#include <optional>
#include <set>
#include <sstream>

using namespace ringway;
using namespace ringway::observe;

namespace {

/// A page in the Prometheus text format, read strictly.
struct Page {
    std::map<std::string, std::string> types;
    std::map<std::string, std::string> samples; ///< by name and labels
};

bool is_name(const std::string& name) {
    return !name.empty() &&
           name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_0123456789") == std::string::npos;
}

/// The end of `{name="value",...}` in `line`, which begins at `at`; nothing when it is malformed.
std::optional<size_t> labels_end(const std::string& line, size_t at) {
    while (line[at] != '}') {
        const size_t equals = line.find("=\"", at + 1);
        if (equals == std::string::npos || !is_name(line.substr(at + 1, equals - at - 1))) {
            return std::nullopt;
        }
        for (at = equals + 2; at < line.size() && line[at] != '"'; ++at) {
            if (line[at] != '\\') continue;
            ++at;
            if (at == line.size() || Bytes("\\\"n").find(line[at]) == Bytes::npos) {
                return std::nullopt;
            }
        }
        if (++at >= line.size() || (line[at] != ',' && line[at] != '}')) return std::nullopt;
    }
    return at + 1;
}

Page read(const std::string& text) {
    Page page;
    std::set<std::string> helps;
    std::istringstream lines(text);
    std::string current;
    for (std::string line; std::getline(lines, line);) {
        CAPTURE(line);
        if (line.starts_with("# HELP ")) {
            current = line.substr(7, line.find(' ', 7) - 7);
            CHECK(helps.insert(current).second);
            continue;
        }
        if (line.starts_with("# TYPE ")) {
            const size_t space = line.find(' ', 7);
            CHECK(line.substr(7, space - 7) == current);
            CHECK(page.types.emplace(current, line.substr(space + 1)).second);
            continue;
        }
        const size_t brace = line.find('{');
        const size_t space = line.rfind(' ');
        const std::string name = line.substr(0, std::min(brace, line.find(' ')));
        CHECK(is_name(name));
        CHECK(name.starts_with(current)); // samples stand below their own HELP and TYPE
        if (brace != std::string::npos) CHECK(labels_end(line, brace) == space);
        CHECK(page.samples.emplace(line.substr(0, space), line.substr(space + 1)).second);
    }
    CHECK(text.ends_with("\n"));
    CHECK(helps.size() == page.types.size());
    return page;
}

} // namespace

TEST_CASE("metrics: the page is valid text, with HELP and TYPE once and no sample twice") {
    Counters counters(3);
    counters.worker(0).answers[200].add(5);
    counters.worker(2).answers[200].add(2);
    counters.worker(1).answers[499].add();
    counters.worker(1).connections_open.add(4);
    for (unsigned worker = 0; worker < 3; ++worker) {
        counters.provider("openai", worker).attempts_ok.add(worker + 1);
        counters.provider("local", worker).input_tokens.add(10);
    }
    const Page page = read(render_metrics(counters, {"1.2.3", "clang"}));
    CHECK(page.samples.at("ringway_build_info{version=\"1.2.3\",compiler=\"clang\"}") == "1");
    CHECK(page.samples.at("ringway_requests_total{code=\"200\"}") == "7");
    CHECK(page.samples.at("ringway_requests_total{code=\"499\"}") == "1");
    CHECK(page.samples.at("ringway_client_connections{worker=\"1\"}") == "4");
    CHECK(page.samples.at("ringway_upstream_attempts_total{provider=\"openai\",outcome=\"ok\"}") ==
          "6");
    CHECK(page.samples.at("ringway_tokens_total{provider=\"local\",type=\"input\"}") == "30");
    CHECK(page.types.at("ringway_requests_total") == "counter");
    CHECK(page.types.at("ringway_client_connections") == "gauge");
    CHECK(page.types.at("ringway_overhead_seconds") == "histogram");
    CHECK(std::stoul(page.samples.at("process_open_fds")) > 2);
}

TEST_CASE("metrics: counters end in _total, and nothing else does") {
    Counters counters(1);
    for (const auto& [name, type] : read(render_metrics(counters, {"", ""})).types) {
        CAPTURE(name);
        CHECK(name.ends_with("_total") == (type == "counter"));
    }
}

TEST_CASE("metrics: a histogram's buckets add up to its count") {
    Counters counters(2);
    counters.worker(0).overhead.record(3us);
    counters.worker(1).overhead.record(30us);
    counters.worker(1).overhead.record(1h);
    const Page page = read(render_metrics(counters, {"", ""}));
    const auto bucket = [&](const char* bound) {
        return page.samples.at("ringway_overhead_seconds_bucket{le=\"" + std::string(bound) +
                               "\"}");
    };
    CHECK(bucket("5e-06") == "1");
    CHECK(bucket("2e-05") == "1");
    CHECK(bucket("5e-05") == "2");
    CHECK(bucket("0.05") == "2");
    CHECK(bucket("+Inf") == "3");
    CHECK(page.samples.at("ringway_overhead_seconds_count") == "3");
    CHECK(page.samples.at("ringway_overhead_seconds_sum") == "3600.000033");
}

TEST_CASE("metrics: labels are escaped, whatever a provider is called") {
    Counters counters(1);
    counters.provider("a\"b\\c\nd", 0).attempts_ok.add(9);
    const Page page = read(render_metrics(counters, {"1\"2", "c\\d"}));
    CHECK(page.samples.at("ringway_upstream_attempts_total{provider=\"a\\\"b\\\\c\\nd\","
                          "outcome=\"ok\"}") == "9");
}
