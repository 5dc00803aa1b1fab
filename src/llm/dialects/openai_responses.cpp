#include <array>

#include "base/text.h"
#include "llm/dialects/dialects.h"
#include "llm/dialects/openai_errors.h"
#include "wire/json.h"

namespace ringway::llm {
namespace {

enum Path : size_t {
    type,
    sequence_number,
    status,
    error,
    input_tokens,
    output_tokens,
    cached_tokens,
    cache_write_tokens,
    reasoning_tokens,
    usage_fields = 5, ///< the same again below "response", as events have it
};

constexpr std::array<std::string_view, 14> paths = {
    "type",
    "sequence_number",
    "status",
    "error",
    "usage.input_tokens",
    "usage.output_tokens",
    "usage.input_tokens_details.cached_tokens",
    "usage.input_tokens_details.cache_write_tokens",
    "usage.output_tokens_details.reasoning_tokens",
    "response.usage.input_tokens",
    "response.usage.output_tokens",
    "response.usage.input_tokens_details.cached_tokens",
    "response.usage.input_tokens_details.cache_write_tokens",
    "response.usage.output_tokens_details.reasoning_tokens",
};

constexpr std::array<std::string_view, 4> final_needles = {
    R"("response.completed")", R"("response.incomplete")", R"("response.failed")", R"("error")"};

/// Source: OpenAI API reference, "Responses"; protocols/openai-responses.md, 4-5. A stream has no
/// sentinel: it ends with one of four event types.
class ResponsesDialect final : public Dialect {
public:
    std::string_view name() const override { return "openai_responses"; }
    Family family() const override { return Family::openai; }
    std::string_view path() const override { return "/responses"; }
    std::span<const std::string_view> answer_paths() const override { return paths; }
    std::span<const std::string_view> needles() const override { return final_needles; }

    void read(const AnswerValue& value, AnswerFacts& facts) const override {
        switch (value.path) {
        case type: read_type(value.text, facts); return;
        case sequence_number:
            facts.sequence_number =
                static_cast<uint32_t>(base::parse_decimal(value.text).value_or(0));
            return;
        case status:
            if (value.text == "failed") facts.has_failed = true;
            if (value.text != "in_progress" && value.text != "queued") facts.has_finished = true;
            return;
        case error:
            if (!value.is_null) facts.has_failed = true;
            return;
        default: read_usage(value, facts);
        }
    }

    std::string error_body(const ApiError& error) const override {
        return openai_error_body(error);
    }
    std::string error_event(const ApiError& error, const AnswerFacts& facts) const override {
        return "event: error\ndata: {\"type\":\"error\",\"code\":" + wire::json_string(error.code) +
               ",\"message\":" + wire::json_string(error.message) +
               ",\"param\":null,\"sequence_number\":" + std::to_string(facts.sequence_number + 1) +
               "}\n\n";
    }

private:
    static void read_type(std::string_view text, AnswerFacts& facts) {
        const bool has_failed = text == "response.failed" || text == "error";
        const bool has_finished = text == "response.completed" || text == "response.incomplete";
        if (has_failed) facts.has_failed = true;
        if (has_failed || has_finished) facts.has_finished = facts.has_terminated = true;
    }

    static void read_usage(const AnswerValue& value, AnswerFacts& facts) {
        const auto number = base::parse_decimal(value.text);
        if (value.is_string || !number) return;
        facts.usage.is_known = true;
        switch (input_tokens + (value.path - input_tokens) % usage_fields) {
        case input_tokens: facts.usage.input_tokens = *number; break;
        case output_tokens: facts.usage.output_tokens = *number; break;
        case cached_tokens: facts.usage.cached_tokens = *number; break;
        case cache_write_tokens: facts.usage.cache_write_tokens = *number; break;
        default: facts.usage.reasoning_tokens = *number; break;
        }
    }
};

} // namespace

const Dialect& openai_responses() {
    static const ResponsesDialect dialect;
    return dialect;
}

} // namespace ringway::llm
