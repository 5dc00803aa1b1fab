#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "tools/mock_options.h"

namespace ringway::tools {

/// A recorded answer.
struct MockRecording {
    std::string id; ///< "FOLDER/NAME"
    uint16_t status = 200;
    bool is_streaming = false;
    std::vector<std::pair<std::string, std::string>> fields; ///< without those of the connection
    std::string body;
};

/// The recordings that a mock answers with. Loaded before the workers start, then only read.
class MockRecordings {
public:
    /// `path`: a tree with NAME.meta.json files, one such file, or its NAME alone. The error is a
    /// sentence.
    static std::expected<MockRecordings, std::string> load(const std::string& path);

    bool empty() const { return all_.empty(); }
    /// The one that is meant: by its id, or the only one when the id is empty. Null: none.
    const MockRecording* find(Bytes id) const;
    const std::map<std::string, MockRecording, std::less<>>& all() const { return all_; }

private:
    std::map<std::string, MockRecording, std::less<>> all_;
};

/// The lengths of the pieces in which `body` goes out; they add up to all of it.
std::vector<size_t> split_body(Bytes body, const MockOptions& options);

} // namespace ringway::tools
