#include <doctest/doctest.h>

#include "app/config_file.h"
#include "base/digest.h"
#include "base/text.h"

using namespace ringway;
using namespace ringway::app;

namespace {

ConfigSurroundings surroundings() {
    return {[](const std::string& name) -> std::optional<std::string> {
                if (name == "OPENAI_API_KEY") return "sk-from-environment";
                if (name == "EMPTY") return "";
                if (name == "CREDENTIALS_DIRECTORY") return "/credentials";
                return std::nullopt;
            },
            [](const std::string& path) -> std::expected<std::string, std::string> {
                if (path == "/key") return "sk-from-file\r\n";
                if (path == "/credentials/team") return "sk-credential\n";
                if (path == "/cert.pem") return "CERT";
                if (path == "/key.pem") return "KEY";
                return std::unexpected("cannot read the file " + path);
            }};
}

Config read(Bytes text) {
    auto config = read_config(text, surroundings());
    if (!config) {
        for (const ConfigProblem& problem : config.error()) MESSAGE(problem.to_string("config"));
    }
    REQUIRE(config.has_value());
    return *config;
}

} // namespace

TEST_CASE("config: every key is taken, with comments and trailing commas") {
    const Config config = read(R"(
// the whole of it
{
    "$schema": "ringway.schema.json",
    "listen": [
        "127.0.0.1:8080",
        {"address": ":8443", "tls": {"cert": "/cert.pem", "key": "/key.pem"}},
        {"address": "unix:/run/ringway.sock"}, /* a socket */
    ],
    "admin": {"listen": "127.0.0.1:9999"},
    "runtime": {"workers": 3, "cpuset": "0,2-3", "max_head": "32KiB", "max_body": "8MiB",
                "max_upload": "2GiB", "stream_buffer": 131072, "receive_memory": "64MiB"},
    "timeouts": {"idle": "80s", "head": "5s", "body": "1m"},
    "drain": {"delay": "3s", "timeout": "2m"},
    "providers": {
        "openai": {"api_key": "${OPENAI_API_KEY}"},
        "anthropic": {"api_key": {"file": "/key"}, "models": ["claude-*"]},
        "local": {
            "kind": "openai", "base_url": "http://127.0.0.1:11434/v1", "api_key": null,
            "models": [], "headers": {"X-Team": "a b", "X-Key": "${OPENAI_API_KEY}"},
            "tls": {"ca_file": "/ca.pem", "verify": false},
            "timeouts": {"connect": "1s", "first_byte": "2s", "idle": "3s", "total": "4s"},
            "pool": {"max": 7, "idle_max": 5, "idle_time": "9s"},
        },
    },
    "models": {
        "fast": "openai/gpt-4o-mini",
        "smart": {"targets": ["anthropic/claude-x", {"model": "local/a/b"}]},
    },
    "keys": [
        {"name": "one", "team": "core", "key": "sk-plain", "models": ["fast", "openai/*"]},
        {"name": "two", "key": {"credential": "team"}, "expires": "2027-01-01"},
        {"name": "three", "key": "${NO_SUCH:-sk-default}", "expires": "2027-01-01T12:00:00Z"},
        {"name": "four", "hash": "sha256:)" +
                               std::string(64, 'a') + R"("},
    ],
    "passthrough": "openai",
    "telemetry": {"log_level": "debug", "debug_headers": false},
})");
    REQUIRE(config.listen.size() == 3);
    CHECK(config.listen[1].address == ":8443");
    CHECK(config.listen[1].tls_certificate == "CERT");
    CHECK(config.listen[1].tls_key.reveal() == "KEY");
    CHECK(config.listen[2].address == "unix:/run/ringway.sock");
    CHECK(config.admin_listen == "127.0.0.1:9999");
    CHECK(config.workers == 3u);
    CHECK(config.cpuset == "0,2-3");
    CHECK(config.head_bytes_max == 32768);
    CHECK(config.body_bytes_max == 8 << 20);
    CHECK(config.upload_bytes_max == 2ULL << 30);
    CHECK(config.stream_buffer_bytes == 131072);
    CHECK(config.receive_memory_bytes == 64 << 20);
    CHECK(config.client_idle_time == Duration(80s));
    CHECK(config.client_head_time == Duration(5s));
    CHECK(config.client_body_grace == Duration(1min));
    CHECK(config.drain_delay == Duration(3s));
    CHECK(config.drain_time == Duration(2min));
    CHECK(config.passthrough == "openai");
    CHECK(config.log_level == "debug");
    CHECK_FALSE(config.debug_headers);

    REQUIRE(config.providers.size() == 3);
    CHECK(config.providers[0].kind == ProviderKind::openai);
    CHECK(config.providers[0].api_key->reveal() == "sk-from-environment");
    CHECK(config.providers[0].base_url == "https://api.openai.com/v1");
    CHECK_FALSE(config.providers[0].models.has_value());
    CHECK(config.providers[1].kind == ProviderKind::anthropic);
    CHECK(config.providers[1].api_key->reveal() == "sk-from-file");
    CHECK(config.providers[1].models == std::vector<std::string>{"claude-*"});
    const ProviderConfig& local = config.providers[2];
    CHECK_FALSE(local.api_key.has_value());
    CHECK(local.models == std::vector<std::string>{});
    REQUIRE(local.headers.size() == 2);
    CHECK(local.headers[1] == std::pair<std::string, std::string>("X-Key", "sk-from-environment"));
    CHECK(local.tls_ca_file == "/ca.pem");
    CHECK_FALSE(local.tls_verify);
    CHECK(local.connect_time == Duration(1s));
    CHECK(local.first_byte_time == Duration(2s));
    CHECK(local.idle_time == Duration(3s));
    CHECK(local.total_time == Duration(4s));
    CHECK(local.pool_open_max == 7);
    CHECK(local.pool_idle_max == 5);
    CHECK(local.pool_idle_time == Duration(9s));

    REQUIRE(config.models.size() == 2);
    CHECK(config.models[0].targets == std::vector<std::string>{"openai/gpt-4o-mini"});
    CHECK(config.models[1].targets == std::vector<std::string>{"anthropic/claude-x", "local/a/b"});

    REQUIRE(config.keys.size() == 4);
    const auto digest_of = [](Bytes key) {
        const base::Sha256 digest = base::sha256(key);
        return std::string(digest.data(), digest.size());
    };
    CHECK(config.keys[0].digest == digest_of("sk-plain"));
    CHECK(config.keys[0].team == "core");
    CHECK(config.keys[0].models == std::vector<std::string>{"fast", "openai/*"});
    CHECK(config.keys[1].digest == digest_of("sk-credential"));
    CHECK(config.keys[1].expires_at_s == 1798761600);
    CHECK(config.keys[2].digest == digest_of("sk-default"));
    CHECK(config.keys[2].expires_at_s == 1798761600 + 12 * 3600);
    CHECK(config.keys[3].digest == *base::from_hex(std::string(64, 'a')));
}

TEST_CASE("config: the least one has the defaults of its documentation") {
    const Config config = read(R"({"providers": {"openai": {}}})");
    REQUIRE(config.listen.size() == 1);
    CHECK(config.listen[0].address == "127.0.0.1:8080");
    CHECK(config.admin_listen == "127.0.0.1:9464");
    CHECK_FALSE(config.workers.has_value());
    CHECK_FALSE(config.providers[0].api_key.has_value());
    CHECK(config.keys.empty());
    CHECK(read(R"({"admin": null, "providers": {"openai": {}}})").admin_listen.empty());
    CHECK(read(R"({"admin": {"listen": null}, "providers": {"openai": {}}})").admin_listen.empty());
    CHECK(read(R"({"listen": "[::1]:1", "providers": {"openai": {}}})").listen[0].address ==
          "[::1]:1");
}

TEST_CASE("config: who is reachable from other hosts needs keys") {
    Config config;
    config.listen.push_back({":8080", {}, {}});
    REQUIRE(exposure_of(config).has_value());
    CHECK(exposure_of(config)->starts_with(":8080 is reachable"));
    config.listen[0].address = "127.0.0.1:8080";
    CHECK_FALSE(exposure_of(config).has_value());
    config.listen.push_back({"[::]:8080", {}, {}});
    CHECK(exposure_of(config).has_value());
    config.keys.emplace_back();
    CHECK_FALSE(exposure_of(config).has_value());
}

TEST_CASE("config: without a file the environment and the command line tell the providers") {
    const auto from_environment = default_config(surroundings(), {});
    REQUIRE(from_environment.has_value());
    REQUIRE(from_environment->providers.size() == 1);
    CHECK(from_environment->providers[0].name == "openai");
    CHECK(from_environment->providers[0].api_key->reveal() == "sk-from-environment");

    const auto given = default_config(surroundings(), {"local=http://127.0.0.1:1/v1"});
    REQUIRE(given.has_value());
    CHECK(given->providers.size() == 2);
    CHECK(given->providers[0].base_url == "http://127.0.0.1:1/v1");

    ConfigSurroundings bare = surroundings();
    bare.variable = [](const std::string&) { return std::nullopt; };
    CHECK_FALSE(default_config(bare, {}).has_value());
    for (const char* text : {"local", "=http://x", "local=", "local=x", "a/b=http://x",
                             "a\"b=http://x", "a b=http://x"}) {
        CAPTURE(text);
        CHECK_FALSE(default_config(surroundings(), {text}).has_value());
    }
}
