#pragma once

#include <memory>

#include "http/ack_delay.h"
#include "http/body_reader.h"
#include "http/server_connection.h"
#include "net/stream.h"
#include "ring/memory.h"
#include "wire/http1_head.h"

namespace ringway::http {

/// The client's side of one connection to an upstream: one request at a time, then its response.
/// Nothing here waits; whose signal the stream has waits and looks again.
class ClientConnection : public ring::Pooled {
public:
    /// Takes over a stream that is connected, or is about to be.
    explicit ClientConnection(net::StreamPtr stream) : stream_(std::move(stream)) {}

    net::Stream& stream() { return *stream_; }
    bool is_established() const { return stream_->is_established(); }

    /// The head and body of a request with this method are about to be written.
    void begin_request(wire::Method method);
    /// Looks for the response's head; interim responses are passed over. `fields` and `line` hold
    /// it when done, as views into head().
    /// Errors: {closed}, {reset}, {malformed}, {head_too_large}, all with the upstream's blame.
    Result<Progress> poll_head(wire::Fields& fields, wire::StatusLine& line);
    const ring::Slice& head() const { return head_; }
    void release_head() { head_ = ring::Slice(); }
    BodyReader& body() { return body_; }
    /// A part of a stream of events is about to be taken, `gap` after the one before.
    void note_event(Duration gap, AckHistory& history) {
        if (!ack_delay_.is_settled()) [[unlikely]]
            try_ack_delay(gap, history);
    }

    /// No byte of a response has come since begin_request().
    bool is_unanswered() const { return !has_answered_ && !stream_->has_input(); }
    /// This connection has served a request before.
    bool was_used() const { return requests_ > 1; }
    /// Complete, nothing pending, nothing cancelled: the next request may use it.
    bool is_reusable() const;

private:
    void try_ack_delay(Duration gap, AckHistory& history);

    net::StreamPtr stream_;
    ring::Slice head_;
    wire::HeadScanner scanner_;
    uint32_t requests_ = 0;
    BodyReader body_;
    wire::Method method_ = wire::Method::get;
    AckDelay ack_delay_;
    bool has_answered_ = false;
    bool has_head_ = false;
    bool keeps_alive_ = false;
};

using ClientConnectionPtr = std::unique_ptr<ClientConnection>;

} // namespace ringway::http
