#include "wire/sse.h"

#include <doctest/doctest.h>

#include <span>
#include <string>
#include <vector>

#include "support/splits.h"

using namespace ringway;
using namespace ringway::tests;
using namespace ringway::wire;

namespace {

using Events = std::vector<SseEvent>;

Events decode(std::span<const Bytes> pieces) {
    SseDecoder decoder;
    Events events;
    for (const Bytes piece : pieces) {
        const Status status =
            decoder.feed(piece, [&](const SseEvent& event) { events.push_back(event); });
        REQUIRE(status.has_value());
    }
    return events;
}

Events decode(Bytes bytes) { return decode(std::span(&bytes, 1)); }

/// What a parser tells its sink, as one text.
struct Telling {
    std::string text;
    void on_name_line() { text += "<name>"; }
    void on_name(Bytes fragment) { text += fragment; }
    void on_data(Bytes fragment) { text += fragment; }
    void on_data_line() { text += "<line>"; }
    void on_event_end() { text += "<end>"; }
};

} // namespace

TEST_CASE("sse: an event is delivered whole, however the bytes are split") {
    const Bytes bytes = "\xEF\xBB\xBF: hello\n\nevent: delta\ndata: a\ndata:b\r\ndata\r\n\r\n"
                        "id: 1\nretry: 5\ndata:  two spaces\r\rdata: [DONE]\n\n";
    for_each_split(bytes, [&](std::span<const Bytes> pieces) {
        CHECK(decode(pieces) == Events{{"delta", "a\nb\n"}, {"", " two spaces"}, {"", "[DONE]"}});
    });
}

TEST_CASE("sse: the examples of the standard come out") {
    CHECK(decode("data: YHOO\ndata: +2\ndata: 10\n\n") == Events{{"", "YHOO\n+2\n10"}});
    CHECK(decode(": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\n"
                 "data:  third event\n\n") ==
          Events{{"", "first event"}, {"", "second event"}, {"", " third event"}});
    CHECK(decode("data\n\ndata\ndata\n\ndata:") == Events{{"", ""}, {"", "\n"}});
    CHECK(decode("data:test\n\ndata: test\n\n") == Events{{"", "test"}, {"", "test"}});
}

TEST_CASE("sse: an event without a data line is none, and its name is forgotten") {
    CHECK(decode("event: ping\n\ndata: x\n\n") == Events{{"", "x"}});
    CHECK(decode(": keep-alive\n\n\n\n").empty());
    CHECK(decode("id: 7\n\n").empty());
}

TEST_CASE("sse: of several names of an event the last one counts") {
    CHECK(decode("event: a\nevent: b\ndata: x\n\n") == Events{{"b", "x"}});
    CHECK(decode("event: a\ndata: x\nevent\n\n") == Events{{"", "x"}});
}

TEST_CASE("sse: only `data` and `event` matter, spelled exactly so") {
    for (const Bytes line : {"Data: x", "DATA: x", "dat: x", "dataa: x", "data : x", " data: x",
                             "\tdata: x", "eventt: x", "datadatadata: x", ":data: x", "x", ":"}) {
        CAPTURE(line);
        CHECK(decode(std::string(line) + "\n\n").empty());
        CHECK(decode(std::string(line) + "\ndata: y\n\n") == Events{{"", "y"}});
    }
}

TEST_CASE("sse: one space after the colon is dropped, and nothing else") {
    CHECK(decode("data: x\n\n") == decode("data:x\n\n"));
    CHECK(decode("data:\tx\n\n") == Events{{"", "\tx"}});
    CHECK(decode("data:  \n\n") == Events{{"", " "}});
    CHECK(decode("data: \n\n") == Events{{"", ""}});
    CHECK(decode("data:a:b \n\n") == Events{{"", "a:b "}});
    CHECK(decode(Bytes("data:a\0b\n\n", 10)) == Events{{"", std::string("a\0b", 3)}});
}

TEST_CASE("sse: a byte order mark is passed over at the very start, whole or not at all") {
    CHECK(decode("\xEF\xBB\xBF"
                 "data: x\n\n") == Events{{"", "x"}});
    CHECK(decode("\xEF\xBB\xBF\xEF\xBB\xBF"
                 "data: x\n\n")
              .empty());
    CHECK(decode("data: x\n\n\xEF\xBB\xBF"
                 "data: y\n\n") == Events{{"", "x"}});
    for (const Bytes begun : {"\xEF", "\xEF\xBB"}) {
        const std::string bytes = std::string(begun) + "data: x\ndata: y\n\n";
        for_each_split(bytes, [](std::span<const Bytes> pieces) {
            CHECK(decode(pieces) == Events{{"", "y"}});
        });
        CHECK(decode(std::string(begun) + "\n\ndata: x\n\n") == Events{{"", "x"}});
    }
}

TEST_CASE("sse: an event that never ends is never delivered") {
    CHECK(decode("data: x\n").empty());
    CHECK(decode("data: x\r\n").empty());
    CHECK(decode("data: x").empty());
    CHECK(decode("").empty());
}

TEST_CASE("sse: CR, LF and CRLF end lines, and CRLF is one of them") {
    for (const Bytes end : {"\n", "\r", "\r\n"}) {
        const std::string line_end(end);
        CHECK(decode("data: a" + line_end + "data: b" + line_end + line_end + "data: c" + line_end +
                     line_end) == Events{{"", "a\nb"}, {"", "c"}});
    }
    CHECK(decode("data: a\n\r\ndata: b\r\n\n") == Events{{"", "a"}, {"", "b"}});
}

TEST_CASE("sse parser: reading one event stops behind it") {
    const Bytes bytes = "data: a\n\ndata: b\n\n";
    SseParser parser;
    Telling telling;
    CHECK(parser.feed_event(bytes, telling) == 9);
    CHECK(telling.text == "a<end>");
    CHECK(parser.feed_event(bytes.substr(9), telling) == 9);
    CHECK(telling.text == "a<end>b<end>");
    CHECK(parser.feed_event("", telling) == 0);
    CHECK(parser.feed_event("data: c", telling) == 7);
}

TEST_CASE("sse parser: an event that ends with CR is over before the LF has come") {
    SseParser parser;
    Telling telling;
    CHECK(parser.feed_event("data: a\r\n\r\n", telling) == 10);
    CHECK(parser.is_between_events());
    parser.feed("\ndata: b\r\r", telling);
    CHECK(telling.text == "a<end>b<end>");
}

TEST_CASE("sse parser: the sink hears of lines, names and ends in order") {
    for_each_split("event: n\ndata: a\ndata: b\n\n:c\n\n", [](std::span<const Bytes> pieces) {
        SseParser parser;
        Telling telling;
        for (const Bytes piece : pieces) parser.feed(piece, telling);
        CHECK(telling.text == "<name>na<line>b<end><end>");
    });
}

TEST_CASE("sse parser: it knows whether it stands between two events") {
    SseParser parser;
    Telling telling;
    CHECK(parser.is_between_events());
    for (const Bytes piece : {"d", "ata: x", "\n"}) {
        parser.feed(piece, telling);
        CHECK_FALSE(parser.is_between_events());
    }
    CHECK(parser.has_data());
    parser.feed("\n", telling);
    CHECK(parser.is_between_events());
    CHECK_FALSE(parser.has_data());
    parser.feed("\n\n", telling);
    CHECK(parser.is_between_events());
    parser.feed(":", telling);
    CHECK_FALSE(parser.is_between_events());
}

TEST_CASE("sse: an event above the bound is an error of the upstream, and not delivered cut") {
    SseDecoder decoder;
    Events events;
    const auto visit = [&](const SseEvent& event) { events.push_back(event); };
    const std::string most = "data: " + std::string(SseDecoder::event_bytes_max, 'x') + "\n";
    REQUIRE(decoder.feed(most, visit).has_value());
    const Status status = decoder.feed("data: y\n\n", visit);
    REQUIRE_FALSE(status.has_value());
    CHECK(status.error().code == Code::too_large);
    CHECK(status.error().blame == Blame::upstream);
    CHECK(events.empty());
    CHECK_FALSE(decoder.feed("data: z\n\n", visit).has_value());
    CHECK(events.empty());
}

TEST_CASE("sse: an event at the bound is delivered, and lines count as their newlines") {
    SseDecoder decoder;
    size_t bytes = 0;
    const auto visit = [&](const SseEvent& event) { bytes = event.data.size(); };
    const std::string most = "data: " + std::string(SseDecoder::event_bytes_max, 'x') + "\n\n";
    CHECK(decoder.feed(most, visit).has_value());
    CHECK(bytes == SseDecoder::event_bytes_max);
    const std::string lines = repeated("data\n", 4096);
    Status status;
    for (size_t fed = 0; fed <= SseDecoder::event_bytes_max + 1 && status; fed += 4096) {
        status = decoder.feed(lines, visit);
    }
    CHECK_FALSE(status.has_value());
}
