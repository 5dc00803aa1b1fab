#include "wire/http1_parser.h"

#include <doctest/doctest.h>

using namespace ringway;
using namespace ringway::wire;

TEST_CASE("second opinion: llhttp reads a request's method, version and framing") {
    const SecondOpinion chunked =
        ask_llhttp("POST /v1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", true);
    CHECK(chunked.accepts);
    CHECK(chunked.method == llhttp_method("POST"));
    CHECK(chunked.minor_version == 1);
    CHECK(chunked.is_chunked);
    const SecondOpinion sized = ask_llhttp("PUT / HTTP/1.0\r\nContent-Length: 42\r\n\r\n", true);
    CHECK(sized.accepts);
    CHECK(sized.method == llhttp_method("PUT"));
    CHECK(sized.minor_version == 0);
    CHECK_FALSE(sized.is_chunked);
    CHECK(sized.content_length == 42);
}

TEST_CASE("second opinion: llhttp reads a response's status") {
    const SecondOpinion opinion = ask_llhttp("HTTP/1.1 429 Slow Down\r\n\r\n", false);
    CHECK(opinion.accepts);
    CHECK(opinion.status == 429);
}

TEST_CASE("second opinion: llhttp is built strict") {
    for (const Bytes head : {
             "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
             "GET / HTTP/1.1\r\nX:\rTransfer-Encoding: chunked\r\n\r\n",
             "GET / HTTP/1.1\r\nHost: a\r\n\rX",
             "GET / HTTP/1.1\nHost: a\n\n",
             "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
             "POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
         }) {
        CAPTURE(head);
        CHECK_FALSE(ask_llhttp(head, true).accepts);
    }
}

TEST_CASE("second opinion: a head that is not whole is not accepted") {
    const Bytes head = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    for (size_t size = 0; size < head.size(); ++size) {
        CAPTURE(size);
        CHECK_FALSE(ask_llhttp(head.substr(0, size), true).accepts);
    }
    CHECK(ask_llhttp(head, true).accepts);
    CHECK_FALSE(ask_llhttp(head, false).accepts);
}

TEST_CASE("second opinion: methods that llhttp does not know have no number") {
    CHECK(llhttp_method("GET") != llhttp_method("POST"));
    CHECK(llhttp_method("get") == 255);
    CHECK(llhttp_method("BREW") == 255);
    CHECK(llhttp_method("") == 255);
    CHECK(llhttp_version().find('.') != std::string::npos);
}
