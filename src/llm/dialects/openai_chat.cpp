#include <array>

#include "base/text.h"
#include "llm/dialects/dialects.h"
#include "llm/dialects/openai_errors.h"

namespace ringway::llm {
namespace {

enum Path : size_t {
    choice,
    finish_reason,
    error,
    prompt_tokens,
    completion_tokens,
    cached_tokens,
    cache_write_tokens,
    reasoning_tokens,
    cache_hit_tokens,
    groq_prompt_tokens,
    groq_completion_tokens,
};

constexpr std::array<std::string_view, 11> paths = {
    "choices[]",
    "choices[].finish_reason",
    "error",
    "usage.prompt_tokens",
    "usage.completion_tokens",
    "usage.prompt_tokens_details.cached_tokens",
    "usage.prompt_tokens_details.cache_write_tokens",
    "usage.completion_tokens_details.reasoning_tokens",
    "usage.prompt_cache_hit_tokens", // DeepSeek
    "x_groq.usage.prompt_tokens",    // Groq
    "x_groq.usage.completion_tokens",
};

constexpr std::array<std::string_view, 3> chat_needles = {R"("finish_reason")", R"("usage")",
                                                          R"("error")"};

/// What the event at hand held, in AnswerFacts::event_marks.
constexpr uint8_t mark_choice = 1;
constexpr uint8_t mark_usage = 2;

/// Chat Completions and the older Completions: the same answers but for what stands in a choice.
/// Source: OpenAI API reference, "The chat completion chunk object"; protocols/openai-chat.md, 5-6.
class ChoiceDialect final : public Dialect {
public:
    ChoiceDialect(std::string_view name, std::string_view path) : name_(name), path_(path) {}

    std::string_view name() const override { return name_; }
    Family family() const override { return Family::openai; }
    std::string_view path() const override { return path_; }
    bool asks_for_usage() const override { return true; }
    std::span<const std::string_view> answer_paths() const override { return paths; }
    std::span<const std::string_view> needles() const override { return chat_needles; }
    std::string_view terminator() const override { return "[DONE]"; }

    void read(const AnswerValue& value, AnswerFacts& facts) const override {
        if (value.path == choice) facts.event_marks |= mark_choice;
        if (value.path == error && !value.is_null) facts.has_failed = true;
        if (value.path == finish_reason && value.is_string && !value.text.empty()) {
            facts.has_finished = true;
        }
        if (value.path >= prompt_tokens) read_usage(value, facts);
    }

    void end_event(AnswerFacts& facts) const override {
        facts.is_usage_only = facts.event_marks == mark_usage;
    }

    std::string error_body(const ApiError& error) const override {
        return openai_error_body(error);
    }
    std::string error_event(const ApiError& error, const AnswerFacts&) const override {
        return "data: " + openai_error_body(error) + "\n\n";
    }

private:
    static void read_usage(const AnswerValue& value, AnswerFacts& facts) {
        const auto number = base::parse_decimal(value.text);
        if (value.is_string || !number) return;
        facts.event_marks |= mark_usage;
        facts.usage.is_known = true;
        switch (value.path) {
        case prompt_tokens:
        case groq_prompt_tokens: facts.usage.input_tokens = *number; break;
        case completion_tokens:
        case groq_completion_tokens: facts.usage.output_tokens = *number; break;
        case cached_tokens:
        case cache_hit_tokens: facts.usage.cached_tokens = *number; break;
        case cache_write_tokens: facts.usage.cache_write_tokens = *number; break;
        default: facts.usage.reasoning_tokens = *number; break;
        }
    }

    std::string_view name_;
    std::string_view path_;
};

} // namespace

const Dialect& openai_chat() {
    static const ChoiceDialect dialect("openai_chat", "/chat/completions");
    return dialect;
}

const Dialect& openai_completions() {
    static const ChoiceDialect dialect("openai_completions", "/completions");
    return dialect;
}

} // namespace ringway::llm
