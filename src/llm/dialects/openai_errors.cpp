#include "llm/dialects/openai_errors.h"

#include "wire/json.h"

namespace ringway::llm {

std::string openai_error_body(const ApiError& error) {
    const auto or_null = [](std::string_view text) {
        return text.empty() ? std::string("null") : wire::json_string(text);
    };
    return R"({"error":{"message":)" + wire::json_string(error.message) + R"(,"type":)" +
           wire::json_string(error.type) + R"(,"param":)" + or_null(error.param) + R"(,"code":)" +
           or_null(error.code) + "}}";
}

} // namespace ringway::llm
