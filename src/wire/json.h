#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "wire/json_scan.h"

namespace ringway::wire {

/// A line and a column of a text, both from 1. Columns count bytes.
struct TextPosition {
    unsigned line = 1;
    unsigned column = 1;
    bool operator==(const TextPosition&) const = default;
};

/// A JSON document as a tree, for configuration and other small texts off the hot path. It knows
/// where each value and key stood, keeps the order of keys, and duplicates of them.
struct Json {
    struct Member;

    JsonKind kind = JsonKind::null;
    TextPosition position;
    bool boolean = false;
    bool is_integer = false;
    int64_t integer = 0; ///< when is_integer
    double number = 0;
    std::string string;
    std::vector<Json> elements;
    std::vector<Member> members;

    /// The member's value, or null. Of duplicates the last.
    const Json* find(Bytes key) const;
};

struct Json::Member {
    std::string key;
    TextPosition position;
    Json value;
};

struct JsonError {
    TextPosition position;
    std::string what;
};

/// Parses a whole document. `//` and `/* */` comments and trailing commas are taken as well when
/// `is_relaxed`: they are blanked out first, so that positions stay true.
std::expected<Json, JsonError> parse_json(Bytes text, bool is_relaxed);

/// Appends `text` as a JSON string, quotes included. Malformed UTF-8 becomes U+FFFD.
void append_json_string(std::string& to, Bytes text);
std::string json_string(Bytes text);

} // namespace ringway::wire
