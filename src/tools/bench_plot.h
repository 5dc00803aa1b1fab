#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"

namespace ringway::tools {

/// A curve: points from left to right. NaN values leave a gap.
struct PlotSeries {
    std::string label;
    std::vector<std::pair<double, double>> points;
    unsigned color = 0; ///< an index
    bool is_dashed = false;
};

/// One set of axes. The y axis is logarithmic: latencies span decades.
struct Plot {
    std::string title;
    std::string y_label;
    std::vector<std::pair<double, std::string>> x_ticks; ///< where, and what is written there
    std::vector<PlotSeries> series;
};

/// The plots below each other, as one SVG document that follows the reader's light or dark scheme.
std::string draw_svg(const std::string& title, const std::vector<Plot>& plots);

/// `text` as it may stand in XML.
std::string xml_text(Bytes text);

} // namespace ringway::tools
