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
    head_ = ring::Slice();
    deadline_.set(loop(), loop().now() + limits_.idle);
}

// The head -------------------------------------------------------------------------------------

Result<Progress> ServerConnection::poll_head() {
    stream_->resume_reading();
    while (stream_->has_input()) {
        const bool is_first = head_.empty();
        append_to_head(head_, stream_->take(), loop().blocks());
        RINGWAY_TRY(const Progress progress, poll_whole_head());
        if (progress == Progress::done) return progress;
        if (is_first) deadline_.set(loop(), loop().now() + limits_.head_time);
    }
    if (stream_->has_ended() || stream_->is_broken()) return gone();
    if (deadline_.has_passed(loop().now())) {
        if (!scanner_.has_begun(head_.bytes())) return gone();
        return client_error(Code::timeout, "the request head took too long");
    }
    return Progress::waiting;
}

Result<Progress> ServerConnection::poll_whole_head() {
    RINGWAY_TRY(const size_t size, scanner_.scan(head_.bytes(), limits_.head));
    if (size == 0) return Progress::waiting;
    if (size < head_.size()) stream_->untake(head_.part(size, head_.size() - size));
    head_.truncate(size);
    head_.remove_prefix(scanner_.leading_blank_bytes());
    scanner_ = {};
    deadline_.clear();
    return Progress::done;
}

// The body -------------------------------------------------------------------------------------

void ServerConnection::begin_body(const wire::RequestLine& line) {
    body_ = BodyReader(line.framing, line.content_length);
    body_bytes_ = 0;
    body_began_ = loop().now();
    body_bytes_max_ = limits_.body_bytes_max;
    body_ended_ = body_began_;
    expects_continue_ = line.expects_continue;
    has_begun_answer_ = has_noticed_end_ = is_half_closed_ = false;
}

void ServerConnection::invite_body() {
    if (!expects_continue_ || body_.has_ended() || is_body_too_long()) return;
    expects_continue_ = false;
    if (!stream_->has_input()) write(ring::Slice::of_static("HTTP/1.1 100 Continue\r\n\r\n"));
}

Status ServerConnection::take_payload(ring::Slice piece, ring::SliceQueue& into) {
    while (!piece.empty() && !body_.has_ended()) {
        RINGWAY_TRY(const BodyReader::Step step, body_.next(piece.bytes()));
        if (!step.payload.empty()) into.push_back(piece.part(step.payload));
        body_bytes_ += step.payload.size();
        if (body_bytes_ > body_bytes_max_) {
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
    const bool pays = body_.framing() == wire::Framing::length &&
                      body_.remaining() >= direct_bytes_min && stream_->can_receive_direct();
    if (!pays || stream_->has_input() || stream_->has_ended()) return false;
    stream_->pause_reading();
    if (!stream_->is_reading_stopped()) return true;
    ring::Block* block = loop().blocks().try_take_for(body_.remaining());
    if (block == nullptr) return false;
    const auto size = static_cast<size_t>(std::min<uint64_t>(block->capacity, body_.remaining()));
    stream_->receive_direct(ring::Slice::adopt(*block, size));
    return true;
}

Result<Progress> ServerConnection::poll_body(ring::SliceQueue& into) {
    if (is_body_too_long()) {
        return client_error(Code::too_large, "the request body is too large");
    }
    while (!body_.has_ended() && stream_->has_input()) {
        RINGWAY_RETURN_IF_ERROR(take_payload(stream_->take(), into));
    }
    if (body_.has_ended()) {
        deadline_.clear();
        body_ended_ = loop().now();
        stream_->resume_reading();
        return Progress::done;
    }
    if (stream_->has_ended() || stream_->is_broken()) return gone();
    const auto rate_seconds = static_cast<int64_t>(body_bytes_ / limits_.body_rate_min);
    deadline_.set(loop(), body_began_ + limits_.body_grace + std::chrono::seconds(rate_seconds));
    if (deadline_.has_passed(loop().now())) {
        return client_error(Code::timeout, "the request body came too slowly");
    }
    if (!stream_->is_receiving_direct() && !continue_direct()) stream_->resume_reading();
    return Progress::waiting;
}

// The client during an exchange ----------------------------------------------------------------

void ServerConnection::bound_pipelined_input() {
    if (stream_->input_bytes() > limits_.pipelined_bytes_max) stream_->pause_reading();
}

bool ServerConnection::is_client_gone() {
    if (stream_->is_broken()) return true;
    if (!stream_->has_ended()) return false;
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
