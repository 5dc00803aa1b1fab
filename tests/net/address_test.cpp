#include "net/address.h"

#include <doctest/doctest.h>

using namespace ringway;
using namespace ringway::net;

TEST_CASE("address: what is written is what is meant, and is written back the same way") {
    struct Row {
        const char* text;
        const char* written;
        uint16_t port;
        bool is_loopback;
    };
    for (const Row& row : {
             Row{"127.0.0.1:8080", "127.0.0.1:8080", 8080, true},
             Row{"127.8.9.1:1", "127.8.9.1:1", 1, true},
             Row{"10.0.0.1:80", "10.0.0.1:80", 80, false},
             Row{"0.0.0.0:65535", "0.0.0.0:65535", 65535, false},
             Row{":8080", "0.0.0.0:8080", 8080, false},
             Row{"localhost:8080", "127.0.0.1:8080", 8080, true},
             Row{"[::1]:8080", "[::1]:8080", 8080, true},
             Row{"[::]:0", "[::]:0", 0, false},
             Row{"[2001:db8::2]:443", "[2001:db8::2]:443", 443, false},
             Row{"[::ffff:127.0.0.1]:1", "[::ffff:127.0.0.1]:1", 1, true},
             Row{"[::ffff:10.0.0.1]:1", "[::ffff:10.0.0.1]:1", 1, false},
         }) {
        CAPTURE(row.text);
        const auto address = parse_address(row.text);
        REQUIRE(address.has_value());
        CHECK(address->to_string() == row.written);
        CHECK(address->port() == row.port);
        CHECK(address->is_loopback() == row.is_loopback);
        CHECK_FALSE(address->is_unix());
    }
}

TEST_CASE("address: a Unix socket's path is taken as it is, up to what the kernel takes") {
    const auto address = parse_address("unix:/run/ringway/x.sock");
    REQUIRE(address.has_value());
    CHECK(address->is_unix());
    CHECK(address->is_loopback());
    CHECK(address->port() == 0);
    CHECK(address->to_string() == "unix:/run/ringway/x.sock");

    const std::string longest = "unix:/" + std::string(106, 'x');
    REQUIRE(parse_address(longest).has_value());
    CHECK(parse_address(longest)->to_string() == longest);
    CHECK_FALSE(parse_address(longest + "x").has_value());
    CHECK_FALSE(parse_address("unix:").has_value());
}

TEST_CASE("address: what is no address is refused with a sentence") {
    for (const char* text : {"",
                             "8080",
                             "127.0.0.1",
                             "127.0.0.1:",
                             "127.0.0.1:65536",
                             "127.0.0.1:-1",
                             "127.0.0.1: 80",
                             "127.0.0.1:80a",
                             "127.0.0:80",
                             "256.0.0.1:80",
                             "example.com:80",
                             "[::1]",
                             "[::1:80",
                             "::1]:80",
                             "[]:80",
                             "[::g]:80",
                             "http://127.0.0.1:80",
                             " 127.0.0.1:80",
                             "127.0.0.1 :80",
                             "Unix:/x"}) {
        CAPTURE(text);
        const auto address = parse_address(text);
        REQUIRE_FALSE(address.has_value());
        CHECK_FALSE(address.error().empty());
    }
}

TEST_CASE("address: brackets hold an IPv6 address, and no IPv6 address goes without") {
    for (const char* text : {"::1:8080", "2001:db8::1:443", "fe80::1:80", "[127.0.0.1]:80"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_address(text).has_value());
    }
}

TEST_CASE("address: a host in numbers is taken, a name is not") {
    CHECK(parse_numeric("127.0.0.1", 80)->to_string() == "127.0.0.1:80");
    CHECK(parse_numeric("::1", 80)->to_string() == "[::1]:80");
    for (const char* host : {"localhost", "example.com", "1.2.3", "[::1]", ""}) {
        CAPTURE(host);
        CHECK_FALSE(parse_numeric(host, 80).has_value());
    }
}

TEST_CASE("address: the port is set in either family") {
    for (const char* text : {"127.0.0.1:1", "[::1]:1"}) {
        auto address = *parse_address(text);
        address.set_port(4711);
        CHECK(address.port() == 4711);
        CHECK(address.is_loopback());
    }
}
