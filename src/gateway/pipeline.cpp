#include "gateway/pipeline.h"

#include "gateway/phases.h"

namespace ringway::gateway {
namespace {

/// Who answers.
enum class From : uint8_t { ringway, upstream };

/// The story of an exchange until its answer: from an upstream, which is to be relayed, or from
/// ringway itself. An error ends it; finish() tells the client.
ring::Task<Result<From>> serve_request(Exchange& exchange) {
    RINGWAY_CO_RETURN_IF_ERROR(begin(exchange));
    RINGWAY_CO_RETURN_IF_ERROR(identify(exchange));
    RINGWAY_CO_TRY(const bool is_answered, answer_locally(exchange));
    if (is_answered) co_return From::ringway;
    RINGWAY_CO_RETURN_IF_ERROR(prepare_body(exchange));
    for (;;) {
        RINGWAY_CO_TRY(const http::Progress body, poll_request_body(exchange));
        if (body == http::Progress::done) break;
        co_await exchange.client.signal().wait();
    }
    RINGWAY_CO_RETURN_IF_ERROR(plan(exchange));
    RINGWAY_CO_RETURN_IF_ERROR(co_await forward(exchange));
    co_return From::upstream;
}

} // namespace

ring::Task<AfterAnswer> process_request(WorkerState& worker, http::ServerConnection& client) {
    Exchange exchange(worker, client);
    Status outcome;
    const Result<From> answer = co_await serve_request(exchange); // whose frame ends here
    if (!answer) {
        outcome = std::unexpected(answer.error());
    } else if (*answer == From::upstream) {
        outcome = co_await relay(exchange);
    }
    co_return finish(exchange, outcome);
}

} // namespace ringway::gateway
