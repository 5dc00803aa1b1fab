#include <array>

#include "base/text.h"
#include "llm/dialects/dialects.h"
#include "wire/json.h"

namespace ringway::llm {
namespace {

enum Path : size_t {
    type,
    stop_reason,
    delta_stop_reason,
    input_tokens,
    output_tokens,
    cache_read_tokens,
    cache_creation_tokens,
    thinking_tokens,
    usage_fields = 5, ///< the same again below "message", as message_start has it
};

constexpr std::array<std::string_view, 13> paths = {
    "type",
    "stop_reason",
    "delta.stop_reason",
    "usage.input_tokens",
    "usage.output_tokens",
    "usage.cache_read_input_tokens",
    "usage.cache_creation_input_tokens",
    "usage.output_tokens_details.thinking_tokens",
    "message.usage.input_tokens",
    "message.usage.output_tokens",
    "message.usage.cache_read_input_tokens",
    "message.usage.cache_creation_input_tokens",
    "message.usage.output_tokens_details.thinking_tokens",
};

constexpr std::array<std::string_view, 4> final_needles = {R"("usage")", R"("message_stop")",
                                                           R"("stop_reason")", R"("error")"};

std::string error_object(const ApiError& error) {
    std::string body = R"({"type":"error","error":{"type":)" + wire::json_string(error.type) +
                       R"(,"message":)" + wire::json_string(error.message) + "}";
    if (!error.request_id.empty()) {
        body += R"(,"request_id":)" + wire::json_string(error.request_id);
    }
    return body + "}";
}

/// Source: Anthropic API reference, "Messages" and "Streaming"; protocols/anthropic-messages.md,
/// 6-8. The prompt's tokens are told in three parts that exclude each other.
class AnthropicDialect final : public Dialect {
public:
    AnthropicDialect(std::string_view name, std::string_view path, bool has_model)
        : name_(name), path_(path), has_model_(has_model) {}

    std::string_view name() const override { return name_; }
    Family family() const override { return Family::anthropic; }
    std::string_view path() const override { return path_; }
    bool has_model() const override { return has_model_; }
    std::span<const std::string_view> answer_paths() const override { return paths; }
    std::span<const std::string_view> needles() const override { return final_needles; }

    void read(const AnswerValue& value, AnswerFacts& facts) const override {
        switch (value.path) {
        case type:
            if (value.text == "error") facts.has_failed = true;
            if (value.text == "message_stop") facts.has_terminated = true;
            return;
        case stop_reason:
        case delta_stop_reason:
            if (value.is_string) facts.has_finished = true;
            return;
        default: read_usage(value, facts);
        }
    }

    void end_event(AnswerFacts& facts) const override {
        facts.usage.input_tokens =
            facts.uncached_tokens + facts.usage.cached_tokens + facts.usage.cache_write_tokens;
    }

    std::string error_body(const ApiError& error) const override { return error_object(error); }
    std::string error_event(const ApiError& error, const AnswerFacts&) const override {
        return "event: error\ndata: " + error_object(error) + "\n\n";
    }
    /// The last name of an event counts: half an event becomes a ping, which the SDKs skip unread.
    std::string_view event_break() const override { return "\nevent: ping\n\n"; }

private:
    static void read_usage(const AnswerValue& value, AnswerFacts& facts) {
        const auto number = base::parse_decimal(value.text);
        if (value.is_string || !number) return; // null in a later event: the earlier count holds
        facts.usage.is_known = true;
        switch (input_tokens + (value.path - input_tokens) % usage_fields) {
        case input_tokens: facts.uncached_tokens = *number; break;
        case output_tokens: facts.usage.output_tokens = *number; break;
        case cache_read_tokens: facts.usage.cached_tokens = *number; break;
        case cache_creation_tokens: facts.usage.cache_write_tokens = *number; break;
        default: facts.usage.reasoning_tokens = *number; break;
        }
    }

    std::string_view name_;
    std::string_view path_;
    bool has_model_;
};

} // namespace

const Dialect& anthropic_messages() {
    static const AnthropicDialect dialect("anthropic_messages", "/messages", true);
    return dialect;
}

const Dialect& anthropic_count_tokens() {
    static const AnthropicDialect dialect("anthropic_count_tokens", "/messages/count_tokens", true);
    return dialect;
}

const Dialect& anthropic_other() {
    static const AnthropicDialect dialect("anthropic_other", "", false);
    return dialect;
}

} // namespace ringway::llm
