#include "wire/chunked.h"

#include <algorithm>
#include <charconv>

#include "base/assert.h"
#include "wire/http1_fields.h"

namespace ringway::wire {
namespace {

constexpr unsigned size_digits_max = 15; // 60 bits: no sum of sizes can wrap

/// Visible ASCII and white space.
bool is_extension_text(char c) { return c == '\t' || (c >= 0x20 && c < 0x7f); }

bool is_text(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
}

} // namespace

Result<ChunkedDecoder::Step> ChunkedDecoder::next(Bytes input) {
    size_t at = 0;
    while (at < input.size() && state_ != State::ended) {
        if (state_ == State::data) {
            const auto here =
                static_cast<size_t>(std::min<uint64_t>(remaining_, input.size() - at));
            remaining_ -= here;
            if (remaining_ == 0) state_ = State::data_cr;
            return Step{at + here, input.substr(at, here)};
        }
        const bool ends_chunk = state_ == State::data_lf;
        if (const Fault fault = read_frame_byte(input[at]); !fault.empty()) {
            return client_error(Code::malformed, fault);
        }
        ++at;
        if (ends_chunk) break;
    }
    return Step{at, {}};
}

ChunkedDecoder::Fault ChunkedDecoder::read_frame_byte(char c) {
    switch (state_) {
    case State::size: return read_size_byte(c);
    case State::extension:
        if (c == '\r') {
            state_ = State::size_lf;
            return {};
        }
        if (!is_extension_text(c)) return "chunk extension: malformed";
        return count_extension_byte();
    case State::size_lf:
        if (c != '\n') return "chunk size: expected LF";
        state_ = remaining_ == 0 ? State::trailer_start : State::data;
        digits_ = 0;
        return {};
    case State::data_cr:
        if (c != '\r') return "chunk data: expected CRLF";
        state_ = State::data_lf;
        return {};
    case State::data_lf:
        if (c != '\n') return "chunk data: expected CRLF";
        state_ = State::size;
        return {};
    default: return read_trailer_byte(c);
    }
}

ChunkedDecoder::Fault ChunkedDecoder::read_size_byte(char c) {
    if (const int digit = hex_value(c); digit >= 0) {
        if (++digits_ > size_digits_max) return "chunk size too large";
        if (digits_ == 1) remaining_ = 0;
        remaining_ = remaining_ * 16 + static_cast<uint64_t>(digit);
        return {};
    }
    if (digits_ == 0) return "chunk size: not a hexadecimal number";
    if (c == '\r') {
        state_ = State::size_lf;
    } else if (c == ';') {
        state_ = State::extension;
        return count_extension_byte();
    } else {
        return "chunk size: malformed";
    }
    return {};
}

ChunkedDecoder::Fault ChunkedDecoder::count_extension_byte() {
    if (++extension_bytes_ > extension_bytes_max) return "chunk extensions too long";
    return {};
}

ChunkedDecoder::Fault ChunkedDecoder::read_trailer_byte(char c) {
    const bool ends = state_ == State::trailer_start && c == '\r';
    if (!ends && state_ != State::last_lf && ++trailer_bytes_ > trailer_bytes_max) {
        return "trailers too long";
    }
    switch (state_) {
    case State::trailer_start:
        if (ends) {
            state_ = State::last_lf;
            return {};
        }
        if (!is_token_char(c)) return "trailer: malformed name";
        state_ = State::trailer_name;
        return {};
    case State::trailer_name:
        if (c == ':') {
            state_ = State::trailer_value;
        } else if (!is_token_char(c)) {
            return "trailer: malformed name";
        }
        return {};
    case State::trailer_value:
        if (c == '\r') {
            state_ = State::trailer_lf;
        } else if (!is_text(c)) {
            return "trailer: control character";
        }
        return {};
    case State::trailer_lf:
        if (c != '\n') return "trailer: bare CR";
        state_ = State::trailer_start;
        return {};
    case State::last_lf:
        if (c != '\n') return "last chunk: expected LF";
        state_ = State::ended;
        return {};
    default: RINGWAY_ASSERT(false); return {};
    }
}

std::string chunk_header(size_t bytes) {
    char text[20];
    char* const end = std::to_chars(text, text + 16, bytes, 16).ptr;
    end[0] = '\r';
    end[1] = '\n';
    return {text, static_cast<size_t>(end - text) + 2};
}

} // namespace ringway::wire
