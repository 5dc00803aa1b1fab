#include "gateway/worker_state.h"

#include <algorithm>

namespace ringway::gateway {

WorkerState::WorkerState(ring::Loop& loop, unsigned index, net::NameService& names,
                         observe::Counters& counters, observe::Log& log,
                         std::shared_ptr<const Snapshot> snapshot)
    : loop_(loop), index_(index), counters_(counters), own_counters_(counters.worker(index)),
      log_(log), resolver_(loop, names) {
    replace_snapshot(std::move(snapshot));
}

WorkerState::~WorkerState() { RINGWAY_ASSERT(scope_.running() == 0); }

void WorkerState::apply(const Config& config) {
    limits_.head.head_bytes_max = config.head_bytes_max;
    limits_.body_bytes_max = config.body_bytes_max;
    limits_.upload_bytes_max = config.upload_bytes_max;
    limits_.idle = config.client_idle_time;
    limits_.head_time = config.client_head_time;
    limits_.body_grace = config.client_body_grace;
}

http::Pool& WorkerState::pool_for(const Provider& provider) {
    auto& pool = pools_[provider.pool_key];
    if (pool == nullptr) {
        std::unique_ptr<net::TlsClient> tls;
        if (provider.pool.origin.is_tls) {
            auto made = net::TlsClient::make(provider.pool.origin.host, provider.pool.tls);
            if (made) {
                tls = std::move(*made);
            } else {
                log_.write(observe::LogLevel::error, "TLS cannot be set up",
                           {{"provider", provider.config.name}, {"reason", made.error()}});
            }
        }
        pool = std::make_unique<http::Pool>(loop_, resolver_, provider.pool, std::move(tls));
    }
    pool->set_options(provider.pool);
    return *pool;
}

void WorkerState::replace_snapshot(std::shared_ptr<const Snapshot> snapshot) {
    auto pinned = std::make_unique<PinnedSnapshot>();
    for (const Provider& provider : snapshot->providers()) {
        pinned->pools.push_back(&pool_for(provider));
        pinned->counters.push_back(&counters_.provider(provider.config.name, index_));
    }
    apply(snapshot->config());
    pinned->snapshot = std::move(snapshot);
    snapshots_.push_back(std::move(pinned));
    retire_unused();
}

PinnedSnapshot& WorkerState::pin() {
    ++snapshots_.back()->exchanges;
    return *snapshots_.back();
}

void WorkerState::unpin(PinnedSnapshot& pinned) {
    RINGWAY_ASSERT(pinned.exchanges > 0);
    if (--pinned.exchanges == 0 && &pinned != snapshots_.back().get()) retire_unused();
}

void WorkerState::retire_unused() {
    const PinnedSnapshot* newest = snapshots_.back().get();
    std::erase_if(snapshots_, [&](const auto& pinned) {
        return pinned.get() != newest && pinned->exchanges == 0;
    });
}

void WorkerState::drain() {
    is_ready_ = false;
    is_draining_ = true;
    wake_clients();
}

void WorkerState::abandon() {
    is_ready_ = false;
    is_draining_ = is_abandoning_ = true;
    wake_clients();
}

void WorkerState::wake_clients() {
    clients_.for_each([](ServedClient& client) { client.signal.raise(); });
}

void WorkerState::sample() {
    observe::WorkerCounters& into = counters();
    http::PoolCounters sums;
    uint64_t handshakes = 0;
    uint64_t resumed = 0;
    for (const auto& [key, pool] : pools_) {
        const http::PoolCounters counted = pool->counters();
        sums.open += counted.open;
        sums.idle += counted.idle;
        sums.opened += counted.opened;
        sums.reused += counted.reused;
        handshakes += pool->tls_counters().handshakes;
        resumed += pool->tls_counters().resumed;
    }
    into.upstream_open.set(sums.open);
    into.upstream_idle.set(sums.idle);
    into.upstream_opened.set(sums.opened);
    into.upstream_reused.set(sums.reused);
    into.tls_handshakes.set(handshakes);
    into.tls_resumed.set(resumed);
    into.block_bytes_in_use.set(loop_.blocks().bytes_in_use());
    into.block_bytes_held.set(loop_.blocks().bytes_held());
    into.pooled_bytes_in_use.set(ring::memory::bytes_in_use());
    into.tasks_running.set(scope_.running());
    into.timers_armed.set(loop_.timers().armed());
    into.turns.set(loop_.counters().turns);
    into.wakeups.set(loop_.counters().wakeups);
}

ring::Task<void> WorkerState::close_pools() {
    for (auto& [key, pool] : pools_) {
        pool->close();
        co_await pool->drained();
    }
    pools_.clear();
}

} // namespace ringway::gateway
