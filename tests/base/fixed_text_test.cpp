#include "base/fixed_text.h"

#include <doctest/doctest.h>

#include "support/aborts.h"

using namespace ringway;
using namespace ringway::base;

TEST_CASE("fixed text: it holds what it was given, up to its bound") {
    FixedText<8> text;
    CHECK(text.empty());
    CHECK(text.view() == "");
    text.assign("model");
    text.append("-5o");
    CHECK(text.view() == "model-5o");
    text.append("");
    CHECK(text.view() == "model-5o");
    text.assign("b");
    CHECK(text.view() == "b");
    CHECK_FALSE(text.empty());
}

TEST_CASE("fixed text: a copy is a text of its own") {
    FixedText<8> text;
    text.assign("one");
    FixedText<8> copy = text;
    text.assign("two");
    CHECK(copy.view() == "one");
}

TEST_CASE("fixed text: bytes without an address are an empty text") {
    FixedText<8> text;
    text.assign("x");
    text.append(Bytes());
    CHECK(text.view() == "x");
    text.assign(Bytes());
    CHECK(text.empty());
}

TEST_CASE("fixed text: a text above the bound is a bug, and stops the program") {
    FixedText<4> text;
    text.assign("abcd");
    CHECK(tests::aborts([&] { text.append("e"); }));
    CHECK(tests::aborts([&] { text.assign("abcde"); }));
    CHECK_FALSE(tests::aborts([&] { text.assign("wxyz"); }));
}
