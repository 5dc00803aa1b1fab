#include "base/text.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <vector>

using namespace ringway;
using namespace ringway::base;

TEST_CASE("text: only ASCII letters change when made small") {
    CHECK(to_lower('A') == 'a');
    CHECK(to_lower('Z') == 'z');
    for (const char c : Bytes("az09@[`{ \xc4\xe4")) CHECK(to_lower(c) == c);
}

TEST_CASE("text: texts are equal but for case, and only then") {
    CHECK(equals_ignoring_case("Content-LENGTH", "content-length"));
    CHECK(equals_ignoring_case("", ""));
    CHECK_FALSE(equals_ignoring_case("chunked", "chunke"));
    CHECK_FALSE(equals_ignoring_case("chunked", "chunkee"));
    CHECK_FALSE(equals_ignoring_case("@", "`"));            // 32 apart, like A and a
    CHECK_FALSE(equals_ignoring_case("[", "{"));            // likewise
    CHECK_FALSE(equals_ignoring_case("k", "\xe2\x84\xaa")); // the Kelvin sign
    CHECK_FALSE(equals_ignoring_case(Bytes("a\0", 2), Bytes("a", 1)));
}

TEST_CASE("decimal: digits are read up to what fits a signed 64-bit number") {
    CHECK(parse_decimal("0") == 0);
    CHECK(parse_decimal("007") == 7);
    CHECK(parse_decimal("9223372036854775807") == INT64_MAX);
    CHECK(parse_decimal("0000000000000000001") == 1); // 19 digits
}

TEST_CASE("decimal: everything else is nothing") {
    for (const Bytes text : {"", " 1", "1 ", "+1", "-1", "0x1", "1.0", "1e3", "1,1", "1_000", "a",
                             "9223372036854775808", "18446744073709551616", "99999999999999999999",
                             "00000000000000000001", "\xd9\xa1"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_decimal(text).has_value());
    }
    CHECK_FALSE(parse_decimal(Bytes("1\0", 2)).has_value());
}

TEST_CASE("hex: every byte survives the way there and back") {
    std::string bytes;
    for (int byte = 0; byte < 256; ++byte) bytes += static_cast<char>(byte);
    const std::string text = to_hex(bytes);
    CHECK(text.substr(0, 8) == "00010203");
    CHECK(text.substr(508) == "feff");
    CHECK(from_hex(text) == bytes);
}

TEST_CASE("hex: capital digits are read, and nothing that is no digit") {
    CHECK(from_hex("4A4b") == "JK");
    CHECK(from_hex("") == "");
    for (const Bytes text : {"4", "4a4", "4g", "g4", " 4a", "0x", "+1", "-1", "@a", "`a"}) {
        CAPTURE(text);
        CHECK_FALSE(from_hex(text).has_value());
    }
}

TEST_CASE("edit distance: it counts insertions, removals and substitutions") {
    CHECK(edit_distance("", "") == 0);
    CHECK(edit_distance("", "abc") == 3);
    CHECK(edit_distance("abc", "") == 3);
    CHECK(edit_distance("weigth", "weight") == 2);
    CHECK(edit_distance("kitten", "sitting") == 3);
    CHECK(edit_distance("sitting", "kitten") == 3);
}

TEST_CASE("near names: what one may have meant comes first, and each name once") {
    const std::vector<std::string> names = {"listen", "admin", "runtime", "timeouts", "timeouts"};
    CHECK(near_names("lisen", names, 3) == std::vector<std::string>{"listen"});
    CHECK(near_names("timeout", names, 3) == std::vector<std::string>{"timeouts"});
    CHECK(near_names("providers", names, 3).empty());
    const std::vector<std::string> models = {"gpt-5", "gpt-4", "gpt-4o"};
    CHECK(near_names("gpt-4", models, 1) == std::vector<std::string>{"gpt-4"});
    CHECK(near_names("gpt-4", models, 0).empty());
}

TEST_CASE("pattern: a star stands for any run of characters, the empty one included") {
    struct Row {
        Bytes pattern;
        Bytes text;
        bool matches;
    };
    const Row rows[] = {
        {"", "", true},
        {"", "a", false},
        {"*", "", true},
        {"*", "anything", true},
        {"gpt-*", "gpt-5", true},
        {"gpt-*", "gpt-", true},
        {"gpt-*", "gpt", false},
        {"*-mini", "a-mini", true},
        {"*-mini", "a-mini-b", false},
        {"a*b*c", "abc", true},
        {"a*b*c", "aXbYbZc", true},
        {"a*b*c", "acb", false},
        {"a**b", "ab", true},
        {"*a*", "bab", true},
        {"*a*", "bbb", false},
        {"gpt-5", "GPT-5", false},
        {"a?c", "abc", false},
        {"a", "ab", false},
        {"ab", "a", false},
        {"*ab", "aab", true},
    };
    for (const Row& row : rows) {
        CAPTURE(row.pattern);
        CAPTURE(row.text);
        CHECK(matches_pattern(row.pattern, row.text) == row.matches);
    }
}

TEST_CASE("pattern: many stars on a long text that does not match need no exponential time") {
    const std::string pattern = "*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b";
    CHECK_FALSE(matches_pattern(pattern, std::string(4096, 'a')));
}
