#include "tools/mock_errors.h"

#include "tools/mock_script.h"
#include "wire/json.h"

namespace ringway::tools {
namespace {

/// Source: OpenAI "Error codes", Anthropic "Errors".
struct ErrorShape {
    uint16_t status;
    Bytes openai_type;
    Bytes openai_code; ///< empty: null
    Bytes anthropic_type;
    Bytes message;
};

constexpr ErrorShape shapes[] = {
    {400, "invalid_request_error", "", "invalid_request_error", "The mock finds fault with this."},
    {401, "invalid_request_error", "invalid_api_key", "authentication_error",
     "The mock takes this for a wrong key."},
    {404, "invalid_request_error", "model_not_found", "not_found_error",
     "The mock says that the model does not exist."},
    {413, "invalid_request_error", "request_too_large", "request_too_large",
     "The mock says that the request is too large."},
    {429, "requests", "rate_limit_exceeded", "rate_limit_error",
     "The mock's rate limit is reached."},
    {503, "server_error", "overloaded", "overloaded_error", "The mock is overloaded."},
    {529, "server_error", "overloaded", "overloaded_error", "The mock is overloaded."},
    {500, "server_error", "", "api_error", "The mock had an error."}, // and whatever is not above
};

const ErrorShape& shape_of(uint16_t status) {
    for (const ErrorShape& shape : shapes) {
        if (shape.status == status) return shape;
    }
    return status < 500 ? shapes[0] : shapes[std::size(shapes) - 1];
}

} // namespace

Bytes mock_error_message(uint16_t status) { return shape_of(status).message; }

std::string mock_error_body(MockApi api, uint16_t status, Bytes message) {
    const ErrorShape& shape = shape_of(status);
    if (is_anthropic(api)) {
        return "{\"type\":\"error\",\"error\":{\"type\":\"" + std::string(shape.anthropic_type) +
               "\",\"message\":" + wire::json_string(message) + "},\"request_id\":\"req_mock\"}";
    }
    return "{\"error\":{\"message\":" + wire::json_string(message) + ",\"type\":\"" +
           std::string(shape.openai_type) + "\",\"param\":null,\"code\":" +
           (shape.openai_code.empty() ? "null" : wire::json_string(shape.openai_code)) + "}}";
}

std::string mock_error_event(MockApi api) {
    const Bytes message = mock_error_message(529);
    if (is_anthropic(api)) {
        return mock_event_text("error", "{\"type\":\"error\",\"error\":{\"type\":"
                                        "\"overloaded_error\",\"message\":" +
                                            wire::json_string(message) + "}}");
    }
    if (api == MockApi::responses) {
        return mock_event_text("error", "{\"type\":\"error\",\"sequence_number\":0,"
                                        "\"code\":\"server_error\",\"param\":null,\"message\":" +
                                            wire::json_string(message) + "}");
    }
    return mock_event_text("", mock_error_body(api, 500, message));
}

} // namespace ringway::tools
