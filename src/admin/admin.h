#pragma once

#include <functional>
#include <memory>

#include "http/server_connection.h"
#include "observe/catalogue.h"
#include "observe/counters.h"
#include "ring/task.h"

namespace ringway::admin {

struct AdminClientTag;

/// A connection to the admin listener, to be woken when the server stops.
struct AdminClient : base::ListHook<AdminClientTag> {
    explicit AdminClient(ring::Signal& client_signal) : signal(client_signal) {}
    ring::Signal& signal;
};

/// What the admin listener serves from. Belongs to the worker that has the listener.
struct AdminContext {
    ring::Loop& loop;
    observe::Counters& counters;
    observe::BuildInfo build;
    http::ServerLimits limits;
    /// Asks every worker to put what only it knows into its counters; calls `done` on this loop once
    /// for each worker.
    std::function<void(std::function<void()> done)> sample;
    /// Whether the server takes new work.
    std::function<bool()> is_ready;
    ring::Scope scope;
    base::IntrusiveList<AdminClient, AdminClientTag> clients;
    bool is_stopping = false;

    /// No more requests; the connections' tasks end some turns later.
    void stop() {
        is_stopping = true;
        clients.for_each([](AdminClient& client) { client.signal.raise(); });
    }
};

/// Serves one connection to the admin listener: GET /metrics, /healthz, /readyz.
ring::Task<void> serve_admin_connection(AdminContext& context, int socket);

} // namespace ringway::admin
