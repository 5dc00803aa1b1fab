#pragma once

#include <cstdint>
#include <string>

#include "tools/mock_request.h"

namespace ringway::tools {

/// An error body in the shape of the API.
std::string mock_error_body(MockApi api, uint16_t status, Bytes message);
/// The error that a provider sends inside a stream that has begun.
std::string mock_error_event(MockApi api);
/// What the provider says of an error with this status.
Bytes mock_error_message(uint16_t status);

} // namespace ringway::tools
