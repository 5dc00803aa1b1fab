#include <doctest/doctest.h>

#include "app/config_file.h"

using namespace ringway;
using namespace ringway::app;

namespace {

/// All mistakes of `text`, one a line, as the operator sees them.
std::string mistakes(const std::string& text) {
    const ConfigSurroundings surroundings{
        [](const std::string&) -> std::optional<std::string> { return std::nullopt; },
        [](const std::string& path) -> std::expected<std::string, std::string> {
            if (path == "/empty") return "\n";
            if (path == "/nothing") return "";
            if (path == "/key.pem") return "KEY";
            return std::unexpected("cannot read the file " + path);
        }};
    const auto config = read_config(text, surroundings);
    if (config) return "none";
    std::string all;
    for (const ConfigProblem& problem : config.error()) {
        if (!all.empty()) all += "\n";
        all += problem.to_string("c");
    }
    return all;
}

/// A good configuration with one more key, on its second line.
std::string with(const std::string& member) {
    return "{\"providers\":{\"openai\":{},\"other\":{}},\n" + member + "}";
}

struct Row {
    const char* member;
    const char* mistake;
};

void check(std::initializer_list<Row> rows) {
    for (const Row& row : rows) {
        CAPTURE(std::string(row.member));
        CHECK(mistakes(with(row.member)) == row.mistake);
    }
}

} // namespace

TEST_CASE("config: a mistake is told with its line, its column, its path, and what was meant") {
    check({
        {R"("listn": 1)", R"(c:2:1: listn: unknown key (did you mean "listen"?))"},
        {R"("zzz": 1)", "c:2:1: zzz: unknown key"},
        {R"("listen": 1)", "c:2:11: listen: expected an object"},
        {R"("listen": "nowhere")", "c:2:11: listen: expected ADDRESS:PORT, :PORT or unix:PATH"},
        {R"("listen": ["127.0.0.1:1", {"adress": ":1"}])",
         "c:2:27: listen[1]: \"address\" is missing\n"
         "c:2:28: listen[1].adress: unknown key (did you mean \"address\"?)"},
        {R"("admin": {"listen": 7})", "c:2:21: admin.listen: expected a string"},
        {R"("runtime": {"workers": 0})",
         "c:2:24: runtime.workers: expected a whole number from 1 to 1024"},
        {R"("runtime": {"workers": 1.5})",
         "c:2:24: runtime.workers: expected a whole number from 1 to 1024"},
        {R"("runtime": {"workers": "2"})",
         "c:2:24: runtime.workers: expected a whole number from 1 to 1024"},
        {R"("runtime": {"cpuset": "2-1"})",
         R"(c:2:23: runtime.cpuset: expected a list of processors such as "0,2-5")"},
        {R"("runtime": {"max_head": "1MiB"})", "c:2:25: runtime.max_head: expected at most 64KiB"},
        {R"("runtime": {"max_body": "1 MB"})",
         R"(c:2:25: runtime.max_body: expected a size such as "64KiB" or "16MiB")"},
        {R"("runtime": {"max_body": -1})",
         R"(c:2:25: runtime.max_body: expected a size such as "64KiB" or "16MiB")"},
        {R"("runtime": {"stream_buffer": 1})",
         "c:2:30: runtime.stream_buffer: expected at least 4096 bytes"},
        {R"("timeouts": {"idle": 5})",
         R"(c:2:22: timeouts.idle: expected a duration such as "250ms", "30s" or "10m")"},
        {R"("timeouts": {"idle": "5 s"})",
         R"(c:2:22: timeouts.idle: expected a duration such as "250ms", "30s" or "10m")"},
        {R"("drain": {"delays": "5s"})",
         R"(c:2:11: drain.delays: unknown key (did you mean "delay"?))"},
        {R"("passthrough": "opnai")",
         R"(c:2:16: passthrough: there is no provider "opnai" (did you mean "openai"?))"},
        {R"("passthrough": 5)", "c:2:16: passthrough: expected a string"},
        {R"("telemetry": {"log_level": "loud"})",
         R"(c:2:28: telemetry.log_level: expected "debug", "info", "warning", "error" or "off")"},
        {R"("telemetry": {"debug_headers": "yes"})",
         "c:2:32: telemetry.debug_headers: expected true or false"},
    });
}

TEST_CASE("config: mistakes of models name the provider that was meant") {
    check({
        {R"("models": {"m": "opena/x"})",
         R"(c:2:17: models.m: there is no provider "opena" (did you mean "openai"?))"},
        {R"("models": {"m": "gpt-4o"})", R"(c:2:17: models.m: expected "provider/model")"},
        {R"("models": {"m": "openai/"})", R"(c:2:17: models.m: expected "provider/model")"},
        {R"("models": {"m": 5})", "c:2:17: models.m: expected an object"},
        {R"("models": {"m": {}})", "c:2:17: models.m: has no targets"},
        {R"("models": {"m": {"targets": [5]}})", "c:2:30: models.m.targets[0]: expected an object"},
        {R"("models": {"m": {"targets": [{"model": 5}]}})",
         "c:2:40: models.m.targets[0].model: expected a string"},
        {R"("models": {"": "openai/x"})", "c:2:12: models.: a name is not empty"},
        {R"("models": {"m": "openai/x", "m": "openai/y"})",
         "c:2:29: models.m: occurs more than once"},
        {R"("models": {"m": {"targets": ["openai/1","openai/2","openai/3","openai/4","openai/5",)"
         R"("openai/6","openai/7","openai/8","openai/9"]}})",
         "c:2:17: models.m: has more than 8 targets"},
    });
}

TEST_CASE("config: mistakes of keys, none of which ends in a key that anybody knows") {
    check({
        {R"("keys": [{"name": "a"}])", R"(c:2:10: keys[0]: needs either "key" or "hash")"},
        {R"("keys": [{"key": "x"}])", "c:2:10: keys[0]: \"name\" is missing"},
        {R"("keys": [{"name": "a", "key": ""}])", "c:2:31: keys[0].key: a key is not empty"},
        {R"("keys": [{"name": "a", "key": {"file": "/empty"}}])",
         "c:2:31: keys[0].key: a key is not empty"},
        {R"("keys": [{"name": "a", "key": "${NONE:-}"}])",
         "c:2:31: keys[0].key: a key is not empty"},
        {R"("keys": [{"name": "a", "key": {}}])", "c:2:31: keys[0].key: a key is not empty"},
        {R"("keys": [{"name": "a", "key": "${NONE}"}])",
         "c:2:31: keys[0].key: the environment variable NONE is not set"},
        {R"("keys": [{"name": "a", "key": {"file": "/none"}}])",
         "c:2:40: keys[0].key.file: cannot read the file /none"},
        {R"("keys": [{"name": "a", "key": {"credential": "x"}}])",
         "c:2:46: keys[0].key.credential: CREDENTIALS_DIRECTORY is not set"},
        {R"("keys": [{"name": "a", "key": 5}])",
         R"(c:2:31: keys[0].key: expected a string, {"file": ...} or {"credential": ...})"},
        {R"("keys": [{"name": "a", "hash": "abc"}])",
         R"(c:2:32: keys[0].hash: expected "sha256:" and 64 hexadecimal digits)"},
        {R"("keys": [{"name": "a", "hash": ""}])",
         R"(c:2:32: keys[0].hash: expected "sha256:" and 64 hexadecimal digits)"},
        {R"("keys": [{"name": "a", "key": "x", "hash": "sha256:00"}])",
         "c:2:10: keys[0]: needs either \"key\" or \"hash\"\n"
         "c:2:44: keys[0].hash: expected \"sha256:\" and 64 hexadecimal digits"},
        {R"("keys": [{"name": "a", "key": "x"}, {"name": "b", "key": "x"}])",
         R"(c:2:37: keys[1]: is the same key as "a")"},
        {R"("keys": [{"name": "a", "key": "x", "expires": "soon"}])",
         "c:2:47: keys[0].expires: expected a date such as \"2027-01-01\" or "
         "\"2027-01-01T12:00:00Z\""},
        {R"("keys": [{"name": "a", "key": "x", "expires": "2027-02-30"}])",
         "c:2:47: keys[0].expires: there is no such day"},
        {R"("keys": [{"name": "a", "key": "x", "models": "*"}])",
         "c:2:46: keys[0].models: expected an array"},
        {R"("keys": {})", "c:2:9: keys: expected an array"},
    });
}

TEST_CASE("config: mistakes of providers") {
    const auto provider = [](const std::string& members) {
        return mistakes("{\"providers\":{\"p\":\n{" + members + "}}}");
    };
    CHECK(provider(R"("kind": "cohere")") ==
          R"(c:2:10: providers.p.kind: expected "openai" or "anthropic")");
    CHECK(provider(R"("weigth": 1)") == "c:2:2: providers.p.weigth: unknown key");
    CHECK(provider(R"("base_url": "ftp://x")").starts_with("c:2:14: providers.p.base_url: "));
    CHECK(provider(R"("base_url": "http://user@x")").starts_with("c:2:14: providers.p.base_url: "));
    CHECK(provider(R"("api_key": "a b")") ==
          "c:2:13: providers.p.api_key: a key has no spaces or control characters");
    CHECK(provider(R"("api_key": "${NONE}")") ==
          "c:2:13: providers.p.api_key: the environment variable NONE is not set");
    CHECK(provider(R"("headers": {"Host": "x"})") ==
          "c:2:22: providers.p.headers.Host: not a field that can be set");
    CHECK(provider(R"("headers": {"transfer-Encoding": "x"})") ==
          "c:2:35: providers.p.headers.transfer-Encoding: not a field that can be set");
    CHECK(provider(R"("headers": {"a b": "x"})") ==
          "c:2:21: providers.p.headers.a b: not a field that can be set");
    CHECK(provider(R"("headers": {"A": "x\r\nB: y"})") ==
          "c:2:19: providers.p.headers.A: has a control character");
    CHECK(provider(R"("pool": {"max": -1})") ==
          "c:2:18: providers.p.pool.max: expected a whole number from 0 to 1000000");
    CHECK(provider(R"("tls": {"verify": 0})") ==
          "c:2:20: providers.p.tls.verify: expected true or false");
    CHECK(mistakes(R"({"providers":{"a/b":{}}})") ==
          "c:1:21: providers.a/b: a provider's name has letters, digits, - and _ only");
    CHECK(mistakes(R"({"providers":{"a\"b":{}}})") ==
          "c:1:22: providers.a\"b: a provider's name has letters, digits, - and _ only");
    CHECK(mistakes("{}") == "c:1:1: providers: no provider is configured");
}

TEST_CASE("config: TLS needs both files, and says which one cannot be read") {
    check({
        {R"("listen": {"address": "127.0.0.1:1", "tls": {"key": "/key.pem"}})",
         "c:2:45: listen.tls: needs both \"cert\" and \"key\""},
        {R"("listen": {"address": "127.0.0.1:1", "tls": {"key": "/key.pem", "cert": "/none"}})",
         "c:2:73: listen.tls.cert: cannot read the file /none"},
        {R"("listen": {"address": "127.0.0.1:1", "tls": {"key": "/key.pem", "cert": "/nothing"}})",
         "c:2:45: listen.tls: a file is empty"},
        {R"("listen": {"address": "127.0.0.1:1", "tls": true})",
         "c:2:45: listen.tls: expected an object"},
    });
}

TEST_CASE("config: an address that others reach is refused without keys, where it stands") {
    CHECK(mistakes(with(R"("listen": ":8080")")).starts_with("c:2:11: listen: :8080 is reachable"));
    CHECK(mistakes(with(R"("listen": ":8080", "keys": [{"name": "a", "key": "x"}])")) == "none");
}

TEST_CASE("config: all mistakes are told at once, in the order of the text") {
    CHECK(mistakes("{\n  // comment\n  \"listne\": 1,\n  \"providers\": {\n    \"openai\": "
                   "{\"kind\": \"x\", \"kind\": \"openai\"}\n  },\n  \"models\": {\"m\": \"y\"},\n"
                   "  \"passthrough\": \"none\",\n}") ==
          "c:3:3: listne: unknown key (did you mean \"listen\"?)\n"
          "c:5:24: providers.openai.kind: expected \"openai\" or \"anthropic\"\n"
          "c:5:29: providers.openai.kind: occurs more than once\n"
          "c:7:19: models.m: expected \"provider/model\"\n"
          "c:8:18: passthrough: there is no provider \"none\"");
}

TEST_CASE("config: text that is no JSON is told where it breaks") {
    CHECK(mistakes("").starts_with("c:1:1: "));
    CHECK(mistakes("{\n  \"a\" 1\n}").starts_with("c:2:7: "));
    CHECK(mistakes("{} x").starts_with("c:1:4: "));
    CHECK(mistakes("{\"a\": /* never closed }").starts_with("c:1:7: "));
    CHECK(mistakes("[]") == "c:1:1: expected an object");
}
