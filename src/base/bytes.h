#pragma once

#include <string_view>

namespace ringway {

/// A run of bytes that somebody else owns. The comment at each use says until when.
using Bytes = std::string_view;

} // namespace ringway
