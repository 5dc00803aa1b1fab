#pragma once

#include <cstdint>

#include "wire/chunked.h"
#include "wire/http1_head.h"

namespace ringway::http {

/// Finds the payload in a message's body, however its end is told, and knows where the next message
/// begins: it never consumes a byte beyond its own.
class BodyReader {
public:
    using Step = wire::ChunkedDecoder::Step;

    BodyReader() = default;
    BodyReader(wire::Framing framing, uint64_t content_length)
        : remaining_(content_length), framing_(framing) {}

    /// Reads on until a run of payload was found, the body has ended or the input is used up.
    /// Errors: as ChunkedDecoder::next().
    Result<Step> next(Bytes input) {
        switch (framing_) {
        case wire::Framing::chunked: return chunked_.next(input);
        case wire::Framing::length: {
            const Bytes payload = input.substr(0, remaining_);
            remaining_ -= payload.size();
            return Step{payload.size(), payload};
        }
        case wire::Framing::until_close: return Step{input.size(), input};
        case wire::Framing::none: break;
        }
        return Step{};
    }

    /// The body is complete. One that goes on until the connection closes never says so itself.
    bool has_ended() const {
        switch (framing_) {
        case wire::Framing::chunked: return chunked_.has_ended();
        case wire::Framing::length: return remaining_ == 0;
        case wire::Framing::until_close: return false;
        case wire::Framing::none: return true;
        }
        return true;
    }
    wire::Framing framing() const { return framing_; }
    /// Bytes still to come of a body of known length.
    uint64_t remaining() const { return remaining_; }
    const wire::ChunkedDecoder& chunked() const { return chunked_; }

private:
    wire::ChunkedDecoder chunked_;
    uint64_t remaining_ = 0;
    wire::Framing framing_ = wire::Framing::none;
};

} // namespace ringway::http
