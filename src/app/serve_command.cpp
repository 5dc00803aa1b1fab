#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <thread>

#include "app/commands.h"
#include "app/config_file.h"
#include "app/signals.h"
#include "ringway/server.h"

namespace ringway::app {
namespace {

/// The configuration that the command line asks for; prints what is wrong with it.
std::optional<Config> load_config(const Arguments& arguments) {
    const ConfigSurroundings surroundings = real_surroundings();
    Config config;
    if (arguments.config_file.empty()) {
        auto made = default_config(surroundings, arguments.providers);
        if (!made) {
            std::fprintf(stderr, "ringway: %s\n", made.error().c_str());
            return std::nullopt;
        }
        config = std::move(*made);
    } else {
        const auto text = surroundings.file(arguments.config_file);
        if (!text) {
            std::fprintf(stderr, "ringway: %s\n", text.error().c_str());
            return std::nullopt;
        }
        auto read = read_config(*text, surroundings);
        if (!read) {
            for (const ConfigProblem& problem : read.error()) {
                std::fprintf(stderr, "%s\n", problem.to_string(arguments.config_file).c_str());
            }
            return std::nullopt;
        }
        config = std::move(*read);
    }
    if (!arguments.listen.empty()) config.listen = {{arguments.listen, {}, {}}};
    if (arguments.workers) config.workers = arguments.workers;
    if (!arguments.cpuset.empty()) config.cpuset = arguments.cpuset;
    if (const auto problem = exposure_of(config)) {
        std::fprintf(stderr, "ringway: %s\n", problem->c_str());
        return std::nullopt;
    }
    return config;
}

void print_start(const Server& server, const Config& config) {
    for (const std::string& address : server.addresses()) {
        std::fprintf(stderr, "ringway: listening on %s\n", address.c_str());
    }
    if (const std::string admin = server.admin_address(); !admin.empty()) {
        std::fprintf(stderr, "ringway: metrics on http://%s/metrics\n", admin.c_str());
    }
    for (const ProviderConfig& provider : config.providers) {
        std::fprintf(stderr, "ringway: provider %s at %s\n", provider.name.c_str(),
                     provider.base_url.c_str());
    }
}

/// A configuration with a mistake changes nothing.
void reload(const Arguments& arguments, Server& server) {
    const auto config = load_config(arguments);
    if (!config) {
        std::fprintf(stderr, "ringway: configuration not reloaded\n");
    } else if (const auto reloaded = server.reload(*config); !reloaded) {
        std::fprintf(stderr, "ringway: configuration not reloaded: %s\n",
                     reloaded.error().c_str());
    } else {
        std::fprintf(stderr, "ringway: configuration reloaded\n");
    }
}

} // namespace

int serve_command(const Arguments& arguments) {
    block_order_signals();
    auto config = load_config(arguments);
    if (!config) return 2;
    auto server = Server::start(*config);
    if (!server) {
        std::fprintf(stderr, "ringway: %s\n", server.error().c_str());
        return 1;
    }
    print_start(**server, *config);
    std::atomic<bool> has_ended = false;
    std::thread waiter([&] {
        (*server)->wait();
        has_ended = true;
        kill(getpid(), SIGTERM); // ends the wait for orders
    });
    while (!has_ended) {
        const Order order = wait_for_order();
        if (has_ended) break;
        if (order == Order::reload) {
            reload(arguments, **server);
        } else if (order == Order::drain) {
            std::fprintf(stderr, "ringway: draining; another signal stops at once\n");
            (*server)->drain();
        } else {
            (*server)->stop();
        }
    }
    waiter.join();
    return 0;
}

int check_command(const Arguments& arguments) {
    const auto config = load_config(arguments);
    if (!config) return 1;
    std::printf("%s: good\n", arguments.config_file.c_str());
    return 0;
}

} // namespace ringway::app
