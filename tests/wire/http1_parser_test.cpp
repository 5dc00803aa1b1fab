#include "wire/http1_parser.h"

#include <doctest/doctest.h>

#include <random>
#include <string>

#include "support/heads.h"

using namespace ringway;
using namespace ringway::tests;
using namespace ringway::wire;

namespace {

/// Heads of the strict grammar, good and bad: every name that llhttp knows, those that begin or end
/// like one, all bytes that a value may have, and values that framing fields have.
class Heads {
public:
    explicit Heads(unsigned seed) : random_(seed) {}

    std::string next(bool is_request) {
        std::string head(is_request ? one_of(request_lines) : one_of(status_lines));
        for (size_t lines = below(6); lines > 0; --lines) {
            head += "\r\n" + name() + ":" + one_of(spaces) + value() + one_of(spaces);
        }
        return head + "\r\n\r\n";
    }

private:
    static constexpr Bytes request_lines[] = {
        "POST /v1 HTTP/1.1",    "POST / HTTP/1.0",         "GET /?a=b HTTP/1.1",
        "OPTIONS * HTTP/1.1",   "PUT http://a/b HTTP/1.1", "BREW / HTTP/1.1",
        "POST  / HTTP/1.1",     "POST / HTTP/2.0",         "POST /",
        "CONNECT a:1 HTTP/1.1", "PRI * HTTP/2.0",          "GET / HTTP/0.9"};
    static constexpr Bytes status_lines[] = {
        "HTTP/1.1 200 OK",    "HTTP/1.0 404",  "HTTP/1.1 100 Continue", "HTTP/1.1 204 ",
        "HTTP/1.1 304 X\xff", "HTTP/2 200 OK", "HTTP/1.1  200 OK",      "HTTP/1.1 101 Switching"};
    static constexpr Bytes names[] = {"content-length",
                                      "transfer-encoding",
                                      "connection",
                                      "proxy-connection",
                                      "upgrade",
                                      "c",
                                      "co",
                                      "con",
                                      "conn",
                                      "cont",
                                      "content-type",
                                      "connectio",
                                      "content-lengt",
                                      "p",
                                      "proxy",
                                      "t",
                                      "te",
                                      "transfer-encodin",
                                      "u",
                                      "upgrad",
                                      "user-agent",
                                      "host",
                                      "x",
                                      "keep-alive"};
    static constexpr Bytes values[] = {"",
                                       "0",
                                       "5",
                                       "5 5",
                                       "5,5",
                                       "18446744073709551616",
                                       "chunked",
                                       "Chunked",
                                       "gzip, chunked",
                                       "chunked, gzip",
                                       "chunked,",
                                       "xchunked",
                                       "close",
                                       "keep-alive",
                                       "close, Upgrade",
                                       "upgrade,,close",
                                       "h2c",
                                       "a\tb",
                                       "identity"};
    static constexpr Bytes spaces[] = {"", " ", "\t", "  \t "};

    size_t below(size_t bound) { return random_() % bound; }
    template <size_t n>
    std::string one_of(const Bytes (&list)[n]) {
        return std::string(list[below(n)]);
    }
    std::string name() {
        std::string made = one_of(names);
        for (char& c : made) {
            if (below(8) == 0 && c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
        }
        while (below(4) == 0) {
            const auto c = static_cast<char>(below(256));
            if (is_token_char(c)) made.insert(below(made.size() + 1), 1, c);
        }
        return made;
    }
    std::string value() {
        std::string made = one_of(values);
        for (size_t left = below(3) == 0 ? below(40) : 0; left > 0; --left) {
            const auto byte = static_cast<unsigned char>(below(256));
            const bool is_text = byte == '\t' || (byte >= 0x20 && byte != 0x7f);
            if (is_text) made.insert(below(made.size() + 1), 1, static_cast<char>(byte));
        }
        return made;
    }

    std::mt19937 random_;
};

} // namespace

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

TEST_CASE("second opinion: the lines that llhttp is not shown do not matter to it") {
    constexpr unsigned seed = 12;
    CAPTURE(seed);
    Heads heads(seed);
    size_t accepted = 0;
    size_t refused = 0;
    for (int i = 0; i < 40000; ++i) {
        const bool is_request = i % 2 == 0;
        const std::string head = heads.next(is_request);
        CAPTURE(head);
        const auto by_lines = ask_llhttp_by_lines(head, is_request);
        REQUIRE(by_lines.has_value());
        REQUIRE(says_the_same_by_lines(head, is_request));
        ++(by_lines->accepts ? accepted : refused);
    }
    CHECK(accepted > 5000);
    CHECK(refused > 5000);
}

TEST_CASE("second opinion: each byte that a value may have is none of llhttp's business") {
    for (int byte = 0x20; byte <= 0xff; ++byte) {
        const auto c = static_cast<char>(byte == 0x20 ? '\t' : byte);
        if (byte == 0x7f) continue;
        CAPTURE(byte);
        for (const Bytes name : {"x", "content-type", "cookie"}) {
            const std::string head = "POST / HTTP/1.1\r\n" + std::string(name) + ": a" +
                                     std::string(40, c) + "b\r\nContent-Length: 3\r\n\r\n";
            CHECK(ask_llhttp(head, true).accepts);
            CHECK(ask_llhttp_by_lines(head, true) == ask_llhttp(head, true));
        }
    }
}
