#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"

namespace ringway::wire {

/// What llhttp reads in a head.
struct SecondOpinion {
    bool accepts = false;
    uint8_t method = 0; ///< llhttp's number
    uint16_t status = 0;
    uint8_t minor_version = 0;
    bool is_chunked = false;
    uint64_t content_length = 0;
};

/// Lets llhttp (strict mode) read a complete head: a second, independent parser must agree with our
/// own before a head is believed. Bodies are framed by our own decoder.
SecondOpinion ask_llhttp(Bytes head, bool is_request);

/// llhttp's number of the method `name`, or 255.
uint8_t llhttp_method(Bytes name);

/// "8.1.0": of the library one was compiled with.
std::string llhttp_version();

} // namespace ringway::wire
