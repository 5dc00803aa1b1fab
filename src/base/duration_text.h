#pragma once

#include <optional>

#include "base/bytes.h"
#include "ringway/time.h"

namespace ringway::base {

/// "250ms", "1.5s", "10m", "2h", "15us", "800ns", or "0". Nothing for anything else: no sign, at
/// most three decimals, no more than 292 years.
std::optional<Duration> parse_duration(Bytes text);

} // namespace ringway::base
