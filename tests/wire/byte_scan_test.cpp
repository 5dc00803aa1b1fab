#include "wire/byte_scan.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "base/bytes.h"

using namespace ringway;
using namespace ringway::wire;

namespace {

/// For every byte, at every place of texts around the width of a lane: the finder stops there when
/// the byte is one that it looks for, and runs to the end when it is not.
template <class Find, class IsStop>
void check_finder(Find&& find, IsStop&& is_stop) {
    for (const size_t size : {1U, 15U, 16U, 17U, 33U}) {
        for (int byte = 0; byte < 256; ++byte) {
            for (size_t place = 0; place < size; ++place) {
                std::vector<char> text(size, 'x'); // on the heap: a sanitizer sees an over-read
                text[place] = static_cast<char>(byte);
                const char* const end = text.data() + size;
                const size_t found = static_cast<size_t>(find(text.data(), end) - text.data());
                const size_t expected = is_stop(byte) ? place : size;
                if (found == expected) continue;
                CAPTURE(size);
                CAPTURE(byte);
                CAPTURE(place);
                CHECK(found == expected);
            }
        }
    }
    const char* const nothing = "";
    CHECK(find(nothing, nothing) == nothing);
}

} // namespace

TEST_CASE("byte scan: a control character is found wherever it stands, and nothing else") {
    check_finder([](const char* at, const char* end) { return find_control(at, end); },
                 [](int byte) { return byte < 0x20 || byte == 0x7f; });
}

TEST_CASE("byte scan: a line end is found wherever it stands, and nothing else") {
    check_finder([](const char* at, const char* end) { return find_line_end(at, end); },
                 [](int byte) { return byte == '\n' || byte == '\r'; });
}

TEST_CASE("byte scan: plain text in JSON stops at quotes, backslashes, controls and UTF-8") {
    check_finder(
        [](const char* at, const char* end) { return find_json_string_stop(at, end); },
        [](int byte) { return byte < 0x20 || byte >= 0x80 || byte == '"' || byte == '\\'; });
}

TEST_CASE("byte scan: the first of several stops counts") {
    const Bytes text = "0123456789abcdef0123\r\n\r\n";
    CHECK(find_line_end(text.data(), text.data() + text.size()) == text.data() + 20);
    const Bytes early = "0\n23456789abcde\n";
    CHECK(find_control(early.data(), early.data() + early.size()) == early.data() + 1);
}
