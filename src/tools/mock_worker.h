#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "http/server_connection.h"
#include "net/tls.h"
#include "ring/task.h"
#include "tools/mock_prepared.h"
#include "tools/mock_shared.h"

namespace ringway::tools {

struct MockClientTag;

/// A connection to the mock, to be woken when the server drains or stops.
struct MockClient : base::ListHook<MockClientTag> {
    explicit MockClient(ring::Signal& client_signal) : signal(client_signal) {}
    ring::Signal& signal;
};

/// What the connections of one worker share.
struct MockWorker {
    MockWorker(ring::Loop& worker_loop, MockShared& all, unsigned index)
        : loop(worker_loop), shared(all), counters(all.counters[index]) {
        limits.body_bytes_max = uint64_t{256} << 20;
        // Gateways do not end their side to go on listening: one that does so has gone.
        limits.half_close = 0ns;
    }

    /// The same answers are asked for again and again: they are rendered once.
    std::shared_ptr<const MockPrepared> prepare(const MockFacts& facts, MockApi api, Bytes options,
                                                Bytes fault, bool is_chunked);
    void drain() {
        is_draining = true;
        wake_all();
    }
    void stop() {
        is_draining = is_stopping = true;
        wake_all();
    }

    ring::Loop& loop;
    MockShared& shared;
    MockCounters& counters;
    http::ServerLimits limits;
    ring::Scope scope;
    base::IntrusiveList<MockClient, MockClientTag> clients;
    wire::Fields fields; ///< of the head that was parsed last: dies with the next wait
    bool is_draining = false;
    bool is_stopping = false;

private:
    void wake_all() {
        clients.for_each([](MockClient& client) { client.signal.raise(); });
    }
    static constexpr size_t prepared_max = 64;
    std::unordered_map<std::string, std::shared_ptr<const MockPrepared>> prepared_;
    std::string key_; ///< of the lookup: kept for its memory
};

/// Serves one connection to the mock until it ends.
ring::Task<void> serve_mock_connection(MockWorker& worker, int socket,
                                       std::unique_ptr<net::Filter> filter);

} // namespace ringway::tools
