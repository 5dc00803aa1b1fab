#include "base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace ringway::base {

void assertion_failed(const char* expression, const char* file, int line) {
    std::fprintf(stderr, "ringway: assertion failed: %s (%s:%d)\n", expression, file, line);
    std::abort();
}

} // namespace ringway::base
