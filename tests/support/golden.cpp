#include "support/golden.h"

namespace ringway::tests {

const char* const golden_directory = RINGWAY_GOLDEN_DIR;

} // namespace ringway::tests
