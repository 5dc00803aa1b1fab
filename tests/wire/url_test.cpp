#include "wire/url.h"

#include <doctest/doctest.h>

#include <string>

using namespace ringway;
using namespace ringway::wire;

TEST_CASE("url: scheme, host, port and path are told apart") {
    struct Row {
        Bytes text;
        bool is_tls;
        Bytes host;
        uint16_t port;
        Bytes path;
        Bytes authority;
    };
    const Row rows[] = {
        {"https://api.example.com", true, "api.example.com", 443, "", "api.example.com"},
        {"https://api.example.com/", true, "api.example.com", 443, "", "api.example.com"},
        {"https://api.example.com/v1//", true, "api.example.com", 443, "/v1", "api.example.com"},
        {"http://a/b/c", false, "a", 80, "/b/c", "a"},
        {"http://a:80", false, "a", 80, "", "a"},
        {"http://a:443", false, "a", 443, "", "a:443"},
        {"https://a:443", true, "a", 443, "", "a"},
        {"https://a:80/x", true, "a", 80, "/x", "a:80"},
        {"http://127.0.0.1:8080/v1", false, "127.0.0.1", 8080, "/v1", "127.0.0.1:8080"},
        {"http://a:65535", false, "a", 65535, "", "a:65535"},
        {"http://a:", false, "a", 80, "", "a"},
        {"http://[::1]", false, "::1", 80, "", "[::1]"},
        {"http://[::1]:8080/v1", false, "::1", 8080, "/v1", "[::1]:8080"},
        {"http://a/p:1", false, "a", 80, "/p:1", "a"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.text);
        const auto url = parse_url(row.text);
        REQUIRE(url.has_value());
        CHECK(url->is_tls == row.is_tls);
        CHECK(url->host == row.host);
        CHECK(url->port == row.port);
        CHECK(url->path == row.path);
        CHECK(url->authority() == row.authority);
    }
}

TEST_CASE("url: what is no base URL is refused with a sentence") {
    for (const Bytes text : {"",
                             "api.example.com",
                             "//a",
                             "ftp://a",
                             "HTTPS://a",
                             "http:/a",
                             "http://",
                             "https:///v1",
                             "http://:80",
                             "http://a:65536",
                             "http://a:0",
                             "http://a:-1",
                             "http://a:8a",
                             "http://a:b",
                             "http://a:000080",
                             "http://a b",
                             "http://a/b c",
                             "http://a\n",
                             "http://a\t/",
                             "http://a/\x7f",
                             "http://\xc3\xa9",
                             "http://a/\xc3\xa9",
                             "http://user@a",
                             "http://user:pw@a",
                             "http://a?q",
                             "http://a/b?q=1",
                             "http://a#f",
                             "http://[::1",
                             "http://::1",
                             "http://[]",
                             "http://[::1]x",
                             "http://[g]",
                             "http://[:::]",
                             "http://[::1%eth0]",
                             "http://[1.2.3.4]",
                             "http://a\\b",
                             "http://a%",
                             "http://a%4",
                             "http://a%zz",
                             "http://<a>"}) {
        CAPTURE(text);
        const auto url = parse_url(text);
        REQUIRE_FALSE(url.has_value());
        CHECK_FALSE(url.error().empty());
    }
    CHECK_FALSE(parse_url(Bytes("http://a\0b", 10)).has_value());
}

TEST_CASE("target: the first question mark parts path and query") {
    CHECK(split_target("/v1/models").path == "/v1/models");
    CHECK(split_target("/v1/models").query == "");
    CHECK(split_target("/v1?a=b?c").path == "/v1");
    CHECK(split_target("/v1?a=b?c").query == "?a=b?c");
    CHECK(split_target("/?").query == "?");
    CHECK(split_target("*").path == "*");
    CHECK(split_target("").path == "");
}

TEST_CASE("percent: escapes are undone once, and what is none stays") {
    CHECK(percent_decode("gpt%2D5") == "gpt-5");
    CHECK(percent_decode("%41%62") == "Ab");
    CHECK(percent_decode("%2f%2F") == "//");
    CHECK(percent_decode("%2541") == "%41");
    CHECK(percent_decode("%c3%a9") == "\xc3\xa9");
    CHECK(percent_decode("%00") == std::string(1, '\0'));
    for (const Bytes text : {"", "%", "%4", "%4g", "%g4", "%%", "% 1", "%+1", "a+b"}) {
        CAPTURE(text);
        CHECK(percent_decode(text) == text);
    }
    CHECK(percent_decode("%%41") == "%A");
}
