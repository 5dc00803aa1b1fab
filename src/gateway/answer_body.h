#pragma once

#include <memory>

#include "http/body_reader.h"
#include "llm/answer_watch.h"
#include "ring/buffers.h"

namespace ringway::gateway {

/// How the client is told where the answer's body ends.
enum class ClientFraming : uint8_t {
    none,   ///< there is no body
    length, ///< as the upstream's Content-Length says
    chunked,
    close, ///< by the end of the connection (HTTP/1.0)
};

/// What is to be read in an answer's body.
enum class AnswerContent : uint8_t { nothing, events, json };

/// Takes an answer's body from the upstream's framing to the client's, without copying it, and has
/// it read in passing. Whole chunks with nothing to cut go on as they came, frames included; what
/// is left of a read is framed anew. So the client stands between two chunks after every read, and
/// an error event can always follow.
class AnswerBody {
public:
    /// Bytes of an incomplete event that may be the usage event to be dropped.
    static constexpr size_t held_bytes_max = 65536;

    /// What is read of `content` goes to `facts`. `drops_usage`: events that say usage and nothing
    /// else are not for the client.
    AnswerBody(http::BodyReader& upstream, ClientFraming framing, AnswerContent content,
               ring::BlockPool& blocks, const llm::DialectEntry& entry, AnswerFacts& facts,
               bool drops_usage)
        : upstream_(upstream), blocks_(blocks), watch_(entry, facts), framing_(framing),
          content_(content), drops_usage_(drops_usage) {
        if (content == AnswerContent::json) {
            reader_ = std::make_unique<llm::AnswerReader>(entry, facts);
        }
    }

    ClientFraming framing() const { return framing_; }
    /// As far as its content tells: a stream of events has come to an end of its own.
    bool is_complete() const { return !has_events() || watch_.is_complete(); }

    /// Takes one read; appends to `out` what the client gets of it. What lies beyond the body stays
    /// in `piece`. Errors: {malformed, upstream}: what came before the fault was passed on.
    Status take(ring::Slice& piece, ring::SliceQueue& out);
    /// The body has come to its own end: what is held follows, and the client is told.
    void end(ring::SliceQueue& out);
    /// The body broke off: `event` tells the client so, where it can be told, behind `event_break`
    /// (static) if an event broke off as well. False: the client's framing leaves no place for it,
    /// and only closing the connection tells.
    bool cut(Bytes event_break, Bytes event, ring::SliceQueue& out);

private:
    bool has_events() const { return content_ == AnswerContent::events; }
    bool passes_chunks() const;
    void pass_chunks(ring::Slice& piece, ring::SliceQueue& out);
    Status sift_chunk(ring::Slice& piece, ring::SliceQueue& kept);
    void sift(ring::Slice payload, ring::SliceQueue& kept);
    void sift_event(ring::Slice part, ring::SliceQueue& kept);
    void frame(ring::SliceQueue& payload, ring::SliceQueue& out);

    http::BodyReader& upstream_;
    ring::BlockPool& blocks_;
    llm::StreamWatch watch_;                    ///< of events
    std::unique_ptr<llm::AnswerReader> reader_; ///< of JSON
    ring::SliceQueue held_; ///< of the event at hand, if it may have to be dropped
    ClientFraming framing_;
    AnswerContent content_;
    bool drops_usage_;
    bool event_has_begun_ = false; ///< some of the event at hand was passed on
};

} // namespace ringway::gateway
