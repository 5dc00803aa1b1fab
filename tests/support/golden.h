#pragma once

namespace ringway::tests {

/// The folder tests/golden of the tree that was built.
extern const char* const golden_directory;

} // namespace ringway::tests
