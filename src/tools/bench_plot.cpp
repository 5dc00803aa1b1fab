#include "tools/bench_plot.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace ringway::tools {
namespace {

constexpr double width = 760;
constexpr double plot_height = 300; ///< of one plot, its title and axis included
constexpr double top = 44;          ///< the document's title
constexpr double left = 74;
constexpr double right = 20;
constexpr double plot_top = 34;
constexpr double plot_bottom = 40;
constexpr std::array<const char*, 6> colors = {"#2a6fdb", "#d9622b", "#3a9a55",
                                               "#9b59b6", "#c0392b", "#7f8c8d"};

constexpr const char* style =
    "<style>"
    "svg{background:#fff;font:12px system-ui,sans-serif}"
    "text{fill:#333}.title{font-size:15px;font-weight:600}.plot{font-weight:600}"
    ".grid{stroke:#ddd}.axis{stroke:#888}"
    "@media (prefers-color-scheme:dark){svg{background:#181a1f}text{fill:#ddd}"
    ".grid{stroke:#333}.axis{stroke:#777}}"
    "</style>\n";

template <class... Values>
std::string format(const char* pattern, Values... values) {
    char text[512];
    std::snprintf(text, sizeof text, pattern, values...);
    return text;
}

std::string text_at(double x, double y, const char* anchor, const std::string& text,
                    const char* kind = "") {
    return format("<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" class=\"%s\">", x, y, anchor,
                  kind) +
           xml_text(text) + "</text>\n";
}

/// Where values stand on the axes of one plot.
struct Scale {
    double x_min = 0;
    double x_max = 1;
    double y_min = 1; ///< a power of ten or 2 or 5 times one
    double y_max = 10;
    double offset = 0; ///< of the plot in the document

    explicit Scale(const Plot& plot, double plot_offset) : offset(plot_offset) {
        x_min = plot.x_ticks.empty() ? 0 : plot.x_ticks.front().first;
        x_max = plot.x_ticks.empty() ? 1 : plot.x_ticks.back().first;
        if (x_max <= x_min) x_max = x_min + 1;
        double least = INFINITY;
        double greatest = 0;
        for (const PlotSeries& series : plot.series) {
            for (const auto& [x, y] : series.points) {
                if (!(y > 0)) continue;
                least = std::min(least, y);
                greatest = std::max(greatest, y);
            }
        }
        if (greatest <= 0) return;
        y_min = std::pow(10, std::floor(std::log10(least)));
        y_max = std::pow(10, std::ceil(std::log10(greatest)));
        if (y_max <= y_min) y_max = y_min * 10;
    }
    double x(double value) const {
        return left + (value - x_min) / (x_max - x_min) * (width - left - right);
    }
    double y(double value) const {
        const double part = std::log10(value / y_min) / std::log10(y_max / y_min);
        return offset + plot_height - plot_bottom - part * (plot_height - plot_top - plot_bottom);
    }
};

std::string draw_axes(const Plot& plot, const Scale& scale) {
    std::string svg = text_at(left, scale.offset + 16, "start", plot.title, "plot");
    const double bottom = scale.y(scale.y_min);
    const double ceiling = scale.y(scale.y_max);
    for (double decade = scale.y_min; decade <= scale.y_max * 1.001; decade *= 10) {
        const double y = scale.y(decade);
        svg += format("<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>\n",
                      left, width - right, y, y);
        svg += text_at(left - 6, y + 4, "end", format("%g", decade));
    }
    for (const auto& [at, label] : plot.x_ticks) {
        const double x = scale.x(at);
        svg += format("<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>\n", x,
                      x, ceiling, bottom);
        svg += text_at(x, bottom + 16, "middle", label);
    }
    svg += format("<line class=\"axis\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>\n", left,
                  width - right, bottom, bottom);
    svg += format("<text transform=\"translate(16 %.1f) rotate(-90)\" text-anchor=\"middle\">",
                  (bottom + ceiling) / 2) +
           xml_text(plot.y_label) + "</text>\n";
    return svg;
}

std::string draw_series(const PlotSeries& series, const Scale& scale) {
    std::string path;
    bool is_pen_down = false;
    for (const auto& [x, y] : series.points) {
        if (!(y > 0)) {
            is_pen_down = false;
            continue;
        }
        path += format("%s%.1f %.1f", is_pen_down ? "L" : "M", scale.x(x), scale.y(y));
        is_pen_down = true;
    }
    if (path.empty()) return "";
    return "<path fill=\"none\" stroke-width=\"2\" stroke-linejoin=\"round\" stroke=\"" +
           std::string(colors[series.color % colors.size()]) + "\"" +
           (series.is_dashed ? " stroke-dasharray=\"5 4\"" : "") + " d=\"" + path + "\"/>\n";
}

std::string draw_legend(const Plot& plot, const Scale& scale) {
    std::string svg;
    double x = width - right;
    for (auto series = plot.series.rbegin(); series != plot.series.rend(); ++series) {
        svg += text_at(x, scale.offset + 16, "end", series->label);
        x -= 8 + 6.5 * static_cast<double>(series->label.size());
        svg += format("<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\" stroke-width=\"2\" "
                      "stroke=\"%s\"%s/>\n",
                      x - 20, x, scale.offset + 12, scale.offset + 12,
                      colors[series->color % colors.size()],
                      series->is_dashed ? " stroke-dasharray=\"5 4\"" : "");
        x -= 36;
    }
    return svg;
}

} // namespace

std::string xml_text(Bytes text) {
    std::string safe;
    for (const char c : text) {
        switch (c) {
        case '<': safe += "&lt;"; break;
        case '>': safe += "&gt;"; break;
        case '&': safe += "&amp;"; break;
        case '"': safe += "&quot;"; break;
        default: safe += static_cast<unsigned char>(c) < 0x20 ? ' ' : c; break;
        }
    }
    return safe;
}

std::string draw_svg(const std::string& title, const std::vector<Plot>& plots) {
    const double height = top + plot_height * static_cast<double>(plots.size());
    std::string svg = format("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" "
                             "height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\">\n",
                             width, height, width, height);
    svg += style + text_at(left, 24, "start", title, "title");
    double offset = top;
    for (const Plot& plot : plots) {
        const Scale scale(plot, offset);
        svg += draw_axes(plot, scale);
        for (const PlotSeries& series : plot.series) svg += draw_series(series, scale);
        svg += draw_legend(plot, scale);
        offset += plot_height;
    }
    return svg + "</svg>\n";
}

} // namespace ringway::tools
