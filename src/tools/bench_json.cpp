#include <cmath>
#include <cstdio>

#include "ringway/version.h"
#include "tools/bench_report.h"
#include "wire/json.h"

namespace ringway::tools {
namespace {

std::string number_text(double value) {
    if (!std::isfinite(value)) return "null";
    char text[40];
    std::snprintf(text, sizeof text, "%.10g", value);
    return text;
}

/// Writes the members of one object, in order.
class JsonObject {
public:
    JsonObject& raw(Bytes key, const std::string& json) {
        text_ += text_.size() > 1 ? "," : "";
        wire::append_json_string(text_, key);
        text_ += ":" + json;
        return *this;
    }
    JsonObject& text(Bytes key, Bytes value) { return raw(key, wire::json_string(value)); }
    JsonObject& number(Bytes key, double value) { return raw(key, number_text(value)); }
    JsonObject& count(Bytes key, uint64_t value) { return raw(key, std::to_string(value)); }
    std::string end() { return std::move(text_) + "}"; }

private:
    std::string text_ = "{";
};

template <class Values, class F>
std::string json_array(const Values& values, F&& to_json) {
    std::string text = "[";
    for (const auto& value : values) text += (text.size() > 1 ? "," : "") + to_json(value);
    return text + "]";
}

std::string url_text(const BenchTarget& target) {
    return (target.url.is_tls ? "https://" : "http://") + target.url.authority() + target.url.path;
}

void add_load(const BenchLoad& load, JsonObject& into) {
    if (load.is_open()) {
        into.number("request_rate", load.rate).raw("max_concurrency", "null");
        into.raw("burstiness", load.is_poisson ? "1" : "null"); // 1: Poisson, as vLLM has it
    } else {
        into.text("request_rate", "inf").count("max_concurrency", load.connections);
        into.raw("burstiness", "null");
    }
}

void add_latencies(const BenchTally& tally, JsonObject& into) {
    for (const LatencyRow& row : latency_rows) {
        const LatencyHistogram& histogram = tally.*row.histogram;
        if (histogram.empty()) continue;
        const std::string suffix = "_" + std::string(row.key) + "_ms";
        into.number("mean" + suffix, histogram.mean_ns() * 1e-6);
        into.number("std" + suffix, histogram.deviation_ns() * 1e-6);
        for (const QuantileRow& quantile : quantile_rows) {
            into.number(std::string(quantile.key) + suffix,
                        histogram.quantile_ns(quantile.part) * 1e-6);
        }
        into.number("max" + suffix, histogram.max_ns() * 1e-6);
    }
}

void add_measured(const BenchTally& tally, double window_s, JsonObject& into) {
    const BenchRates rates = rates_of(tally, window_s);
    const double input_per_answer = tally.completed > 0 ? static_cast<double>(tally.input_tokens) /
                                                              static_cast<double>(tally.completed)
                                                        : 0;
    into.number("duration", window_s).count("completed", tally.completed);
    into.count("failed", tally.failed).count("aborted", tally.aborted);
    into.count("unfinished", tally.unfinished).count("num_prompts", tally.sent);
    into.count("total_input_tokens", tally.input_tokens);
    into.count("total_output_tokens", tally.output_tokens);
    into.count("content_events", tally.content_events);
    into.count("tls_handshakes", tally.tls_handshakes).count("tls_resumed", tally.tls_resumed);
    into.number("request_throughput", rates.requests);
    into.number("request_goodput", rates.good);
    into.number("output_throughput", rates.tokens);
    into.number("total_token_throughput", rates.tokens + rates.requests * input_per_answer);
    into.number("event_throughput", rates.events).number("byte_throughput", rates.bytes);
    add_latencies(tally, into);
}

std::string integrity_json(const BenchTally& tally) {
    JsonObject object;
    object.raw("is_good", tally.has_faults() ? "false" : "true");
    for (size_t i = 0; i < answer_faults; ++i) {
        object.count(to_string(static_cast<AnswerFault>(i)), tally.faults[i]);
    }
    return object.end();
}

std::string failure_json(const BenchFailure& failure) {
    JsonObject object;
    object.text("what", failure.what);
    if (failure.status != 0) object.count("status", failure.status);
    return object.count("count", failure.count).end();
}

std::string round_json(const BenchRoundResult& round) {
    JsonObject object;
    add_measured(round.tally, round.window_s, object);
    object.number("generator_cpu_share", round.cpu_share);
    object.number("generator_queued_share", round.queued_share);
    return object.end();
}

void add_target(const BenchTarget& target, const BenchTargetResult& result, JsonObject& into) {
    into.text("endpoint", url_text(target)).text("model_id", target.model);
    add_measured(result.total, result.window_s, into);
    into.number("generator_send_lag_p99_ms", result.total.send_lag.quantile_ns(0.99) * 1e-6);
    into.number("generator_turn_p99_ms", result.total.turn.quantile_ns(0.99) * 1e-6);
    into.raw("integrity", integrity_json(result.total));
    into.raw("failures", json_array(result.total.failures, failure_json));
    into.raw("rounds", json_array(result.rounds, round_json));
}

std::string added_json(const BenchPoint& point) {
    JsonObject object;
    for (const LatencyRow& row : latency_rows) {
        for (const QuantileRow& quantile : quantile_rows) {
            const Added added = added_ms(point, row, quantile.part);
            if (!added.is_known) continue;
            JsonObject entry;
            entry.number("median", added.median).number("min", added.min).number("max", added.max);
            object.raw(std::string(quantile.key) + "_" + std::string(row.key) + "_ms", entry.end());
        }
    }
    return object.end();
}

void add_point(const BenchOptions& options, const BenchPoint& point, JsonObject& into) {
    add_load(point.load, into);
    add_target(options.targets[0], point.targets[0], into);
    if (point.targets.size() > 1) {
        JsonObject other;
        add_target(options.targets[1], point.targets[1], other);
        into.raw("vs", other.end()).raw("added", added_json(point));
    }
    into.raw("notes", json_array(notes_of(options, point),
                                 [](const std::string& note) { return wire::json_string(note); }));
}

} // namespace

std::string json_report(const BenchOptions& options, const BenchResult& result) {
    JsonObject object;
    object.text("tool", "ringway bench").text("version", version);
    object.text("api", to_string(options.api)).raw("stream", options.streams ? "true" : "false");
    object.count("seed", options.seed);
    object.raw("interrupted", result.was_interrupted ? "true" : "false");
    if (options.loads.size() == 1 && result.points.size() == 1) {
        add_point(options, result.points[0], object);
    } else {
        object.raw("points", json_array(result.points, [&](const BenchPoint& point) {
                       JsonObject entry;
                       add_point(options, point, entry);
                       return entry.end();
                   }));
    }
    return object.end() + "\n";
}

} // namespace ringway::tools
