#include "ringway/result.h"

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <string_view>

using namespace ringway;

namespace {

Result<int> half(int number) {
    if (number % 2 != 0) return client_error(Code::malformed, "odd");
    return number / 2;
}

Result<int> quarter(int number) {
    RINGWAY_TRY(const int once, half(number));
    RINGWAY_TRY(const int twice, half(once));
    return twice;
}

Status check_even(int number) {
    RINGWAY_RETURN_IF_ERROR(half(number));
    return {};
}

} // namespace

TEST_CASE("result: an error is passed on as it was made") {
    CHECK(quarter(8) == 2);
    const auto odd = quarter(6);
    REQUIRE_FALSE(odd.has_value());
    CHECK(odd.error().code == Code::malformed);
    CHECK(odd.error().blame == Blame::client);
    CHECK(odd.error().what == "odd");
    CHECK(check_even(2).has_value());
    CHECK_FALSE(check_even(3).has_value());
}

TEST_CASE("result: each maker names whose fault it is and whether another try may help") {
    const Error client = client_error(Code::malformed, "a").error();
    CHECK(client.blame == Blame::client);
    CHECK(client.retry == Retry::never);
    const Error upstream = upstream_error(Code::reset, "b", Retry::same_target, 104).error();
    CHECK(upstream.blame == Blame::upstream);
    CHECK(upstream.retry == Retry::same_target);
    CHECK(upstream.sys_errno == 104);
    CHECK(upstream_error(Code::reset, "b").error().retry == Retry::other_target);
    const Error gateway = gateway_error(Code::internal, "c", 5).error();
    CHECK(gateway.blame == Blame::gateway);
    CHECK(gateway.retry == Retry::never);
    CHECK(gateway.sys_errno == 5);
}

TEST_CASE("result: every code has a name of its own") {
    std::set<std::string_view> names;
    const int last = static_cast<int>(Code::internal);
    for (int code = 0; code <= last; ++code) {
        const std::string_view name = to_string(static_cast<Code>(code));
        CHECK(name != "unknown");
        names.insert(name);
    }
    CHECK(names.size() == static_cast<size_t>(last) + 1);
}
