#include <doctest/doctest.h>

#include <string>

#include "wire/http1_head.h"

using namespace ringway;
using namespace ringway::wire;

namespace {

Result<StatusLine> parse(Bytes head, Method asked = Method::post) {
    Fields fields;
    return parse_response_head(head, asked, fields, HeadLimits{});
}

StatusLine accepted(Bytes head, Method asked = Method::post) {
    CAPTURE(head);
    const auto line = parse(head, asked);
    REQUIRE(line.has_value());
    return *line;
}

void check_refused(Bytes head) {
    CAPTURE(head);
    const auto line = parse(head);
    REQUIRE_FALSE(line.has_value());
    CHECK(line.error().code == Code::malformed);
    CHECK(line.error().blame == Blame::upstream);
}

} // namespace

TEST_CASE("response head: status, reason, version and fields are read") {
    Fields fields;
    const auto line = parse_response_head("HTTP/1.1 200 All Fine\r\nContent-Length: 7\r\n"
                                          "X-Request-Id: r\r\n\r\n",
                                          Method::post, fields, HeadLimits{});
    REQUIRE(line.has_value());
    CHECK(line->status == 200);
    CHECK(line->reason == "All Fine");
    CHECK(line->minor_version == 1);
    CHECK(line->framing == Framing::length);
    CHECK(line->content_length == 7);
    CHECK(line->keeps_alive);
    CHECK(fields.get(FieldId::x_request_id) == "r");
    CHECK(accepted("HTTP/1.1 599 \r\n\r\n").reason == "");
    CHECK(accepted("HTTP/1.1 404\r\n\r\n").status == 404);
}

TEST_CASE("response head: the end of the body follows from the fields") {
    CHECK(accepted("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").framing ==
          Framing::chunked);
    CHECK(accepted("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").framing == Framing::none);
    const StatusLine open = accepted("HTTP/1.1 200 OK\r\n\r\n");
    CHECK(open.framing == Framing::until_close);
    CHECK_FALSE(open.keeps_alive);
}

TEST_CASE("response head: HEAD, 1xx, 204 and 304 have no body, whatever the lengths say") {
    for (const Bytes fields : {"", "Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n"}) {
        const std::string rest = "\r\n" + std::string(fields) + "\r\n";
        CAPTURE(fields);
        CHECK(accepted("HTTP/1.1 200 OK" + rest, Method::head).framing == Framing::none);
        for (const Bytes status : {"100", "103", "204", "304"}) {
            CAPTURE(status);
            const StatusLine line = accepted("HTTP/1.1 " + std::string(status) + " X" + rest);
            CHECK(line.framing == Framing::none);
            CHECK(line.keeps_alive);
        }
    }
}

TEST_CASE("response head: the connection stays or closes as its version and options say") {
    const std::string length = "Content-Length: 1\r\n\r\n";
    CHECK(accepted("HTTP/1.1 200 OK\r\n" + length).keeps_alive);
    CHECK_FALSE(accepted("HTTP/1.1 200 OK\r\nConnection: close\r\n" + length).keeps_alive);
    CHECK_FALSE(accepted("HTTP/1.0 200 OK\r\n" + length).keeps_alive);
    CHECK(accepted("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n" + length).keeps_alive);
}

TEST_CASE("response head: a malformed status line is the upstream's fault") {
    for (const Bytes line : {"HTTP/1.1",
                             "HTTP/1.1 ",
                             "HTTP/1.1 20",
                             "HTTP/1.1 2000 OK",
                             "HTTP/1.1 20x OK",
                             "HTTP/1.1  200 OK",
                             "HTTP/1.1 200OK",
                             "HTTP/1.1 200\tOK",
                             "HTTP/1.1 099 X",
                             "HTTP/1.1 000",
                             "HTTP/1.1 600 X",
                             "HTTP/1.1 999 X",
                             "HTTP/1.1 -20 X",
                             "HTTP/1.1 +20 X",
                             "HTTP/2 200 OK",
                             "HTTP/2.0 200 OK",
                             "HTTP/0.9 200 OK",
                             "HTTP/1.2 200 OK",
                             "http/1.1 200 OK",
                             "RTSP/1.1 200 OK",
                             "ICY 200 OK",
                             " HTTP/1.1 200 OK",
                             "HTTP/1.1\t200 OK",
                             "200 OK",
                             "",
                             "GET / HTTP/1.1"}) {
        check_refused(std::string(line) + "\r\nContent-Length: 0\r\n\r\n");
    }
}

TEST_CASE("response head: framing that two parsers may read differently is refused") {
    for (const Bytes fields : {"Content-Length: 5\r\nContent-Length: 5\r\n",
                               "Content-Length: 5\r\nContent-Length: 6\r\n",
                               "Content-Length: 5, 5\r\n",
                               "Content-Length: -1\r\n",
                               "Content-Length: +5\r\n",
                               "Content-Length: 0x5\r\n",
                               "Content-Length:\r\n",
                               "Content-Length: 18446744073709551616\r\n",
                               "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
                               "Transfer-Encoding: gzip\r\n",
                               "Transfer-Encoding: gzip, chunked\r\n",
                               "Transfer-Encoding: chunked, identity\r\n",
                               "Transfer-Encoding: xchunked\r\n",
                               "Transfer-Encoding:\r\n",
                               "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
                               "Transfer-Encoding : chunked\r\n",
                               "Content-Length : 5\r\n",
                               ": x\r\n",
                               "X\r\n",
                               "X y: z\r\n"}) {
        check_refused("HTTP/1.1 200 OK\r\n" + std::string(fields) + "\r\n");
    }
    check_refused("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
}

TEST_CASE("response head: no more fields than are kept") {
    std::string head = "HTTP/1.1 200 OK\r\n";
    for (size_t i = 0; i < fields_max; ++i) head += "X: y\r\n";
    CHECK(parse(head + "\r\n").has_value());
    check_refused(head + "X: y\r\n\r\n");
}
