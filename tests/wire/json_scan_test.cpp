#include "wire/json_scan.h"

#include <doctest/doctest.h>

#include <span>
#include <string>
#include <vector>

#include "support/splits.h"

using namespace ringway;
using namespace ringway::tests;
using namespace ringway::wire;

namespace {

struct Found {
    int path;
    JsonKind kind;
    std::string text;
    uint64_t begin;
    uint64_t end;
    bool is_cut = false;
    bool is_empty = false;
    bool operator==(const Found&) const = default;
};

struct Collector final : JsonSink {
    std::vector<Found> found;
    void on_value(const JsonValue& value) override {
        found.push_back({value.path, value.kind, std::string(value.text), value.begin, value.end,
                         value.is_cut, value.is_empty});
    }
};

struct Outcome {
    std::vector<Found> found;
    bool is_valid = false;
    uint64_t position = 0;
    bool operator==(const Outcome&) const = default;
};

Outcome scan(std::span<const Bytes> pieces, const JsonPaths& paths) {
    Collector collector;
    JsonScanner scanner(paths, collector);
    Status status;
    for (const Bytes piece : pieces) {
        if (status) status = scanner.feed(piece);
    }
    if (status) {
        const bool is_complete = scanner.is_complete();
        status = scanner.finish();
        CHECK(is_complete == status.has_value());
    }
    return {collector.found, status.has_value(), scanner.position()};
}

/// As scan() of the whole, after a check that every split comes to the same.
Outcome scan(Bytes bytes, const JsonPaths& paths) {
    CAPTURE(bytes);
    const Outcome whole = scan(std::span(&bytes, 1), paths);
    for_each_split(bytes,
                   [&](std::span<const Bytes> pieces) { CHECK(scan(pieces, paths) == whole); });
    return whole;
}

const JsonPaths root_only{""};

bool is_valid(Bytes bytes) { return scan(bytes, root_only).is_valid; }

/// The text of a string that is the whole document.
std::string text_of(Bytes bytes) {
    const Outcome outcome = scan(bytes, root_only);
    CAPTURE(bytes);
    REQUIRE(outcome.found.size() == 1);
    return outcome.found.front().text;
}

} // namespace

TEST_CASE("json scan: values at the paths are reported where they end, and no others") {
    const JsonPaths paths{"", "model", "stream", "stream_options.include_usage", "n", "absent"};
    const Bytes bytes = R"({"model":"m","x":{"model":"no"},"stream":true,)"
                        R"("stream_options":{"include_usage":null},"n":-1.5e3})";
    CHECK(scan(bytes, paths).found == std::vector<Found>{
                                          {1, JsonKind::string, "m", 9, 12},
                                          {2, JsonKind::boolean, "true", 41, 45},
                                          {3, JsonKind::null, "null", 80, 84},
                                          {4, JsonKind::number, "-1.5e3", 90, 96},
                                          {0, JsonKind::object, "", 0, 97},
                                      });
}

TEST_CASE("json scan: elements of arrays have paths, at every level") {
    const JsonPaths paths{"a[].b", "a[][]", "[]", "a"};
    CHECK(scan(R"({"a":[{"b":1},2,[3,[4]],{"b":5}]})", paths).found ==
          std::vector<Found>{
              {0, JsonKind::number, "1", 11, 12},
              {1, JsonKind::number, "3", 17, 18},
              {1, JsonKind::array, "", 19, 22},
              {0, JsonKind::number, "5", 29, 30},
              {3, JsonKind::array, "", 5, 32},
          });
    CHECK(scan("[1,[2]]", paths).found == std::vector<Found>{
                                              {2, JsonKind::number, "1", 1, 2},
                                              {2, JsonKind::array, "", 3, 6},
                                          });
}

TEST_CASE("json scan: an empty container is known from one with members") {
    const JsonPaths paths{"a", "b"};
    const auto found = scan(R"({"a":{ },"b":[],"a":{"x":1},"b":[0]})", paths).found;
    REQUIRE(found.size() == 4);
    CHECK(found[0].is_empty);
    CHECK(found[1].is_empty);
    CHECK_FALSE(found[2].is_empty);
    CHECK_FALSE(found[3].is_empty);
}

TEST_CASE("json scan: keys are compared after unescaping, and repeated ones reported each time") {
    const JsonPaths paths{"model"};
    const auto found =
        scan(R"({"mod\u0065l":"a","\u006D\u006f\u0064\u0065\u006C":"b","model":"c"})", paths).found;
    REQUIRE(found.size() == 3);
    CHECK(found[0].text == "a");
    CHECK(found[1].text == "b");
    CHECK(found[2].text == "c");
    for (const Bytes key : {"Model", "mode", "models", "model\\u0000", "mod\\ud800el",
                            "model\\ud800", "\\udc00model", "", "mode\\/l", "mod\xc3\xa9l"}) {
        CHECK(scan("{\"" + std::string(key) + "\":1}", paths).found.empty());
    }
}

TEST_CASE("json scan: escapes of strings are undone") {
    CHECK(text_of(R"("a\"\\\/\b\f\n\r\tb")") == "a\"\\/\b\f\n\r\tb");
    CHECK(text_of(R"("\u0041\u00e9\u20AC")") == "A\xc3\xa9\xe2\x82\xac");
    CHECK(text_of(R"("\ud83d\ude00")") == "\xf0\x9f\x98\x80");
    CHECK(text_of(R"("\u0000")") == std::string(1, '\0'));
    CHECK(text_of("\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"") ==
          "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
}

TEST_CASE("json scan: half a surrogate pair is shown as U+FFFD, wherever it stands") {
    const std::string lost = "\xef\xbf\xbd";
    CHECK(text_of(R"("\ud83d")") == lost);
    CHECK(text_of(R"("\ude00")") == lost);
    CHECK(text_of(R"("\ud83dx\ude00")") == lost + "x" + lost);
    CHECK(text_of(R"("\ud83d\n\ude00")") == lost + "\n" + lost);
    CHECK(text_of(R"("\ud83d\u0041")") == lost + "A");
    CHECK(text_of(R"("\ud83d\ud83d\ude00")") == lost + "\xf0\x9f\x98\x80");
    CHECK(text_of("\"\\ud83d\xc3\xa9\\ude00\"") == lost + "\xc3\xa9" + lost);
    const JsonPaths paths{"[]"};
    const auto found = scan(R"(["\ud83d","\ude00"])", paths).found;
    REQUIRE(found.size() == 2);
    CHECK(found[0].text == lost);
    CHECK(found[1].text == lost);
}

TEST_CASE("json scan: a long text is cut and said to be, and its span is whole") {
    const std::string most(JsonScanner::text_bytes_max, 'x');
    const JsonPaths paths{"", "k"};
    const auto check = [&](const std::string& content, const std::string& shown, bool is_cut) {
        const std::string bytes = "\"" + content + "\"";
        Collector collector;
        JsonScanner scanner(root_only, collector);
        REQUIRE(scanner.feed(bytes).has_value());
        REQUIRE(collector.found.size() == 1);
        CHECK(collector.found[0] ==
              Found{0, JsonKind::string, shown, 0, bytes.size(), is_cut, false});
    };
    check(most, most, false);
    check(most + "y", most, true);
    check(most + std::string(1000, 'y'), most, true);
    check(most + "\\n", most, true);

    const JsonPaths long_key{most};
    Collector collector;
    JsonScanner scanner(long_key, collector);
    REQUIRE(scanner.feed("{\"" + most + "y\":1,\"" + most + "\":2}").has_value());
    REQUIRE(collector.found.size() == 1);
    CHECK(collector.found[0].text == "2");
}

TEST_CASE("json scan: documents of the grammar are taken") {
    for (const Bytes bytes : {"{}",
                              "[]",
                              "\"\"",
                              "0",
                              "-0",
                              "1",
                              "-1",
                              "10",
                              "0.5",
                              "1.25",
                              "0e0",
                              "1E+9",
                              "1e-09",
                              "-1.5e300",
                              "true",
                              "false",
                              "null",
                              " \t\r\n1 \t\r\n",
                              "[1,2]",
                              "{\"a\":1,\"b\":[{}]}",
                              "{\"a\":1,\"a\":2}",
                              "[[],{}]",
                              "\"\x7f\"",
                              " [ 1 , 2 ] ",
                              " { \"a\" : 1 } ",
                              "{\"\":0}"}) {
        CAPTURE(bytes);
        CHECK(is_valid(bytes));
    }
}

TEST_CASE("json scan: what is no document is malformed") {
    for (const Bytes bytes : {"",
                              " ",
                              "{",
                              "}",
                              "[",
                              "]",
                              "[1",
                              "[1,",
                              "[1,]",
                              "[,1]",
                              "[,]",
                              "[1 2]",
                              "[1}",
                              "{1}",
                              "{\"a\"}",
                              "{\"a\":}",
                              "{\"a\":1,}",
                              "{,}",
                              "{\"a\":1]",
                              "{\"a\" 1}",
                              "{a:1}",
                              "{'a':1}",
                              "{\"a\":1 \"b\":2}",
                              "{\"a\"::1}",
                              "{null:1}",
                              "1 2",
                              "{}{}",
                              "[]]",
                              "1,",
                              "01",
                              "-01",
                              "-",
                              "--1",
                              "+1",
                              ".5",
                              "1.",
                              "1.e1",
                              "1e",
                              "1e+",
                              "0x1",
                              "1a",
                              "1.2.3",
                              "1e5.5",
                              "NaN",
                              "Infinity",
                              "-Infinity",
                              "tru",
                              "truex",
                              "True",
                              "nul",
                              "nulll",
                              "falsy",
                              "undefined",
                              "\"",
                              "\"a",
                              "'a'",
                              "\"\\",
                              "\"\\x\"",
                              "\"\\u\"",
                              "\"\\u12\"",
                              "\"\\u12g4\"",
                              "\"\\U0041\"",
                              "\"\n\"",
                              "\"\t\"",
                              "\"\x1f\"",
                              "// a\n1",
                              "/**/1",
                              "\xEF\xBB\xBF{}",
                              "\x0c"
                              "1",
                              "\xc2\xa0"
                              "1",
                              "[1]x",
                              "\"a\"b",
                              "-a",
                              "[-]",
                              "[1e]"}) {
        CAPTURE(bytes);
        CHECK_FALSE(is_valid(bytes));
    }
    CHECK_FALSE(is_valid(Bytes("\"\0\"", 3)));
    CHECK_FALSE(is_valid(Bytes("1\0", 2)));
}

TEST_CASE("json scan: strings hold well-formed UTF-8 only, read or passed over") {
    for (const Bytes text : {"\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
                             "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"}) {
        CAPTURE(text);
        CHECK(is_valid("\"" + std::string(text) + "\""));
        CHECK(utf8_sequence_bytes(text) == text.size());
    }
    for (const Bytes text : {"\x80",
                             "\xbf",
                             "\xc0\x80",
                             "\xc1\xbf",
                             "\xc2",
                             "\xc2x",
                             "\xc2\xc2\x80",
                             "\xe0\x9f\xbf",
                             "\xe0\x80\x80",
                             "\xe2\x82",
                             "\xe2\x82x",
                             "\xed\xa0\x80",
                             "\xed\xbf\xbf",
                             "\xf0\x8f\xbf\xbf",
                             "\xf0\x9f\x98",
                             "\xf4\x90\x80\x80",
                             "\xf5\x80\x80\x80",
                             "\xff",
                             "\xfe",
                             "\xf8\x88\x80\x80\x80"}) {
        CAPTURE(text);
        CHECK_FALSE(is_valid("\"" + std::string(text) + "\""));
        CHECK_FALSE(scan("{\"" + std::string(text) + "\":1}", JsonPaths{}).is_valid);
        CHECK(utf8_sequence_bytes(text) == 0);
    }
    CHECK(utf8_sequence_bytes("") == 0);
    CHECK(utf8_sequence_bytes("a") == 1);
    CHECK(utf8_sequence_bytes("\xc3\xa9 and more") == 2);
}

TEST_CASE("json scan: the position of an error is that of the byte that is wrong") {
    struct Row {
        Bytes bytes;
        uint64_t position;
    };
    const Row rows[] = {
        {"{\"a\":x}", 5}, {"[1,]", 3},       {"[1 2]", 3}, {"01", 1},          {"trUe", 2},
        {"\"a\nb\"", 2},  {"\"\\x\"", 2},    {"1 x", 2},   {"\"\xc3(\"", 2},   {"{\"a\" 1}", 5},
        {"[1", 2},        {"\"\\u12g\"", 5}, {"1.x", 2},   {"\"abc\xff\"", 4},
    };
    for (const Row& row : rows) {
        CAPTURE(row.bytes);
        const Outcome outcome = scan(row.bytes, root_only);
        CHECK_FALSE(outcome.is_valid);
        CHECK(outcome.position == row.position);
    }
}

TEST_CASE("json scan: an error is malformed, with the client's blame") {
    Collector collector;
    JsonScanner scanner(root_only, collector);
    const Status status = scanner.feed("nope");
    REQUIRE_FALSE(status.has_value());
    CHECK(status.error().code == Code::malformed);
    CHECK(status.error().blame == Blame::client);
}

TEST_CASE("json scan: nesting has a bound, which is just reached") {
    const auto nested = [](Bytes open, Bytes close, size_t depth) {
        return repeated(open, depth) + repeated(close, depth);
    };
    const auto check = [](const std::string& bytes) {
        Collector collector;
        JsonScanner scanner(root_only, collector);
        const Status status = scanner.feed(bytes);
        return status.has_value() && scanner.finish().has_value();
    };
    constexpr size_t most = JsonScanner::depth_max;
    CHECK(check(nested("[", "]", most)));
    CHECK_FALSE(check(nested("[", "]", most + 1)));
    CHECK(check(repeated("{\"a\":", most - 1) + "{}" + repeated("}", most - 1)));
    CHECK_FALSE(check(repeated("{\"a\":", most) + "{}" + repeated("}", most)));
    CHECK(check(repeated("[{\"a\":", most / 2) + "0" + repeated("}]", most / 2)));
    CHECK_FALSE(check(repeated("[{\"a\":", most / 2) + "[]" + repeated("}]", most / 2)));
    CHECK_FALSE(check(std::string(100'000, '[')));
    CHECK_FALSE(check(repeated("[{\"a\":", most / 2) + "0" + repeated("]}", most / 2)));
}

TEST_CASE("json scan: paths deeper than a scan follows are not mistaken for others") {
    const JsonPaths paths{"a.a.a.a.a.a.a", "a.a.a.a.a.a.a.a.a.a"};
    const std::string bytes = repeated("{\"a\":", 7) + "1" + repeated("}", 7);
    const auto found = scan(bytes, paths).found;
    REQUIRE(found.size() == 1);
    CHECK(found[0].path == 0);
    CHECK(found[0].text == "1");
    const std::string deeper = repeated("{\"a\":", 20) + "1" + repeated("}", 20);
    const auto outer = scan(deeper, paths).found;
    REQUIRE(outer.size() == 1);
    CHECK(outer[0].path == 0);
    CHECK(outer[0].kind == JsonKind::object);
}

TEST_CASE("json scan: after a reset the next document is read afresh") {
    const JsonPaths paths{"", "a"};
    Collector collector;
    JsonScanner scanner(paths, collector);
    REQUIRE(scanner.feed("{\"a\":\"\\ud83d").has_value());
    scanner.reset();
    collector.found.clear();
    REQUIRE(scanner.feed("{\"a\":\"\\ude00\"}").has_value());
    REQUIRE(scanner.finish().has_value());
    CHECK(scanner.position() == 14);
    CHECK(collector.found == std::vector<Found>{{1, JsonKind::string, "\xef\xbf\xbd", 5, 13},
                                                {0, JsonKind::object, "", 0, 14}});
    scanner.reset();
    CHECK_FALSE(scanner.feed("]").has_value());
}

namespace {

const JsonPaths many_paths{"",    "model",  "messages[].role", "messages[]", "usage.total_tokens",
                           "n[]", "stream", "error",           "a[][]",      "tools"};

/// Documents of the shapes that are written in the wild, all longer than what is read at once.
const Bytes documents[] = {
    R"({"model":"gpt-4o","messages":[{"role":"system","content":"You are."},{"role":"user",)"
    R"("content":"A text that is longer than sixteen and than thirty-two bytes, and more."}],)"
    R"("stream":true,"n":[0,-1,2.5,1e9,12345678901234567890],"tools":[],"error":{},)"
    R"("a_key_that_is_longer_than_thirty_two_bytes":null,"usage":{"total_tokens":24}})",
    R"({"model": "gpt-4o", "messages": [{"role": "user", "content": "Say \"hi\",\n twice."}], )"
    R"("stream": false, "temperature": 0.7, "stop": ["\u00e9", "\ud83d\ude00"], "n": [1, 2], )"
    R"("a": [[1, [2]], [{"b": [true]}]], "usage": {"total_tokens": 24}})",
    "{\n  \"model\": \"m\",\n  \"messages\": [\n    {\n      \"role\": \"user\"\n    }\n  ],\n"
    "\t\"stream\" : null ,\r\n  \"tools\": [ ] ,\n  \"error\": { },\n  \"usage\": {\n"
    "    \"total_tokens\": 0\n  }\n}\n",
    "[[[[[[[[[[[[\"deep\",{\"a\":{\"a\":{\"a\":[]}}}]]]]]]]]]]],[],{},\"\xc3\xa9\",\"\"," // é
    "{\"\":0,\"role\":\"\xf0\x9f\x98\x80\"},0,[{}],\"tail that is a little longer\"]"};

/// Byte by byte no token is whole, and the slow way reads all.
Outcome scan_slowly(Bytes bytes, const JsonPaths& paths) {
    std::vector<Bytes> pieces;
    for (size_t at = 0; at < bytes.size(); ++at) pieces.push_back(bytes.substr(at, 1));
    return scan(pieces, paths);
}

} // namespace

TEST_CASE("json scan: documents of all shapes come to the same, however they are split") {
    for (const Bytes document : documents) {
        const Outcome outcome = scan(document, many_paths);
        CHECK(outcome.is_valid);
        CHECK(outcome.found.size() >= 1);
        CHECK(outcome == scan_slowly(document, many_paths));
    }
}

TEST_CASE("json scan: the fast way and the slow one agree on every mistake, and on its place") {
    for (const Bytes document : documents) {
        for (size_t at = 0; at < document.size(); ++at) {
            CAPTURE(at);
            std::string cut(document.substr(0, at));
            cut.shrink_to_fit();
            CHECK(scan(std::vector<Bytes>{cut}, many_paths) == scan_slowly(cut, many_paths));
            for (const char c : Bytes("\"\\{}[]:, 0-.ext\x01\x00\xff\n", 19)) {
                std::string changed(document);
                changed[at] = c;
                CAPTURE(changed);
                const std::vector<Bytes> whole{changed};
                REQUIRE(scan(whole, many_paths) == scan_slowly(changed, many_paths));
            }
        }
    }
}

TEST_CASE("json paths: a tree of keys, in which a path may lie on the way to another") {
    const JsonPaths paths{"a.b", "a", "c[].d"};
    CHECK(paths.path_of(paths.root()) == JsonPaths::none);
    const int a = paths.member(paths.root(), "a");
    REQUIRE(a != JsonPaths::none);
    CHECK(paths.path_of(a) == 1);
    CHECK(paths.path_of(paths.member(a, "b")) == 0);
    CHECK_FALSE(paths.has_members(paths.member(a, "b")));
    CHECK(paths.member(a, "x") == JsonPaths::none);
    const int element = paths.element(paths.member(paths.root(), "c"));
    REQUIRE(element != JsonPaths::none);
    CHECK(paths.path_of(element) == JsonPaths::none);
    CHECK(paths.path_of(paths.member(element, "d")) == 2);
    CHECK(JsonPaths{""}.path_of(0) == 0);
}

TEST_CASE("json scan: a key that is spelled like an element is none") {
    const JsonPaths paths{"a[]"};
    CHECK(scan(R"({"a":{"[]":1}})", paths).found.empty());
    CHECK(scan(R"({"a":[1]})", paths).found.size() == 1);
}

TEST_CASE("json paths: keys of all sizes are told from those that differ in any one byte") {
    const std::string letters = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz";
    for (size_t size = 1; size <= 40; ++size) {
        CAPTURE(size);
        const std::string key = letters.substr(0, size);
        const std::string longer = key + "x";
        const JsonPaths paths{key, longer};
        CHECK(paths.path_of(paths.member(paths.root(), key)) == 0);
        CHECK(paths.path_of(paths.member(paths.root(), longer)) == 1);
        CHECK(paths.member(paths.root(), longer + "x") == JsonPaths::none);
        for (size_t at = 0; at < size; ++at) {
            std::string other = key;
            other[at] = '#';
            CHECK(paths.member(paths.root(), other) == JsonPaths::none);
        }
    }
}

TEST_CASE("json paths: keys that share a place are found all the same") {
    std::vector<std::string> keys;
    for (char c = 'a'; c <= 'z'; ++c) keys.push_back(std::string(1, c) + "ey");
    for (char c = 'a'; c <= 'z'; ++c) keys.push_back("k" + std::string(1, c) + "y");
    const std::vector<Bytes> views(keys.begin(), keys.end());
    const JsonPaths paths{std::span<const Bytes>(views)};
    for (size_t i = 0; i < views.size(); ++i) {
        if (views[i] == "key" && i >= 26) continue; // it occurs twice
        CAPTURE(views[i]);
        const int path = paths.path_of(paths.member(paths.root(), views[i]));
        CHECK(views[static_cast<size_t>(path)] == views[i]);
    }
    CHECK(paths.member(paths.root(), "k#y") == JsonPaths::none);
}
