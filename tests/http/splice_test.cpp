#include "http/splice.h"

#include <doctest/doctest.h>

#include <random>

#include "support/sim_world.h"

using namespace ringway;
using namespace ringway::http;
using ringway::tests::slice_of;
using ringway::tests::text_of;

namespace {

/// `text` in slices of `step` bytes.
ring::SliceQueue sliced(ring::BlockPool& blocks, Bytes text, size_t step) {
    ring::SliceQueue queue;
    for (size_t at = 0; at < text.size(); at += step) {
        queue.push_back(slice_of(blocks, text.substr(at, step)));
    }
    return queue;
}

/// What splicing comes to, done the plain way.
std::string edited(std::string text, const std::vector<Edit>& edits) {
    for (auto edit = edits.rbegin(); edit != edits.rend(); ++edit) {
        text.replace(edit->offset, edit->removed, edit->text);
    }
    return text;
}

void check(const std::string& text, const std::vector<Edit>& edits) {
    const std::string expected = edited(text, edits);
    CHECK(static_cast<int64_t>(text.size()) + length_change(edits) ==
          static_cast<int64_t>(expected.size()));
    for (size_t step = 1; step <= text.size() + 1; ++step) {
        CAPTURE(step);
        ring::BlockPool blocks;
        {
            const ring::SliceQueue body = sliced(blocks, text, step);
            ring::SliceQueue out;
            splice(body, edits, blocks, out);
            CHECK(text_of(out) == expected);
            CHECK(text_of(body) == text);
            out.for_each([](const ring::Slice& slice) {
                CHECK_FALSE(slice.empty());
                return true;
            });
        }
    }
}

} // namespace

TEST_CASE("splice: edits stand where they should, however the body is sliced") {
    const std::string text = R"({"model":"a","stream":true})";
    check(text, {});
    check(text, {{9, 3, R"("longer")"}});
    check(text, {{9, 3, ""}});
    check(text, {{0, 0, "before "}});
    check(text, {{text.size(), 0, " behind"}});
    check(text, {{0, text.size(), "instead"}});
    check(text, {{0, text.size(), ""}});
    check(text, {{text.size(), 0, ""}});
    check(text, {{1, 0, "x"}, {1, 0, "y"}});
    check(text, {{1, 4, "x"}, {5, 4, "y"}, {9, 0, "z"}});
    check(text, {{0, 1, "["}, {26, 1, "]"}});
    check("", {{0, 0, "all new"}});
}

TEST_CASE("splice: any edits at any offsets come to what plain editing comes to") {
    for (unsigned seed = 1; seed <= 200; ++seed) {
        CAPTURE(seed);
        std::mt19937 random(seed);
        std::string text;
        for (size_t i = 0; i < 1 + random() % 40; ++i) {
            text += static_cast<char>('a' + random() % 26);
        }
        std::vector<Edit> edits;
        for (size_t at = random() % 5; at <= text.size(); at += random() % 9) {
            const size_t removed = random() % std::min<size_t>(text.size() - at + 1, 7);
            edits.push_back({at, removed, Bytes("REPLACED").substr(0, random() % 9)});
            at += removed;
        }
        check(text, edits);
    }
}

TEST_CASE("splice: the bytes of the body are shared, not copied") {
    ring::BlockPool blocks;
    {
        ring::SliceQueue body;
        body.push_back(slice_of(blocks, "hello world"));
        const char* const at = body.front().data();
        const Edit edit{5, 1, "-"};
        ring::SliceQueue out;
        splice(body, {&edit, 1}, blocks, out);
        CHECK(out.front().data() == at);
        CHECK(out.back().data() == at + 6);
        CHECK(text_of(out) == "hello-world");
    }
}
