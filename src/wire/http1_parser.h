#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/bytes.h"
#include "wire/http1_fields.h"

namespace ringway::wire {

/// What llhttp reads in a head.
struct SecondOpinion {
    bool accepts = false;
    uint8_t method = 0; ///< llhttp's number
    uint16_t status = 0;
    uint8_t minor_version = 0;
    bool is_chunked = false;
    uint64_t content_length = 0;
    bool operator==(const SecondOpinion&) const = default;
};

/// Lets llhttp (strict mode) read a head: a second, independent parser must agree with our own
/// before a head is believed. Bodies are framed by our own decoder. It is shown the first line, the
/// lines of the fields that it knows, and the blank line: to all others, being a token, a colon and
/// text without controls, it says nothing (decisions/0012). Both views are of the head, in which
/// each line has its CRLF behind it.
SecondOpinion ask_llhttp(Bytes first_line, std::span<const Field> fields, bool is_request);

/// As above, of every line: what tests hold it against.
SecondOpinion ask_llhttp(Bytes head, bool is_request);

/// llhttp's number of the method `name`, or 255.
uint8_t llhttp_method(Bytes name);

/// "8.1.0": of the library one was compiled with.
std::string llhttp_version();

} // namespace ringway::wire
