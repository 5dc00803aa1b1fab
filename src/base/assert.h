#pragma once

namespace ringway::base {

/// Says which invariant broke, then aborts. Only bugs come here; bytes from outside cause errors.
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line);

} // namespace ringway::base

/// Stays on in release builds.
#define RINGWAY_ASSERT(expression)                                                                 \
    (__builtin_expect(static_cast<bool>(expression), 1)                                            \
         ? static_cast<void>(0)                                                                    \
         : ::ringway::base::assertion_failed(#expression, __FILE__, __LINE__))
