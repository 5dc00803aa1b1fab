#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>

#include "base/byte_size.h"
#include "base/duration_text.h"

using namespace ringway;
using namespace ringway::base;
using namespace std::chrono_literals;

TEST_CASE("byte size: a number alone counts bytes, units are powers of two") {
    CHECK(parse_byte_size("0") == 0);
    CHECK(parse_byte_size("512") == 512);
    CHECK(parse_byte_size("512B") == 512);
    CHECK(parse_byte_size("64KiB") == 65536);
    CHECK(parse_byte_size("16MiB") == uint64_t{16} << 20);
    CHECK(parse_byte_size("2GiB") == uint64_t{2} << 30);
}

TEST_CASE("byte size: what is no size, or too large for one, is nothing") {
    for (const Bytes text : {"", "B", "KiB", "-1", "+1", "1 KiB", " 1", "1KB", "1kib", "1K",
                             "1.5MiB", "1KiBB", "1BB", "1KiBMiB", "1TiB", "0x10"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_byte_size(text).has_value());
    }
    CHECK(parse_byte_size("8589934591GiB") == uint64_t{8589934591} << 30);
    CHECK_FALSE(parse_byte_size("8589934592GiB").has_value()); // 2^63
    CHECK_FALSE(parse_byte_size("9223372036854775808").has_value());
}

TEST_CASE("duration: every unit is read, with up to three decimals") {
    CHECK(parse_duration("0") == Duration::zero());
    CHECK(parse_duration("800ns") == Duration(800ns));
    CHECK(parse_duration("15us") == Duration(15us));
    CHECK(parse_duration("250ms") == Duration(250ms));
    CHECK(parse_duration("1.5s") == Duration(1500ms));
    CHECK(parse_duration("0.125s") == Duration(125ms));
    CHECK(parse_duration("1.05s") == Duration(1050ms));
    CHECK(parse_duration("10m") == Duration(10min));
    CHECK(parse_duration("2h") == Duration(2h));
    CHECK(parse_duration("0s") == Duration::zero());
}

TEST_CASE("duration: what is no duration, or too long for one, is nothing") {
    for (const Bytes text : {"", "s", "1", "00", "-1s", "+1s", "1 s", " 1s", "1S", "1.s", ".5s",
                             "1.2345s", "1.-1s", "1..5s", "1e3s", "1d", "1sec", "1s1s", "1m30s"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_duration(text).has_value());
    }
    CHECK(parse_duration("9223372036854775807ns") == Duration::max());
    CHECK_FALSE(parse_duration("9223372036854775808ns").has_value());
    CHECK(parse_duration("2562047h").has_value());
    CHECK_FALSE(parse_duration("2562048h").has_value());
    CHECK_FALSE(parse_duration("2562047.999h").has_value());
}
