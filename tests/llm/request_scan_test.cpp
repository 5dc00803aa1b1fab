#include "llm/request_scan.h"

#include <doctest/doctest.h>

#include <memory>
#include <vector>

using namespace ringway;
using namespace ringway::llm;

namespace {

/// Scans `text` in pieces of `step` bytes.
std::unique_ptr<RequestScan> scan(Bytes text, size_t step, Status& status) {
    auto made = std::make_unique<RequestScan>();
    status = {};
    for (Bytes rest = text; !rest.empty() && status;
         rest.remove_prefix(std::min(step, rest.size()))) {
        status = made->feed(rest.substr(0, step));
    }
    if (status) status = made->finish();
    return made;
}

/// Every split in two, and pieces of one byte, come to the same: `check` sees each.
template <class F>
void for_each_split(Bytes text, F&& check) {
    for (size_t cut = 0; cut <= text.size(); ++cut) {
        CAPTURE(cut);
        RequestScan made;
        Status status = made.feed(text.substr(0, cut));
        if (status) status = made.feed(text.substr(cut));
        if (status) status = made.finish();
        check(made, status);
    }
    Status status;
    const auto made = scan(text, 1, status);
    check(*made, status);
}

Bytes at(Bytes text, Span span) { return text.substr(span.begin, span.end - span.begin); }

} // namespace

TEST_CASE("request scan: what is read, and where it stands, does not depend on the splits") {
    const Bytes text = " {\"messages\":[{\"role\":\"user\",\"content\":\"model: \\\"x\\\"\"}],"
                       "\"model\" : \"gpt-4o\" ,\"stream\":true,\n\"stream_options\": "
                       "{ \"include_usage\" : false } ,\"n\":1}\n";
    for_each_split(text, [&](const RequestScan& made, const Status& status) {
        REQUIRE(status.has_value());
        const RequestFacts& facts = made.facts();
        CHECK(facts.model.view() == "gpt-4o");
        CHECK(at(text, facts.model_span) == "\"gpt-4o\"");
        CHECK(facts.is_stream);
        CHECK(at(text, facts.stream_options) == "{ \"include_usage\" : false }");
        CHECK(at(text, facts.include_usage) == "false");
        CHECK_FALSE(facts.includes_usage);
        CHECK_FALSE(facts.stream_options_is_empty);
        CHECK(facts.root.begin == 1);
        CHECK(facts.root.end == text.size() - 1);
    });
}

TEST_CASE("request scan: keys and values are compared without their escapes") {
    for_each_split(R"({"mod\u0065l":"\u0067pt\/\u00e9\ud83d\ude00","stre\u0061m":true})",
                   [](const RequestScan& made, const Status& status) {
                       REQUIRE(status.has_value());
                       CHECK(made.facts().model.view() == "gpt/é😀");
                       CHECK(made.facts().is_stream);
                   });
}

TEST_CASE("request scan: only the top level counts") {
    const Bytes text = R"({"tools":[{"model":"a","stream":true,"api_base":"x"}],)"
                       R"("metadata":{"model":"b","model":"c"},"model":"right"})";
    for_each_split(text, [](const RequestScan& made, const Status& status) {
        REQUIRE(status.has_value());
        CHECK(made.facts().model.view() == "right");
        CHECK_FALSE(made.facts().is_stream);
    });
}

TEST_CASE("request scan: stream and stream_options may be null, empty, or absent") {
    struct Row {
        const char* text;
        bool is_stream;
        bool has_options;
        bool is_null;
        bool is_empty;
        bool includes_usage;
    };
    for (const Row& row : {
             Row{R"({})", false, false, false, false, false},
             Row{R"({"stream":null,"stream_options":null})", false, true, true, false, false},
             Row{R"({"stream":false,"stream_options":{}})", false, true, false, true, false},
             Row{R"({"stream_options":{ }})", false, true, false, true, false},
             Row{R"({"stream_options":{"include_usage":true}})", false, true, false, false, true},
             Row{R"({"stream_options":{"x":1}})", false, true, false, false, false},
             Row{R"({"stream_options":{"include_usage":null}})", false, true, false, false, false},
         }) {
        CAPTURE(row.text);
        for_each_split(row.text, [&](const RequestScan& made, const Status& status) {
            REQUIRE(status.has_value());
            const RequestFacts& facts = made.facts();
            CHECK(facts.is_stream == row.is_stream);
            CHECK(facts.stream_options.is_set() == row.has_options);
            CHECK(facts.stream_options_is_null == row.is_null);
            CHECK(facts.stream_options_is_empty == row.is_empty);
            CHECK(facts.includes_usage == row.includes_usage);
        });
    }
}

TEST_CASE(
    "request scan: what two parsers may read differently, or no request may say, is refused") {
    struct Row {
        const char* text;
        const char* param;
        const char* message;
    };
    for (const Row& row : {
             Row{R"({"model":"a","model":"a"})", "model",
                 R"(The field "model" occurs more than once.)"},
             Row{R"({"model":"a","mod\u0065l":"b"})", "model",
                 R"(The field "model" occurs more than once.)"},
             Row{R"({"stream":true,"stream":false})", "stream",
                 R"(The field "stream" occurs more than once.)"},
             Row{R"({"stream_options":{"include_usage":true,"include_usage":false}})",
                 "stream_options.include_usage",
                 R"(The field "stream_options.include_usage" occurs more than once.)"},
             Row{R"({"model":1})", "model",
                 R"(The field "model" must be a string that is not empty.)"},
             Row{R"({"model":null})", "model",
                 R"(The field "model" must be a string that is not empty.)"},
             Row{R"({"model":""})", "model",
                 R"(The field "model" must be a string that is not empty.)"},
             Row{R"({"model":["a"]})", "model",
                 R"(The field "model" must be a string that is not empty.)"},
             Row{R"({"stream":"true"})", "stream", R"(The field "stream" must be a boolean.)"},
             Row{R"({"stream":1})", "stream", R"(The field "stream" must be a boolean.)"},
             Row{R"({"stream_options":true})", "stream_options",
                 R"(The field "stream_options" must be an object.)"},
             Row{R"({"stream_options":{"include_usage":1}})", "stream_options.include_usage",
                 R"(The field "stream_options.include_usage" must be a boolean.)"},
             Row{R"({"api_base":"http://evil"})", "api_base",
                 R"(The field "api_base" is not taken from requests.)"},
             Row{R"({"base_url":null})", "base_url",
                 R"(The field "base_url" is not taken from requests.)"},
             Row{R"({"api_key":"x"})", "api_key",
                 R"(The field "api_key" is not taken from requests.)"},
             Row{R"([])", "", R"(The field "" must be an object.)"},
         }) {
        CAPTURE(row.text);
        for_each_split(row.text, [&](const RequestScan& made, const Status& status) {
            REQUIRE_FALSE(status.has_value());
            CHECK(status.error().code == Code::malformed);
            CHECK(status.error().blame == Blame::client);
            CHECK(made.param() == row.param);
            if (row.param[0] != '\0') CHECK(made.message() == row.message);
        });
    }
}

TEST_CASE("request scan: a body that is no object is told to be none") {
    for (const char* text : {"[]", "1", "\"x\"", "null", "true", "[{\"model\":\"a\"}]"}) {
        CAPTURE(text);
        for_each_split(text, [](const RequestScan& made, const Status& status) {
            REQUIRE_FALSE(status.has_value());
            CHECK(made.param().empty());
            CHECK(made.message() == "The request body must be a JSON object.");
        });
    }
}

TEST_CASE("request scan: a model's name may be as long as a name is, and no longer") {
    Status status;
    const std::string longest(wire::JsonScanner::text_bytes_max, 'm');
    CHECK(scan("{\"model\":\"" + longest + "\"}", 7, status)->facts().model.view() == longest);
    CHECK(status.has_value());
    const auto made = scan("{\"model\":\"" + longest + "m\"}", 7, status);
    REQUIRE_FALSE(status.has_value());
    CHECK(made->param() == "model");
    CHECK(made->message() == "The model's name is too long.");
}

TEST_CASE("request scan: broken JSON is told with the byte at which it breaks") {
    struct Row {
        const char* text;
        const char* where;
    };
    for (const Row& row : {
             Row{R"({"model":"a",})", "at byte 13."},
             Row{R"({"model" "a"})", "at byte 9."},
             Row{R"({'model':"a"})", "at byte 1."},
             Row{R"({"a":01})", "at byte 6."},
             Row{R"({"a":tru})", "at byte 8."},
             Row{R"({"a":"\x"})", "at byte 7."},
             Row{"{\"a\":\"\x01\"}", "at byte 6."},
             Row{"{\"a\":\"\xff\"}", "at byte 6."},
             Row{R"({"a":1}})", "at byte 7."},
             Row{R"({"a":1} x)", "at byte 8."},
             Row{R"({"model":"a")", "at byte 12."},
             Row{"", "at byte 0."},
         }) {
        CAPTURE(row.text);
        for_each_split(row.text, [&](const RequestScan& made, const Status& status) {
            REQUIRE_FALSE(status.has_value());
            CHECK(status.error().code == Code::malformed);
            CHECK(made.param().empty());
            CHECK(made.message().starts_with("The request body is not valid JSON: "));
            CHECK(made.message().ends_with(row.where));
        });
    }
}

TEST_CASE("request scan: nesting is bounded, and deep bodies within the bound are read") {
    const auto nested = [](size_t depth) {
        return "{\"x\":" + std::string(depth, '[') + std::string(depth, ']') +
               ",\"model\":\"deep\"}";
    };
    Status status;
    const auto fine = scan(nested(wire::JsonScanner::depth_max - 1), 5, status);
    CHECK(status.has_value());
    CHECK(fine->facts().model.view() == "deep");
    const auto deep = scan(nested(wire::JsonScanner::depth_max), 5, status);
    CHECK_FALSE(status.has_value());
    CHECK_FALSE(deep->message().empty());
}
