#include "tools/mock_options.h"

#include <doctest/doctest.h>

#include "tools/mock_shared.h"

using namespace ringway;
using namespace ringway::tools;

TEST_CASE("mock options: a model's name carries options behind a colon") {
    MockOptions options;
    REQUIRE(options.apply_model("mock:tokens=20,gap=10ms,fault=cut,at=3,stamp=1").has_value());
    CHECK(options.tokens == 20);
    CHECK(options.gap == 10ms);
    CHECK(options.fault() == MockFault::cut);
    CHECK(options.at == 3);
    CHECK(options.stamp);
}

TEST_CASE("mock options: plain model names change nothing, with a colon or without") {
    for (const char* name : {"gpt-4o", "llama3:8b", "a=b", "", "ft:gpt-4o:acme"}) {
        CAPTURE(name);
        MockOptions options;
        CHECK(options.apply_model(name).has_value());
        CHECK(options.tokens == MockOptions{}.tokens);
    }
}

TEST_CASE("mock options: what is no option, or no value of it, is refused by name") {
    struct Case {
        const char* list;
        const char* said;
    };
    for (const Case& c : {Case{"tokns=3", "tokens"},
                          {"tokens=many", "tokens"},
                          {"tokens=-1", "tokens"},
                          {"tokens", "key=value"},
                          {"burst=0", "burst"},
                          {"gap=10", "gap"},
                          {"jitter=101", "jitter"},
                          {"groups=1001", "groups"},
                          {"stamp=yes", "stamp"},
                          {"fault=stal", "stall"},
                          {"split=bytes:0", "split"},
                          {"split=whole:1", "split"},
                          {"framing=none", "framing"},
                          {"bytes=99999", "bytes"}}) {
        CAPTURE(c.list);
        MockOptions options;
        const auto applied = options.apply_list(c.list);
        REQUIRE_FALSE(applied.has_value());
        CAPTURE(applied.error());
        CHECK(applied.error().find(c.said) != std::string::npos);
    }
}

TEST_CASE("mock options: lists are trimmed, and may be empty") {
    MockOptions options;
    CHECK(options.apply_list("").has_value());
    CHECK(options.apply_list(" tokens=2 , , burst=4 ").has_value());
    CHECK(options.tokens == 2);
    CHECK(options.burst == 4);
}

TEST_CASE("mock options: splits and framings of recordings") {
    MockOptions options;
    REQUIRE(options.apply_list("split=random:7,pace=2ms,framing=length").has_value());
    CHECK(options.split == MockSplit::random);
    CHECK(options.split_number == 7);
    CHECK(options.pace == 2ms);
    CHECK(options.framing == MockFraming::length);
}

TEST_CASE("mock options: flags of the server itself do not pass for those of a request") {
    MockConfig config;
    CHECK(config.apply("record", "1").has_value());
    CHECK(config.records);
    CHECK(config.apply("tokens", "5").has_value());
    CHECK(config.defaults.tokens == 5);
    CHECK_FALSE(config.apply("record", "2").has_value());
    CHECK_FALSE(config.defaults.apply("record", "1").has_value());
}
