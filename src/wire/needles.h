#pragma once

#include <algorithm>
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
/// Source: for the second byte, the first stage of "Teddy" (Wang et al., "Hyperscan", NSDI 2019,
/// 4.2).
class Needles {
public:
    static constexpr size_t count_max = 8;
    static constexpr size_t bytes_min = 2;

    /// The texts outlive the set. They begin with two different bytes at most, as JSON's keys and a
    /// terminator do.
    explicit Needles(std::span<const Bytes> needles);

    /// Calls `accept(index of the needle, what follows it)` at every occurrence, in order, until it
    /// says true. Whether it did.
    template <class F>
    bool any(Bytes text, F&& accept) const {
        if (count_ == 0) return false;
#if defined(RINGWAY_NEEDLES_AVX2)
        if (text.size() > 32 && has_avx2()) return any_avx2(text, accept);
#endif
        return any_scalar(text, accept);
    }

private:
    struct Needle {
        Bytes text;
        uint64_t head = 0; ///< its first bytes, eight at most
        uint64_t mask = 0; ///< over them
        uint64_t tail = 0; ///< its last eight, if it has more

        /// Whether `rest`, which begins with its head, goes on with all of it.
        bool ends(Bytes rest) const {
            if (rest.size() < text.size()) return false;
            if (text.size() <= sizeof head) return true;
            if (text.size() > 2 * sizeof head) [[unlikely]]
                return ends_long(rest);
            return load(rest.data() + text.size() - sizeof tail) == tail;
        }
        [[gnu::noinline]] bool ends_long(Bytes rest) const { return rest.starts_with(text); }
    };

    static bool has_avx2() { return __builtin_cpu_supports("avx2") != 0; }

    static Bytes rest_at(Bytes text, size_t at) { return {text.data() + at, text.size() - at}; }
    static uint64_t load(const char* at) {
        uint64_t word = 0;
        std::memcpy(&word, at, sizeof word);
        return word;
    }
    /// Eight bytes, or the fewer there are.
    static uint64_t load_front(Bytes text) {
        if (text.size() >= sizeof(uint64_t)) [[likely]]
            return load(text.data());
        return load_short(text);
    }
    [[gnu::noinline]] static uint64_t load_short(Bytes text) {
        uint64_t word = 0;
        std::memcpy(&word, text.data(), text.size());
        return word;
    }
    /// Whether a needle stands at the front of `rest` and is accepted.
    template <class F>
    [[gnu::always_inline]] bool accepts_at(Bytes rest, F& accept) const {
        if (rest.size() < bytes_min) return false;
        const uint64_t head = load_front(rest);
        for (unsigned left = by_second_[rest[1] & second_mask]; left != 0; left &= left - 1) {
            const auto i = static_cast<size_t>(std::countr_zero(left));
            const Needle& needle = needles_[i];
            if ((head & needle.mask) != needle.head || !needle.ends(rest)) continue;
            const size_t bytes = needle.text.size();
            if (accept(i, Bytes(rest.data() + bytes, rest.size() - bytes))) return true;
        }
        return false;
    }
    /// As accepts_at(), at any of the places that have a bit.
    template <class F>
    [[gnu::always_inline]] bool accepts_one(Bytes rest, uint64_t places, F& accept) const {
        const char* const end = rest.data() + rest.size();
        for (; places != 0; places &= places - 1) {
            const char* const at = rest.data() + std::countr_zero(places);
            if (accepts_at(Bytes(at, end), accept)) return true;
        }
        return false;
    }
    template <class F>
    bool any_scalar(Bytes text, F& accept) const {
        for (size_t at = 0; at < text.size(); ++at) {
            const bool is_first = text[at] == first_bytes_[0] || text[at] == first_bytes_[1];
            if (is_first && accepts_at(rest_at(text, at), accept)) return true;
        }
        return false;
    }
#if defined(RINGWAY_NEEDLES_AVX2)
    static __attribute__((target("avx2"))) __m256i
    in_both_halves(const std::array<uint8_t, 16>& table) {
        return _mm256_broadcastsi128_si256(
            _mm_load_si128(reinterpret_cast<const __m128i*>(table.data())));
    }
    /// 64 places at a time. All in one function, so that the tables stay in registers.
    template <class F>
    __attribute__((target("avx2"))) bool any_avx2(Bytes text, F& accept) const {
        const __m256i one = _mm256_set1_epi8(first_bytes_[0]);
        const __m256i other = _mm256_set1_epi8(first_bytes_[1]);
        const __m256i low = in_both_halves(second_low_);
        const __m256i high = in_both_halves(second_high_);
        const __m256i half = _mm256_set1_epi8(15);
        const auto places_in = [&](size_t at) __attribute__((target("avx2"), always_inline)) {
            const char* const place = text.data() + at;
            const __m256i firsts = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(place));
            const __m256i seconds = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(place + 1));
            const __m256i is_first =
                _mm256_or_si256(_mm256_cmpeq_epi8(firsts, one), _mm256_cmpeq_epi8(firsts, other));
            const __m256i upper = _mm256_and_si256(_mm256_srli_epi16(seconds, 4), half);
            const __m256i needles =
                _mm256_and_si256(_mm256_shuffle_epi8(low, _mm256_and_si256(seconds, half)),
                                 _mm256_shuffle_epi8(high, upper));
            const __m256i is_no_second = _mm256_cmpeq_epi8(needles, _mm256_setzero_si256());
            const __m256i begins = _mm256_andnot_si256(is_no_second, is_first);
            return uint64_t{static_cast<uint32_t>(_mm256_movemask_epi8(begins))};
        };
        // First all places, and then what stands there: no call in between spills the tables.
        const size_t end = text.size() - 1; // no needle has but one byte
        std::array<uint64_t, strip_bytes / 64> places;
        for (size_t strip = 0; strip < end; strip += strip_bytes) {
            const size_t strip_end = std::min(end, strip + strip_bytes);
            size_t count = 0;
            uint64_t all = 0;
            size_t at = strip;
            for (; at + 64 <= strip_end; at += 64) {
                all |= places[count++] = places_in(at) | places_in(at + 32) << 32;
            }
            if (at < strip_end) {
                // The last places, together with some that were looked at already.
                const uint64_t last =
                    end >= 64
                        ? (places_in(end - 64) | places_in(end - 32) << 32) >> (64 - (end - at))
                        : places_in(0) | places_in(end - 32) << (end - 32);
                all |= places[count++] = last;
            }
            if (all == 0) continue;
            for (size_t i = 0; i < count; ++i) {
                if (accepts_one(rest_at(text, strip + 64 * i), places[i], accept)) return true;
            }
        }
        return false;
    }
#endif

    static constexpr size_t strip_bytes = 1024;
    static constexpr int second_mask = 31;
    std::array<uint8_t, second_mask + 1> by_second_{}; ///< a bit per needle, by its second byte
    // A bit per needle, by the low and the high half of its second byte.
    alignas(16) std::array<uint8_t, 16> second_low_{};
    alignas(16) std::array<uint8_t, 16> second_high_{};
    std::array<char, 2> first_bytes_{};
    std::array<Needle, count_max> needles_;
    size_t count_ = 0;
};

} // namespace ringway::wire
