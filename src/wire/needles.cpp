#include "wire/needles.h"

#include <algorithm>

#if defined(RINGWAY_NEEDLES_AVX2)
#include <immintrin.h>
#endif

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
            needle.tail = load(text.data() + text.size() - sizeof needle.tail, sizeof needle.tail);
        }
        const auto bit = static_cast<uint8_t>(1U << i);
        const auto first = static_cast<uint8_t>(text[0]);
        const auto second = static_cast<uint8_t>(text[1]);
        tables_.first_low[first & 15] |= bit;
        tables_.first_high[first >> 4] |= bit;
        tables_.second_low[second & 15] |= bit;
        tables_.second_high[second >> 4] |= bit;
    }
}

#if defined(RINGWAY_NEEDLES_AVX2)
namespace {

__attribute__((target("avx2"))) __m256i in_both_halves(const std::array<uint8_t, 16>& table) {
    return _mm256_broadcastsi128_si256(
        _mm_load_si128(reinterpret_cast<const __m128i*>(table.data())));
}

/// The needles that have each of `bytes` in their place.
__attribute__((target("avx2"))) inline __m256i look_up(__m256i bytes, __m256i low, __m256i high) {
    const __m256i half = _mm256_set1_epi8(15);
    const __m256i upper = _mm256_and_si256(_mm256_srli_epi16(bytes, 4), half);
    return _mm256_and_si256(_mm256_shuffle_epi8(low, _mm256_and_si256(bytes, half)),
                            _mm256_shuffle_epi8(high, upper));
}

} // namespace

__attribute__((target("avx2"))) uint32_t Needles::find_block(const char* text, size_t& at,
                                                             size_t last) const {
    const __m256i first_low = in_both_halves(tables_.first_low);
    const __m256i first_high = in_both_halves(tables_.first_high);
    const __m256i second_low = in_both_halves(tables_.second_low);
    const __m256i second_high = in_both_halves(tables_.second_high);
    const auto places_in = [&](const char* block) __attribute__((target("avx2"))) {
        const auto* const first = reinterpret_cast<const __m256i*>(block);
        const auto* const second = reinterpret_cast<const __m256i*>(block + 1);
        const __m256i begun =
            _mm256_and_si256(look_up(_mm256_loadu_si256(first), first_low, first_high),
                             look_up(_mm256_loadu_si256(second), second_low, second_high));
        const __m256i none = _mm256_cmpeq_epi8(begun, _mm256_setzero_si256());
        return ~static_cast<uint32_t>(_mm256_movemask_epi8(none));
    };
    for (; at < last; at += block_bytes) {
        if (const uint32_t places = places_in(text + at); places != 0) return places;
    }
    return places_in(text + last);
}
#endif

} // namespace ringway::wire
