#pragma once

#include <deque>
#include <memory>
#include <string>

#include "http/client_connection.h"
#include "net/resolver.h"
#include "net/tls.h"
#include "ring/deadline.h"
#include "ring/task.h"
#include "wire/url.h"

namespace ringway::http {

struct PoolOptions {
    wire::Url origin;
    net::TlsClientOptions tls;
    unsigned idle_max = 256;    ///< connections kept for the next request
    Duration idle_time = 50s;   ///< below the 60 s after which common servers close
    unsigned open_max = 0;      ///< connections at all; 0: no bound
    Duration connect_time = 5s; ///< name, TCP and TLS together
};

struct PoolCounters {
    uint64_t opened = 0;
    uint64_t reused = 0;
    uint64_t failed = 0; ///< attempts to connect
    uint64_t expired = 0;
    uint64_t open = 0; ///< now, idle ones included
    uint64_t idle = 0; ///< now
};

/// Who waits for a connection, and when to give up.
struct Waiting {
    ring::Signal& signal;
    ring::Deadline& deadline;
    /// Whether the one it is for is gone; looked at whenever the signal was raised.
    bool (*is_abandoned)(const void* context);
    const void* context;
};

/// The connections of one worker to one upstream origin. Idle ones are taken last in, first out, so
/// that surplus ones expire; one that ends, or says anything, while idle is closed.
class Pool {
public:
    Pool(ring::Loop& loop, net::Resolver& resolver, PoolOptions options,
         std::unique_ptr<net::TlsClient> tls);
    ~Pool();
    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;

    /// A connection that is ready: an idle one, if any is alive, or a new one.
    /// Errors: {refused}, {unreachable}, {timeout}, {tls_failed}, {overloaded}, {cancelled} ...
    ring::Task<Result<ClientConnectionPtr>> take(Waiting waiting);
    /// An idle one that is alive, or null.
    ClientConnectionPtr try_take_idle(ring::Signal& signal);
    /// A new one, always.
    ring::Task<Result<ClientConnectionPtr>> open(Waiting waiting);

    /// Takes back what the exchange is done with: keeps it if it may be used again, else closes it.
    void give_back(ClientConnectionPtr connection);

    /// From the next connection on. The origin stays what it is.
    void set_options(const PoolOptions& options) { options_ = options; }
    /// Of all its connections, kept or not.
    AckHistory& ack_history() { return ack_history_; }
    PoolCounters counters() const;
    net::TlsClient::Counters tls_counters() const {
        return tls_ != nullptr ? tls_->counters() : net::TlsClient::Counters{};
    }
    /// Closes all idle connections, and every one given back from now on.
    void close();
    /// Awaitable: after close(), nothing of the pool runs any more.
    auto drained() { return scope_.drained(); }

private:
    struct Idle {
        ClientConnectionPtr connection;
        TimePoint since;
    };
    ring::Task<Result<ClientConnectionPtr>> connect(Waiting waiting);
    ring::Task<void> watch_idle();
    void drop_dead_and_old();

    ring::Loop& loop_;
    net::Resolver& resolver_;
    PoolOptions options_;
    std::unique_ptr<net::TlsClient> tls_;
    std::deque<Idle> idle_; ///< oldest first
    ring::Signal idle_signal_;
    ring::Deadline idle_deadline_;
    ring::Scope scope_;
    PoolCounters counters_;
    AckHistory ack_history_;
    bool is_closed_ = false;
};

} // namespace ringway::http
