#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "ringway/result.h"
#include "wire/http1_fields.h"

namespace ringway::wire {

/// Limits on a head. Their defaults follow what servers commonly take (nginx 8 KiB lines, Node
/// 16 KiB heads), with room for long cookies and tokens.
struct HeadLimits {
    size_t head_bytes_max = 65536;
    size_t line_bytes_max = 16384;
    size_t target_bytes_max = 8192;
};
inline constexpr size_t fields_max = 128;

enum class Method : uint8_t { get, head, post, put, delete_, patch, options };
Bytes to_string(Method method);

/// How the end of a body is told. Source: RFC 9112, 6.3.
enum class Framing : uint8_t { none, length, chunked, until_close };

/// Finds the end of a head in bytes that arrive in pieces, and refuses what is not strictly CRLF
/// lines of visible characters: bare CR, bare LF, NUL and other controls, folded lines.
/// Give it all bytes of the head so far each time; it goes on where it stopped.
class HeadScanner {
public:
    /// The length of the head with its blank line, or 0 when more bytes are needed.
    /// Errors: {malformed}, {head_too_large}, {uri_too_long} with the client's blame.
    Result<size_t> scan(Bytes so_far, const HeadLimits& limits);
    /// Empty lines before a request: robustness of RFC 9112, 2.2. They are part of the length.
    size_t leading_blank_bytes() const { return leading_blank_; }
    bool has_begun(Bytes so_far) const { return so_far.size() > leading_blank_; }

private:
    Error too_long(size_t line_bytes, const HeadLimits& limits) const;

    uint32_t at_ = 0;
    uint32_t line_start_ = 0;
    uint16_t lines_ = 0;
    uint8_t leading_blank_ = 0;
};

/// The fields of one head, in order. Views die with the head's bytes.
struct Fields {
    std::array<Field, fields_max> all;
    size_t count = 0;
    /// Of each name that is known, the place of the first field behind 1; 0: there is none.
    std::array<uint8_t, static_cast<size_t>(FieldId::count_)> first{};

    std::span<const Field> list() const { return {all.data(), count}; }
    void clear() {
        count = 0;
        first = {};
    }
    /// There must be room.
    void add(const Field& field) {
        all[count++] = field;
        uint8_t& place = first[static_cast<size_t>(field.id)];
        if (place == 0) place = static_cast<uint8_t>(count);
    }
    /// The value of the first field of that name, which must be a known one; empty when there is
    /// none.
    Bytes get(FieldId id) const {
        const size_t place = first[static_cast<size_t>(id)];
        return place == 0 ? Bytes() : all[place - 1].value;
    }
    bool has(FieldId id) const { return first[static_cast<size_t>(id)] != 0; }
};

/// What a head says, beyond its fields.
struct RequestLine {
    Method method = Method::get;
    uint8_t minor_version = 1;
    Framing framing = Framing::none;
    bool keeps_alive = true;
    bool expects_continue = false;
    uint64_t content_length = 0;
    Bytes target; ///< origin-form: path and query; for OPTIONS also "*"
};

struct StatusLine {
    uint16_t status = 0;
    uint8_t minor_version = 1;
    Framing framing = Framing::none;
    bool keeps_alive = true;
    uint64_t content_length = 0;
    Bytes reason;
};

/// Parses the complete head of a request, as found by HeadScanner (leading blank lines cut off).
/// Everything that two parsers may read differently is refused (architecture: parsing rules).
/// Errors: an HTTP status follows from each Code; all have the client's blame.
/// Source: RFC 9112, RFC 9110.
Result<RequestLine> parse_request_head(Bytes head, Fields& fields, const HeadLimits& limits);

/// Parses the complete head of a response to a request of method `asked`.
/// Errors: {malformed, upstream}.
Result<StatusLine> parse_response_head(Bytes head, Method asked, Fields& fields,
                                       const HeadLimits& limits);

/// A uri-host with an optional port (RFC 3986, 3.2.2), and not empty.
bool is_valid_host(Bytes host);

} // namespace ringway::wire
