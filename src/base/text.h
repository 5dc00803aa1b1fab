#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace ringway::base {

constexpr char to_lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

/// Equal but for the case of ASCII letters.
constexpr bool equals_ignoring_case(Bytes a, Bytes b) {
    if (a.size() != b.size()) return false;
    if (a == b) return true; // mostly, if they are equal at all
    for (size_t i = 0; i < a.size(); ++i) {
        if (to_lower(a[i]) != to_lower(b[i])) return false;
    }
    return true;
}

/// Decimal digits only, at least one and at most 19, fitting int64_t; nothing else.
std::optional<uint64_t> parse_decimal(Bytes text);

/// Lowercase hexadecimal digits of `bytes`.
std::string to_hex(Bytes bytes);
/// The bytes of an even number of hexadecimal digits.
std::optional<std::string> from_hex(Bytes text);

/// The least number of single-character edits from one text to the other (Levenshtein, 1966).
size_t edit_distance(Bytes from, Bytes to);

/// Those of `candidates` that one could have meant by `text`, nearest first, `count_max` at most.
std::vector<std::string> near_names(Bytes text, const std::vector<std::string>& candidates,
                                    size_t count_max);

/// Whether `text` matches `pattern`, in which `*` stands for any run of characters.
bool matches_pattern(Bytes pattern, Bytes text);

} // namespace ringway::base
