#include "wire/http1_fields.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/text.h"

using namespace ringway;
using namespace ringway::wire;

namespace {

constexpr auto id_count = static_cast<size_t>(FieldId::count_);

std::vector<std::string> elements(Bytes list) {
    std::vector<std::string> found;
    for_each_list_element(list, [&](Bytes element) { found.emplace_back(element); });
    return found;
}

} // namespace

TEST_CASE("fields: every known name is found by itself, in small and capital letters") {
    for (size_t id = 1; id < id_count; ++id) {
        const auto field = static_cast<FieldId>(id);
        std::string name(field_name(field));
        CAPTURE(name);
        CHECK_FALSE(name.empty());
        CHECK(std::all_of(name.begin(), name.end(), is_token_char));
        CHECK(field_id(name) == field);
        for (char& c : name) {
            if (c >= 'a' && c <= 'z') c = static_cast<char>(c - ('a' - 'A'));
        }
        CHECK(field_id(name) == field);
    }
}

TEST_CASE("fields: a name that differs from a known one in a byte is unknown") {
    for (size_t id = 1; id < id_count; ++id) {
        const std::string name(field_name(static_cast<FieldId>(id)));
        CAPTURE(name);
        for (const std::string& other :
             {name + "x", "x" + name, name.substr(1) + "!", name + " "}) {
            CHECK(field_id(other) == FieldId::unknown);
        }
    }
    CHECK(field_id("") == FieldId::unknown);
    CHECK(field_id("content_length") == FieldId::unknown);
    CHECK(field_id("x") == FieldId::unknown);
}

TEST_CASE("fields: what concerns one connection only is hop-by-hop") {
    for (const Bytes name : {"Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate",
                             "Proxy-Authorization", "TE", "Trailer", "Transfer-Encoding", "Upgrade",
                             "HTTP2-Settings"}) {
        CAPTURE(name);
        CHECK(is_hop_by_hop(field_id(name)));
    }
    for (const Bytes name :
         {"Content-Length", "Host", "Authorization", "Content-Type", "X-Other"}) {
        CAPTURE(name);
        CHECK_FALSE(is_hop_by_hop(field_id(name)));
    }
}

TEST_CASE("fields: the characters of a token are those of RFC 9110, and no byte above ASCII") {
    for (int byte = 0; byte < 256; ++byte) {
        const auto c = static_cast<char>(byte);
        const bool is_alphanumeric = (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
                                     (byte >= 'A' && byte <= 'Z');
        const bool is_mark = Bytes("!#$%&'*+-.^_`|~").find(c) != Bytes::npos;
        CAPTURE(byte);
        CHECK(is_token_char(c) == (is_alphanumeric || is_mark));
    }
}

TEST_CASE("fields: a list gives its elements trimmed, and no empty ones") {
    using List = std::vector<std::string>;
    CHECK(elements("close") == List{"close"});
    CHECK(elements(" close \t, keep-alive") == List{"close", "keep-alive"});
    CHECK(elements(",, a,,b ,") == List{"a", "b"});
    CHECK(elements("a b") == List{"a b"});
    CHECK(elements("").empty());
    CHECK(elements(" , \t,").empty());
}
