#pragma once

#include <string_view>

namespace ringway {

/// The version of the library one links against; meson.build gives it.
extern const std::string_view version;

} // namespace ringway
