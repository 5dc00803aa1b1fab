#pragma once

#include <array>

#include "base/bytes.h"

namespace ringway::base {

using Sha256 = std::array<char, 32>;

/// Source: FIPS 180-4.
Sha256 sha256(Bytes bytes);

/// Takes as long for texts that differ early as for equal ones.
bool equals_in_constant_time(Bytes a, Bytes b);

} // namespace ringway::base
