#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "gateway/snapshot.h"
#include "http/head_writer.h"
#include "http/pool.h"
#include "http/server_connection.h"
#include "net/resolver.h"
#include "observe/counters.h"
#include "observe/log.h"
#include "ring/loop.h"
#include "ring/task.h"

namespace ringway::gateway {

/// A snapshot as one worker uses it: with this worker's pools and counters beside each provider.
struct PinnedSnapshot {
    std::shared_ptr<const Snapshot> snapshot;
    std::vector<http::Pool*> pools;
    std::vector<observe::ProviderCounters*> counters;
    unsigned exchanges = 0; ///< that began with it and have not ended
};

struct ClientTag;

/// A client connection as its worker knows it, to be told when the server drains.
struct ServedClient : base::ListHook<ClientTag> {
    explicit ServedClient(ring::Signal& client_signal) : signal(client_signal) {}
    ring::Signal& signal;
};

/// What one worker has to serve with. Belongs to that worker's thread.
class WorkerState {
public:
    WorkerState(ring::Loop& loop, unsigned index, net::NameService& names,
                observe::Counters& counters, observe::Log& log,
                std::shared_ptr<const Snapshot> snapshot);
    ~WorkerState();

    ring::Loop& loop() { return loop_; }
    unsigned index() const { return index_; }
    observe::WorkerCounters& counters() { return own_counters_; }
    observe::Log& log() { return log_; }
    const http::ServerLimits& limits() const { return limits_; }
    ring::Scope& scope() { return scope_; }
    http::DateCache& date() { return date_; }
    int64_t wall_clock_s() { return loop_.backend().wall_clock_s(); }

    /// Fields of the head parsed last. They die with the next head that is parsed on this worker,
    /// so nobody keeps them over a co_await.
    wire::Fields& fields() { return *fields_; }

    const Snapshot& newest() const { return *snapshots_.back()->snapshot; }
    /// The newest configuration, kept for an exchange until unpin().
    PinnedSnapshot& pin();
    void unpin(PinnedSnapshot& pinned);
    /// Exchanges from now on see this one.
    void replace_snapshot(std::shared_ptr<const Snapshot> snapshot);

    void add_client(ServedClient& client) { clients_.push_back(client); }
    /// Requests are still served, but those who balance load are told to send no more.
    void announce_drain() { is_ready_ = false; }
    bool is_ready() const { return is_ready_; }
    /// No new requests: idle clients are closed, others after their answer.
    void drain();
    bool is_draining() const { return is_draining_; }
    /// Breaks off whatever still runs.
    void abandon();
    bool is_abandoning() const { return is_abandoning_; }

    /// Puts what only this worker knows into its counters.
    void sample();
    /// Closes all pools; they end some turns later.
    ring::Task<void> close_pools();

private:
    void apply(const Config& config);
    http::Pool& pool_for(const Provider& provider);
    void retire_unused();
    void wake_clients();

    ring::Loop& loop_;
    unsigned index_;
    observe::Counters& counters_;
    observe::WorkerCounters& own_counters_;
    observe::Log& log_;
    net::Resolver resolver_;
    http::ServerLimits limits_;
    ring::Scope scope_;
    http::DateCache date_;
    std::unique_ptr<wire::Fields> fields_ = std::make_unique<wire::Fields>();
    std::unordered_map<std::string, std::unique_ptr<http::Pool>> pools_;
    std::vector<std::unique_ptr<PinnedSnapshot>> snapshots_; ///< the newest last
    base::IntrusiveList<ServedClient, ClientTag> clients_;
    bool is_ready_ = true;
    bool is_draining_ = false;
    bool is_abandoning_ = false;
};

} // namespace ringway::gateway
