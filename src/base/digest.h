#pragma once

#include <array>
#include <cstdint>
#include <cstring>

#include "base/bytes.h"

namespace ringway::base {

using Sha256 = std::array<char, 32>;

/// Source: FIPS 180-4.
Sha256 sha256(Bytes bytes);

/// Takes as long for digests that differ early as for equal ones.
inline bool equals_in_constant_time(const Sha256& a, const Sha256& b) {
    std::array<uint64_t, 4> x;
    std::array<uint64_t, 4> y;
    static_assert(sizeof x == sizeof a);
    std::memcpy(x.data(), a.data(), sizeof x);
    std::memcpy(y.data(), b.data(), sizeof y);
    return ((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]) | (x[3] ^ y[3])) == 0;
}

} // namespace ringway::base
