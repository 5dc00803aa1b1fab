#include "wire/needles.h"

#include <algorithm>

namespace ringway::wire {

Needles::Needles(std::span<const Bytes> needles) : count_(needles.size()) {
    RINGWAY_ASSERT(count_ <= count_max);
    for (size_t i = 0; i < count_; ++i) {
        const Bytes text = needles[i];
        RINGWAY_ASSERT(text.size() >= bytes_min);
        Needle& needle = needles_[i];
        needle.text = text;
        const size_t head_bytes = std::min(text.size(), sizeof needle.head);
        std::memcpy(&needle.head, text.data(), head_bytes);
        std::memset(&needle.mask, 0xff, head_bytes);
        const auto bit = static_cast<uint8_t>(1U << i);
        const auto first = static_cast<uint8_t>(text[0]);
        const auto second = static_cast<uint8_t>(text[1]);
        tables_.first_low[first & 15] |= bit;
        tables_.first_high[first >> 4] |= bit;
        tables_.second_low[second & 15] |= bit;
        tables_.second_high[second >> 4] |= bit;
    }
}

} // namespace ringway::wire
