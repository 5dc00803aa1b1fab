// Long streams on whole servers with several workers, over real sockets.
#include <dirent.h>
#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "ringway/server.h"
#include "support/certificates.h"
#include "support/raw_client.h"
#include "support/ring_world.h"
#include "support/sim_world.h"
#include "tools/mock_server.h"

using namespace ringway;
using ringway::test::RawClient;

namespace {

using Clients = std::vector<std::unique_ptr<RawClient>>;

uint16_t port_of(const std::string& address) {
    uint16_t port = 0;
    const char* const digits = address.data() + address.rfind(':') + 1;
    std::from_chars(digits, address.data() + address.size(), port);
    return port;
}

std::string socket_path() {
    return "/tmp/ringway-placement-test-" + std::to_string(getpid()) + ".sock";
}

/// What each descriptor is, such as "socket:[4711]".
std::vector<std::string> open_descriptors() {
    std::vector<std::string> links;
    DIR* const directory = opendir("/proc/self/fd");
    while (const dirent* const entry = readdir(directory)) {
        char link[256] = {};
        const ssize_t size =
            readlink(("/proc/self/fd/" + std::string(entry->d_name)).c_str(), link, sizeof link);
        if (size > 0) links.emplace_back(link, static_cast<size_t>(size));
    }
    closedir(directory);
    return links;
}

/// A provider whose streams begin at once and never end.
std::unique_ptr<tools::MockServer> endless_provider() {
    tools::MockConfig config;
    config.listen = "127.0.0.1:0";
    config.workers = 1;
    config.defaults.tokens = 2;
    config.defaults.gap = 1h;
    auto mock = tools::MockServer::start(std::move(config));
    if (!mock) FAIL(mock.error());
    return std::move(*mock);
}

/// A gateway in front of an endless provider, and its clients.
class Gateway {
public:
    explicit Gateway(unsigned workers, const std::string& listen = "127.0.0.1:0",
                     const net::TlsIdentity& identity = {})
        : mock_(endless_provider()) {
        Config config;
        config.listen.push_back({listen, identity.certificate_pem, Secret(identity.key_pem)});
        config.admin_listen = "127.0.0.1:0";
        config.workers = workers;
        config.log_level = "off";
        ProviderConfig& provider = config.providers.emplace_back();
        provider.name = "mock";
        provider.base_url = "http://" + mock_->address() + "/v1";
        auto started = Server::start(std::move(config));
        if (!started) FAIL(started.error());
        server_ = std::move(*started);
    }
    ~Gateway() {
        server_->stop();
        server_->wait();
        mock_->stop();
        mock_->wait();
    }

    Server& server() { return *server_; }
    uint16_t port() const { return port_of(server_->addresses()[0]); }

    /// The samples of a metric, one for each worker.
    std::vector<uint64_t> metric(const std::string& name) {
        RawClient client(port_of(server_->admin_address()));
        client.send("GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        const std::string page = client.read_to_end();
        std::vector<uint64_t> values;
        const std::string begin = "\n" + name + "{worker=\"";
        for (size_t at = page.find(begin); at != std::string::npos; at = page.find(begin, at + 1)) {
            const size_t space = page.find(' ', at + begin.size());
            uint64_t value = 0;
            std::from_chars(page.data() + space + 1, page.data() + page.size(), value);
            values.push_back(value);
        }
        return values;
    }
    uint64_t sum(const std::string& name) {
        uint64_t total = 0;
        for (const uint64_t value : metric(name)) total += value;
        return total;
    }

    static void ask(RawClient& client) {
        const std::string body = R"({"model":"m","stream":true,"messages":[]})";
        client.send("POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: "
                    "application/json\r\nContent-Length: " +
                    std::to_string(body.size()) + "\r\n\r\n" + body);
    }
    /// Whether the stream has begun: then its worker has counted it.
    static bool has_begun(RawClient& client) { return !client.read_until("data: ").empty(); }

private:
    std::unique_ptr<tools::MockServer> mock_;
    std::unique_ptr<Server> server_;
};

/// (most - least) / mean, in percent.
uint64_t spread_percent(const std::vector<uint64_t>& values) {
    uint64_t sum = 0;
    for (const uint64_t value : values) sum += value;
    const auto [least, most] = std::minmax_element(values.begin(), values.end());
    return 100 * (*most - *least) * values.size() / std::max<uint64_t>(sum, 1);
}

/// All streams run, and no worker has many more than another.
void check_spread(Gateway& gateway, unsigned workers, size_t streams) {
    const std::vector<uint64_t> counts = gateway.metric("ringway_streams");
    REQUIRE(counts.size() == workers);
    CHECK(gateway.sum("ringway_streams") == streams);
    CAPTURE(*std::min_element(counts.begin(), counts.end()));
    CAPTURE(*std::max_element(counts.begin(), counts.end()));
    CHECK(spread_percent(counts) <= 20);
}

} // namespace

TEST_CASE("placement: 200 streams that begin one after the other are within 20 %") {
    for (const unsigned workers : {2U, 3U, 4U}) {
        CAPTURE(workers);
        Gateway gateway(workers);
        Clients clients;
        for (int i = 0; i < 200; ++i) {
            RawClient& client = *clients.emplace_back(std::make_unique<RawClient>(gateway.port()));
            Gateway::ask(client);
            REQUIRE(Gateway::has_begun(client));
        }
        check_spread(gateway, workers, clients.size());
    }
}

TEST_CASE("placement: 200 streams that begin at once are within 20 %") {
    for (const unsigned workers : {2U, 4U}) {
        CAPTURE(workers);
        Gateway gateway(workers);
        Clients clients;
        for (int i = 0; i < 200; ++i) {
            clients.push_back(std::make_unique<RawClient>(gateway.port()));
        }
        for (auto& client : clients) Gateway::ask(*client);
        for (auto& client : clients) REQUIRE(Gateway::has_begun(*client));
        check_spread(gateway, workers, clients.size());
    }
}

TEST_CASE("placement: streams over a Unix socket, which one worker accepts, are within 20 %") {
    Gateway gateway(4, "unix:" + socket_path());
    Clients clients;
    for (int i = 0; i < 200; ++i) {
        RawClient& client = *clients.emplace_back(std::make_unique<RawClient>(socket_path()));
        Gateway::ask(client);
        REQUIRE(Gateway::has_begun(client));
    }
    check_spread(gateway, 4, clients.size());
    CHECK(gateway.metric("ringway_client_connections_total")[0] == 200);
    CHECK(gateway.sum("ringway_client_connections_handed_over_total") >= 140);
}

TEST_CASE("placement: streams that have ended make room, and idle connections do not") {
    Gateway gateway(2, "unix:" + socket_path());
    Clients clients;
    const auto add_streams = [&](int count) {
        for (int i = 0; i < count; ++i) {
            RawClient& client = *clients.emplace_back(std::make_unique<RawClient>(socket_path()));
            Gateway::ask(client);
            REQUIRE(Gateway::has_begun(client));
        }
    };
    add_streams(100);
    check_spread(gateway, 2, 100);
    for (size_t i = 0; i < clients.size(); i += 2) clients[i]->reset_on_close();
    for (size_t i = 0; i < clients.size(); i += 2) clients[i]->close();
    for (int tries = 0; tries < 2000 && gateway.sum("ringway_streams") > 50; ++tries) {}
    REQUIRE(gateway.sum("ringway_streams") == 50);
    Clients idle;
    for (int i = 0; i < 60; ++i) {
        RawClient& client = *idle.emplace_back(std::make_unique<RawClient>(socket_path()));
        client.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
        REQUIRE(client.read_until("ok").ends_with("ok"));
    }
    for (int tries = 0; tries < 2000 && gateway.sum("ringway_client_connections_idle") < 60;
         ++tries) {}
    CHECK(gateway.sum("ringway_client_connections_idle") == 60);
    add_streams(150);
    check_spread(gateway, 2, 200);
}

TEST_CASE("placement: a TLS connection is handed over before its handshake, and resumes anywhere") {
    const tests::CertificateAuthority authority;
    const net::TlsIdentity identity = authority.issue({.names = {"IP:127.0.0.1"}});
    const tests::TemporaryFile ca_file(authority.pem());
    Gateway gateway(2, "127.0.0.1:0", identity);
    const auto tls = net::TlsClient::make("127.0.0.1", {ca_file.path(), true});
    REQUIRE(tls.has_value());
    tests::RingWorld world;
    ring::Signal signal(world.loop);
    const net::Address address = *net::parse_address("127.0.0.1:" + std::to_string(gateway.port()));
    std::vector<net::StreamPtr> streams;
    constexpr unsigned count = 40;
    for (unsigned i = 0; i < count; ++i) {
        auto connecting =
            net::Stream::connect(world.loop, address, signal, (*tls)->connect(world.loop));
        REQUIRE(connecting.has_value());
        net::Stream& stream = *streams.emplace_back(std::move(*connecting));
        const std::string body = R"({"model":"m","stream":true,"messages":[]})";
        const std::string request = "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n"
                                    "Content-Type: application/json\r\nContent-Length: " +
                                    std::to_string(body.size()) + "\r\n\r\n" + body;
        stream.write(tests::slice_of(world.blocks, request));
        std::string got;
        world.turn_until([&] {
            while (stream.has_input()) got += stream.take().bytes();
            return got.find("data: ") != std::string::npos;
        });
    }
    check_spread(gateway, 2, count);
    for (const uint64_t streams_of_one : gateway.metric("ringway_streams")) {
        CHECK(streams_of_one > 0);
    }
    CHECK((*tls)->counters().handshakes == count);
    CHECK((*tls)->counters().resumed == count - 1);
    streams.clear();
}

TEST_CASE("placement: whatever is under way when the server stops or drains is closed, not lost") {
    { Gateway warm_up(4); } // what is opened once stays open
    const size_t before = open_descriptors().size();
    for (int round = 0; round < 12; ++round) {
        CAPTURE(round);
        Gateway gateway(4, "unix:" + socket_path());
        std::atomic<bool> is_over = false;
        std::thread crowd([&] {
            Clients clients;
            while (!is_over && clients.size() < 500) {
                clients.push_back(std::make_unique<RawClient>(socket_path()));
                Gateway::ask(*clients.back());
                if (clients.size() % 7 == 0) clients.pop_back();
            }
        });
        while (gateway.sum("ringway_client_connections_handed_over_total") <
               static_cast<uint64_t>(5 * round)) {}
        if (round % 2 == 0) gateway.server().drain();
        gateway.server().stop();
        gateway.server().wait();
        is_over = true;
        crowd.join();
    }
    const std::vector<std::string> after = open_descriptors();
    std::string all;
    for (const std::string& link : after) all += link + " ";
    CAPTURE(all);
    CHECK(after.size() == before);
}

TEST_CASE("server: one that ended with connections open can be started again at once") {
    uint16_t port = 0;
    for (int round = 0; round < 10; ++round) {
        CAPTURE(round);
        Gateway gateway(4, "127.0.0.1:" + std::to_string(port));
        port = gateway.port();
        Clients clients;
        for (int i = 0; i < 8; ++i) {
            RawClient& client = *clients.emplace_back(std::make_unique<RawClient>(port));
            Gateway::ask(client);
            REQUIRE(Gateway::has_begun(client));
        }
        gateway.server().stop();
        gateway.server().wait();
    }
}

TEST_CASE("server: it waits for an address that a killed process still holds") {
    const int holder = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const net::Address any = *net::parse_address("127.0.0.1:0");
    REQUIRE(bind(holder, any.get(), any.length()) == 0);
    REQUIRE(listen(holder, 1) == 0);
    sockaddr_storage bound{};
    socklen_t length = sizeof bound;
    getsockname(holder, reinterpret_cast<sockaddr*>(&bound), &length);
    const std::string address =
        net::Address(reinterpret_cast<sockaddr*>(&bound), length).to_string();
    auto starting = std::async(std::launch::async, [&] { Gateway gateway(1, address); });
    CHECK(starting.wait_for(std::chrono::milliseconds(30)) == std::future_status::timeout);
    close(holder);
    starting.get(); // fails the test if it did not start
}
