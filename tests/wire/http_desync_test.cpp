// The corpus of aws/http-desync-guardian (tests/golden/http-desync), read by the request-head
// parser: what it calls ambiguous or severe is refused, what it calls compliant is accepted.

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/text.h"
#include "support/desync_cases.h"
#include "support/golden.h"
#include "support/heads.h"
#include "support/splits.h"
#include "wire/chunked.h"

using namespace ringway;
using namespace ringway::tests;
using namespace ringway::wire;

namespace {

constexpr HeadLimits limits;

constexpr const char* file_names[] = {
    "acceptable",
    "ambiguous",
    "bad-header-characters",
    "edge-cases",
    "more-compliant-tests",
    "real-life-test-cases",
    "rfc-compliant",
    "severe",
    "single-case",
    "uri-specific-test-cases",
};

std::vector<DesyncCase> all_cases(Escapes escapes) {
    std::vector<DesyncCase> all;
    for (const char* const name : file_names) {
        const std::string folder = std::string(golden_directory) + "/http-desync/tests/";
        for (DesyncCase& one : read_desync_cases(folder + name + ".yaml", escapes)) {
            all.push_back(std::move(one));
        }
    }
    return all;
}

/// Calls `fn(case, head as read)` for the cases of `tier`, in both meanings of their escapes.
template <class F>
void for_each_case(Bytes tier, F&& fn) {
    for (const Escapes escapes : {Escapes::bytes, Escapes::code_points}) {
        for (const DesyncCase& one : all_cases(escapes)) {
            if (one.tier != tier) continue;
            CAPTURE(one.name);
            CAPTURE(one.reason);
            const std::string head = one.head();
            CAPTURE(head);
            const auto read = std::make_unique<ReadHead>(read_request(head, limits));
            fn(one, *read);
        }
    }
}

/// What the corpus calls compliant and ringway refuses all the same, by the name of the case.
struct Exception {
    Bytes name;
    Code code;
    Bytes why;
};

constexpr Bytes one_coding =
    "chunked is the one transfer coding that is decoded here: a list, or one "
    "with parameters, is read differently by different parsers";
constexpr Bytes one_line = "two Transfer-Encoding lines: parsers differ on which of them counts";

const Exception exceptions[] = {
    {"Correct TE OK", Code::not_implemented, one_coding},
    {"Transfer-Encoding: identity and chunked OK", Code::not_implemented, one_coding},
    {"TE with custom parameters OK", Code::not_implemented, one_coding},
    {"Different Transfer-Encoding headers combined", Code::not_implemented, one_coding},
    {"Multiple transfer encoding headers in a single request OK", Code::malformed, one_line},
    {"Different Transfer-Encoding headers", Code::malformed, one_line},
    {"Transfer-Encoding with a param: chunked;custom_param", Code::malformed, one_line},
    {"Compliant URL", Code::malformed, "RFC 9112, 3.2: a request target has no fragment"},
    {"International in URI", Code::malformed, "RFC 3986, 2: other than ASCII is percent-encoded"},
    {"Empty URI", Code::malformed, "RFC 9112, 3.2.1: an empty path is sent as a slash"},
};

} // namespace

TEST_CASE("http desync: the corpus is read whole") {
    std::map<std::string, size_t> counts;
    size_t fields = 0;
    for (const DesyncCase& one : all_cases(Escapes::bytes)) {
        ++counts[one.tier];
        fields += one.fields.size();
    }
    CHECK(counts == std::map<std::string, size_t>{
                        {"Compliant", 28}, {"Acceptable", 15}, {"Ambiguous", 58}, {"Severe", 58}});
    CHECK(fields == 503);
}

TEST_CASE("http desync: what is ambiguous or severe is refused, with the client's blame") {
    for (const Bytes tier : {"Ambiguous", "Severe"}) {
        for_each_case(tier, [](const DesyncCase&, const ReadHead& read) {
            REQUIRE_FALSE(read.line.has_value());
            CHECK(read.line.error().code != Code::internal); // the head did end
            CHECK(read.line.error().blame == Blame::client);
        });
    }
}

TEST_CASE("http desync: what is compliant is accepted, but for exceptions with a reason") {
    std::set<Bytes> used;
    for_each_case("Compliant", [&](const DesyncCase& one, const ReadHead& read) {
        const auto* const exception =
            std::find_if(std::begin(exceptions), std::end(exceptions),
                         [&](const Exception& candidate) { return candidate.name == one.name; });
        if (exception == std::end(exceptions)) {
            CHECK(read.line.has_value());
            return;
        }
        CAPTURE(exception->why);
        used.insert(exception->name);
        REQUIRE_FALSE(read.line.has_value());
        CHECK(read.line.error().code == exception->code);
    });
    CHECK(used.size() == std::size(exceptions)); // none has outlived its case
}

TEST_CASE(
    "http desync: what is merely acceptable is refused, but for a length of 0 in GET and HEAD") {
    for_each_case("Acceptable", [](const DesyncCase& one, const ReadHead& read) {
        CHECK(read.line.has_value() == (one.reason == "GetHeadZeroContentLength"));
    });
}

TEST_CASE("http desync: every case comes to the same, however its bytes are split") {
    for (const DesyncCase& one : all_cases(Escapes::bytes)) {
        CAPTURE(one.name);
        const std::string head = one.head();
        const auto whole = HeadScanner().scan(head, limits);
        for_each_split(head, [&](std::span<const Bytes> pieces) {
            const auto scanned = scan_pieces(pieces, limits);
            REQUIRE(scanned.has_value() == whole.has_value());
            if (whole) CHECK(*scanned == *whole);
            if (!whole) CHECK(scanned.error().code == whole.error().code);
        });
    }
}

TEST_CASE("http desync: llhttp says the same of the lines that it is shown as of the whole head") {
    size_t asked = 0;
    for (const Escapes escapes : {Escapes::bytes, Escapes::code_points}) {
        for (const DesyncCase& one : all_cases(escapes)) {
            CAPTURE(one.name);
            CHECK(says_the_same_by_lines(one.head(), true));
            if (ask_llhttp_by_lines(one.head(), true)) ++asked;
        }
    }
    CHECK(asked > 150);
}

TEST_CASE("http desync: of an accepted case the body has the end that its fields say") {
    size_t bodies = 0;
    for_each_case("Compliant", [&](const DesyncCase& one, const ReadHead& read) {
        if (!read.line) return;
        for (const auto& [name, value] : one.fields) {
            if (base::equals_ignoring_case(name, "content-length")) {
                CHECK(read.line->content_length == std::stoull(value));
                ++bodies;
            }
            if (base::equals_ignoring_case(name, "transfer-encoding")) {
                CHECK(read.line->framing == Framing::chunked);
                const Bytes body = "5\r\nhello\r\n0\r\n\r\n";
                const std::string bytes = std::string(body) + one.head();
                ChunkedDecoder decoder;
                size_t consumed = 0;
                while (!decoder.has_ended()) {
                    const auto step = decoder.next(Bytes(bytes).substr(consumed));
                    REQUIRE(step.has_value());
                    consumed += step->consumed;
                }
                CHECK(consumed == body.size());
                ++bodies;
            }
        }
    });
    CHECK(bodies > 0);
}
