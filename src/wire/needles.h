#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <span>

#if defined(__x86_64__)
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
        uint64_t tail = 0; ///< its last eight, if it has more

        /// Whether `rest`, which begins with its head, goes on with all of it.
        bool ends(Bytes rest) const {
            if (rest.size() < text.size()) return false;
            if (text.size() <= sizeof head) return true;
            if (text.size() > 2 * sizeof head) return rest.starts_with(text);
            return load(rest.data() + text.size() - sizeof tail, sizeof tail) == tail;
        }
    };

    static bool has_avx2() { return __builtin_cpu_supports("avx2") != 0; }

    /// Eight bytes, or the fewer there are.
    static uint64_t load(const char* at, size_t bytes) {
        uint64_t word = 0;
        if (bytes >= sizeof word) {
            std::memcpy(&word, at, sizeof word);
        } else {
            std::memcpy(&word, at, bytes);
        }
        return word;
    }
    /// Whether a needle stands at the front of `rest` and is accepted.
    template <class F>
    bool accepts_at(Bytes rest, F& accept) const {
        const uint64_t head = load(rest.data(), rest.size());
        for (size_t i = 0; i < count_; ++i) {
            const Needle& needle = needles_[i];
            if ((head & needle.mask) != needle.head || !needle.ends(rest)) continue;
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
    bool any_avx2(Bytes text, F& accept) const {
        // A block also reads the byte behind it. The last one overlaps the one before: what was
        // looked at already is left out.
        const size_t last = text.size() - block_bytes - 1;
        size_t at = 0;
        for (;;) {
            uint32_t places = find_block(text.data(), at, last);
            const size_t block = std::min(at, last);
            places &= ~uint32_t{0} << (at - block);
            for (; places != 0; places &= places - 1) {
                const size_t place = block + static_cast<size_t>(std::countr_zero(places));
                if (accepts_at(text.substr(place), accept)) return true;
            }
            if (block == last) return false;
            at += block_bytes;
        }
    }
    /// Moves `at` to the first block in which a needle may begin, and tells where in it. The block
    /// at `last`, which it may have gone past, is the last one.
    uint32_t find_block(const char* text, size_t& at, size_t last) const;
#endif

    Tables tables_;
    std::array<Needle, count_max> needles_;
    size_t count_ = 0;
};

} // namespace ringway::wire
