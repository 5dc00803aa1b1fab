#include "wire/chunked.h"

#include <doctest/doctest.h>

#include <optional>
#include <span>
#include <string>

#include "support/splits.h"

using namespace ringway;
using namespace ringway::tests;
using namespace ringway::wire;

namespace {

struct Decoded {
    std::string payload;
    size_t consumed = 0;
    bool has_ended = false;
    bool has_failed = false;
    bool operator==(const Decoded&) const = default;
};

/// Feeds the pieces until the body ends or an error occurs. An error consumes nothing.
Decoded decode(ChunkedDecoder& decoder, std::span<const Bytes> pieces) {
    Decoded out;
    for (Bytes piece : pieces) {
        while (!piece.empty() && !decoder.has_ended()) {
            const auto step = decoder.next(piece);
            if (!step) {
                out.has_failed = true;
                return out;
            }
            REQUIRE(step->consumed > 0);
            REQUIRE(step->consumed <= piece.size());
            out.payload += step->payload;
            out.consumed += step->consumed;
            piece.remove_prefix(step->consumed);
        }
    }
    out.has_ended = decoder.has_ended();
    return out;
}

Decoded decode(Bytes bytes) {
    ChunkedDecoder decoder;
    return decode(decoder, std::span(&bytes, 1));
}

bool is_refused(Bytes bytes) { return decode(bytes).has_failed; }

} // namespace

TEST_CASE("chunked: a body is decoded whole, however the bytes are split") {
    const Bytes bytes = "5\r\nhello\r\n1;name=\"value\"\r\n,\r\n6\r\n\r\nline\r\n0\r\n"
                        "Trailer: x\r\nOther:\r\n\r\n";
    for_each_split(bytes, [&](std::span<const Bytes> pieces) {
        ChunkedDecoder decoder;
        CHECK(decode(decoder, pieces) == Decoded{"hello,\r\nline", bytes.size(), true, false});
        CHECK(decoder.has_extension());
        CHECK(decoder.has_trailer());
    });
}

TEST_CASE("chunked: what stands behind the body is left alone") {
    const Bytes body = "3\r\nabc\r\n0\r\n\r\n";
    const std::string bytes = std::string(body) + "GET / HTTP/1.1\r\n";
    for_each_split(bytes, [&](std::span<const Bytes> pieces) {
        ChunkedDecoder decoder;
        CHECK(decode(decoder, pieces) == Decoded{"abc", body.size(), true, false});
    });
}

TEST_CASE("chunked: a step past the end takes nothing") {
    ChunkedDecoder decoder;
    REQUIRE(decoder.next(last_chunk).has_value());
    REQUIRE(decoder.has_ended());
    const auto step = decoder.next("0\r\n\r\n");
    REQUIRE(step.has_value());
    CHECK(step->consumed == 0);
    CHECK(step->payload.empty());
}

TEST_CASE("chunked: sizes are read in either case, with zeros in front") {
    CHECK(decode("A\r\n0123456789\r\n0\r\n\r\n").payload == "0123456789");
    CHECK(decode("a\r\n0123456789\r\n0\r\n\r\n").payload == "0123456789");
    CHECK(decode("00000000000001\r\nx\r\n000\r\n\r\n") == Decoded{"x", 26, true, false});
    CHECK(decode("fffffffffffffff\r\nx") == Decoded{"x", 18, false, false}); // 15 digits
}

TEST_CASE("chunked: what breaks the grammar is refused, however the bytes are split") {
    const Bytes rows[] = {
        "\r\n",
        "\n",
        " 5\r\nhello\r\n",
        "5 \r\nhello\r\n",
        "\t5\r\n",
        "5\t\r\n",
        "5 ;a\r\n",
        "+5\r\nhello\r\n",
        "-1\r\n",
        "0x5\r\nhello\r\n",
        "x\r\n",
        "5h\r\n",
        "5,5\r\n",
        "5 5\r\n",
        ";a=b\r\n",
        "5\nhello\r\n",
        "5\rhello",
        "5\r\rhello",
        "5\r\nhello\n",
        "5\r\nhello\rx",
        "5\r\nhello5\r\n",
        "5\r\nhelloX\r\n",
        "5\r\nhello\r\n\r\n",
        "5\r\nhello\n\r",
        "1000000000000000\r\n",       // 16 digits
        "ffffffffffffffff\r\n",       // 2^64 - 1
        "10000000000000005\r\nhello", // 2^64 + 5
        "00000000000000005\r\nhello", // 17 digits, however small
        "5;a\nhello\r\n",
        "5;a\r5\r\n",
        "5;a=\"\r\n\"\r\nhello",
        "5;a\x01\r\n",
        "5;a\x7f\r\n",
        "5;a\xff\r\n",
        "5;\x80\r\n",
        "0\r\n\n",
        "0\r\n\rX",
        "0\r\n\r\r",
        "0\n\r\n",
        "0\r\r\n",
        "0\r\n:\r\n",
        "0\r\n: v\r\n",
        "0\r\nName\r\n",
        "0\r\nName : v\r\n",
        "0\r\n Name: v\r\n",
        "0\r\n\tName: v\r\n",
        "0\r\nA: b\r\n c\r\n",
        "0\r\nA: b\nB: c\r\n",
        "0\r\nA: b\rB: c\r\n",
        "0\r\nA: \x01\r\n",
        "0\r\nA: \x7f\r\n",
        "0\r\nN\xc3\xa9: v\r\n",
        "0\r\nA(b): v\r\n",
    };
    for (const Bytes row : rows) {
        CAPTURE(row);
        for_each_split(row, [&](std::span<const Bytes> pieces) {
            ChunkedDecoder decoder;
            CHECK(decode(decoder, pieces).has_failed);
        });
    }
    CHECK(is_refused(Bytes("5;a\0\r\n", 6)));
    CHECK(is_refused(Bytes("0\r\nA: \0\r\n", 9)));
    CHECK(is_refused(Bytes("5\0\r\n", 4)));
}

TEST_CASE("chunked: a refusal is malformed, and the client's until the caller knows better") {
    ChunkedDecoder decoder;
    const auto step = decoder.next("zz");
    REQUIRE_FALSE(step.has_value());
    CHECK(step.error().code == Code::malformed);
    CHECK(step.error().blame == Blame::client);
}

TEST_CASE("chunked: the extensions of one body have a bound between them") {
    const std::string most(ChunkedDecoder::extension_bytes_max - 1, 'a'); // and the semicolon
    CHECK_FALSE(is_refused("1;" + most + "\r\nx\r\n0\r\n\r\n"));
    CHECK(is_refused("1;" + most + "a\r\nx\r\n0\r\n\r\n"));
    CHECK(is_refused("1;" + most + "\r\nx\r\n1;\r\nx\r\n"));
    CHECK_FALSE(is_refused(repeated("1;\r\nx\r\n", ChunkedDecoder::extension_bytes_max)));
    CHECK(is_refused(repeated("1;\r\nx\r\n", ChunkedDecoder::extension_bytes_max + 1)));
}

TEST_CASE("chunked: trailers have a bound between them") {
    const std::string line = "Name: " + std::string(1016, 'v') + "\r\n"; // 1024 bytes
    CHECK_FALSE(is_refused("0\r\n" + repeated(line, 8) + "\r\n"));
    CHECK(is_refused("0\r\n" + repeated(line, 9) + "\r\n"));
    CHECK(is_refused("0\r\n" + std::string(ChunkedDecoder::trailer_bytes_max + 1, 'n')));
}

TEST_CASE("chunked: the decoder says where in the framing it stands") {
    ChunkedDecoder decoder;
    const auto feed = [&](Bytes bytes) { REQUIRE_FALSE(decode(decoder, {&bytes, 1}).has_failed); };
    CHECK(decoder.is_between_chunks());
    feed("1");
    CHECK_FALSE(decoder.is_between_chunks());
    feed("0\r\n");
    CHECK(decoder.open_chunk_bytes() == 16);
    feed("0123456789");
    CHECK(decoder.open_chunk_bytes() == 6);
    CHECK(decoder.owed_line_end_bytes() == 0);
    feed("abcdef");
    CHECK(decoder.open_chunk_bytes() == 0);
    CHECK(decoder.owed_line_end_bytes() == 2);
    CHECK_FALSE(decoder.is_between_chunks());
    feed("\r");
    CHECK(decoder.owed_line_end_bytes() == 1);
    feed("\n");
    CHECK(decoder.owed_line_end_bytes() == 0);
    CHECK(decoder.is_between_chunks());
    CHECK_FALSE(decoder.has_extension());
    feed("0");
    CHECK_FALSE(decoder.is_in_trailer());
    feed("\r\n");
    CHECK(decoder.is_in_trailer());
    feed("\r");
    CHECK(decoder.is_in_trailer());
    CHECK_FALSE(decoder.has_trailer());
    feed("\n");
    CHECK_FALSE(decoder.is_in_trailer());
    CHECK(decoder.has_ended());
}

TEST_CASE("chunked: a header that ringway writes is read back as the size it was made for") {
    for (const size_t size :
         {size_t{1}, size_t{15}, size_t{16}, size_t{65536}, size_t{0x123456789}}) {
        ChunkedDecoder decoder;
        const std::string header = chunk_header(size);
        CAPTURE(header);
        const auto step = decoder.next(header);
        REQUIRE(step.has_value());
        CHECK(step->consumed == header.size());
        CHECK(decoder.open_chunk_bytes() == size);
    }
    CHECK(decode(chunk_header(2) + "ab" + std::string(chunk_end) + std::string(last_chunk)) ==
          Decoded{"ab", 12, true, false});
}
