#include "http/client_connection.h"

#include "http/head_assembly.h"

namespace ringway::http {
namespace {

/// An upstream's head may be as large as a client's; cookies are what makes them long.
constexpr wire::HeadLimits head_limits;

/// The scanner blames the client; here the other side is the upstream.
std::unexpected<Error> blame_upstream(const Error& error) {
    return upstream_error(error.code == Code::head_too_large ? error.code : Code::malformed,
                          error.what);
}

} // namespace

void ClientConnection::begin_request(wire::Method method) {
    ++requests_;
    method_ = method;
    has_answered_ = has_head_ = false;
    head_ = ring::Slice();
    scanner_ = {};
    body_ = {};
}

Result<Progress> ClientConnection::poll_head(wire::Fields& fields, wire::StatusLine& line) {
    while (stream_->has_input()) {
        has_answered_ = true;
        append_to_head(head_, stream_->take(), stream_->loop().blocks());
        const auto size = scanner_.scan(head_.bytes(), head_limits);
        if (!size) return blame_upstream(size.error());
        if (*size == 0) continue;
        if (*size < head_.size()) stream_->untake(head_.part(*size, head_.size() - *size));
        head_.truncate(*size);
        scanner_ = {};
        RINGWAY_TRY(line, wire::parse_response_head(head_.bytes(), method_, fields, head_limits));
        if (line.status == 101) {
            return upstream_error(Code::malformed, "the upstream switched protocols unasked");
        }
        if (line.status < 200) {
            head_ = ring::Slice();
            continue;
        }
        body_ = BodyReader(line.framing, line.content_length);
        keeps_alive_ = line.keeps_alive;
        has_head_ = true;
        return Progress::done;
    }
    if (const auto& failure = stream_->failure()) {
        return upstream_error(failure->code, failure->what, Retry::other_target,
                              failure->sys_errno);
    }
    if (stream_->has_ended()) {
        return upstream_error(Code::closed, "the upstream closed before it answered");
    }
    return Progress::waiting;
}

void ClientConnection::try_ack_delay(Duration gap, AckHistory& history) {
    using Change = AckDelay::Change;
    const TimePoint now = stream_->loop().now();
    const Change change = ack_delay_.on_event(gap, stream_->input_bytes(), now, history);
    if (change != Change::none) stream_->delay_acknowledgements(change == Change::delay);
}

bool ClientConnection::is_reusable() const {
    return has_head_ && keeps_alive_ && body_.has_ended() && stream_->is_established() &&
           !stream_->has_input() && !stream_->has_ended() && stream_->unsent_bytes() == 0;
}

} // namespace ringway::http
