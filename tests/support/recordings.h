#pragma once

#include <string>
#include <vector>

namespace ringway::tests {

/// A recorded answer of a real provider, from tests/golden/recordings.
struct Recording {
    std::string name; ///< "openai-chat/stream-text"
    std::string path; ///< of its request
    std::string body;
    bool is_stream = false; ///< server-sent events
    unsigned status = 0;
};

/// All that are JSON or server-sent events.
const std::vector<Recording>& recordings();

/// The bytes of a file below tests/golden.
std::string read_golden(const std::string& name);

} // namespace ringway::tests
