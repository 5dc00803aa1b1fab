#include "http/pool.h"

#include <algorithm>

namespace ringway::http {

Pool::Pool(ring::Loop& loop, net::Resolver& resolver, PoolOptions options,
           std::unique_ptr<net::TlsClient> tls)
    : loop_(loop), resolver_(resolver), options_(std::move(options)), tls_(std::move(tls)),
      idle_signal_(loop), idle_deadline_(idle_signal_) {
    scope_.spawn(watch_idle());
}

Pool::~Pool() { RINGWAY_ASSERT(is_closed_ && scope_.running() == 0 && counters_.open == 0); }

ring::Task<Result<ClientConnectionPtr>> Pool::take(Waiting waiting) {
    if (ClientConnectionPtr idle = try_take_idle(waiting.signal)) co_return idle;
    co_return co_await open(waiting);
}

ClientConnectionPtr Pool::try_take_idle(ring::Signal& signal) {
    while (!idle_.empty()) {
        ClientConnectionPtr connection = std::move(idle_.back().connection);
        idle_.pop_back();
        if (!connection->is_reusable()) {
            --counters_.open;
            continue;
        }
        connection->stream().set_signal(signal);
        ++counters_.reused;
        return connection;
    }
    return nullptr;
}

ring::Task<Result<ClientConnectionPtr>> Pool::open(Waiting waiting) {
    if (options_.open_max != 0 && counters_.open >= options_.open_max) {
        co_return upstream_error(Code::overloaded, "all connections to the upstream are in use");
    }
    if (options_.origin.is_tls && tls_ == nullptr) {
        co_return upstream_error(Code::tls_failed, "TLS is not set up for this upstream");
    }
    ++counters_.open; // from now on: others may ask while this one connects
    auto connection = co_await connect(waiting);
    waiting.deadline.clear();
    if (connection) {
        ++counters_.opened;
    } else {
        --counters_.open;
        if (connection.error().code != Code::cancelled) ++counters_.failed;
    }
    co_return connection;
}

ring::Task<Result<ClientConnectionPtr>> Pool::connect(Waiting waiting) {
    const TimePoint deadline = loop_.now() + options_.connect_time;
    auto resolved =
        co_await resolver_.resolve(options_.origin.host, options_.origin.port, deadline);
    if (!resolved) co_return std::unexpected(resolved.error());
    waiting.deadline.set(loop_, deadline);
    Error last_error{Code::unreachable, Blame::upstream, Retry::other_target, 0, "no address"};
    for (const net::Address& address : *resolved) {
        if (waiting.is_abandoned(waiting.context) || waiting.deadline.has_passed(loop_.now()))
            break;
        auto stream = net::Stream::connect(loop_, address, waiting.signal,
                                           tls_ != nullptr ? tls_->connect(loop_) : nullptr);
        if (!stream) {
            last_error = stream.error();
            continue;
        }
        (*stream)->allow_zero_copy(); // closed during a request, the upstream is to forget it
        while (!(*stream)->is_established() && !(*stream)->failure() && !(*stream)->has_ended()) {
            if (waiting.is_abandoned(waiting.context)) {
                co_return gateway_error(Code::cancelled, "nobody waits for the connection");
            }
            if (waiting.deadline.has_passed(loop_.now())) {
                co_return upstream_error(Code::timeout, "connecting to the upstream took too long");
            }
            co_await waiting.signal.wait();
        }
        if ((*stream)->is_established()) {
            co_return std::make_unique<ClientConnection>(std::move(*stream));
        }
        last_error =
            (*stream)->failure().value_or(Error{Code::closed, Blame::upstream, Retry::other_target,
                                                0, "the upstream closed the connection at once"});
    }
    co_return std::unexpected(last_error);
}

void Pool::give_back(ClientConnectionPtr connection) {
    if (connection == nullptr) return;
    if (is_closed_ || idle_.size() >= options_.idle_max || !connection->is_reusable()) {
        --counters_.open;
        return;
    }
    connection->release_head();
    connection->stream().set_signal(idle_signal_);
    connection->stream().resume_reading(); // a slow client may have had it paused
    if (idle_.empty()) idle_deadline_.set(loop_, loop_.now() + options_.idle_time);
    idle_.push_back({std::move(connection), loop_.now()});
}

ring::Task<void> Pool::watch_idle() {
    while (!is_closed_) {
        co_await idle_signal_.wait();
        drop_dead_and_old();
    }
}

void Pool::drop_dead_and_old() {
    const TimePoint now = loop_.now();
    const auto is_spent = [&](const Idle& idle) {
        const bool is_old = now >= idle.since + options_.idle_time;
        if (is_old) ++counters_.expired;
        return is_closed_ || is_old || !idle.connection->is_reusable();
    };
    counters_.open -= std::erase_if(idle_, is_spent);
    if (!idle_.empty()) {
        idle_deadline_.set(loop_, idle_.front().since + options_.idle_time);
    } else {
        idle_deadline_.clear();
    }
}

PoolCounters Pool::counters() const {
    PoolCounters counters = counters_;
    counters.idle = idle_.size();
    return counters;
}

void Pool::close() {
    is_closed_ = true;
    drop_dead_and_old();
    idle_signal_.raise();
}

} // namespace ringway::http
