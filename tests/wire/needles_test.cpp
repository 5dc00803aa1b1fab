#include "wire/needles.h"

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <utility>
#include <vector>

using namespace ringway;
using namespace ringway::wire;

namespace {

constexpr Bytes marks[] = {"\"usage\"", "\"error\"", "[DONE]", "\"finish_reason\"", "[D"};

using Found = std::vector<std::pair<size_t, size_t>>; ///< needle and what is left behind it

/// All occurrences. The text is on the heap, exactly as long: a sanitizer sees an over-read.
Found all_in(const Needles& needles, Bytes text) {
    const std::vector<char> bytes(text.begin(), text.end());
    Found found;
    needles.any({bytes.data(), bytes.size()}, [&](size_t needle, Bytes rest) {
        found.emplace_back(needle, rest.size());
        return false;
    });
    return found;
}

Found expected_in(Bytes text) {
    Found found;
    for (size_t at = 0; at < text.size(); ++at) {
        for (size_t i = 0; i < std::size(marks); ++i) {
            if (!text.substr(at).starts_with(marks[i])) continue;
            found.emplace_back(i, text.size() - at - marks[i].size());
        }
    }
    return found;
}

} // namespace

TEST_CASE("needles: each is found at every place of texts around the width of a block") {
    const Needles needles(marks);
    for (const Bytes mark : marks) {
        for (size_t size = mark.size(); size < 100; ++size) {
            for (size_t place = 0; place + mark.size() <= size; ++place) {
                std::string text(size, 'x');
                text.replace(place, mark.size(), mark);
                if (all_in(needles, text) == expected_in(text)) continue;
                CAPTURE(text);
                CHECK(all_in(needles, text) == expected_in(text));
            }
        }
    }
}

TEST_CASE("needles: each is found around every KiB of a long text, and at its end") {
    const Needles needles(marks);
    for (const size_t size : {1023U, 1024U, 1025U, 1040U, 2047U, 2048U, 2049U, 2113U, 5000U}) {
        for (const Bytes mark : marks) {
            std::string text(size, 'x');
            for (size_t at = 1024 - 5; at + mark.size() <= size; at += 1024) {
                text.replace(at, mark.size(), mark);
            }
            text.replace(size - mark.size(), mark.size(), mark);
            CAPTURE(size);
            CAPTURE(mark);
            CHECK(all_in(needles, text) == expected_in(text));
        }
    }
}

TEST_CASE("needles: one that is cut off by the end is not found") {
    const Needles needles(marks);
    for (const size_t before : {0U, 20U, 26U, 31U, 32U, 33U, 60U}) {
        for (size_t kept = 1; kept < 7; ++kept) {
            const std::string text =
                std::string(before, '"') + std::string(marks[0].substr(0, kept));
            CHECK(all_in(needles, text).empty());
        }
    }
}

TEST_CASE("needles: texts made of their parts are read as one byte after the other would") {
    const Needles needles(marks);
    std::mt19937 random(7);
    const std::string parts[] = {"\"usage\"",
                                 "\"us",
                                 "age\"",
                                 "[D",
                                 "ONE]",
                                 "\"",
                                 "f",
                                 "\"error\":",
                                 "[",
                                 "finish_reason\"",
                                 std::string(17, 'u')};
    for (int round = 0; round < 2000; ++round) {
        std::string text;
        while (random() % 12 != 0) text += parts[random() % std::size(parts)];
        if (all_in(needles, text) == expected_in(text)) continue;
        CAPTURE(text);
        CHECK(all_in(needles, text) == expected_in(text));
    }
}

TEST_CASE("needles: the search ends with the first that is accepted") {
    const Needles needles(marks);
    const std::string text =
        std::string(40, ' ') + "\"usage\"" + std::string(40, ' ') + "\"error\"";
    int calls = 0;
    CHECK(needles.any(text, [&](size_t, Bytes) { return ++calls == 1; }));
    CHECK(calls == 1);
    CHECK_FALSE(needles.any("", [](size_t, Bytes) { return true; }));
    CHECK_FALSE(Needles(std::span<const Bytes>()).any(text, [](size_t, Bytes) { return true; }));
}
