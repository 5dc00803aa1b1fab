#include <cinttypes>
#include <cstdio>

#include "tools/bench_report.h"

namespace ringway::tools {
namespace {

constexpr int label_width = 26;
constexpr int column_width = 14;
constexpr int latency_width = 11;

std::string padded(std::string text, int width) {
    const auto wanted = static_cast<size_t>(width);
    if (text.size() < wanted) text.append(wanted - text.size(), ' ');
    return text;
}

std::string right_aligned(const std::string& text, int width) {
    const auto wanted = static_cast<size_t>(width);
    return text.size() < wanted ? std::string(wanted - text.size(), ' ') + text : " " + text;
}

template <class... Values>
std::string format(const char* pattern, Values... values) {
    char text[128];
    std::snprintf(text, sizeof text, pattern, values...);
    return text;
}

std::string count_text(uint64_t count) { return format("%" PRIu64, count); }
std::string rate_text(double rate) { return format("%.1f", rate); }
std::string ms_text(double ns) { return format("%.3f", ns * 1e-6); }

/// The report on one load, line by line.
class PointText {
public:
    PointText(const BenchOptions& options, const BenchPoint& point)
        : options_(options), point_(point) {}

    std::string write() {
        headline();
        rates();
        counts();
        for (size_t i = 0; i < point_.targets.size(); ++i) latencies(i);
        if (point_.targets.size() > 1) added();
        failures();
        for (const std::string& note : notes_of(options_, point_)) text_ += "note: " + note + "\n";
        return std::move(text_);
    }

private:
    template <class F>
    void line(const std::string& label, F&& cell) {
        text_ += padded(label, label_width);
        for (const BenchTargetResult& target : point_.targets) {
            text_ += right_aligned(cell(target), column_width);
        }
        text_ += "\n";
    }

    void headline() {
        text_ += point_.load.to_string() + "\n";
        if (point_.targets.size() < 2) return;
        text_ += padded("", label_width);
        for (const BenchTarget& target : options_.targets) {
            text_ += right_aligned(target.label, column_width);
        }
        text_ += "\n";
    }

    void rates() {
        const auto rate = [this](const char* label, double BenchRates::* which) {
            line(label, [&](const BenchTargetResult& target) {
                return rate_text(rates_of(target.total, target.window_s).*which);
            });
        };
        rate("requests/s", &BenchRates::requests);
        if (options_.slo.is_set()) rate("requests/s within SLO", &BenchRates::good);
        if (options_.streams) rate("events/s", &BenchRates::events);
        rate("output tokens/s", &BenchRates::tokens);
    }

    /// One line for each latency that was measured there; a column for each quantile.
    void latencies(size_t target) {
        const BenchTally& total = point_.targets[target].total;
        if (total.completed == 0 && total.connect.empty()) return;
        std::string title = "latency, ms";
        if (point_.targets.size() > 1) title += ", " + options_.targets[target].label;
        text_ += padded(std::move(title), label_width);
        for (const QuantileRow& quantile : quantile_rows) {
            text_ += right_aligned(std::string(quantile.key), latency_width);
        }
        text_ += right_aligned("max", latency_width) + "\n";
        for (const LatencyRow& row : latency_rows) {
            const LatencyHistogram& histogram = total.*row.histogram;
            if (histogram.empty()) continue;
            text_ += padded("  " + std::string(row.label), label_width);
            for (const QuantileRow& quantile : quantile_rows) {
                text_ +=
                    right_aligned(ms_text(histogram.quantile_ns(quantile.part)), latency_width);
            }
            text_ += right_aligned(ms_text(histogram.max_ns()), latency_width) + "\n";
        }
    }

    /// What the first target added to the second, round against round.
    void added() {
        const size_t rounds = point_.targets[0].rounds.size();
        text_ += padded("added, ms", label_width) +
                 format("median of %zu round%s, least .. most\n", rounds, rounds == 1 ? "" : "s");
        for (const LatencyRow& row : latency_rows) {
            std::string line = padded("  " + std::string(row.label), label_width);
            bool is_known = false;
            for (const QuantileRow& quantile : quantile_rows) {
                if (quantile.key != "median" && quantile.key != "p99") continue;
                const Added more = added_ms(point_, row, quantile.part);
                is_known = is_known || more.is_known;
                const std::string cell =
                    std::string(quantile.key) +
                    format(" %+.3f (%+.3f .. %+.3f)", more.median, more.min, more.max);
                line += padded(cell, 2 * column_width + 8);
            }
            while (line.ends_with(' ')) line.pop_back();
            if (is_known) text_ += line + "\n";
        }
    }

    void counts() {
        const auto count = [this](const char* label, uint64_t BenchTally::* which, bool always) {
            bool is_any = always;
            for (const auto& target : point_.targets) is_any = is_any || target.total.*which > 0;
            if (!is_any) return;
            line(label,
                 [&](const BenchTargetResult& target) { return count_text(target.total.*which); });
        };
        count("completed", &BenchTally::completed, true);
        count("failed", &BenchTally::failed, true);
        count("given up on purpose", &BenchTally::aborted, false);
        count("unfinished", &BenchTally::unfinished, false);
        count("connections renewed", &BenchTally::reconnects, false);
        count("TLS handshakes", &BenchTally::tls_handshakes, false);
        count("TLS sessions resumed", &BenchTally::tls_resumed, false);
        if (options_.streams) count("content events", &BenchTally::content_events, true);
        line("generator's processor", [](const BenchTargetResult& target) {
            std::vector<double> shares;
            for (const auto& round : target.rounds) shares.push_back(round.cpu_share);
            return shares.empty() ? "-" : format("%.0f %%", median_of(std::move(shares)) * 100);
        });
    }

    void failures() {
        bool has_faults = false;
        bool has_answers = false;
        for (size_t i = 0; i < point_.targets.size(); ++i) {
            const BenchTally& total = point_.targets[i].total;
            has_faults = has_faults || total.has_faults();
            has_answers = has_answers || total.completed > 0;
            for (const BenchFailure& failure : total.failures) {
                text_ += "failed at " + options_.targets[i].label + ": " +
                         count_text(failure.count) + " x " + std::string(failure.what);
                if (failure.status != 0) text_ += format(" %u", unsigned{failure.status});
                text_ += "\n";
            }
        }
        text_ += has_faults    ? "integrity: BROKEN\n"
                 : has_answers ? "integrity: every whole answer was complete and in order\n"
                               : "integrity: there was no whole answer\n";
    }

    const BenchOptions& options_;
    const BenchPoint& point_;
    std::string text_;
};

} // namespace

std::string text_report(const BenchOptions& options, const BenchResult& result) {
    std::string text =
        std::string(to_string(options.api)) + (options.streams ? ", streaming" : ", not streaming");
    for (const BenchTarget& target : options.targets) {
        text += "\n" + padded(target.label, 10) + (target.url.is_tls ? "https://" : "http://") +
                target.url.authority() + target.url.path + "  model " + target.model;
    }
    text += "\n";
    for (const BenchPoint& point : result.points) text += "\n" + PointText(options, point).write();
    if (result.was_interrupted) text += "\ninterrupted: the last round is not whole\n";
    return text;
}

} // namespace ringway::tools
