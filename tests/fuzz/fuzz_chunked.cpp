// The chunked coding, against a second decoder that is written for whole bodies.

#include <algorithm>

#include "base/text.h"
#include "fuzz.h"
#include "wire/chunked.h"
#include "wire/http1_fields.h"

using namespace ringway;
using namespace ringway::fuzz;
using namespace ringway::wire;

namespace {

struct Decoded {
    std::string payload;
    size_t consumed = 0;
    bool has_ended = false;
    bool has_failed = false;
};

Decoded decode(const std::vector<Bytes>& pieces) {
    ChunkedDecoder decoder;
    Decoded out;
    for (Bytes piece : pieces) {
        while (!piece.empty() && !decoder.has_ended()) {
            const auto step = decoder.next(piece);
            if (!step) {
                out.has_failed = true;
                return out;
            }
            require(step->consumed > 0 && step->consumed <= piece.size(), "a step moves on");
            require(step->payload.size() <= step->consumed, "payload is part of what is consumed");
            out.payload += step->payload;
            out.consumed += step->consumed;
            piece.remove_prefix(step->consumed);
        }
    }
    out.has_ended = decoder.has_ended();
    return out;
}

bool is_visible(Bytes text, bool takes_high_bytes) {
    return std::all_of(text.begin(), text.end(), [&](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return c == '\t' || (byte >= 0x20 && byte < 0x7f) || (takes_high_bytes && byte >= 0x80);
    });
}

/// The line up to the first CRLF; nothing when there is none.
bool take_line(Bytes& rest, Bytes& line) {
    const size_t end = rest.find("\r\n");
    if (end == Bytes::npos) return false;
    line = rest.substr(0, end);
    rest.remove_prefix(end + 2);
    return true;
}

/// Whether `body` begins with a whole, valid chunked body; then its payload and length.
bool decode_whole(Bytes body, std::string& payload, size_t& length) {
    Bytes rest = body;
    Bytes line;
    size_t extension_bytes = 0;
    size_t trailer_bytes = 0;
    for (;;) {
        if (!take_line(rest, line)) return false;
        const size_t digits = std::min(line.find(';'), line.size());
        const Bytes extension = line.substr(digits);
        extension_bytes += extension.size();
        if (extension_bytes > ChunkedDecoder::extension_bytes_max) return false;
        if (!is_visible(extension, false) || digits == 0 || digits > 15) return false;
        const std::string padded =
            std::string(16 - digits, '0') + std::string(line.substr(0, digits));
        const auto size_bytes = base::from_hex(padded);
        if (!size_bytes) return false;
        uint64_t size = 0;
        for (const char c : *size_bytes) size = size << 8 | static_cast<unsigned char>(c);
        if (size == 0) break;
        if (rest.size() < size || !rest.substr(size).starts_with("\r\n")) return false;
        payload += rest.substr(0, size);
        rest.remove_prefix(size + 2);
    }
    while (take_line(rest, line)) {
        if (line.empty()) {
            length = body.size() - rest.size();
            return true;
        }
        trailer_bytes += line.size() + 2;
        const size_t colon = line.find(':');
        if (colon == 0 || colon == Bytes::npos) return false;
        const Bytes name = line.substr(0, colon);
        if (!std::all_of(name.begin(), name.end(), is_token_char)) return false;
        if (!is_visible(line.substr(colon + 1), true)) return false;
        if (trailer_bytes > ChunkedDecoder::trailer_bytes_max) return false;
    }
    return false;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const Bytes bytes = bytes_of(data, size);
    const Decoded whole = decode({bytes});
    for_some_splits(bytes, [&](const std::vector<Bytes>& pieces) {
        const Decoded split = decode(pieces);
        require(split.payload == whole.payload, "a split changes the payload");
        require(split.has_failed == whole.has_failed, "a split changes whether it fails");
        require(split.has_ended == whole.has_ended, "a split changes whether it ends");
        if (!whole.has_failed) require(split.consumed == whole.consumed, "a split changes the end");
    });
    std::string payload;
    size_t length = 0;
    const bool is_body = decode_whole(bytes, payload, length);
    require(is_body == whole.has_ended, "the two decoders differ on whether it is a body");
    if (is_body) {
        require(payload == whole.payload, "the two decoders differ on the payload");
        require(length == whole.consumed, "the two decoders differ on the end");
    }
    if (!whole.payload.empty()) {
        const std::string again = chunk_header(whole.payload.size()) + whole.payload +
                                  std::string(chunk_end) + std::string(last_chunk);
        const Decoded reread = decode({again});
        require(reread.has_ended && reread.payload == whole.payload, "encoded anew, it is another");
    }
    return 0;
}
