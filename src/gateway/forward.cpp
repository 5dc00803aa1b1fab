#include <algorithm>

#include "gateway/phases.h"

namespace ringway::gateway {
namespace {

/// The edits of the body for one target, its model's name among them, in order.
struct AttemptEdits {
    std::array<http::Edit, RequestState::edits_max + 1> all;
    size_t count = 0;
    base::FixedText<300> model; ///< with its quotes

    std::span<const http::Edit> list() const { return {all.data(), count}; }
};

Status prepare_edits(const Exchange& exchange, AttemptEdits& edits) {
    const RequestState& request = *exchange.request;
    const llm::RequestFacts& facts = request.scan.facts();
    const auto own = request.edit_list();
    std::copy(own.begin(), own.end(), edits.all.begin());
    edits.count = own.size();
    const Bytes model = request.target.model;
    if (!facts.model_span.is_set() || model == facts.model.view()) return {};
    const bool is_plain = std::all_of(model.begin(), model.end(), [](char c) {
        return static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\';
    });
    if (!is_plain || model.size() > 256) {
        return client_error(Code::not_found, "No model has such a name.");
    }
    edits.model.append("\"");
    edits.model.append(model);
    edits.model.append("\"");
    const auto length = facts.model_span.end - facts.model_span.begin;
    edits.all[edits.count++] = {facts.model_span.begin, length, edits.model.view()};
    std::sort(edits.all.begin(), edits.all.begin() + static_cast<std::ptrdiff_t>(edits.count),
              [](const http::Edit& a, const http::Edit& b) { return a.offset < b.offset; });
    return {};
}

/// The upstream's request head is built here, field by field: no byte of the client's framing, and
/// no field that is not meant to pass, reaches the upstream.
void write_request_head(const Exchange& exchange, uint64_t body_bytes, http::HeadWriter& head) {
    const RequestState& request = *exchange.request;
    const Provider& provider = exchange.provider();
    const wire::Framing framing = request.line.framing;
    head.text(wire::to_string(request.line.method)).text(" ");
    head.text(provider.base_path).text(request.call.tail).text(request.query);
    head.text(" HTTP/1.1\r\n").text(provider.fixed_fields);
    for (const auto& [name, value] : request.forwarded_list()) head.field(name, value);
    if (request.is_streamed_through && framing == wire::Framing::chunked) {
        head.field("transfer-encoding", "chunked");
    } else if (framing != wire::Framing::none || request.line.method == wire::Method::post) {
        head.field("content-length", body_bytes);
    }
    head.text("\r\n");
}

uint64_t body_bytes_of(const Exchange& exchange, const AttemptEdits& edits) {
    const RequestState& request = *exchange.request;
    if (request.is_streamed_through) return request.line.content_length;
    return static_cast<uint64_t>(static_cast<int64_t>(request.body.bytes()) +
                                 http::length_change(edits.list()));
}

Status send_request(Exchange& exchange) {
    RequestState& request = *exchange.request;
    AttemptEdits edits;
    RINGWAY_RETURN_IF_ERROR(prepare_edits(exchange, edits));
    ring::BlockPool& blocks = exchange.loop().blocks();
    http::HeadWriter head(blocks);
    write_request_head(exchange, body_bytes_of(exchange, edits), head);
    ring::SliceQueue out;
    head.take(out);
    http::splice(request.body, edits.list(), blocks, out);
    exchange.upstream->begin_request(request.line.method);
    exchange.upstream->stream().write(std::move(out));
    request.forwarded_at = exchange.loop().backend().now();
    return {};
}

/// Passes on what has come of a body that is not kept, as fast as the upstream takes it.
Status pump_body(Exchange& exchange) {
    http::ServerConnection& client = exchange.client;
    net::Stream& upstream = exchange.upstream->stream();
    const uint64_t unsent_max = exchange.snapshot().config().stream_buffer_bytes;
    if (upstream.unsent_bytes() > unsent_max) {
        client.stream().pause_reading();
        upstream.notify_when_unsent_at_most(unsent_max / 2);
        return {};
    }
    client.invite_body();
    ring::SliceQueue arrived;
    RINGWAY_TRY(const http::Progress progress, client.poll_body(arrived));
    const bool is_chunked = exchange.request->line.framing == wire::Framing::chunked;
    ring::BlockPool& blocks = exchange.loop().blocks();
    if (is_chunked && !arrived.empty()) {
        upstream.write(blocks.copy(wire::chunk_header(arrived.bytes())));
    }
    const bool had_bytes = !arrived.empty();
    while (!arrived.empty()) upstream.write(arrived.pop_front());
    if (is_chunked && had_bytes) upstream.write(ring::Slice::of_static(wire::chunk_end));
    if (is_chunked && progress == http::Progress::done) {
        upstream.write(ring::Slice::of_static(wire::last_chunk));
    }
    return {};
}

/// Waits for the head of the upstream's answer, passing on the client's body meanwhile if it is not
/// kept. Errors of the client end the attempt as well.
ring::Task<Status> await_answer(Exchange& exchange) {
    RequestState& request = *exchange.request;
    const ProviderConfig& config = exchange.provider().config;
    ring::Deadline& deadline = exchange.client.deadline();
    deadline.set(exchange.loop(), request.forwarded_at + config.first_byte_time);
    bool pumps = request.is_streamed_through && !exchange.client.has_whole_body();
    for (;;) {
        RINGWAY_CO_TRY(const http::Progress head,
                       exchange.upstream->poll_head(exchange.worker.fields(), request.answer));
        if (head == http::Progress::done) {
            request.answered_at = exchange.loop().now();
            request.waited += request.answered_at - request.forwarded_at;
            deadline.clear();
            co_return Status();
        }
        RINGWAY_CO_RETURN_IF_ERROR(exchange.check_goes_on());
        if (pumps) {
            RINGWAY_CO_RETURN_IF_ERROR(pump_body(exchange));
            pumps = !exchange.client.has_whole_body();
        } else if (deadline.has_passed(exchange.loop().now())) {
            co_return upstream_error(Code::timeout, "The upstream did not answer in time.");
        } else {
            exchange.client.bound_pipelined_input();
        }
        co_await exchange.client.signal().wait();
    }
}

bool is_abandoned(const void* context) {
    return !static_cast<Exchange*>(const_cast<void*>(context))->check_goes_on();
}

/// A connection that was idle may turn out to be dead only when it is used. Nothing was answered,
/// so the request may go out once more, over a new one.
bool was_dead(const Exchange& exchange, const Error& error) {
    const bool broke = error.code == Code::closed || error.code == Code::reset;
    return broke && error.blame == Blame::upstream && exchange.upstream->was_used() &&
           exchange.upstream->is_unanswered() && !exchange.request->is_streamed_through;
}

ring::Task<Status> open_connection(Exchange& exchange) {
    const http::Waiting waiting{exchange.client.signal(), exchange.client.deadline(), is_abandoned,
                                &exchange};
    const TimePoint began = exchange.loop().backend().now();
    auto opened = co_await exchange.pool().open(waiting);
    exchange.request->waited += exchange.loop().now() - began;
    if (!opened) co_return std::unexpected(opened.error());
    exchange.upstream = std::move(*opened);
    co_return Status();
}

/// One try at one target.
ring::Task<Status> attempt(Exchange& exchange) {
    exchange.upstream = exchange.pool().try_take_idle(exchange.client.signal());
    if (exchange.upstream == nullptr) {
        RINGWAY_CO_RETURN_IF_ERROR(co_await open_connection(exchange));
    }
    RINGWAY_CO_RETURN_IF_ERROR(send_request(exchange));
    Status answered = co_await await_answer(exchange);
    if (answered || !was_dead(exchange, answered.error())) co_return answered;

    exchange.provider_counters().retries.add();
    exchange.pool().give_back(std::move(exchange.upstream));
    RINGWAY_CO_RETURN_IF_ERROR(co_await open_connection(exchange));
    RINGWAY_CO_RETURN_IF_ERROR(send_request(exchange));
    co_return co_await await_answer(exchange);
}

/// Answers that another target may better.
bool is_worth_another(uint16_t status) {
    return status == 408 || status == 409 || status == 429 || status >= 500;
}

} // namespace

ring::Task<Status> forward(Exchange& exchange) {
    const auto targets = exchange.request->targets;
    for (size_t i = 0;; ++i) {
        exchange.set_target(targets[i]);
        ++exchange.attempts;
        const bool is_last = i + 1 == targets.size() || exchange.request->is_streamed_through;
        const Status tried = co_await attempt(exchange);
        if (tried) {
            const uint16_t status = exchange.request->answer.status;
            const bool is_error = status >= 400;
            observe::ProviderCounters& counters = exchange.provider_counters();
            (is_error ? counters.attempts_refused : counters.attempts_ok).add();
            if (is_last || !is_worth_another(status)) co_return tried;
        } else if (tried.error().blame != Blame::upstream) {
            co_return tried;
        } else {
            exchange.provider_counters().attempts_failed.add();
            if (is_last || tried.error().retry == Retry::never) co_return tried;
        }
        exchange.pool().give_back(std::move(exchange.upstream));
    }
}

} // namespace ringway::gateway
