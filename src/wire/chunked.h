#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "ringway/result.h"

namespace ringway::wire {

/// Reads the chunked coding from bytes that arrive in pieces of any size, strictly: hexadecimal
/// size, then CRLF; data, then exactly CRLF; trailers checked like header lines, and dropped.
/// Extensions and trailers are bounded. Source: RFC 9112, 7.1.
class ChunkedDecoder {
public:
    static constexpr uint32_t extension_bytes_max = 4096; ///< of one body
    static constexpr uint32_t trailer_bytes_max = 8192;

    /// One step: a run of payload, or some framing, or both in that order.
    struct Step {
        size_t consumed = 0;
        Bytes payload; ///< views the input
    };

    /// Reads on until a run of payload has been found, a chunk or the body has ended, or the input
    /// is used up.
    /// Errors: {malformed, client}: the caller knows whose bytes they are.
    Result<Step> next(Bytes input);

    /// Passes over the whole chunks that `input` begins with and whose payload `accept` takes, each
    /// with data and without extension. Only between chunks; where it stops next() goes on. Returns
    /// the bytes passed over.
    template <class F>
    static size_t pass_whole_chunks(Bytes input, F&& accept);

    bool has_ended() const { return state_ == State::ended; }
    /// Bytes of payload that the open chunk still owes; 0 outside a chunk's data.
    uint64_t open_chunk_bytes() const { return state_ == State::data ? remaining_ : 0; }
    /// Between two chunks: what was read so far is whole chunks.
    bool is_between_chunks() const { return state_ == State::size && digits_ == 0; }
    /// Whether the CRLF after a chunk's data is still to come, and how much of it.
    unsigned owed_line_end_bytes() const {
        return state_ == State::data_cr ? 2 : state_ == State::data_lf ? 1 : 0;
    }
    /// Within the last chunk: its size line was read, the end was not.
    bool is_in_trailer() const { return state_ >= State::trailer_start && state_ < State::ended; }
    bool has_extension() const { return extension_bytes_ > 0; }
    bool has_trailer() const { return trailer_bytes_ > 0; }

private:
    enum class State : uint8_t {
        size,
        extension,
        size_lf,
        data,
        data_cr,
        data_lf,
        trailer_start, ///< at the start of a trailer line, or of the last CRLF
        trailer_name,
        trailer_value,
        trailer_lf,
        last_lf,
        ended,
    };
    /// What is wrong with it; empty: nothing.
    using Fault = std::string_view;
    Fault read_frame_byte(char c);
    Fault read_size_byte(char c);
    Fault read_trailer_byte(char c);
    Fault count_extension_byte();

    uint64_t remaining_ = 0;
    uint32_t extension_bytes_ = 0;
    uint32_t trailer_bytes_ = 0;
    uint8_t digits_ = 0;
    State state_ = State::size;
};

/// The value of a hexadecimal digit; below 0 when it is none.
constexpr int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

inline constexpr std::array<int8_t, 256> hex_values = [] {
    std::array<int8_t, 256> values{};
    for (size_t c = 0; c < values.size(); ++c) {
        values[c] = static_cast<int8_t>(hex_value(static_cast<char>(c)));
    }
    return values;
}();

template <class F>
size_t ChunkedDecoder::pass_whole_chunks(Bytes input, F&& accept) {
    constexpr int digits_max = 7; // of a chunk that can be whole in one read
    const char* const begin = input.data();
    const char* const end = begin + input.size();
    for (const char* chunk = begin;;) {
        size_t size = 0;
        const char* at = chunk;
        int digit = -1;
        while (at != end && (digit = hex_values[static_cast<uint8_t>(*at)]) >= 0 &&
               at - chunk < digits_max) {
            size = size * 16 + static_cast<size_t>(digit);
            ++at;
        }
        const bool is_whole = size > 0 && static_cast<size_t>(end - at) >= size + 4 &&
                              at[0] == '\r' && at[1] == '\n' && at[size + 2] == '\r' &&
                              at[size + 3] == '\n';
        if (!is_whole || !accept(Bytes(at + 2, size))) {
            return static_cast<size_t>(chunk - begin);
        }
        chunk = at + size + 4;
    }
}

/// The size line of a chunk of `bytes` bytes, with its CRLF.
std::string chunk_header(size_t bytes);
inline constexpr Bytes chunk_end = "\r\n";
inline constexpr Bytes last_chunk = "0\r\n\r\n";

} // namespace ringway::wire
