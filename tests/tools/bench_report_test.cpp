#include "tools/bench_report.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tools/bench_plot.h"
#include "wire/json.h"

using namespace ringway;
using namespace ringway::tools;

namespace {

BenchRoundResult round_with(Duration latency) {
    BenchRoundResult round;
    round.window_s = 2;
    round.cpu_share = 0.25;
    for (int i = 1; i <= 100; ++i) {
        round.tally.ttft.record(latency * i);
        round.tally.e2el.record(latency * i * 3);
        round.tally.itl.record(latency);
    }
    round.tally.sent = round.tally.completed = round.tally.window_completed = 100;
    round.tally.window_good = 40;
    round.tally.content_events = round.tally.window_events = 1000;
    round.tally.output_tokens = 2000;
    return round;
}

BenchOptions options_for(size_t targets, size_t loads) {
    BenchOptions options;
    const wire::Url url{false, "127.0.0.1", 8080, "/v1"};
    options.targets.push_back({"gateway", url, "m\"<&>", ""});
    if (targets > 1) options.targets.push_back({"direct", url, "m", ""});
    options.loads.resize(loads);
    return options;
}

BenchResult result_for(const BenchOptions& options, unsigned rounds) {
    BenchResult result;
    for (const BenchLoad& load : options.loads) {
        BenchPoint point{load, {}};
        for (size_t target = 0; target < options.targets.size(); ++target) {
            BenchTargetResult made;
            for (unsigned round = 0; round < rounds; ++round) {
                const Duration more = target == 0 ? Duration(100us * (round + 1)) : Duration();
                made.rounds.push_back(round_with(1ms + more));
                made.total.merge(made.rounds.back().tally);
                made.window_s += 2;
            }
            point.targets.push_back(std::move(made));
        }
        result.points.push_back(std::move(point));
    }
    return result;
}

double number_at(const wire::Json& json, Bytes key) {
    const wire::Json* const value = json.find(key);
    REQUIRE_MESSAGE(value != nullptr, key);
    return value->is_integer ? static_cast<double>(value->integer) : value->number;
}

/// Whether tags open and close in order, and nothing else is wrong with a document that has neither
/// comments nor sections.
bool is_well_formed_xml(Bytes text) {
    std::vector<std::string> open;
    size_t roots = 0;
    while (!text.empty()) {
        const size_t begin = text.find('<');
        const Bytes between = text.substr(0, begin);
        if (between.find('>') != Bytes::npos) return false;
        for (size_t at = 0; (at = between.find('&', at)) != Bytes::npos; ++at) {
            if (between.substr(at, 12).find(';') == Bytes::npos) return false;
        }
        if (begin == Bytes::npos) break;
        const size_t end = text.find('>', begin);
        if (end == Bytes::npos) return false;
        const Bytes tag = text.substr(begin + 1, end - begin - 1);
        text.remove_prefix(end + 1);
        if (tag.find('<') != Bytes::npos) return false;
        if (tag.starts_with("/")) {
            if (open.empty() || open.back() != tag.substr(1)) return false;
            open.pop_back();
            continue;
        }
        if (open.empty()) ++roots;
        if (!tag.ends_with("/")) open.emplace_back(tag.substr(0, tag.find(' ')));
    }
    return open.empty() && roots == 1;
}

bool has_note(const std::vector<std::string>& notes, Bytes words) {
    for (const std::string& note : notes) {
        if (note.find(words) != std::string::npos) return true;
    }
    return false;
}

} // namespace

TEST_CASE("bench report: the JSON is valid and has the names of vLLM's bench") {
    const BenchOptions options = options_for(1, 1);
    const auto json = wire::parse_json(json_report(options, result_for(options, 1)), false);
    REQUIRE(json.has_value());
    CHECK(number_at(*json, "completed") == 100);
    CHECK(number_at(*json, "failed") == 0);
    CHECK(number_at(*json, "duration") == 2);
    CHECK(number_at(*json, "request_throughput") == 50);
    CHECK(number_at(*json, "request_goodput") == 20);
    CHECK(number_at(*json, "output_throughput") == 1000); // two tokens to an event
    CHECK(number_at(*json, "median_ttft_ms") == doctest::Approx(55).epsilon(0.01));
    CHECK(number_at(*json, "p99_ttft_ms") == doctest::Approx(108.9).epsilon(0.01));
    CHECK(number_at(*json, "mean_e2el_ms") == doctest::Approx(166.65).epsilon(0.01));
    CHECK(number_at(*json, "p99_itl_ms") == doctest::Approx(1.1).epsilon(0.01));
    CHECK(json->find("median_tpot_ms") == nullptr); // nothing measured, nothing told
    CHECK(json->find("model_id")->string == "m\"<&>");
}

TEST_CASE("bench report: the JSON of a comparison has both targets, and what was added") {
    const BenchOptions options = options_for(2, 1);
    const auto json = wire::parse_json(json_report(options, result_for(options, 3)), false);
    REQUIRE(json.has_value());
    REQUIRE(json->find("vs") != nullptr);
    CHECK(number_at(*json->find("vs"), "median_itl_ms") == doctest::Approx(1).epsilon(0.01));
    const wire::Json* const added = json->find("added")->find("median_itl_ms");
    REQUIRE(added != nullptr);
    CHECK(number_at(*added, "min") == doctest::Approx(0.1).epsilon(0.1));
    CHECK(number_at(*added, "median") == doctest::Approx(0.2).epsilon(0.1));
    CHECK(number_at(*added, "max") == doctest::Approx(0.3).epsilon(0.1));
    CHECK(json->find("rounds")->elements.size() == 3);
}

TEST_CASE("bench report: the JSON of a sweep has one object for each point") {
    const BenchOptions options = options_for(2, 4);
    const auto json = wire::parse_json(json_report(options, result_for(options, 1)), false);
    REQUIRE(json.has_value());
    REQUIRE(json->find("points") != nullptr);
    CHECK(json->find("points")->elements.size() == 4);
}

TEST_CASE("bench report: reports of nothing are valid too") {
    for (const size_t loads : {1U, 3U}) {
        const BenchOptions options = options_for(2, loads);
        BenchResult empty;
        CHECK(wire::parse_json(json_report(options, empty), false).has_value());
        CHECK(is_well_formed_xml(svg_report(options, empty)));
        const BenchResult without_rounds = result_for(options, 0);
        CHECK(wire::parse_json(json_report(options, without_rounds), false).has_value());
        CHECK(is_well_formed_xml(svg_report(options, without_rounds)));
        CHECK_FALSE(text_report(options, without_rounds).empty());
    }
}

TEST_CASE("bench report: the SVG is well formed, for one load and for a sweep") {
    for (const size_t targets : {1U, 2U}) {
        for (const size_t loads : {1U, 5U}) {
            BenchOptions options = options_for(targets, loads);
            options.targets[0].label = "a<b>&\"c\"";
            const std::string svg = svg_report(options, result_for(options, 2));
            CAPTURE(svg);
            CHECK(is_well_formed_xml(svg));
            CHECK(svg.find("<path") != std::string::npos);
            CHECK(svg.find("nan") == std::string::npos);
        }
    }
}

TEST_CASE("bench report: added is the median of the rounds' differences") {
    const BenchOptions options = options_for(2, 1);
    const BenchResult result = result_for(options, 5);
    const Added added = added_ms(result.points[0], latency_rows[2], 0.5); // itl
    CHECK(added.is_known);
    CHECK(added.median == doctest::Approx(0.3).epsilon(0.1));
    const Added unknown = added_ms(result.points[0], latency_rows[5], 0.5); // connect
    CHECK_FALSE(unknown.is_known);
    CHECK(median_of({3, 1, 2}) == 2);
    CHECK(median_of({4, 1, 2, 3}) == 2.5);
}

TEST_CASE("bench notes: a load generator at ease says nothing") {
    SaturationFacts facts;
    facts.cpu_share = 0.5;
    facts.offered_rate = 100;
    facts.sent_rate = 99.5;
    facts.typical_ms = 10;
    facts.lag_p99_ms = 0.5;
    facts.turn_p99_ms = 0.1;
    CHECK(saturation_notes(facts).empty());
}

TEST_CASE("bench notes: each way in which the load generator was in the way is said") {
    SaturationFacts facts;
    facts.typical_ms = 1;
    facts.cpu_share = 0.97;
    CHECK(has_note(saturation_notes(facts), "itself the bottleneck"));
    CHECK_FALSE(has_note(saturation_notes(facts), "--smp"));
    facts.can_add_workers = true;
    CHECK(has_note(saturation_notes(facts), "--smp"));
    CHECK(saturation_notes(facts).size() == 1);
    facts.queued_share = 0.2;
    CHECK(has_note(saturation_notes(facts), "waited for a processor 20 %"));
    facts.offered_rate = 1000;
    facts.sent_rate = 900;
    CHECK(has_note(saturation_notes(facts), "900.0 of 1000.0 requests/s"));
    facts.lag_p99_ms = 3;
    CHECK(has_note(saturation_notes(facts), "sent late"));
    facts.turn_p99_ms = 3;
    CHECK(has_note(saturation_notes(facts), "arrivals are known only to"));
    facts.early_stamps = 1;
    CHECK(has_note(saturation_notes(facts), "another machine's clock"));
    CHECK(saturation_notes(facts).size() == 6);
}

TEST_CASE("bench notes: a lag that is small beside what is measured is no news") {
    SaturationFacts facts;
    facts.lag_p99_ms = 3;
    facts.typical_ms = 100;
    CHECK(saturation_notes(facts).empty());
    facts.lag_p99_ms = 0.1;
    facts.typical_ms = 0.05;
    CHECK(saturation_notes(facts).empty());
}

TEST_CASE("bench report: the text names what failed, and that integrity was broken") {
    const BenchOptions options = options_for(1, 1);
    BenchResult result = result_for(options, 1);
    CHECK(text_report(options, result).find("complete and in order") != std::string::npos);
    FaultSet faults;
    faults.add(AnswerFault::lost);
    result.points[0].targets[0].total.add_faults(faults);
    result.points[0].targets[0].total.fail("HTTP status", 429);
    const std::string text = text_report(options, result);
    CHECK(text.find("integrity: BROKEN") != std::string::npos);
    CHECK(text.find("1 x events lost") != std::string::npos);
    CHECK(text.find("1 x HTTP status 429") != std::string::npos);
    CHECK(result.has_failures());
}
