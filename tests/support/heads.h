#pragma once

#include <span>
#include <string>

#include "base/bytes.h"
#include "ringway/result.h"
#include "wire/http1_head.h"

namespace ringway::tests {

/// Lets a scanner see `pieces` one after the other, as a connection does: the length of the head,
/// or 0 when it has not ended.
inline Result<size_t> scan_pieces(std::span<const Bytes> pieces, const wire::HeadLimits& limits) {
    wire::HeadScanner scanner;
    std::string so_far;
    for (const Bytes piece : pieces) {
        so_far += piece;
        so_far.shrink_to_fit();
        const auto length = scanner.scan(so_far, limits);
        if (!length || *length > 0) return length;
    }
    return size_t{0};
}

/// A request as the server reads it: scanned, blank lines cut off, parsed. Views `bytes`.
struct ReadHead {
    Result<wire::RequestLine> line = client_error(Code::internal, "the head has not ended");
    wire::Fields fields;
    size_t length = 0; ///< with the blank lines before it
};

inline ReadHead read_request(Bytes bytes, const wire::HeadLimits& limits) {
    ReadHead read;
    wire::HeadScanner scanner;
    const auto length = scanner.scan(bytes, limits);
    if (!length) {
        read.line = std::unexpected(length.error());
    } else if (*length > 0) {
        const size_t blank = scanner.leading_blank_bytes();
        read.length = *length;
        read.line = parse_request_head(bytes.substr(blank, *length - blank), read.fields, limits);
    }
    return read;
}

} // namespace ringway::tests
