#include "gateway/answer_body.h"

#include <string>

namespace ringway::gateway {

/// Whether chunks may go on as they come.
bool AnswerBody::passes_chunks() const {
    return framing_ == ClientFraming::chunked && upstream_.framing() == wire::Framing::chunked &&
           upstream_.chunked().is_between_chunks() && held_.empty();
}

/// The whole chunks at the front of `piece` that hold nothing to be read or cut.
void AnswerBody::pass_chunks(ring::Slice& piece, ring::SliceQueue& out) {
    const size_t passed =
        wire::ChunkedDecoder::pass_whole_chunks(piece.bytes(), [this](Bytes payload) {
            if (has_events()) return watch_.can_pass(payload);
            if (reader_ != nullptr) reader_->feed(payload);
            return true;
        });
    if (passed == piece.size()) {
        out.push_back(std::move(piece));
    } else if (passed > 0) {
        out.push_back(piece.part(0, passed));
        piece.remove_prefix(passed);
    }
}

Status AnswerBody::take(ring::Slice& piece, ring::SliceQueue& out) {
    while (!piece.empty() && !upstream_.has_ended()) {
        if (passes_chunks()) pass_chunks(piece, out);
        if (piece.empty()) break;
        ring::SliceQueue kept;
        const Status sifted = sift_chunk(piece, kept);
        frame(kept, out);
        RINGWAY_RETURN_IF_ERROR(sifted);
    }
    return {};
}

/// To the end of the chunk at hand, or of the read: what of its payload is to be passed on.
Status AnswerBody::sift_chunk(ring::Slice& piece, ring::SliceQueue& kept) {
    while (!piece.empty() && !upstream_.has_ended()) {
        const auto step = upstream_.next(piece.bytes());
        if (!step) return upstream_error(step.error().code, step.error().what);
        if (!step->payload.empty()) sift(piece.part(step->payload), kept);
        piece.remove_prefix(step->consumed);
        if (passes_chunks()) break;
    }
    return {};
}

void AnswerBody::sift(ring::Slice payload, ring::SliceQueue& kept) {
    if (reader_ != nullptr) reader_->feed(payload.bytes());
    // An event that may have to be dropped is not passed on in part.
    const bool may_drop = drops_usage_ && watch_.facts().has_finished;
    const bool passes =
        !has_events() ||
        (may_drop ? held_.empty() && watch_.can_pass(payload.bytes()) : watch_.pass(payload));
    if (passes) {
        event_has_begun_ = has_events() && !watch_.is_between_events();
        kept.push_back(std::move(payload));
        return;
    }
    if (!drops_usage_) {
        watch_.read(payload.bytes());
        kept.push_back(std::move(payload));
        return;
    }
    while (!payload.empty()) {
        const size_t size = watch_.read_event(payload.bytes());
        sift_event(payload.part(0, size), kept);
        payload.remove_prefix(size);
    }
}

/// `part` ends with the event at hand, or with the read. Before the finish reason nothing waits.
void AnswerBody::sift_event(ring::Slice part, ring::SliceQueue& kept) {
    const AnswerFacts& facts = watch_.facts();
    const bool has_ended = watch_.has_ended_event();
    if (has_ended && facts.is_usage_only && !event_has_begun_) {
        held_.clear();
        return;
    }
    const bool may_wait =
        facts.has_finished && !event_has_begun_ && held_.bytes() + part.size() <= held_bytes_max;
    if (!has_ended && may_wait) {
        held_.push_back(std::move(part));
        return;
    }
    kept.append(std::move(held_));
    kept.push_back(std::move(part));
    event_has_begun_ = !has_ended;
}

void AnswerBody::frame(ring::SliceQueue& payload, ring::SliceQueue& out) {
    if (payload.empty()) return;
    const bool is_chunked = framing_ == ClientFraming::chunked;
    if (is_chunked) out.push_back(blocks_.copy(wire::chunk_header(payload.bytes())));
    out.append(std::move(payload));
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
    if (!has_events() || framing_ == ClientFraming::length) return false;
    frame(held_, out);
    ring::SliceQueue last_words;
    // An event that broke off must not swallow the one that says so.
    if (!watch_.is_between_events()) last_words.push_back(ring::Slice::of_static(event_break));
    last_words.push_back(blocks_.copy(event));
    frame(last_words, out);
    if (framing_ == ClientFraming::chunked) {
        out.push_back(ring::Slice::of_static(wire::last_chunk));
    }
    return true;
}

} // namespace ringway::gateway
