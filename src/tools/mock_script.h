#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <vector>

#include "tools/mock_options.h"
#include "tools/mock_request.h"

namespace ringway::tools {

/// A content event as it goes over the wire, with the places where numbers are written at send
/// time. The places hold spaces, which JSON allows behind a number: the width stays the same.
struct MockEvent {
    std::string text;
    uint32_t number_at = 0; ///< of "sequence_number" in the Responses API; 0: none
    uint32_t number_width = 0;
    uint32_t seq_at = 0; ///< of "mock_seq"; 0: none
    uint32_t sent_at = 0;
};
inline constexpr uint32_t mock_seq_width = 8;
inline constexpr uint32_t mock_sent_width = 20;

/// All of an answer, rendered before it is sent: its events without chunk framing, or its body.
struct MockScript {
    std::string opening;           ///< before the first content event
    std::vector<MockEvent> events; ///< one to be repeated, or all
    uint32_t event_count = 0;
    uint32_t number_first = 0; ///< "sequence_number" of the first content event
    std::string settling;      ///< closes what the opening opened
    std::string finish;        ///< tells the finish reason
    std::string usage;         ///< may be empty
    std::string done;          ///< "[DONE]" or its equal
    std::string body;          ///< of an answer that does not stream
};

/// What an answer is rendered from.
struct MockQuestion {
    MockApi api = MockApi::chat;
    MockFacts facts;
    MockOptions options;

    bool calls_tool() const {
        return options.calls_tools && !facts.tool.empty() && !facts.refuses_tools &&
               !facts.ends_in_result && api != MockApi::completions;
    }
    uint32_t prompt_tokens() const {
        return options.input != 0 ? options.input : static_cast<uint32_t>(facts.body_bytes / 4 + 1);
    }
};

/// The error is a sentence: the answer would be too large.
std::expected<MockScript, std::string> render_script(const MockQuestion& question);

// For the files that render one API each ---------------------------------------------------------
MockScript render_chat(const MockQuestion& question);
MockScript render_completions(const MockQuestion& question);
MockScript render_responses(const MockQuestion& question);
MockScript render_messages(const MockQuestion& question);
/// Bodies of the APIs that never stream.
std::string render_embeddings(const MockQuestion& question);
std::string render_models(Bytes id, bool is_for_anthropic);

inline constexpr Bytes mock_created = "1760000000"; ///< fixed, so that answers are repeatable
/// The content of one token.
std::string mock_token(const MockOptions& options);
/// The content of all of them.
std::string mock_text(const MockOptions& options);
/// Arguments of a call, and their pieces.
inline constexpr Bytes mock_arguments = R"({"query":"what the mock was asked","count":3})";
std::vector<std::string> mock_argument_pieces();
/// "event: NAME", if there is one, and "data: JSON".
std::string mock_event_text(Bytes name, Bytes json);
/// As above, for a content event; `json` may hold "sequence_number" with `number_width` spaces.
MockEvent mock_event(Bytes name, std::string json, bool stamp, uint32_t number_width = 0);
/// Writes `value` from the left into `width` bytes, spaces behind it.
void write_mock_number(char* at, uint32_t width, uint64_t value);

} // namespace ringway::tools
