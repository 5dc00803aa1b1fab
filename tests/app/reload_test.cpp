#include <doctest/doctest.h>

#include "ringway/server.h"
#include "support/certificates.h"

using namespace ringway;

namespace {

Config small_config() {
    Config config;
    config.listen.push_back({"127.0.0.1:0", {}, {}});
    config.admin_listen = "";
    config.workers = 1;
    config.log_level = "off";
    ProviderConfig& provider = config.providers.emplace_back();
    provider.name = "local";
    provider.base_url = "http://127.0.0.1:9/v1";
    return config;
}

std::string refusal(Server& server, const Config& config) {
    const auto outcome = server.reload(config);
    return outcome ? "none" : outcome.error();
}

} // namespace

TEST_CASE("reload: what cannot change while running is refused by name, and the rest is taken") {
    auto started = Server::start(small_config());
    if (!started) FAIL(started.error());
    Server& server = **started;
    CHECK(server.addresses().size() == 1);
    CHECK(refusal(server, small_config()) == "none");

    Config changed = small_config();
    changed.listen[0].address = "127.0.0.1:1";
    CHECK(refusal(server, changed) == "a change of \"listen\" needs a restart");
    changed = small_config();
    changed.listen.push_back({"127.0.0.1:0", {}, {}});
    CHECK(refusal(server, changed) == "a change of \"listen\" needs a restart");
    changed = small_config();
    const net::TlsIdentity identity = tests::CertificateAuthority().issue();
    changed.listen[0].tls_certificate = identity.certificate_pem;
    changed.listen[0].tls_key = Secret(identity.key_pem);
    CHECK(refusal(server, changed) == "a change of \"listen\" needs a restart");
    changed = small_config();
    changed.admin_listen = "127.0.0.1:1";
    CHECK(refusal(server, changed) == "a change of \"admin\" needs a restart");
    changed = small_config();
    changed.workers = 2;
    CHECK(refusal(server, changed) == "a change of \"runtime.workers\" needs a restart");
    changed = small_config();
    changed.cpuset = "0";
    CHECK(refusal(server, changed) == "a change of \"runtime.cpuset\" needs a restart");
    changed = small_config();
    changed.providers[0].base_url = "nonsense";
    CHECK(refusal(server, changed).starts_with("providers.local.base_url: "));

    changed = small_config();
    changed.providers[0].base_url = "http://127.0.0.1:10/v1";
    changed.log_level = "error";
    CHECK(refusal(server, changed) == "none");
    server.stop();
    server.wait();
}

TEST_CASE("reload: a certificate that cannot serve leaves the old one in place") {
    const net::TlsIdentity identity = tests::CertificateAuthority().issue();
    Config config = small_config();
    config.listen[0].tls_certificate = identity.certificate_pem;
    config.listen[0].tls_key = Secret(identity.key_pem);
    auto started = Server::start(config);
    if (!started) FAIL(started.error());
    Config changed = config;
    changed.listen[0].tls_key = Secret("nonsense");
    CHECK(refusal(**started, changed).find("no usable private key") != std::string::npos);
    CHECK(refusal(**started, config) == "none");
}

TEST_CASE("server: what it cannot start with is told in a sentence") {
    Config config = small_config();
    config.listen[0].address = "nonsense";
    CHECK_FALSE(Server::start(config).has_value());
    config = small_config();
    config.cpuset = "9999";
    CHECK_FALSE(Server::start(config).has_value());
    config = small_config();
    config.listen[0].tls_certificate = "nonsense";
    CHECK_FALSE(Server::start(config).has_value());
}
