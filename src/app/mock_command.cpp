#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <thread>

#include "app/commands.h"
#include "app/signals.h"
#include "tools/mock_server.h"

namespace ringway::app {
namespace {

int fail(const std::string& problem, int exit_status) {
    std::fprintf(stderr, "mock: %s\n", problem.c_str());
    return exit_status;
}

std::optional<std::string> read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return std::nullopt;
    return std::string((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
}

/// What the command line asks for; the error is a sentence.
std::expected<tools::MockConfig, std::string> config_of(const Arguments& arguments) {
    tools::MockConfig config;
    if (!arguments.listen.empty()) config.listen = arguments.listen;
    config.workers = arguments.workers;
    config.cpuset = arguments.cpuset;
    for (const auto& [key, value] : arguments.mock_options) {
        if (key == "tls-cert" || key == "tls-key") {
            auto text = read_file(value);
            if (!text) return std::unexpected("cannot read " + value);
            (key == "tls-cert" ? config.tls_certificate_pem : config.tls_key_pem) =
                std::move(*text);
        } else if (auto applied = config.apply(key, value); !applied) {
            return std::unexpected(applied.error());
        }
    }
    if (config.tls_certificate_pem.empty() != config.tls_key_pem.empty()) {
        return std::unexpected("--tls-cert and --tls-key go together");
    }
    return config;
}

} // namespace

int mock_command(const Arguments& arguments) {
    block_order_signals();
    auto config = config_of(arguments);
    if (!config) return fail(config.error(), 2);
    const char* const scheme = config->tls_certificate_pem.empty() ? "http" : "https";
    auto mock = tools::MockServer::start(std::move(*config));
    if (!mock) return fail(mock.error(), 1);
    std::printf("mock: listening on %s://%s\n", scheme, (*mock)->address().c_str());
    std::fflush(stdout);
    std::atomic<bool> has_ended = false;
    std::thread waiter([&] {
        (*mock)->wait();
        has_ended = true;
        kill(getpid(), SIGTERM); // ends the wait for orders
    });
    while (!has_ended) {
        const Order order = wait_for_order();
        if (has_ended) break;
        if (order == Order::drain) (*mock)->drain();
        if (order == Order::stop) (*mock)->stop();
    }
    waiter.join();
    return 0;
}

} // namespace ringway::app
