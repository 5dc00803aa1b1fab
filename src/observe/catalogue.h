#pragma once

#include <string>

#include "observe/counters.h"

namespace ringway::observe {

struct BuildInfo {
    std::string version;
    std::string compiler;
};

/// All metrics in the Prometheus text format (version 0.0.4).
std::string render_metrics(Counters& counters, const BuildInfo& build);

} // namespace ringway::observe
