#include "http/server_connection.h"

#include <algorithm>

#include "http/head_assembly.h"

namespace ringway::http {
namespace {

/// Bodies with more than this still to come are received straight into large blocks.
constexpr uint64_t direct_bytes_min = 32768;

std::unexpected<Error> gone() { return client_error(Code::closed, "the client closed"); }

} // namespace

ServerConnection::ServerConnection(ring::Loop& loop, int socket, const ServerLimits& limits,
                                   std::unique_ptr<net::Filter> filter)
    : limits_(limits), signal_(loop), deadline_(signal_),
      stream_(net::Stream::adopt(loop, socket, signal_, std::move(filter))) {
    await_next_request();
}

void ServerConnection::await_next_request() {
    incoming_.reset();
    deadline_.set(loop(), loop().now() + limits_.idle);
}

void ServerConnection::release_head() {
    if (has_whole_body()) {
        incoming_.reset();
    } else {
        incoming_->head = ring::Slice();
    }
}

// The head -------------------------------------------------------------------------------------

Result<Progress> ServerConnection::poll_head() {
    stream_->resume_reading();
    while (stream_->has_input()) {
        if (incoming_ == nullptr) incoming_ = std::make_unique<Incoming>();
        const bool is_first = incoming_->head.empty();
        append_to_head(incoming_->head, stream_->take(), loop().blocks());
        RINGWAY_TRY(const Progress progress, poll_whole_head());
        if (progress == Progress::done) return progress;
        if (is_first) deadline_.set(loop(), loop().now() + limits_.head_time);
    }
    if (stream_->has_ended() || stream_->is_broken()) return gone();
    if (deadline_.has_passed(loop().now())) {
        if (incoming_ == nullptr || !incoming_->scanner.has_begun(incoming_->head.bytes())) {
            return gone();
        }
        return client_error(Code::timeout, "the request head took too long");
    }
    return Progress::waiting;
}

Result<Progress> ServerConnection::poll_whole_head() {
    ring::Slice& head = incoming_->head;
    RINGWAY_TRY(const size_t size, incoming_->scanner.scan(head.bytes(), limits_.head));
    if (size == 0) return Progress::waiting;
    if (size < head.size()) stream_->untake(head.part(size, head.size() - size));
    head.truncate(size);
    head.remove_prefix(incoming_->scanner.leading_blank_bytes());
    incoming_->scanner = {};
    deadline_.clear();
    return Progress::done;
}

// The body -------------------------------------------------------------------------------------

void ServerConnection::begin_body(const wire::RequestLine& line) {
    if (incoming_ == nullptr) incoming_ = std::make_unique<Incoming>();
    incoming_->body = BodyReader(line.framing, line.content_length);
    incoming_->body_bytes = 0;
    incoming_->body_bytes_max = limits_.body_bytes_max;
    incoming_->body_began = body_ended_ = loop().now();
    expects_continue_ = line.expects_continue;
    has_begun_answer_ = has_noticed_end_ = is_half_closed_ = false;
}

void ServerConnection::invite_body() {
    if (!expects_continue_ || has_whole_body() || is_body_too_long()) return;
    expects_continue_ = false;
    if (!stream_->has_input()) write(ring::Slice::of_static("HTTP/1.1 100 Continue\r\n\r\n"));
}

Status ServerConnection::take_payload(ring::Slice piece, ring::SliceQueue& into) {
    while (!piece.empty() && !has_whole_body()) {
        RINGWAY_TRY(const BodyReader::Step step, incoming_->body.next(piece.bytes()));
        if (!step.payload.empty()) into.push_back(piece.part(step.payload));
        incoming_->body_bytes += step.payload.size();
        if (incoming_->body_bytes > incoming_->body_bytes_max) {
            return client_error(Code::too_large, "the request body is too large");
        }
        piece.remove_prefix(step.consumed);
    }
    if (!piece.empty()) stream_->untake(std::move(piece));
    return {};
}

/// Receives a long body of known length in large blocks, without going through the small receive
/// buffers that all streams share. True while it does.
bool ServerConnection::continue_direct() {
    const BodyReader& body = incoming_->body;
    const bool pays = body.framing() == wire::Framing::length &&
                      body.remaining() >= direct_bytes_min && stream_->can_receive_direct();
    if (!pays || stream_->has_input() || stream_->has_ended()) return false;
    stream_->pause_reading();
    if (!stream_->is_reading_stopped()) return true;
    ring::Block* block = loop().blocks().try_take_for(body.remaining());
    if (block == nullptr) return false;
    const auto size = static_cast<size_t>(std::min<uint64_t>(block->capacity, body.remaining()));
    stream_->receive_direct(ring::Slice::adopt(*block, size));
    return true;
}

Result<Progress> ServerConnection::poll_body(ring::SliceQueue& into) {
    if (is_body_too_long()) {
        return client_error(Code::too_large, "the request body is too large");
    }
    while (!has_whole_body() && stream_->has_input()) {
        RINGWAY_RETURN_IF_ERROR(take_payload(stream_->take(), into));
    }
    if (has_whole_body()) {
        deadline_.clear();
        body_ended_ = loop().now();
        stream_->resume_reading();
        return Progress::done;
    }
    if (stream_->has_ended() || stream_->is_broken()) return gone();
    const auto rate_seconds = static_cast<int64_t>(incoming_->body_bytes / limits_.body_rate_min);
    deadline_.set(loop(),
                  incoming_->body_began + limits_.body_grace + std::chrono::seconds(rate_seconds));
    if (deadline_.has_passed(loop().now())) {
        return client_error(Code::timeout, "the request body came too slowly");
    }
    if (!stream_->is_receiving_direct() && !continue_direct()) stream_->resume_reading();
    return Progress::waiting;
}

// The client during an exchange ----------------------------------------------------------------

bool ServerConnection::is_end_final() {
    if (!has_noticed_end_) {
        has_noticed_end_ = true;
        is_half_closed_ = !has_begun_answer_ && loop().now() <= body_ended_ + limits_.half_close;
        if (is_half_closed_) stream_->watch_hangup();
    }
    return !is_half_closed_;
}

ring::Task<void> ServerConnection::close_gracefully(bool client_may_be_sending,
                                                    std::optional<Duration> at_most) {
    deadline_.set(loop(), loop().now() + at_most.value_or(limits_.linger));
    if (client_may_be_sending) stream_->end_writing();
    stream_->notify_when_unsent_at_most(0);
    while (!stream_->is_broken() && !deadline_.has_passed(loop().now())) {
        while (stream_->has_input()) stream_->take();
        const bool is_sent = stream_->unsent_bytes() == 0;
        if (is_sent && (stream_->has_ended() || !client_may_be_sending)) break;
        stream_->resume_reading();
        co_await signal_.wait();
    }
}

} // namespace ringway::http
