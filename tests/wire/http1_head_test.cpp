#include "wire/http1_head.h"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>

#include "support/heads.h"
#include "support/splits.h"

using namespace ringway;
using namespace ringway::tests;
using namespace ringway::wire;

namespace {

constexpr HeadLimits limits;

std::string with_fields(Bytes fields) {
    return "POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "\r\n";
}

std::string with_line(Bytes line) { return std::string(line) + "\r\nHost: a\r\n\r\n"; }

/// The code that a request is refused with; nothing when it is accepted.
std::optional<Code> refusal(Bytes bytes, const HeadLimits& with = limits) {
    const auto head = std::make_unique<ReadHead>(read_request(bytes, with));
    if (head->line) return std::nullopt;
    CHECK(head->line.error().blame == Blame::client);
    CHECK_FALSE(head->line.error().what.empty());
    return head->line.error().code;
}

RequestLine accepted(Bytes bytes) {
    CAPTURE(bytes);
    const auto head = std::make_unique<ReadHead>(read_request(bytes, limits));
    REQUIRE(head->line.has_value());
    return *head->line;
}

} // namespace

TEST_CASE("request head: method, target, version and fields are read") {
    const std::string bytes = "POST /v1/chat?x=1 HTTP/1.1\r\nHost: api.example.com:8080\r\n"
                              "Content-Length:42\r\nX-Empty:\r\nAuthorization: \t Bearer a b \t\r\n"
                              "x-api-key: k\r\n\r\n";
    Fields fields;
    const auto line = parse_request_head(bytes, fields, limits);
    REQUIRE(line.has_value());
    CHECK(line->method == Method::post);
    CHECK(line->target == "/v1/chat?x=1");
    CHECK(line->minor_version == 1);
    CHECK(line->framing == Framing::length);
    CHECK(line->content_length == 42);
    CHECK(line->keeps_alive);
    CHECK_FALSE(line->expects_continue);
    REQUIRE(fields.count == 5);
    CHECK(fields.get(FieldId::host) == "api.example.com:8080");
    CHECK(fields.get(FieldId::authorization) == "Bearer a b");
    CHECK(fields.list()[2].name == "X-Empty");
    CHECK(fields.list()[2].value == "");
    CHECK(fields.list()[2].id == FieldId::unknown);
    CHECK(fields.has(FieldId::x_api_key));
    CHECK_FALSE(fields.has(FieldId::cookie));
    CHECK(fields.get(FieldId::cookie) == "");
}

TEST_CASE("request head: of fields with one name the first is the one that is got") {
    Fields fields;
    const std::string bytes = with_fields("Cookie: a\r\nCookie: b\r\n");
    REQUIRE(parse_request_head(bytes, fields, limits));
    CHECK(fields.get(FieldId::cookie) == "a");
    CHECK(fields.count == 3);
}

TEST_CASE("head scanner: the head ends at the same byte, however the bytes are split") {
    const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nX:\tb\r\n\r\n";
    const std::string bytes = head + "body\x01\n";
    for_each_split(bytes, [&](std::span<const Bytes> pieces) {
        CHECK(scan_pieces(pieces, limits) == head.size());
    });
}

TEST_CASE("head scanner: up to two blank lines before a request are passed over") {
    for (const Bytes blank : {"", "\r\n", "\r\n\r\n"}) {
        const std::string bytes = std::string(blank) + with_fields("");
        for_each_split(bytes, [&](std::span<const Bytes> pieces) {
            CHECK(scan_pieces(pieces, limits) == bytes.size());
        });
        HeadScanner scanner;
        CHECK_FALSE(scanner.has_begun(""));
        REQUIRE(scanner.scan(blank, limits) == size_t{0});
        CHECK_FALSE(scanner.has_begun(blank));
        CHECK(scanner.leading_blank_bytes() == blank.size());
        CHECK(scanner.has_begun(bytes));
        CHECK_FALSE(refusal(bytes).has_value());
    }
    CHECK(refusal("\r\n\r\n\r\n" + with_fields("")) == Code::malformed);
    CHECK(refusal("\n" + with_fields("")) == Code::malformed);
}

TEST_CASE("head scanner: other than CRLF lines of visible characters is refused at every split") {
    const std::string rows[] = {
        "POST / HTTP/1.1\nHost: a\n\n",
        "POST / HTTP/1.1\r\nHost: a\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\n\n",
        "POST / HTTP/1.1\r\nHost: a\r\n\rX",
        "POST / HTTP/1.1\r\nHost: a\r\r\n\r\n",
        "POST / HTTP/1.1\rHost: a\r\n\r\n",
        with_fields("X: a\rTransfer-Encoding: chunked\r\n"),
        with_fields("X: a\nTransfer-Encoding: chunked\r\n"),
        with_fields("X:\rTransfer-Encoding: chunked\r\n"),
        with_fields("\rX: a\r\n"),
        with_fields("X: a\r\n b\r\n"),
        with_fields("X: a\r\n\tb\r\n"),
        with_fields("X: a\r\n \r\n"),
        with_fields("Transfer-Encoding:\r\n chunked\r\n"),
        with_fields(Bytes("X: a\0b\r\n", 8)),
        with_fields(Bytes("X\0: a\r\n", 7)),
        with_fields("X: \x01\r\n"),
        with_fields("X: \x0b\r\n"),
        with_fields("X: \x7f\r\n"),
        with_fields("X: \x1b[2J\r\n"),
        "POST / HTTP/1.1\r\n Host: a\r\n\r\n",
        "POST / HTTP/1.1\r\n\tHost: a\r\n\r\n",
        "\tPOST / HTTP/1.1\r\nHost: a\r\n\r\n",
        std::string("POST /\0 HTTP/1.1\r\nHost: a\r\n\r\n", 30),
    };
    for (const std::string& row : rows) {
        CAPTURE(row);
        for_each_split(row, [&](std::span<const Bytes> pieces) {
            const auto scanned = scan_pieces(pieces, limits);
            REQUIRE_FALSE(scanned.has_value());
            CHECK(scanned.error().code == Code::malformed);
            CHECK(scanned.error().blame == Blame::client);
        });
    }
}

TEST_CASE("head scanner: lines, heads and counts have bounds, which are just reached") {
    const auto field = [](size_t bytes) { return "X:" + std::string(bytes - 2, 'v') + "\r\n"; };
    CHECK_FALSE(refusal(with_fields(field(8000))).has_value());
    CHECK_FALSE(refusal(with_fields(field(limits.line_bytes_max))).has_value());
    CHECK(refusal(with_fields(field(limits.line_bytes_max + 1))) == Code::head_too_large);
    CHECK(refusal(with_fields("X: " + std::string(limits.line_bytes_max, 'v'))) ==
          Code::head_too_large); // before its end has come

    CHECK_FALSE(refusal(with_fields(repeated("X: y\r\n", fields_max - 1))).has_value());
    CHECK(refusal(with_fields(repeated("X: y\r\n", fields_max))) == Code::head_too_large);
    CHECK(refusal(with_fields(repeated("X: y\r\n", 5000))) == Code::head_too_large);

    const HeadLimits small{.head_bytes_max = 256, .line_bytes_max = 128, .target_bytes_max = 64};
    const std::string fixed = with_fields("");
    const size_t room = small.head_bytes_max - fixed.size();
    CHECK_FALSE(refusal(with_fields(field(100) + field(room - 102)), small).has_value());
    CHECK(refusal(with_fields(field(100) + field(room - 102 + 1)), small) == Code::head_too_large);
    CHECK(refusal(with_line("GET /" + std::string(63, 'x') + " HTTP/1.1"), small) == std::nullopt);
    CHECK(refusal(with_line("GET /" + std::string(64, 'x') + " HTTP/1.1"), small) ==
          Code::uri_too_long);
    CHECK(refusal(with_line("GET /" + std::string(200, 'x') + " HTTP/1.1"), small) ==
          Code::uri_too_long);
    CHECK(refusal("GET /" + std::string(200, 'x'), small) == Code::uri_too_long);
    const HeadLimits tiny{.head_bytes_max = 100, .line_bytes_max = 128, .target_bytes_max = 64};
    CHECK(refusal("GET /" + std::string(100, 'x'), tiny) == Code::uri_too_long);
    CHECK(refusal(with_line("GET /" + std::string(100, 'x') + " HTTP/1.1"), tiny) ==
          Code::uri_too_long);
    CHECK(refusal(with_line("GET /" + std::string(8191, 'x') + " HTTP/1.1")) == std::nullopt);
    CHECK(refusal(with_line("GET /" + std::string(8192, 'x') + " HTTP/1.1")) == Code::uri_too_long);
}

TEST_CASE("request line: each method is known, what is none is malformed, others have a status") {
    for (const Bytes method : {"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"}) {
        CAPTURE(method);
        CHECK(to_string(accepted(with_line(std::string(method) + " / HTTP/1.1")).method) == method);
    }
    for (const Bytes method : {"CONNECT", "TRACE"}) {
        CHECK(refusal(with_line(std::string(method) + " / HTTP/1.1")) == Code::method_not_allowed);
    }
    for (const Bytes method : {"get", "Post", "BREW", "PRI", "M-SEARCH", "SOURCE", "PURGE", "GE"}) {
        CAPTURE(method);
        CHECK(refusal(with_line(std::string(method) + " / HTTP/1.1")) == Code::not_implemented);
    }
    for (const Bytes method : {"", "G(T", "G\xc3\x89T", "GET:", "\"GET\"", "GET\t/", "G@T"}) {
        CAPTURE(method);
        CHECK(refusal(with_line(std::string(method) + " / HTTP/1.1")) == Code::malformed);
    }
}

TEST_CASE("request line: HTTP/1.0 and 1.1 are spoken, other versions are named so") {
    CHECK(accepted(with_line("GET / HTTP/1.1")).minor_version == 1);
    CHECK(accepted(with_line("GET / HTTP/1.0")).minor_version == 0);
    for (const Bytes version : {"HTTP/0.9", "HTTP/1.2", "HTTP/2.0", "HTTP/3.0", "HTTP/9.9"}) {
        CAPTURE(version);
        CHECK(refusal(with_line("GET / " + std::string(version))) == Code::version_unsupported);
    }
    for (const Bytes version :
         {"", "HTTP", "HTTP/", "HTTP/1", "HTTP/1.", "HTTP/1.10", "HTTP/01.1", "HTTP/1.1x",
          "HTTP/1,1", "http/1.1", "RTSP/1.1", "HTTP/x.1", "HTTP/1.x", "HTTP/ 1.1", "HTTP/1.1\t",
          "ICE/1.0", "HTTP/2", "HTTP/-1.1", "HTTP/1.1 HTTP/1.1 "}) {
        CAPTURE(version);
        CHECK(refusal(with_line("GET / " + std::string(version))) == Code::malformed);
    }
}

TEST_CASE("request line: one space on each side of a target of visible ASCII") {
    for (const Bytes line : {"GET /",
                             "GET",
                             "GET  HTTP/1.1",
                             "GET HTTP/1.1",
                             "GET /  HTTP/1.1",
                             "GET  / HTTP/1.1",
                             " GET / HTTP/1.1",
                             "GET / HTTP/1.1 ",
                             "GET /a b HTTP/1.1",
                             "GET\t/\tHTTP/1.1",
                             "GET /\tHTTP/1.1",
                             "GET /a\tb HTTP/1.1",
                             "GET /#f HTTP/1.1",
                             "GET /a#f HTTP/1.1",
                             "GET /\xc3\xa9 HTTP/1.1",
                             "GET /\xff HTTP/1.1",
                             "GET a HTTP/1.1",
                             "GET ?a HTTP/1.1",
                             "GET * HTTP/1.1",
                             "POST * HTTP/1.1",
                             "OPTIONS ** HTTP/1.1",
                             "GET a:80 HTTP/1.1",
                             "GET / HTTP/1.1 HTTP/1.1",
                             "GET ../ HTTP/1.1",
                             "GET \\ HTTP/1.1"}) {
        CAPTURE(line);
        CHECK(refusal(with_line(line)) == Code::malformed);
    }
    CHECK(refusal(with_line("")) == Code::malformed);
    CHECK(accepted(with_line("OPTIONS * HTTP/1.1")).target == "*");
}

TEST_CASE("request line: an absolute target names the host of the Host field, and loses it") {
    CHECK(accepted(with_line("GET http://a/b?c HTTP/1.1")).target == "/b?c");
    CHECK(accepted(with_line("GET HTTPS://A/b HTTP/1.1")).target == "/b");
    CHECK(accepted(with_line("GET http://a HTTP/1.1")).target == "/");
    for (const Bytes target :
         {"http://b/", "http://a:80/", "http://a.b/", "http://u@a/", "http:///", "http://",
          "http:/a/", "ftp://a/", "http://a?b", "http://a\\b/", "https:a/", "//a/b:c:d@http://"}) {
        if (target.starts_with('/')) continue;
        CAPTURE(target);
        CHECK(refusal(with_line("GET " + std::string(target) + " HTTP/1.1")) == Code::malformed);
    }
    for (const Bytes target : {"http:///", "http:///b", "https://?q"}) {
        CAPTURE(target);
        CHECK(refusal("GET " + std::string(target) + " HTTP/1.0\r\n\r\n") == Code::malformed);
    }
}

TEST_CASE("request head: exactly one Host, and a valid one") {
    CHECK(refusal("GET / HTTP/1.1\r\n\r\n") == Code::malformed);
    CHECK(refusal("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n") == Code::malformed);
    CHECK(refusal("GET / HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n") == Code::malformed);
    CHECK(refusal("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n") == Code::malformed);
    CHECK(refusal("GET / HTTP/1.0\r\nHost: a b\r\n\r\n") == Code::malformed);
    CHECK(refusal("GET / HTTP/1.0\r\n\r\n") == std::nullopt);
    CHECK(refusal("GET / HTTP/1.1\r\nHost:\r\n\r\n") == Code::malformed);
    CHECK(refusal("GET / HTTP/1.1\r\nHost: a?b\r\n\r\n") == Code::malformed);
}

TEST_CASE("host: a name or an address, and perhaps a port") {
    for (const Bytes host :
         {"a", "api.example.com", "a.", "localhost:8080", "a:", "a:0", "a:65535", "127.0.0.1",
          "127.0.0.1:80", "[::1]", "[::1]:80", "[::1]:", "[::ffff:127.0.0.1]", "[2001:DB8::1]",
          "a_b", "a%20b", "a!$&'()*+,;=~"}) {
        CAPTURE(host);
        CHECK(is_valid_host(host));
    }
    for (const Bytes host : {"",          ":",      ":80",        "a:65536",
                             "a:000080",  "a:8a",   "a:-1",       "a:+1",
                             "a:80:80",   "a b",    " a",         "a/b",
                             "a?b",       "a#b",    "a@b",        "a\\b",
                             "a\tb",      "\"a\"",  "<a>",        "a|b",
                             "a{b}",      "a^b",    "a`b",        "\xc3\xa9",
                             "a\x7f",     "a%",     "a%2",        "a%2x",
                             "a%x2",      "[",      "]",          "[]",
                             "[::1",      "::1",    "[::1]a",     "[::1]a:80",
                             "[::1]:a",   "[:::]",  "[::1::2]",   "[1]",
                             "[1.2.3.4]", "[g::1]", "[::1%eth0]", "[::1%25eth0]",
                             "[v1.a]",    "a[::1]", "[[::1]]",    "[1:2:3:4:5:6:7:8:9]"}) {
        CAPTURE(host);
        CHECK_FALSE(is_valid_host(host));
    }
    CHECK_FALSE(is_valid_host(Bytes("a\0b", 3)));
    CHECK_FALSE(is_valid_host(Bytes("[::1\0]", 6)));
}

TEST_CASE("request head: a field is a token, a colon at once, and a value") {
    for (const Bytes line : {"X : a",
                             "X\t: a",
                             ": a",
                             ":",
                             "X",
                             "X Y: a",
                             "X(Y): a",
                             "\"X\": a",
                             "X,Y: a",
                             "X=Y: a",
                             "X[]: a",
                             "X/Y: a",
                             "X@Y: a",
                             "\xc3\xa9: a",
                             "X\xff: a",
                             "Transfer-Encoding : chunked",
                             "Content-Length\t: 5",
                             "Transfer-Encoding\xa0: chunked",
                             "{X}: a",
                             "X;Y: a"}) {
        CAPTURE(line);
        CHECK(refusal(with_fields(std::string(line) + "\r\n")) == Code::malformed);
    }
    CHECK_FALSE(refusal(with_fields("X!#$%&'*+-.^_`|~9: a\r\n")).has_value());
    CHECK_FALSE(refusal(with_fields("X: \xc3\xa9\xff:\t\"a\"\r\n")).has_value());
}

TEST_CASE("request head: Content-Length is one number that fits, on one line") {
    const auto with_length = [](Bytes value) {
        return with_fields("Content-Length: " + std::string(value) + "\r\n");
    };
    CHECK(accepted(with_length("5")).content_length == 5);
    CHECK(accepted(with_length("5")).framing == Framing::length);
    CHECK(accepted(with_length("0")).framing == Framing::none);
    CHECK(accepted(with_length("005")).content_length == 5);
    CHECK(accepted(with_length("9223372036854775807")).content_length == INT64_MAX);
    CHECK(accepted(with_fields("")).framing == Framing::none);
    for (const Bytes value : {"",
                              "+5",
                              "-5",
                              "-0",
                              "5,5",
                              "5,6",
                              "5, 5",
                              "5 5",
                              "0x5",
                              "5.0",
                              "5e1",
                              "five",
                              "5;",
                              "\"5\"",
                              "9223372036854775808",
                              "18446744073709551616",
                              "18446744073709551621",
                              "99999999999999999999999999",
                              "00000000000000000005",
                              "5\xa0",
                              "\xd9\xa5",
                              "_5",
                              "1_000"}) {
        CAPTURE(value);
        CHECK(refusal(with_length(value)) == Code::malformed);
    }
    CHECK(refusal(with_fields("Content-Length: 5\r\nContent-Length: 5\r\n")) == Code::malformed);
    CHECK(refusal(with_fields("Content-Length: 5\r\ncontent-length: 6\r\n")) == Code::malformed);
    CHECK(refusal(with_fields("Content-Length: 0\r\nX: y\r\nContent-Length: 0\r\n")) ==
          Code::malformed);
}

TEST_CASE("request head: the one transfer coding is `chunked`, in HTTP/1.1, without a length") {
    const auto with_coding = [](Bytes value) {
        return with_fields("Transfer-Encoding: " + std::string(value) + "\r\n");
    };
    CHECK(accepted(with_coding("chunked")).framing == Framing::chunked);
    CHECK(accepted(with_coding("  Chunked  ")).framing == Framing::chunked);
    for (const Bytes value :
         {"xchunked", "chunkedx", "chunk", "identity", "gzip", "chunked, identity",
          "identity, chunked", "gzip, chunked", "chunked, chunked", "chunked,chunked", "chunked,",
          "chunked;a=b", "chunked ;", "x chunked", "chunked chunked"}) {
        CAPTURE(value);
        CHECK(refusal(with_coding(value)) == Code::not_implemented);
    }
    for (const Bytes value :
         {"", ",chunked", ", chunked", "\"chunked\"", "'chunked'@", "chunked\xa0",
          "\xa0"
          "chunked",
          "(chunked)", "chunked/1", "[chunked]", "chunk\xc3\xa9"}) {
        CAPTURE(value);
        CHECK(refusal(with_coding(value)) == Code::malformed);
    }
    const std::string coding = "Transfer-Encoding: chunked\r\n";
    CHECK(refusal(with_fields(coding + coding)) == Code::malformed);
    CHECK(refusal(with_fields(coding + "Transfer-Encoding: identity\r\n")) == Code::malformed);
    CHECK(refusal(with_fields("Transfer-Encoding: identity\r\n" + coding)) == Code::malformed);
    CHECK(refusal(with_fields("Transfer-Encoding:\r\n" + coding)) == Code::malformed);
    CHECK(refusal(with_fields(coding + "Content-Length: 5\r\n")) == Code::malformed);
    CHECK(refusal(with_fields("Content-Length: 0\r\n" + coding)) == Code::malformed);
    CHECK(refusal(with_fields("Content-Length: 5\r\nTransfer-Encoding: gzip\r\n")) ==
          Code::malformed);
    CHECK(refusal("POST / HTTP/1.0\r\nHost: a\r\n" + coding + "\r\n") == Code::malformed);
}

TEST_CASE("request head: names that could be taken for those of the framing are refused") {
    for (const Bytes name :
         {"Transfer_Encoding", "Transfer---Encoding", "TransferEncoding", "transfer.encoding",
          "Content_Length", "ContentLength", "-Content-Length", "Content-Length_"}) {
        CAPTURE(name);
        CHECK(refusal(with_fields(std::string(name) + ": 5\r\n")) == Code::malformed);
    }
    for (const Bytes name : {"X-Content-Length", "Content-Length-Hint", "Transfer-Encodings",
                             "Content-Lengt", "Content-Type"}) {
        CAPTURE(name);
        CHECK_FALSE(refusal(with_fields(std::string(name) + ": 5\r\n")).has_value());
    }
}

TEST_CASE("request head: GET and HEAD carry no body") {
    for (const std::string line : {"GET / HTTP/1.1", "HEAD / HTTP/1.1", "GET / HTTP/1.0"}) {
        CAPTURE(line);
        CHECK(refusal(line + "\r\nHost: a\r\nContent-Length: 5\r\n\r\n") == Code::malformed);
        CHECK(refusal(line + "\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n") ==
              Code::malformed);
        CHECK(refusal(line + "\r\nHost: a\r\nContent-Length: 0\r\n\r\n") == std::nullopt);
    }
    CHECK(accepted("DELETE / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n").content_length ==
          5);
}

TEST_CASE("request head: the connection stays or closes as its version and options say") {
    struct Row {
        Bytes version;
        Bytes options;
        bool keeps_alive;
    };
    const Row rows[] = {
        {"1.1", "", true},
        {"1.1", "Connection: close\r\n", false},
        {"1.1", "Connection: Close\r\n", false},
        {"1.1", "Connection: x , close\r\n", false},
        {"1.1", "Connection: x\r\nConnection: close\r\n", false},
        {"1.1", "Connection: keep-alive, close\r\n", false},
        {"1.1", "Connection: closed\r\n", true},
        {"1.1", "Connection:\r\n", true},
        {"1.0", "", false},
        {"1.0", "Connection: keep-alive\r\n", true},
        {"1.0", "Connection: Keep-Alive, x\r\n", true},
        {"1.0", "Connection: keep-alive, close\r\n", false},
    };
    for (const Row& row : rows) {
        CAPTURE(row.version);
        CAPTURE(row.options);
        CHECK(accepted("GET / HTTP/" + std::string(row.version) + "\r\nHost: a\r\n" +
                       std::string(row.options) + "\r\n")
                  .keeps_alive == row.keeps_alive);
    }
    CHECK(refusal(with_fields("Connection: close;x\r\n")) == Code::malformed);
    CHECK(refusal(with_fields("Connection: a b\r\n")) == Code::malformed);
}

TEST_CASE("request head: 100-continue is the one expectation, in every Expect field") {
    CHECK(accepted(with_fields("Expect: 100-continue\r\nContent-Length: 1\r\n")).expects_continue);
    CHECK(accepted(with_fields("Expect: 100-Continue\r\nContent-Length: 1\r\n")).expects_continue);
    CHECK_FALSE(accepted(with_fields("")).expects_continue);
    for (const Bytes fields :
         {"Expect: 200-ok\r\n", "Expect: 100-continue, x\r\n", "Expect:\r\n",
          "Expect: x\r\nExpect: 100-continue\r\n", "Expect: 100-continue\r\nExpect: x\r\n"}) {
        CAPTURE(fields);
        CHECK(refusal(with_fields(fields)) == Code::expectation_failed);
    }
    CHECK_FALSE(
        accepted("POST / HTTP/1.0\r\nHost: a\r\nExpect: 100-continue\r\n\r\n").expects_continue);
    CHECK(refusal("POST / HTTP/1.0\r\nHost: a\r\nExpect: x\r\n\r\n") == std::nullopt);
}

TEST_CASE("request head: white space around a framing value is no part of it") {
    for (const Bytes before : {"", " ", "\t", " \t "}) {
        for (const Bytes after : {"", " ", "  "}) {
            CAPTURE(before);
            CAPTURE(after);
            const auto around = [&](Bytes value) {
                return std::string(before) + std::string(value) + std::string(after) + "\r\n";
            };
            CHECK(accepted(with_fields("Content-Length:" + around("5"))).content_length == 5);
            CHECK(accepted(with_fields("Transfer-Encoding:" + around("chunked"))).framing ==
                  Framing::chunked);
        }
    }
}

TEST_CASE(
    "request head: a tab behind a framing value is refused, since llhttp reads it otherwise") {
    CHECK(refusal(with_fields("Content-Length: 5\t\r\n")) == Code::malformed);
    CHECK(refusal(with_fields("Transfer-Encoding: chunked\t\r\n")) == Code::malformed);
}
