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

/// Takes an answer's body from the upstream's framing to the client's, without copying it, and has
/// it read in passing. Whole chunks with nothing to cut go on as they came, frames included; what
/// is left of a read is framed anew. So the client stands between two chunks after every read, and
/// an error event can always follow.
class AnswerBody {
public:
    /// Bytes of an incomplete event that may be the usage event to be dropped.
    static constexpr size_t held_bytes_max = 65536;

    /// `watch` reads a stream of events, `reader` a body of JSON; at most one is given.
    AnswerBody(http::BodyReader& upstream, ClientFraming framing, ring::BlockPool& blocks,
               AnswerFacts& facts, llm::StreamWatch* watch, llm::AnswerReader* reader,
               bool drops_usage)
        : upstream_(upstream), framing_(framing), blocks_(blocks), facts_(facts), watch_(watch),
          reader_(reader), drops_usage_(drops_usage) {}

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
    bool passes_chunks() const;
    void pass_chunks(ring::Slice& piece, ring::SliceQueue& out);
    Status sift_chunk(ring::Slice& piece, ring::SliceQueue& kept);
    void sift(ring::Slice payload, ring::SliceQueue& kept);
    void sift_event(ring::Slice part, ring::SliceQueue& kept);
    void frame(ring::SliceQueue& payload, ring::SliceQueue& out);

    http::BodyReader& upstream_;
    ClientFraming framing_;
    ring::BlockPool& blocks_;
    AnswerFacts& facts_;
    llm::StreamWatch* watch_;
    llm::AnswerReader* reader_;
    ring::SliceQueue held_; ///< of the event at hand, if it may have to be dropped
    bool drops_usage_;
    bool event_has_begun_ = false; ///< some of the event at hand was passed on
};

} // namespace ringway::gateway
