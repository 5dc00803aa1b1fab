#include <array>

#include "base/text.h"
#include "llm/dialects/dialects.h"
#include "llm/dialects/openai_errors.h"

namespace ringway::llm {
namespace {

constexpr std::array<std::string_view, 3> paths = {"error", "usage.prompt_tokens",
                                                   "usage.input_tokens"};

/// Answers that are one JSON body, or that nobody here reads: embeddings, and any other path of the
/// OpenAI API. Source: OpenAI API reference, "Embeddings"; protocols/openai-chat.md, 10.
class PlainDialect final : public Dialect {
public:
    PlainDialect(std::string_view name, std::string_view path, bool has_model)
        : name_(name), path_(path), has_model_(has_model) {}

    std::string_view name() const override { return name_; }
    Family family() const override { return Family::openai; }
    std::string_view path() const override { return path_; }
    bool has_model() const override { return has_model_; }
    std::span<const std::string_view> answer_paths() const override { return paths; }
    std::span<const std::string_view> needles() const override { return {}; }

    void read(const AnswerValue& value, AnswerFacts& facts) const override {
        if (value.path == 0) {
            facts.has_failed = facts.has_failed || !value.is_null;
        } else if (const auto number = base::parse_decimal(value.text);
                   number && !value.is_string) {
            facts.usage.input_tokens = *number;
            facts.usage.is_known = true;
        }
    }

    std::string error_body(const ApiError& error) const override {
        return openai_error_body(error);
    }
    std::string error_event(const ApiError& error, const AnswerFacts&) const override {
        return "data: " + openai_error_body(error) + "\n\n";
    }

private:
    std::string_view name_;
    std::string_view path_;
    bool has_model_;
};

} // namespace

const Dialect& openai_embeddings() {
    static const PlainDialect dialect("openai_embeddings", "/embeddings", true);
    return dialect;
}

const Dialect& openai_other() {
    static const PlainDialect dialect("openai_other", "", false);
    return dialect;
}

} // namespace ringway::llm
