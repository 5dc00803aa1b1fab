#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace ringway::wire {

/// Runs over bytes 16 at a time. `lanes` maps 16 bytes to a mask of the bytes that stop the scan,
/// `is_stop` says the same of one byte. Returns the first stop, or `end`.
template <class Lanes, class Scalar>
inline const char* scan_bytes(const char* at, const char* end, Lanes&& lanes, Scalar&& is_stop) {
#if defined(__SSE2__)
    for (; end - at >= 16; at += 16) {
        const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
        const auto stops = static_cast<unsigned>(_mm_movemask_epi8(lanes(bytes)));
        if (stops != 0) return at + std::countr_zero(stops);
    }
#else
    static_cast<void>(lanes);
#endif
    while (at != end && !is_stop(*at)) ++at;
    return at;
}

#if defined(__SSE2__)
using Lanes16 = __m128i;
inline Lanes16 lanes_equal(Lanes16 bytes, char c) {
    return _mm_cmpeq_epi8(bytes, _mm_set1_epi8(c));
}
/// Lanes that hold an unsigned value of at most `c`.
inline Lanes16 lanes_at_most(Lanes16 bytes, char c) {
    return _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(c)), bytes);
}
inline Lanes16 lanes_or(Lanes16 a, Lanes16 b) { return _mm_or_si128(a, b); }
#else
struct Lanes16 {};
inline Lanes16 lanes_equal(Lanes16, char) { return {}; }
inline Lanes16 lanes_at_most(Lanes16, char) { return {}; }
inline Lanes16 lanes_or(Lanes16, Lanes16) { return {}; }
#endif

/// The first control character (below 0x20, or DEL).
inline const char* find_control(const char* at, const char* end) {
    return scan_bytes(
        at, end,
        [](Lanes16 bytes) {
            return lanes_or(lanes_at_most(bytes, 0x1f), lanes_equal(bytes, 0x7f));
        },
        [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

/// The first `c`.
inline const char* find_char(const char* at, const char* end, char c) {
    return scan_bytes(
        at, end, [c](Lanes16 bytes) { return lanes_equal(bytes, c); },
        [c](char byte) { return byte == c; });
}

/// The first CR or LF.
inline const char* find_line_end(const char* at, const char* end) {
    return scan_bytes(
        at, end,
        [](Lanes16 bytes) { return lanes_or(lanes_equal(bytes, '\n'), lanes_equal(bytes, '\r')); },
        [](char c) { return c == '\n' || c == '\r'; });
}

#if defined(__x86_64__)
/// As find_json_string_stop(), for long texts: 32 bytes at a time, and what is left of them.
__attribute__((target("avx2"))) inline const char* skip_json_text_avx2(const char* at,
                                                                       const char* end) {
    const __m256i quote = _mm256_set1_epi8('"');
    const __m256i backslash = _mm256_set1_epi8('\\');
    const __m256i space = _mm256_set1_epi8(0x20);
    for (; end - at >= 32; at += 32) {
        const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
        const __m256i low = _mm256_cmpgt_epi8(space, bytes);
        const __m256i marks =
            _mm256_or_si256(_mm256_cmpeq_epi8(bytes, quote), _mm256_cmpeq_epi8(bytes, backslash));
        const auto stops = static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_or_si256(low, marks)));
        if (stops != 0) return at + std::countr_zero(stops);
    }
    return at;
}
#endif

/// The first quote, backslash, control below 0x20, or byte of a multi-byte UTF-8 sequence: where
/// plain text in a JSON string stops.
inline const char* find_json_string_stop(const char* at, const char* end) {
    return scan_bytes(
        at, end,
        [](Lanes16 bytes) {
#if defined(__SSE2__)
            // As signed bytes, everything from 0x80 on is below 0x20, like the controls.
            const Lanes16 low = _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20));
#else
            const Lanes16 low{};
#endif
            return lanes_or(low, lanes_or(lanes_equal(bytes, '"'), lanes_equal(bytes, '\\')));
        },
        [](char c) { return static_cast<signed char>(c) < 0x20 || c == '"' || c == '\\'; });
}

/// As above, in wide steps where the text may be long enough for them to pay.
inline const char* find_json_text_stop(const char* at, const char* end) {
#if defined(__x86_64__)
    constexpr int long_bytes = 256;
    if (end - at >= long_bytes && __builtin_cpu_supports("avx2") != 0) {
        at = skip_json_text_avx2(at, end);
    }
#endif
    return find_json_string_stop(at, end);
}

constexpr bool is_json_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

/// The first byte that is no white space of JSON.
inline const char* skip_json_space(const char* at, const char* end) {
    while (at != end && is_json_space(*at)) ++at;
    return at;
}

} // namespace ringway::wire
