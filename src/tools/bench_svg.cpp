#include <cmath>
#include <limits>

#include "tools/bench_plot.h"
#include "tools/bench_report.h"

namespace ringway::tools {
namespace {

constexpr double quantile_decades = 4; ///< up to 99.99 %
constexpr int steps_per_decade = 20;

double value_or_gap(const LatencyHistogram& histogram, double part) {
    if (histogram.empty()) return std::numeric_limits<double>::quiet_NaN();
    return histogram.quantile_ns(part) * 1e-6;
}

bool is_measured(const BenchPoint& point, const LatencyRow& row) {
    for (const BenchTargetResult& target : point.targets) {
        if (!(target.total.*row.histogram).empty()) return true;
    }
    return false;
}

/// A latency by percentile; each decade of the x axis is one nine more.
Plot percentile_plot(const BenchOptions& options, const BenchPoint& point, const LatencyRow& row) {
    Plot plot;
    plot.title = row.label;
    plot.y_label = "ms";
    plot.x_ticks = {{0, "0 %"}, {1, "90 %"}, {2, "99 %"}, {3, "99.9 %"}, {4, "99.99 %"}};
    plot.x_ticks.insert(plot.x_ticks.begin() + 1, {std::log10(2), "50 %"});
    for (size_t i = 0; i < point.targets.size(); ++i) {
        const LatencyHistogram& histogram = point.targets[i].total.*row.histogram;
        PlotSeries series{options.targets[i].label, {}, static_cast<unsigned>(i), false};
        for (int step = 0; step <= static_cast<int>(quantile_decades) * steps_per_decade; ++step) {
            const double nines = static_cast<double>(step) / steps_per_decade;
            const double rest = std::pow(10, -nines);
            // A percentile that fewer than one value lies beyond would only repeat the greatest.
            if (rest * static_cast<double>(histogram.count()) < 1) break;
            series.points.emplace_back(nines, value_or_gap(histogram, 1 - rest));
        }
        plot.series.push_back(std::move(series));
    }
    return plot;
}

std::string load_tick(const BenchLoad& load) {
    std::string text = load.to_string();
    return text.substr(0, text.find(' '));
}

template <class F>
Plot sweep_plot(const BenchResult& result, std::string title, std::string y_label, F&& add) {
    Plot plot;
    plot.title = std::move(title);
    plot.y_label = std::move(y_label);
    for (size_t i = 0; i < result.points.size(); ++i) {
        plot.x_ticks.emplace_back(static_cast<double>(i), load_tick(result.points[i].load));
    }
    add(plot);
    return plot;
}

Plot sweep_latency(const BenchOptions& options, const BenchResult& result, const LatencyRow& row) {
    return sweep_plot(result, std::string(row.label) + " (dashed: 99 %)", "ms", [&](Plot& plot) {
        for (size_t i = 0; i < options.targets.size(); ++i) {
            PlotSeries half{options.targets[i].label, {}, static_cast<unsigned>(i), false};
            PlotSeries tail{"", {}, static_cast<unsigned>(i), true};
            for (size_t k = 0; k < result.points.size(); ++k) {
                const auto& histogram = result.points[k].targets[i].total.*row.histogram;
                half.points.emplace_back(static_cast<double>(k), value_or_gap(histogram, 0.5));
                tail.points.emplace_back(static_cast<double>(k), value_or_gap(histogram, 0.99));
            }
            plot.series.push_back(std::move(half));
            plot.series.push_back(std::move(tail));
        }
    });
}

Plot sweep_rates(const BenchOptions& options, const BenchResult& result) {
    return sweep_plot(result, "throughput", "requests/s", [&](Plot& plot) {
        for (size_t i = 0; i < options.targets.size(); ++i) {
            PlotSeries series{options.targets[i].label, {}, static_cast<unsigned>(i), false};
            for (size_t k = 0; k < result.points.size(); ++k) {
                const BenchTargetResult& target = result.points[k].targets[i];
                series.points.emplace_back(static_cast<double>(k),
                                           rates_of(target.total, target.window_s).requests);
            }
            plot.series.push_back(std::move(series));
        }
    });
}

} // namespace

std::string svg_report(const BenchOptions& options, const BenchResult& result) {
    std::vector<Plot> plots;
    std::string title = "ringway bench: " + std::string(to_string(options.api));
    if (result.points.size() == 1) {
        title += ", " + result.points[0].load.to_string();
        for (const LatencyRow& row : latency_rows) {
            if (!is_measured(result.points[0], row)) continue;
            plots.push_back(percentile_plot(options, result.points[0], row));
        }
    } else if (!result.points.empty()) {
        const bool is_open = result.points[0].load.is_open();
        title += is_open ? ", by requests/s offered" : ", by connections";
        plots.push_back(sweep_rates(options, result));
        for (const LatencyRow& row : latency_rows) {
            bool is_any = false;
            for (const BenchPoint& point : result.points) is_any |= is_measured(point, row);
            if (is_any) plots.push_back(sweep_latency(options, result, row));
        }
    }
    return draw_svg(title, plots);
}

} // namespace ringway::tools
