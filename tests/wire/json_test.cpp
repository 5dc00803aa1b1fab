#include "wire/json.h"

#include <doctest/doctest.h>

#include <string>

#include "support/splits.h"

using namespace ringway;
using namespace ringway::tests;
using namespace ringway::wire;

namespace {

Json parsed(Bytes text, bool is_relaxed = false) {
    CAPTURE(text);
    auto tree = parse_json(text, is_relaxed);
    REQUIRE(tree.has_value());
    return *tree;
}

TextPosition at(unsigned line, unsigned column) { return {line, column}; }

} // namespace

TEST_CASE("json tree: each kind of value is read") {
    CHECK(parsed("null").kind == JsonKind::null);
    CHECK(parsed("true").boolean);
    CHECK_FALSE(parsed("false").boolean);
    CHECK(parsed("false").kind == JsonKind::boolean);
    const Json integer = parsed("-42");
    CHECK(integer.kind == JsonKind::number);
    CHECK(integer.is_integer);
    CHECK(integer.integer == -42);
    CHECK(integer.number == -42.0);
    const Json fraction = parsed("2.5e1");
    CHECK_FALSE(fraction.is_integer);
    CHECK(fraction.number == 25.0);
    CHECK(parsed(R"("a\u00e9\ud83d\ude00\n")").string == "a\xc3\xa9\xf0\x9f\x98\x80\n");
    CHECK(parsed("[1,[],{}]").elements.size() == 3);
}

TEST_CASE("json tree: numbers that no 64-bit integer holds are numbers still") {
    CHECK(parsed("9223372036854775807").integer == INT64_MAX);
    CHECK(parsed("-9223372036854775808").integer == INT64_MIN);
    const Json large = parsed("9223372036854775808");
    CHECK_FALSE(large.is_integer);
    CHECK(large.number == doctest::Approx(9.223372036854775808e18));
}

TEST_CASE("json tree: members keep their order and their duplicates, and the last is found") {
    const Json tree = parsed(R"({"b":1,"a":2,"b":3})");
    REQUIRE(tree.members.size() == 3);
    CHECK(tree.members[0].key == "b");
    CHECK(tree.members[1].key == "a");
    REQUIRE(tree.find("b") != nullptr);
    CHECK(tree.find("b")->integer == 3);
    CHECK(tree.find("c") == nullptr);
    CHECK(parsed("1").find("a") == nullptr);
}

TEST_CASE("json tree: values and keys know where they stood") {
    const Json tree = parsed("{\n  \"a\": 1,\n\t\"\\\"b\\\\\" : [ true,\n{\"\":\"x\"}]}");
    CHECK(tree.position == at(1, 1));
    REQUIRE(tree.members.size() == 2);
    CHECK(tree.members[0].position == at(2, 3));
    CHECK(tree.members[0].value.position == at(2, 8));
    CHECK(tree.members[1].key == "\"b\\");
    CHECK(tree.members[1].position == at(3, 2));
    const Json& list = tree.members[1].value;
    CHECK(list.position == at(3, 12));
    REQUIRE(list.elements.size() == 2);
    CHECK(list.elements[0].position == at(3, 14));
    CHECK(list.elements[1].position == at(4, 1));
    CHECK(list.elements[1].members.at(0).position == at(4, 2));
    CHECK(list.elements[1].members.at(0).value.position == at(4, 5));
    CHECK(parsed(" \n 7").position == at(2, 2));
}

TEST_CASE("json tree: an error says where and what") {
    struct Row {
        Bytes text;
        TextPosition position;
    };
    const Row rows[] = {
        {"", at(1, 1)},
        {"{", at(1, 2)},
        {"{\n  \"a\": x\n}", at(2, 8)},
        {"[1,\n2,\n]", at(3, 1)},
        {"{\"a\":1}\nx", at(2, 1)},
        {"\"a", at(1, 3)},
        {"// no\n1", at(1, 1)},
    };
    for (const Row& row : rows) {
        CAPTURE(row.text);
        const auto tree = parse_json(row.text, false);
        REQUIRE_FALSE(tree.has_value());
        CHECK(tree.error().position == row.position);
        CHECK_FALSE(tree.error().what.empty());
    }
}

TEST_CASE("json tree: nesting up to the scanner's bound is read, and no deeper") {
    constexpr size_t most = JsonScanner::depth_max;
    CHECK(parse_json(repeated("[", most) + repeated("]", most), false).has_value());
    CHECK_FALSE(parse_json(repeated("[", most + 1) + repeated("]", most + 1), false).has_value());
    CHECK_FALSE(parse_json(std::string(1'000'000, '['), true).has_value());
}

TEST_CASE("json tree: half a surrogate pair is refused") {
    for (const Bytes text : {R"("\ud83d")", R"("\ude00")", R"("\ud83dx")", R"(["\ud83d\u0041"])"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_json(text, false).has_value());
    }
}

TEST_CASE("relaxed json: comments and trailing commas are passed over, and positions stay true") {
    const Json tree = parsed("// first\n{ /* a\n * b */ \"a\": [1, 2, /* c */ ], // d\n"
                             "\"b\": {\"x\": \"//no /*comment*/ ,]\",},\n}\n// last",
                             true);
    REQUIRE(tree.members.size() == 2);
    CHECK(tree.position == at(2, 1));
    CHECK(tree.members[0].position == at(3, 9));
    CHECK(tree.members[0].value.elements.size() == 2);
    CHECK(tree.members[1].position == at(4, 1));
    CHECK(tree.members[1].value.find("x")->string == "//no /*comment*/ ,]");
    CHECK(parsed("[1,/**/\n//\n]", true).elements.size() == 1);
    CHECK(parsed("[\"\\\"//\\\\\",]", true).elements.at(0).string == "\"//\\");
}

TEST_CASE("relaxed json: a comma that trails nothing, and an open comment, are errors") {
    for (const Bytes text :
         {"[,]",  "{,}",   "[1,,]",   "[,1]",        "{\"a\":1,,}",   "{\"a\":,}", "1,",
          ",",    ",1",    "[1,",     "[[,]]",       "[/**/,]",       "[1]/*",     "[1/*]",
          "/*/1", "/",     "1/",      "[1]/",        "/ /1",          "*/1",       "[1]// \n x",
          "#1",   "{a:1}", "{'a':1}", "[1 /*,*/ 2]", "[\"a\"\"b\",]", "[\"a,]"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_json(text, true).has_value());
    }
}

TEST_CASE("strict json: comments and trailing commas are errors") {
    for (const Bytes text : {"[1,]", "{\"a\":1,}", "//\n1", "1//", "/**/1", "[1/**/]"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_json(text, false).has_value());
        CHECK(parse_json(text, true).has_value());
    }
}

TEST_CASE("json string: what is written is read back as it was") {
    std::string text;
    for (int byte = 0; byte < 128; ++byte) text += static_cast<char>(byte);
    text += "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80";
    const std::string quoted = json_string(text);
    CHECK(parsed(quoted).string == text);
    for (const char c : quoted) CHECK(static_cast<unsigned char>(c) >= 0x20);
}

TEST_CASE("json string: special characters are escaped, malformed UTF-8 is replaced") {
    CHECK(json_string("") == "\"\"");
    CHECK(json_string("a\"b\\c\n\x01\x7f/") == R"("a\"b\\c\n\u0001\u007f/")");
    CHECK(json_string(Bytes("\0", 1)) == R"("\u0000")");
    CHECK(json_string("\xff") == R"("\ufffd")");
    CHECK(json_string("a\xc3") == R"("a\ufffd")");
    CHECK(json_string("\xc3(") == R"("\ufffd(")");
    CHECK(json_string("\xed\xa0\x80") == R"("\ufffd\ufffd\ufffd")");
    std::string to = "x=";
    append_json_string(to, "y");
    CHECK(to == "x=\"y\"");
}
