#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "ringway/time.h"
#include "tools/mock_faults.h"

namespace ringway::tools {

/// In which pieces a recording's body goes out.
enum class MockSplit : uint8_t { whole, events, bytes, random };
/// How the end of a recording's body is told.
enum class MockFraming : uint8_t { chunked, length, close };

/// What an answer of the mock is like. Flags set the defaults of a server; the model's name and
/// the header x-mock-options change them for one request.
struct MockOptions {
    uint32_t tokens = 16; ///< content events
    Duration delay{};     ///< before the response head
    Duration ttft{};      ///< from the head to the first token
    Duration gap{};       ///< between bursts of tokens; 0: as fast as the client takes them
    uint32_t burst = 1;   ///< tokens written in one go
    uint32_t bytes = 6;   ///< of content in a token
    uint32_t jitter = 0;  ///< percent by which gaps vary, either way
    uint32_t groups = 0;  ///< 0: each stream keeps its own time; else streams are dealt into this
                          ///< many groups, whose tokens go together, as an engine's steps have it
    bool stamp = false;   ///< events carry "mock_seq" and "mock_sent_ns"
    const MockFaultRow* fault_row = mock_faults().data();
    std::optional<uint32_t> at; ///< after how many tokens it goes wrong; unset: half of them
    uint32_t input = 0;         ///< prompt tokens in the usage; 0: estimated from the body
    uint32_t dimensions = 8;    ///< of embeddings
    bool calls_tools = true;    ///< answers requests that have tools with a call
    MockSplit split = MockSplit::whole;
    uint64_t split_number = 0; ///< bytes of a piece, or the seed
    Duration pace{};           ///< between the pieces of a recording
    MockFraming framing = MockFraming::chunked;

    MockFault fault() const { return fault_row->fault; }
    /// The error is a sentence that names the option.
    std::expected<void, std::string> apply(Bytes key, Bytes value);
    /// "key=value,key=value"; empty is fine.
    std::expected<void, std::string> apply_list(Bytes list);
    /// The model grammar: "NAME" or "NAME:key=value,...". A name with a colon and no "=" behind it,
    /// such as "llama3:8b", is a plain one.
    std::expected<void, std::string> apply_model(Bytes model);
};

} // namespace ringway::tools
