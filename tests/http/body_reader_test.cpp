#include "http/body_reader.h"

#include <doctest/doctest.h>

#include <string>

using namespace ringway;
using namespace ringway::http;

namespace {

/// The payload, and what was left of the input behind the body.
std::pair<std::string, std::string> read(BodyReader& reader, Bytes input, size_t step) {
    std::string payload;
    while (!input.empty() && !reader.has_ended()) {
        const auto read = reader.next(input.substr(0, step));
        REQUIRE(read.has_value());
        REQUIRE(read->consumed <= step);
        payload += read->payload;
        if (read->consumed == 0) break;
        input.remove_prefix(read->consumed);
    }
    return {payload, std::string(input)};
}

} // namespace

TEST_CASE(
    "body: none of the next message's bytes are taken, however the body is framed and split") {
    struct Row {
        wire::Framing framing;
        uint64_t length;
        const char* input;
        const char* payload;
    };
    for (const Row& row : {
             Row{wire::Framing::none, 0, "GET", ""},
             Row{wire::Framing::length, 5, "helloGET", "hello"},
             Row{wire::Framing::length, 0, "GET", ""},
             Row{wire::Framing::chunked, 0, "5\r\nhello\r\n0\r\n\r\nGET", "hello"},
             Row{wire::Framing::chunked, 0, "1\r\nh\r\n4;a=b\r\nello\r\n0\r\nT: x\r\n\r\nGET",
                 "hello"},
         }) {
        const Bytes input = row.input;
        for (size_t step = 1; step <= input.size(); ++step) {
            CAPTURE(row.input);
            CAPTURE(step);
            BodyReader reader(row.framing, row.length);
            const auto [payload, left] = read(reader, input, step);
            CHECK(reader.has_ended());
            CHECK(payload == row.payload);
            CHECK(left == "GET");
        }
    }
}

TEST_CASE("body: one that ends with the connection never ends by itself") {
    BodyReader reader(wire::Framing::until_close, 0);
    const auto [payload, left] = read(reader, "all of it", 4);
    CHECK(payload == "all of it");
    CHECK(left.empty());
    CHECK_FALSE(reader.has_ended());
}

TEST_CASE("body: what is still to come of a known length is known") {
    BodyReader reader(wire::Framing::length, 1000);
    CHECK(reader.remaining() == 1000);
    REQUIRE(reader.next("12345").has_value());
    CHECK(reader.remaining() == 995);
    CHECK(BodyReader().has_ended());
}
