#pragma once

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "ringway/result.h"
#include "wire/http1_head.h"
#include "wire/http1_parser.h"

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

/// What llhttp says of the lines of `head` that it is shown. Nothing when the grammar of heads is
/// not kept: CRLF lines without controls, each a token, a colon and a value.
inline std::optional<wire::SecondOpinion> ask_llhttp_by_lines(Bytes head, bool is_request) {
    wire::HeadScanner scanner;
    const auto length = scanner.scan(head, {});
    if (!length || *length != head.size() || scanner.leading_blank_bytes() > 0) return {};
    const Bytes first = head.substr(0, head.find('\r'));
    std::vector<wire::Field> fields;
    for (size_t at = first.size() + 2; head[at] != '\r'; at = head.find('\r', at) + 2) {
        const Bytes line = head.substr(at, head.find('\r', at) - at);
        const size_t colon = line.find(':');
        if (colon == 0 || colon == Bytes::npos) return {};
        const Bytes name = line.substr(0, colon);
        if (!std::all_of(name.begin(), name.end(), wire::is_token_char)) return {};
        const size_t value = std::min(line.find_first_not_of(" \t", colon + 1), line.size());
        const size_t end = std::max(line.find_last_not_of(" \t") + 1, value);
        fields.push_back({name, line.substr(value, end - value), wire::field_id(name)});
    }
    return wire::ask_llhttp(first, fields, is_request);
}

/// Whether llhttp says the same of the whole head; or nothing, where it is not asked.
inline bool says_the_same_by_lines(Bytes head, bool is_request) {
    const auto by_lines = ask_llhttp_by_lines(head, is_request);
    if (!by_lines) return true;
    const wire::SecondOpinion whole = wire::ask_llhttp(head, is_request);
    return by_lines->accepts == whole.accepts && (!whole.accepts || *by_lines == whole);
}

} // namespace ringway::tests
