#include "gateway/serve.h"

#include "gateway/phases.h"
#include "gateway/pipeline.h"

namespace ringway::gateway {
namespace {

/// A server that stops breaks off what runs, and tells the clients so: those that read nothing may
/// hold it up this long.
constexpr Duration last_words_max = 200ms;

/// A head that cannot be understood is answered, and the connection closed. Nothing to answer when
/// the client just left.
AfterAnswer refuse_head(WorkerState& worker, http::ServerConnection& client, const Error& error) {
    if (error.code == Code::closed) return AfterAnswer::close;
    Exchange exchange(worker, client);
    exchange.must_close = true;
    guess_call(exchange);
    return finish(exchange, std::unexpected(error));
}

/// Looks for the next request, and answers a head that is none: then `after` says how to go on. Not
/// inlined into the coroutine: an idle connection's frame would have room for all of it.
[[gnu::noinline]] http::Progress find_request(WorkerState& worker, http::ServerConnection& client,
                                              AfterAnswer& after) {
    const Result<http::Progress> head = client.poll_head();
    if (head) return *head;
    after = refuse_head(worker, client, head.error());
    return http::Progress::waiting;
}

} // namespace

ring::Task<void> serve_connection(WorkerState& worker, int socket,
                                  std::unique_ptr<net::Filter> filter) {
    http::ServerConnection client(worker.loop(), socket, worker.limits(), std::move(filter));
    ServedClient served(client.signal());
    worker.add_client(served);
    observe::WorkerCounters& counters = worker.counters();
    counters.connections_open.add();
    bool is_idle = false; // a connection that has not asked yet is about to
    AfterAnswer after = AfterAnswer::keep_open;
    while (after == AfterAnswer::keep_open) {
        if (find_request(worker, client, after) == http::Progress::waiting) {
            if (after != AfterAnswer::keep_open || worker.is_draining()) break;
            co_await client.signal().wait();
        } else {
            if (std::exchange(is_idle, false)) counters.connections_idle.subtract();
            counters.exchanges_running.add();
            after = co_await process_request(worker, client);
            counters.exchanges_running.subtract();
            client.await_next_request();
            is_idle = after == AfterAnswer::keep_open;
            if (is_idle) counters.connections_idle.add();
        }
    }
    if (is_idle) counters.connections_idle.subtract();
    if (worker.is_abandoning()) {
        co_await client.close_gracefully(false, last_words_max);
    } else {
        co_await client.close_gracefully(after == AfterAnswer::linger);
    }
    counters.connections_open.subtract();
}

} // namespace ringway::gateway
