#include "ringway/version.h"

namespace ringway {

const std::string_view version = RINGWAY_VERSION;

} // namespace ringway
