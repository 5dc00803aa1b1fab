#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "ringway/usage.h"

namespace ringway {

/// Whose SDK speaks it: decides the shape of errors and the names of headers.
enum class Family : uint8_t { openai, anthropic };

/// What an answer has told so far. Filled by a Dialect as the answer passes.
struct AnswerFacts {
    Usage usage;
    bool has_finished = false;   ///< a finish or stop reason was given
    bool has_terminated = false; ///< the dialect's own end of stream was seen
    bool has_failed = false;     ///< an error stood in the answer
    /// Of the event read last: it carries usage and nothing else, as OpenAI's extra chunk does.
    bool is_usage_only = false;
    uint8_t event_marks = 0;      ///< the dialect's own notes on the event being read
    uint32_t sequence_number = 0; ///< of the event read last, where the dialect counts them
    uint64_t uncached_tokens = 0; ///< input that was neither read from nor written to a cache
};

/// A value found at one of a dialect's paths.
struct AnswerValue {
    size_t path;           ///< index in Dialect::answer_paths()
    std::string_view text; ///< of a string or number; dies with the call
    bool is_null;
    bool is_string;
};

/// An error for a client.
struct ApiError {
    uint16_t status;
    std::string_view type; ///< of the OpenAI family
    std::string_view code; ///< of the OpenAI family; empty: null
    std::string_view message;
    std::string_view param; ///< of the OpenAI family; empty: null
    std::string_view request_id;
};

/// One wire format. Pure: no I/O, no state; an answer's state is in AnswerFacts.
/// Adding one is a file in llm/dialects and a row in llm/registry.cpp.
class Dialect {
public:
    virtual ~Dialect() = default;

    virtual std::string_view name() const = 0;
    virtual Family family() const = 0;
    /// Below the provider's base URL, such as "/chat/completions".
    virtual std::string_view path() const = 0;
    /// Streams carry usage only if stream_options.include_usage asks for it.
    virtual bool asks_for_usage() const { return false; }
    /// Bodies name a model at the top level, and may ask for a stream.
    virtual bool has_model() const { return true; }

    /// JSON paths read in answers: in each event of a stream, or in the whole body.
    virtual std::span<const std::string_view> answer_paths() const = 0;
    static constexpr size_t needle_bytes_max = 30;
    /// JSON strings without which an event says nothing at these paths (a key followed by null says
    /// nothing either). Events without any are not parsed. At most 7, of needle_bytes_max at most.
    virtual std::span<const std::string_view> needles() const = 0;
    /// An event's whole data when the stream has ended, such as "[DONE]"; may be empty.
    virtual std::string_view terminator() const { return {}; }
    /// Takes in a value.
    virtual void read(const AnswerValue& value, AnswerFacts& facts) const = 0;
    /// The event, or the whole body, has been read.
    virtual void end_event(AnswerFacts&) const {}

    /// The body of an error answer.
    virtual std::string error_body(const ApiError& error) const = 0;
    /// The event that ends a stream which broke.
    virtual std::string error_event(const ApiError& error, const AnswerFacts& facts) const = 0;
    /// Ends an event that broke off, so that error_event() can follow. Lives as long as the
    /// program.
    virtual std::string_view event_break() const { return "\n\n"; }
};

} // namespace ringway
