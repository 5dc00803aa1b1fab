#include "base/digest.h"

#include <doctest/doctest.h>

#include <string>

#include "base/text.h"

using namespace ringway;
using namespace ringway::base;

namespace {

std::string hex_digest(Bytes bytes) {
    const Sha256 digest = sha256(bytes);
    return to_hex({digest.data(), digest.size()});
}

} // namespace

TEST_CASE("sha256: the examples of the standard come out") {
    CHECK(hex_digest("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(hex_digest("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(hex_digest(std::string(1'000'000, 'a')) ==
          "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("sha256: nothing of one digest is left in the next") {
    const std::string first = hex_digest("abc");
    CHECK(hex_digest("abd") != first);
    CHECK(hex_digest("abc") == first);
    CHECK(hex_digest(Bytes("abc\0", 4)) != first);
}

TEST_CASE("constant time: digests are equal when all of their bytes are") {
    const Sha256 digest = sha256("secret");
    CHECK(equals_in_constant_time(digest, sha256("secret")));
    for (size_t i = 0; i < digest.size(); ++i) {
        Sha256 other = digest;
        other[i] = static_cast<char>(other[i] ^ 1);
        CHECK_FALSE(equals_in_constant_time(digest, other));
    }
}
