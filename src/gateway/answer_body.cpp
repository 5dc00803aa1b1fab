#include "gateway/answer_body.h"

#include <string>

namespace ringway::gateway {
namespace {

void move_all(ring::SliceQueue& from, ring::SliceQueue& to) {
    while (!from.empty()) to.push_back(from.pop_front());
}

} // namespace

/// Whether a read is made of whole chunks, or of the plain bytes of a body, and of events that say
/// nothing: then it goes on untouched. Changes no state.
bool AnswerBody::passes_whole(Bytes read) const {
    if (reader_ != nullptr || !held_.empty()) return false;
    http::BodyReader trial = upstream_;
    const bool is_chunked = trial.framing() == wire::Framing::chunked;
    if (is_chunked && !trial.chunked().is_between_chunks()) return false;
    if (is_chunked != (framing_ == ClientFraming::chunked)) return false;
    while (!read.empty() && !trial.has_ended()) {
        const auto step = trial.next(read);
        if (!step) return false;
        if (watch_ != nullptr && !step->payload.empty() && !watch_->can_pass(step->payload)) {
            return false;
        }
        read.remove_prefix(step->consumed);
    }
    if (!read.empty()) return false;
    return !is_chunked || (trial.chunked().is_between_chunks() && !trial.chunked().has_extension());
}

Status AnswerBody::take(ring::Slice& piece, ring::SliceQueue& out) {
    if (passes_whole(piece.bytes())) {
        for (Bytes rest = piece.bytes(); !rest.empty();) {
            rest.remove_prefix(upstream_.next(rest)->consumed);
        }
        out.push_back(std::exchange(piece, ring::Slice()));
        return {};
    }
    ring::SliceQueue kept;
    const Status sifted = sift_read(piece, kept);
    frame(kept, out);
    return sifted;
}

/// Of a read, the payload that is to be passed on: up to the fault, if there is one.
Status AnswerBody::sift_read(ring::Slice& piece, ring::SliceQueue& kept) {
    while (!piece.empty() && !upstream_.has_ended()) {
        const auto step = upstream_.next(piece.bytes());
        if (!step) return upstream_error(step.error().code, step.error().what);
        if (!step->payload.empty()) sift(piece.part(step->payload), kept);
        piece.remove_prefix(step->consumed);
    }
    return {};
}

void AnswerBody::sift(ring::Slice payload, ring::SliceQueue& kept) {
    if (reader_ != nullptr) reader_->feed(payload.bytes());
    if (watch_ == nullptr) {
        kept.push_back(std::move(payload));
        return;
    }
    if (!drops_usage_) {
        watch_->read(payload.bytes());
        kept.push_back(std::move(payload));
        return;
    }
    while (!payload.empty()) {
        const size_t size = watch_->read_event(payload.bytes());
        sift_event(payload.part(0, size), kept);
        payload.remove_prefix(size);
    }
}

/// `part` ends with the event at hand, or with the read. Before the finish reason nothing waits.
void AnswerBody::sift_event(ring::Slice part, ring::SliceQueue& kept) {
    const bool has_ended = watch_->has_ended_event();
    if (has_ended && facts_.is_usage_only && !event_has_begun_) {
        held_.clear();
        return;
    }
    const bool may_wait =
        facts_.has_finished && !event_has_begun_ && held_.bytes() + part.size() <= held_bytes_max;
    if (!has_ended && may_wait) {
        held_.push_back(std::move(part));
        return;
    }
    move_all(held_, kept);
    kept.push_back(std::move(part));
    event_has_begun_ = !has_ended;
}

void AnswerBody::frame(ring::SliceQueue& payload, ring::SliceQueue& out) {
    if (payload.empty()) return;
    const bool is_chunked = framing_ == ClientFraming::chunked;
    if (is_chunked) out.push_back(blocks_.copy(wire::chunk_header(payload.bytes())));
    move_all(payload, out);
    if (is_chunked) out.push_back(ring::Slice::of_static(wire::chunk_end));
}

void AnswerBody::end(ring::SliceQueue& out) {
    frame(held_, out);
    if (reader_ != nullptr) reader_->finish();
    if (framing_ == ClientFraming::chunked) {
        out.push_back(ring::Slice::of_static(wire::last_chunk));
    }
}

bool AnswerBody::cut(Bytes event_break, Bytes event, ring::SliceQueue& out) {
    if (watch_ == nullptr || framing_ == ClientFraming::length) return false;
    frame(held_, out);
    ring::SliceQueue last_words;
    // An event that broke off must not swallow the one that says so.
    if (!watch_->is_between_events()) last_words.push_back(ring::Slice::of_static(event_break));
    last_words.push_back(blocks_.copy(event));
    frame(last_words, out);
    if (framing_ == ClientFraming::chunked) {
        out.push_back(ring::Slice::of_static(wire::last_chunk));
    }
    return true;
}

} // namespace ringway::gateway
