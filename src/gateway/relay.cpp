#include <algorithm>

#include "base/text.h"
#include "gateway/answer_body.h"
#include "gateway/phases.h"

namespace ringway::gateway {
namespace {

using wire::FieldId;

/// A head without a body to go with it waits this long for the first event, so that both go out in
/// one write; a slow upstream's head then goes alone.
constexpr Duration head_wait = 1s;

/// Fields of an answer that concern the upstream's connection or account only.
bool is_kept_back(FieldId id) {
    switch (id) {
    case FieldId::alt_svc:
    case FieldId::anthropic_organization_id:
    case FieldId::anthropic_workspace_id:
    case FieldId::content_length: // written anew
    case FieldId::openai_organization:
    case FieldId::openai_project:
    case FieldId::request_id: // the upstream's goes by another name
    case FieldId::server:
    case FieldId::set_cookie:
    case FieldId::strict_transport_security:
    case FieldId::via:
    case FieldId::x_request_id: return true;
    default: return wire::is_hop_by_hop(id);
    }
}

bool is_media_type(Bytes content_type, Bytes wanted) {
    return base::equals_ignoring_case(content_type.substr(0, wanted.size()), wanted);
}

ClientFraming framing_for(const Exchange& exchange) {
    switch (exchange.request->answer.framing) {
    case wire::Framing::none: return ClientFraming::none;
    case wire::Framing::length: return ClientFraming::length;
    default: break;
    }
    return exchange.request->line.minor_version == 0 ? ClientFraming::close
                                                     : ClientFraming::chunked;
}

/// Of the upstream's fields, those that are the client's business.
void pass_fields(Exchange& exchange, http::HeadWriter& head) {
    const wire::Fields& fields = exchange.worker.fields();
    const Bytes options = fields.get(FieldId::connection);
    for (const wire::Field& field : fields.list()) {
        if (is_kept_back(field.id) || field.name.starts_with("x-ringway-")) continue;
        if (field.id == FieldId::x_should_retry && has_tried_all(exchange)) continue;
        bool is_option = false;
        wire::for_each_list_element(options, [&](Bytes option) {
            is_option = is_option || base::equals_ignoring_case(option, field.name);
        });
        if (!is_option) head.field(field.name, field.value);
    }
    Bytes upstream_id = fields.get(FieldId::x_request_id);
    if (upstream_id.empty()) upstream_id = fields.get(FieldId::request_id);
    if (!upstream_id.empty()) head.field("x-ringway-upstream-request-id", upstream_id);
    if (!fields.has(FieldId::date)) {
        head.field("date", exchange.worker.date().at(exchange.worker.wall_clock_s()));
    }
}

bool is_event_stream(const Exchange& exchange) {
    const Bytes type = exchange.worker.fields().get(FieldId::content_type);
    return exchange.request->answer.status == 200 && is_media_type(type, "text/event-stream");
}

AnswerContent content_of(const Exchange& exchange) {
    const wire::Fields& fields = exchange.worker.fields();
    if (!fields.get(FieldId::content_encoding).empty()) return AnswerContent::nothing;
    if (exchange.is_event_stream) return AnswerContent::events;
    const bool is_json = is_media_type(fields.get(FieldId::content_type), "application/json");
    return is_json ? AnswerContent::json : AnswerContent::nothing;
}

void write_answer_head(Exchange& exchange, ClientFraming framing, ring::SliceQueue& out) {
    const wire::Fields& fields = exchange.worker.fields();
    const wire::StatusLine& answer = exchange.request->answer;
    http::HeadWriter head(exchange.loop().blocks());
    head.status_line(answer.status, answer.reason);
    pass_fields(exchange, head);
    if (exchange.is_event_stream) {
        if (!fields.has(FieldId::cache_control)) head.field("cache-control", "no-cache");
        if (!fields.has(FieldId::x_accel_buffering)) head.field("x-accel-buffering", "no");
    }
    switch (framing) {
    case ClientFraming::none:
        // The answer to HEAD, and a 304, tell the length that a body would have.
        if (fields.has(FieldId::content_length) || answer.status >= 200) {
            const bool may_have_length = answer.status != 204;
            if (may_have_length) head.field("content-length", answer.content_length);
        }
        break;
    case ClientFraming::length: head.field("content-length", answer.content_length); break;
    case ClientFraming::chunked: head.field("transfer-encoding", "chunked"); break;
    case ClientFraming::close: exchange.must_close = true; break;
    }
    write_common_fields(exchange, head);
    head.text("\r\n");
    head.take(out);
}

/// One answer on its way to the client.
class Relay {
public:
    explicit Relay(Exchange& exchange)
        : exchange_(exchange), upstream_(exchange.upstream->stream()),
          client_(exchange.client.stream()),
          body_(exchange.upstream->body(), framing_for(exchange), content_of(exchange),
                exchange.loop().blocks(), *exchange.entry, exchange.facts,
                exchange.request->drops_usage) {}

    Relay(const Relay&) = delete;
    Relay& operator=(const Relay&) = delete;
    ~Relay() {
        if (exchange_.is_event_stream) exchange_.worker.counters().streams_running.subtract();
    }

    [[gnu::noinline]] void begin() {
        observe::WorkerCounters& counters = exchange_.worker.counters();
        const RequestState& request = *exchange_.request;
        if (exchange_.is_event_stream) counters.streams_running.add();
        exchange_.status = request.answer.status;
        exchange_.has_begun_answer = true;
        exchange_.client.begin_answer();
        write_answer_head(exchange_, body_.framing(), out_);
        const Duration total = exchange_.loop().backend().now() - exchange_.began;
        counters.overhead.record(total - request.waited);
        counters.upstream_first.record(request.answered_at - request.forwarded_at);
        await(idle_due());
        // No attempt can be repeated from here on.
        exchange_.request.reset();
        exchange_.client.release_head();
        exchange_.upstream->release_head();
    }

    /// What every chunk goes through: looks at both ends and passes on what has come. Done when the
    /// client has all of it. Not inlined into the coroutine: all locals would then stand in its
    /// frame, for as long as the stream lives.
    [[gnu::noinline]] http::Progress poll(Status& outcome) {
        const auto ended = [&outcome](const Status& status) {
            outcome = status;
            return http::Progress::done;
        };
        if (Status status = exchange_.check_goes_on(); !status) [[unlikely]] {
            return ended(status.error().code == Code::cancelled ? status : end_cut(status));
        }
        const TimePoint now = exchange_.loop().now();
        const uint64_t unsent_max = exchange_.snapshot().config().stream_buffer_bytes;
        if (upstream_.has_input() && client_.unsent_bytes() <= unsent_max) [[likely]] {
            if (exchange_.is_event_stream) {
                exchange_.upstream->note_event(now - read_at_, exchange_.pool().ack_history());
            }
            read_at_ = now;
            if (Status passed = pass_input(unsent_max); !passed) [[unlikely]] {
                return ended(end_cut(passed));
            }
        }
        if (exchange_.upstream->body().has_ended()) [[unlikely]]
            return ended(end());
        if (!upstream_.has_input() && (upstream_.is_broken() || upstream_.has_ended())) [[unlikely]]
            return ended(end_by_upstream());
        if (exchange_.client.deadline().has_passed(now)) [[unlikely]] {
            if (Status status = look_at_time(now); !status) return ended(end_cut(status));
        }
        balance(unsent_max);
        exchange_.client.bound_pipelined_input();
        return http::Progress::waiting;
    }

private:
    /// When the upstream has been silent for too long.
    TimePoint idle_due() const {
        const ProviderConfig& config = exchange_.provider().config;
        const TimePoint due = read_at_ + config.idle_time;
        return config.total_time ? std::min(due, exchange_.began + *config.total_time) : due;
    }

    /// When a head that is still here goes out alone: nothing has been read since it came.
    TimePoint head_due() const { return read_at_ + head_wait; }

    /// The deadline has passed, as it was when someone looked last: reading has moved it since
    /// then.
    Status look_at_time(TimePoint now) {
        const TimePoint due = idle_due();
        const bool is_silent = !upstream_.has_input(); // and not paused for a slow client
        if (is_silent && now >= due) {
            return upstream_error(Code::timeout, "The upstream stopped sending.");
        }
        if (!out_.empty() && now >= head_due()) flush();
        await(is_silent ? due : now + 1s);
        return {};
    }

    void await(TimePoint due) {
        exchange_.client.deadline().set(exchange_.loop(),
                                        out_.empty() ? due : std::min(due, head_due()));
    }

    Status pass_input(uint64_t unsent_max) {
        const http::BodyReader& body = exchange_.upstream->body();
        do {
            ring::Slice piece = upstream_.take();
            observe::WorkerCounters& counters = exchange_.worker.counters();
            counters.chunks_relayed.add();
            counters.bytes_relayed.add(piece.size());
            RINGWAY_RETURN_IF_ERROR(body_.take(piece, out_));
            if (!piece.empty()) [[unlikely]]
                upstream_.untake(std::move(piece)); // surplus: closes the upstream
            if (body.has_ended()) return {};        // its last bytes go out with the end
            flush();
        } while (upstream_.has_input() && client_.unsent_bytes() <= unsent_max);
        return {};
    }

    void flush() { exchange_.client.write(std::move(out_)); }

    /// A slow client pauses its upstream; what is in between is bounded.
    void balance(uint64_t unsent_max) {
        if (client_.unsent_bytes() <= unsent_max) [[likely]] {
            upstream_.resume_reading();
            return;
        }
        if (!exchange_.was_paused) exchange_.worker.counters().slow_clients.add();
        exchange_.was_paused = true;
        upstream_.pause_reading();
        client_.notify_when_unsent_at_most(unsent_max / 2);
    }

    Status end() {
        if (!body_.is_complete()) {
            return end_cut(upstream_error(Code::closed, "The upstream's stream ended early."));
        }
        body_.end(out_);
        flush();
        exchange_.is_answer_whole = true;
        return {};
    }

    Status end_by_upstream() {
        const bool ends_by_close =
            exchange_.upstream->body().framing() == wire::Framing::until_close &&
            !upstream_.is_broken() && !upstream_.was_cut();
        const bool has_said_all = exchange_.is_event_stream && exchange_.facts.has_terminated;
        if (ends_by_close || has_said_all) return end();
        return end_cut(upstream_error(Code::closed, "The upstream broke off its answer."));
    }

    /// A stream that broke ends in an error event of the API's own kind and a close; any other body
    /// ends in a close that its framing shows to be early.
    Status end_cut(Status why) {
        exchange_.provider_counters().cut_streams.add();
        exchange_.must_close = true;
        const Dialect& dialect = exchange_.dialect();
        const std::string event =
            dialect.error_event(describe(exchange_, why.error()), exchange_.facts);
        exchange_.is_answer_whole = body_.cut(dialect.event_break(), event, out_);
        flush();
        return why;
    }

    Exchange& exchange_;
    net::Stream& upstream_;
    net::Stream& client_;
    TimePoint read_at_ = exchange_.loop().now();
    AnswerBody body_;
    ring::SliceQueue out_; ///< written, and not yet given to the client's stream
};

} // namespace

ring::Task<void> relay(Exchange& exchange, Status& outcome) {
    exchange.is_event_stream = is_event_stream(exchange);
    Relay relay(exchange);
    relay.begin();
    while (relay.poll(outcome) == http::Progress::waiting) {
        co_await exchange.client.signal().wait();
    }
}

} // namespace ringway::gateway
