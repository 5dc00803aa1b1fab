#include "gateway/pipeline.h"

#include "gateway/phases.h"

namespace ringway::gateway {
namespace {

/// The story of an exchange until its answer. Then exchange.upstream has one to be relayed; without
/// an upstream ringway itself has answered. An error ends it; finish() tells the client.
ring::Task<Status> serve_request(Exchange& exchange) {
    RINGWAY_CO_RETURN_IF_ERROR(begin(exchange));
    RINGWAY_CO_RETURN_IF_ERROR(identify(exchange));
    RINGWAY_CO_TRY(const bool is_answered, answer_locally(exchange));
    if (is_answered) co_return Status();
    RINGWAY_CO_RETURN_IF_ERROR(prepare_body(exchange));
    for (;;) {
        RINGWAY_CO_TRY(const http::Progress body, poll_request_body(exchange));
        if (body == http::Progress::done) break;
        co_await exchange.client.signal().wait();
    }
    RINGWAY_CO_RETURN_IF_ERROR(plan(exchange));
    co_return co_await forward(exchange);
}

} // namespace

ring::Task<AfterAnswer> process_request(WorkerState& worker, http::ServerConnection& client) {
    Exchange exchange(worker, client);
    Status outcome = co_await serve_request(exchange); // its frame ends here: streams are long
    if (outcome && exchange.upstream != nullptr) co_await relay(exchange, outcome);
    co_return finish(exchange, outcome);
}

} // namespace ringway::gateway
