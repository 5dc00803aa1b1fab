#include "app/signals.h"

#include <csignal>
#include <initializer_list>

namespace ringway::app {
namespace {

sigset_t order_signals() {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : {SIGTERM, SIGINT, SIGQUIT, SIGHUP}) sigaddset(&set, signal);
    return set;
}

} // namespace

void block_order_signals() {
    const sigset_t set = order_signals();
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
}

Order wait_for_order() {
    static bool is_draining = false;
    const sigset_t set = order_signals();
    int signal = 0;
    while (sigwait(&set, &signal) != 0) {
    }
    if (signal == SIGHUP) return Order::reload;
    const bool stops = signal == SIGQUIT || is_draining;
    is_draining = true;
    return stops ? Order::stop : Order::drain;
}

} // namespace ringway::app
