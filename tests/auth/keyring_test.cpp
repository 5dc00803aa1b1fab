#include "auth/keyring.h"

#include <doctest/doctest.h>

using namespace ringway;
using namespace ringway::auth;

namespace {

KeyConfig key(const char* name, Bytes plain) {
    const base::Sha256 digest = base::sha256(plain);
    KeyConfig made;
    made.name = name;
    made.team = "team";
    made.digest.assign(digest.data(), digest.size());
    return made;
}

Caller with_models(std::optional<std::vector<std::string>> models) {
    return {"name", "team", std::move(models), std::nullopt};
}

} // namespace

TEST_CASE("keyring: each key finds its own caller, and nothing else finds any") {
    std::vector<KeyConfig> keys;
    for (int i = 0; i < 100; ++i) {
        const std::string name = "key-" + std::to_string(i);
        keys.push_back(key(name.c_str(), "sk-" + name));
    }
    const Keyring keyring(keys);
    CHECK_FALSE(keyring.is_open());
    for (const KeyConfig& each : keys) {
        const auto caller = keyring.identify("sk-" + each.name, 0);
        REQUIRE(caller.has_value());
        CHECK((*caller)->name == each.name);
        CHECK((*caller)->team == "team");
    }
    for (const std::string& wrong :
         {std::string(), std::string("sk-key-100"), std::string("sk-key-1 "),
          std::string("SK-KEY-1"), std::string("sk-key-1\0", 9), keys[0].digest,
          std::string(100'000, 'x')}) {
        const auto caller = keyring.identify(wrong, 0);
        REQUIRE_FALSE(caller.has_value());
        CHECK(caller.error().code == Code::unauthenticated);
        CHECK(caller.error().blame == Blame::client);
    }
}

TEST_CASE("keyring: a key is good until the second it expires") {
    KeyConfig expiring = key("a", "sk-a");
    expiring.expires_at_s = 1000;
    const Keyring keyring({expiring, key("b", "sk-b")});
    CHECK(keyring.identify("sk-a", 999).has_value());
    const auto late = keyring.identify("sk-a", 1000);
    REQUIRE_FALSE(late.has_value());
    CHECK(late.error().what == "The API key has expired.");
    CHECK(keyring.identify("sk-b", INT64_MAX).has_value());
}

TEST_CASE("keyring: without keys everybody is let in, as nobody in particular") {
    const Keyring keyring({});
    CHECK(keyring.is_open());
    CHECK(keyring.anyone().name.empty());
    CHECK(keyring.anyone().allows_model("anything"));
    CHECK_FALSE(keyring.identify("sk-x", 0).has_value());
}

TEST_CASE("caller: models are allowed by pattern; none named is none allowed") {
    CHECK(with_models(std::nullopt).allows_model("any"));
    CHECK_FALSE(with_models(std::vector<std::string>{}).allows_model("any"));
    const Caller some = with_models(std::vector<std::string>{"fast", "openai/*", "*-mini"});
    for (const char* allowed : {"fast", "openai/gpt", "openai/", "gpt-4o-mini", "-mini"}) {
        CAPTURE(allowed);
        CHECK(some.allows_model(allowed));
    }
    for (const char* refused :
         {"faster", "fas", "Fast", "openai", "xopenai/gpt", "gpt-4o-mini-x", ""}) {
        CAPTURE(refused);
        CHECK_FALSE(some.allows_model(refused));
    }
}

TEST_CASE("caller: paths without a model need all that the provider has") {
    CHECK(with_models(std::nullopt).allows_all_of("openai"));
    CHECK(with_models(std::vector<std::string>{"*"}).allows_all_of("openai"));
    CHECK(with_models(std::vector<std::string>{"openai/*"}).allows_all_of("openai"));
    CHECK_FALSE(with_models(std::vector<std::string>{"openai/*"}).allows_all_of("other"));
    CHECK_FALSE(
        with_models(std::vector<std::string>{"openai/gpt-*", "o*"}).allows_all_of("openai"));
    CHECK_FALSE(with_models(std::vector<std::string>{}).allows_all_of("openai"));
}
