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
        if (text.size() > sizeof needle.tail) {
            needle.tail = load(text.data() + text.size() - sizeof needle.tail);
        }
        const auto bit = static_cast<uint8_t>(1U << i);
        if (i == 0) first_bytes_.fill(text[0]);
        if (text[0] != first_bytes_[0]) {
            RINGWAY_ASSERT(first_bytes_[1] == first_bytes_[0] || first_bytes_[1] == text[0]);
            first_bytes_[1] = text[0];
        }
        const auto second = static_cast<uint8_t>(text[1]);
        by_second_[second & second_mask] |= bit;
        second_low_[second & 15] |= bit;
        second_high_[second >> 4] |= bit;
    }
}

} // namespace ringway::wire
