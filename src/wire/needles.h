#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <span>

#if defined(__x86_64__)
#include <immintrin.h>
#define RINGWAY_NEEDLES_AVX2 1
#endif

#include "base/assert.h"
#include "base/bytes.h"

namespace ringway::wire {

/// A few strings that are looked for in passing bytes, made once. With AVX2 a text is read once,
/// 32 bytes at a time, for the first two bytes of all of them.
/// Source: the first stage of "Teddy" (Wang et al., "Hyperscan", NSDI 2019, 4.2).
class Needles {
public:
    static constexpr size_t count_max = 8;
    static constexpr size_t bytes_min = 2;

    /// The texts outlive the set.
    explicit Needles(std::span<const Bytes> needles);

    /// Calls `accept(index of the needle, what follows it)` at every occurrence, in order, until it
    /// says true. Whether it did.
    template <class F>
    bool any(Bytes text, F&& accept) const {
        if (count_ == 0) return false;
#if defined(RINGWAY_NEEDLES_AVX2)
        if (text.size() >= block_bytes + 1 && has_avx2()) return any_avx2(text, accept);
#endif
        return any_scalar(text, accept);
    }

private:
    static constexpr size_t block_bytes = 32;
    /// A bit per needle, by the low and the high half of its first and its second byte.
    struct Tables {
        alignas(16) std::array<uint8_t, 16> first_low{};
        alignas(16) std::array<uint8_t, 16> first_high{};
        alignas(16) std::array<uint8_t, 16> second_low{};
        alignas(16) std::array<uint8_t, 16> second_high{};
    };
    struct Needle {
        Bytes text;
        uint64_t head = 0; ///< its first bytes, eight at most
        uint64_t mask = 0; ///< over them
    };

    static bool has_avx2() { return __builtin_cpu_supports("avx2") != 0; }

    /// Whether a needle stands at the front of `rest` and is accepted.
    template <class F>
    bool accepts_at(Bytes rest, F& accept) const {
        uint64_t head = 0;
        std::memcpy(&head, rest.data(), rest.size() < sizeof head ? rest.size() : sizeof head);
        for (size_t i = 0; i < count_; ++i) {
            const Needle& needle = needles_[i];
            if ((head & needle.mask) != needle.head || !rest.starts_with(needle.text)) continue;
            if (accept(i, rest.substr(needle.text.size()))) return true;
        }
        return false;
    }
    template <class F>
    bool any_scalar(Bytes text, F& accept) const {
        for (size_t at = 0; at < text.size(); ++at) {
            const auto byte = static_cast<uint8_t>(text[at]);
            const bool is_first =
                (tables_.first_low[byte & 15] & tables_.first_high[byte >> 4]) != 0;
            if (is_first && accepts_at(text.substr(at), accept)) return true;
        }
        return false;
    }
#if defined(RINGWAY_NEEDLES_AVX2)
    template <class F>
    __attribute__((target("avx2"))) bool any_avx2(Bytes text, F& accept) const {
        const auto table = [](const std::array<uint8_t, 16>& half) __attribute__((target("avx2"))) {
            return _mm256_broadcastsi128_si256(
                _mm_load_si128(reinterpret_cast<const __m128i*>(half.data())));
        };
        const __m256i first_low = table(tables_.first_low);
        const __m256i first_high = table(tables_.first_high);
        const __m256i second_low = table(tables_.second_low);
        const __m256i second_high = table(tables_.second_high);
        const __m256i half = _mm256_set1_epi8(15);
        // A block also reads the byte behind it. The last one overlaps the one before: what was
        // looked at already is left out.
        const size_t last = text.size() - block_bytes - 1;
        uint32_t unseen = ~uint32_t{0};
        for (size_t at = 0;;) {
            const auto* const here = reinterpret_cast<const __m256i*>(text.data() + at);
            const auto* const next = reinterpret_cast<const __m256i*>(text.data() + at + 1);
            const __m256i first = _mm256_loadu_si256(here);
            const __m256i second = _mm256_loadu_si256(next);
            const __m256i firsts = _mm256_and_si256(
                _mm256_shuffle_epi8(first_low, _mm256_and_si256(first, half)),
                _mm256_shuffle_epi8(first_high,
                                    _mm256_and_si256(_mm256_srli_epi16(first, 4), half)));
            const __m256i seconds = _mm256_and_si256(
                _mm256_shuffle_epi8(second_low, _mm256_and_si256(second, half)),
                _mm256_shuffle_epi8(second_high,
                                    _mm256_and_si256(_mm256_srli_epi16(second, 4), half)));
            const __m256i none =
                _mm256_cmpeq_epi8(_mm256_and_si256(firsts, seconds), _mm256_setzero_si256());
            auto hits = ~static_cast<uint32_t>(_mm256_movemask_epi8(none)) & unseen;
            for (; hits != 0; hits &= hits - 1) {
                const auto place = at + static_cast<size_t>(std::countr_zero(hits));
                if (accepts_at(text.substr(place), accept)) return true;
            }
            if (at == last) return false;
            at += block_bytes;
            if (at > last) {
                unseen <<= at - last;
                at = last;
            }
        }
    }
#endif

    Tables tables_;
    std::array<Needle, count_max> needles_;
    size_t count_ = 0;
};

} // namespace ringway::wire
