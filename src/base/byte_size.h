#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"

namespace ringway::base {

/// "512", "64KiB", "16MiB", "2GiB": bytes. Nothing for anything else, or what overflows.
std::optional<uint64_t> parse_byte_size(Bytes text);

} // namespace ringway::base
