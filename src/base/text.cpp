#include "base/text.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace ringway::base {

std::optional<uint64_t> parse_decimal(Bytes text) {
    constexpr size_t digits_max = 19; // 10^19 - 1 fits uint64_t
    if (text.empty() || text.size() > digits_max) return std::nullopt;
    uint64_t value = 0;
    for (const char c : text) {
        if (c < '0' || c > '9') return std::nullopt;
        value = value * 10 + static_cast<uint64_t>(c - '0');
    }
    if (value > static_cast<uint64_t>(INT64_MAX)) return std::nullopt;
    return value;
}

std::string to_hex(Bytes bytes) {
    constexpr Bytes digits = "0123456789abcdef";
    std::string text;
    text.reserve(bytes.size() * 2);
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        text += digits[byte >> 4];
        text += digits[byte & 15];
    }
    return text;
}

std::optional<std::string> from_hex(Bytes text) {
    auto digit = [](char c) {
        if (c >= '0' && c <= '9') return c - '0';
        const char lower = to_lower(c);
        return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
    };
    if (text.size() % 2 != 0) return std::nullopt;
    std::string bytes;
    for (size_t i = 0; i < text.size(); i += 2) {
        const int high = digit(text[i]);
        const int low = digit(text[i + 1]);
        if (high < 0 || low < 0) return std::nullopt;
        bytes += static_cast<char>(high * 16 + low);
    }
    return bytes;
}

size_t edit_distance(Bytes from, Bytes to) {
    std::vector<size_t> row(to.size() + 1);
    std::iota(row.begin(), row.end(), size_t{0});
    for (size_t i = 0; i < from.size(); ++i) {
        size_t diagonal = std::exchange(row[0], i + 1);
        for (size_t j = 0; j < to.size(); ++j) {
            const size_t substituted = diagonal + (from[i] == to[j] ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = std::min({substituted, row[j] + 1, diagonal + 1});
        }
    }
    return row.back();
}

std::vector<std::string> near_names(Bytes text, const std::vector<std::string>& candidates,
                                    size_t count_max) {
    constexpr size_t text_bytes_max = 128;
    text = text.substr(0, text_bytes_max);
    std::vector<std::pair<size_t, std::string>> scored;
    for (const std::string& candidate : candidates) {
        const bool contains = text.size() >= 3 && (candidate.find(text) != std::string::npos ||
                                                   text.find(candidate) != Bytes::npos);
        const size_t distance = contains ? 1 : edit_distance(text, candidate);
        if (distance <= std::max<size_t>(2, candidate.size() / 3)) {
            scored.emplace_back(distance, candidate);
        }
    }
    std::sort(scored.begin(), scored.end());
    std::vector<std::string> names;
    for (const auto& [distance, name] : scored) {
        if (names.size() == count_max) break;
        if (names.empty() || names.back() != name) names.push_back(name);
    }
    return names;
}

bool matches_pattern(Bytes pattern, Bytes text) {
    size_t at_pattern = 0;
    size_t at_text = 0;
    size_t star = Bytes::npos;
    size_t star_text = 0;
    while (at_text < text.size()) {
        if (at_pattern < pattern.size() && pattern[at_pattern] == '*') {
            star = at_pattern++;
            star_text = at_text;
        } else if (at_pattern < pattern.size() && pattern[at_pattern] == text[at_text]) {
            ++at_pattern;
            ++at_text;
        } else if (star != Bytes::npos) {
            at_pattern = star + 1;
            at_text = ++star_text;
        } else {
            return false;
        }
    }
    while (at_pattern < pattern.size() && pattern[at_pattern] == '*') ++at_pattern;
    return at_pattern == pattern.size();
}

} // namespace ringway::base
