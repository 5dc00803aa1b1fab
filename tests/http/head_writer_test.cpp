#include "http/head_writer.h"

#include <doctest/doctest.h>

#include "http/head_assembly.h"
#include "support/sim_world.h"

using namespace ringway;
using namespace ringway::http;
using ringway::tests::slice_of;
using ringway::tests::text_of;

TEST_CASE("head writer: fields, numbers and the status line are written as HTTP has them") {
    ring::BlockPool blocks;
    ring::SliceQueue out;
    HeadWriter writer(blocks);
    writer.status_line(200).field("content-type", "text/plain").field("content-length", 0);
    writer.field("x-max", UINT64_MAX).text("\r\n");
    writer.take(out);
    CHECK(text_of(out) == "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 0\r\n"
                          "x-max: 18446744073709551615\r\n\r\n");
    out.clear();
    writer.status_line(404, "Nowhere").take(out); // it can be used again
    CHECK(text_of(out) == "HTTP/1.1 404 Nowhere\r\n");
    out.clear();
    writer.status_line(599).take(out);
    CHECK(text_of(out) == "HTTP/1.1 599 Status\r\n");
}

TEST_CASE("head writer: milliseconds have three decimals, and none are below zero") {
    struct Row {
        Duration duration;
        const char* text;
    };
    for (const Row& row :
         {Row{0ns, "0.000"}, Row{41us, "0.041"}, Row{999ns, "0.000"}, Row{1500us, "1.500"},
          Row{10ms, "10.000"}, Row{2s + 7us, "2000.007"}, Row{-5ms, "0.000"}}) {
        ring::BlockPool blocks;
        ring::SliceQueue out;
        HeadWriter writer(blocks);
        writer.milliseconds(row.duration).take(out);
        CHECK(text_of(out) == row.text);
    }
}

TEST_CASE("head writer: a head larger than a block goes on in the next") {
    ring::BlockPool blocks;
    ring::SliceQueue out;
    HeadWriter writer(blocks);
    std::string expected;
    for (int i = 0; i < 3000; ++i) {
        writer.field("a", "b");
        expected += "a: b\r\n";
    }
    const std::string large(10'000, 'x');
    writer.text(large).take(out);
    CHECK((text_of(out) == expected + large));
}

TEST_CASE("date: it is an HTTP date, and changes with the second") {
    DateCache date;
    CHECK(date.at(784111777) == "Sun, 06 Nov 1994 08:49:37 GMT");
    CHECK(date.at(784111777) == "Sun, 06 Nov 1994 08:49:37 GMT");
    CHECK(date.at(784111778) == "Sun, 06 Nov 1994 08:49:38 GMT");
    CHECK(date.at(0) == "Thu, 01 Jan 1970 00:00:00 GMT");
}

TEST_CASE("head assembly: pieces come together, in a larger block when they must") {
    ring::BlockPool blocks;
    {
        ring::Slice head;
        std::string expected;
        for (int i = 0; i < 30; ++i) {
            const std::string piece(3000, static_cast<char>('a' + i % 26));
            ring::Slice keeper = slice_of(blocks, piece);
            append_to_head(head, i % 2 == 0 ? keeper : std::move(keeper), blocks);
            expected += piece;
            CHECK((head.bytes() == expected));
        }
    }
    CHECK(blocks.bytes_in_use() == 0);
}
