#include "tools/mock_request.h"

#include <algorithm>

#include "base/text.h"

namespace ringway::tools {
namespace {

struct Route {
    Bytes path;
    MockApi api;
};

constexpr Route posted[] = {
    {"/v1/chat/completions", MockApi::chat}, {"/v1/completions", MockApi::completions},
    {"/v1/responses", MockApi::responses},   {"/v1/embeddings", MockApi::embeddings},
    {"/v1/messages", MockApi::messages},     {"/v1/messages/count_tokens", MockApi::count_tokens},
};

enum Path {
    model,
    stream,
    include_usage,
    tool_choice,
    tool_choice_type,
    tool,
    tool_type,
    tool_name,
    tool_function_name,
    message,
    message_role,
    message_part_type,
    input,
    input_item,
    input_item_type,
    dimensions,
    encoding_format,
};

const wire::JsonPaths& paths() {
    static const wire::JsonPaths made{
        "model",        "stream",           "stream_options.include_usage",
        "tool_choice",  "tool_choice.type", "tools[]",
        "tools[].type", "tools[].name",     "tools[].function.name",
        "messages[]",   "messages[].role",  "messages[].content[].type",
        "input",        "input[]",          "input[].type",
        "dimensions",   "encoding_format",
    };
    return made;
}

} // namespace

MockApi mock_api(wire::Method method, Bytes path) {
    if (method == wire::Method::post) {
        for (const Route& route : posted) {
            if (route.path == path) return route.api;
        }
    }
    const bool gets = method == wire::Method::get || method == wire::Method::head;
    if (gets && (path == "/v1/models" || path.starts_with("/v1/models/"))) return MockApi::models;
    if (gets && path == "/mock/stats") return MockApi::stats;
    if (path == "/mock/requests" && (gets || method == wire::Method::delete_)) {
        return MockApi::requests;
    }
    if (gets && path == "/") return MockApi::welcome;
    return path.starts_with("/v1/") ? MockApi::echo : MockApi::unknown;
}

bool is_anthropic(MockApi api) { return api == MockApi::messages || api == MockApi::count_tokens; }

bool has_model(MockApi api) { return api <= MockApi::count_tokens; }

MockRequestScan::MockRequestScan() : scanner_(paths(), *this) {}

Status MockRequestScan::feed(Bytes piece) {
    facts_.body_bytes += piece.size();
    return scanner_.feed(piece);
}

Status MockRequestScan::finish() {
    RINGWAY_RETURN_IF_ERROR(scanner_.finish());
    if (facts_.model.empty()) return client_error(Code::malformed, "the model is missing");
    return {};
}

void MockRequestScan::on_value(const wire::JsonValue& value) {
    const bool is_true = value.kind == wire::JsonKind::boolean && value.text == "true";
    switch (value.path) {
    case model:
        if (value.kind == wire::JsonKind::string && !value.is_cut) facts_.model = value.text;
        break;
    case stream: facts_.is_stream = is_true; break;
    case include_usage: facts_.includes_usage = is_true; break;
    case tool_choice:
    case tool_choice_type: // in either API; an object's own text is empty
        if (value.text == "none") facts_.refuses_tools = true;
        break;
    case tool:
        // Tools that the provider runs itself have no function to call.
        if (facts_.tool.empty() &&
            (tool_type_.empty() || tool_type_ == "function" || tool_type_ == "custom")) {
            facts_.tool = tool_name_;
        }
        tool_type_.clear();
        tool_name_.clear();
        break;
    case tool_type: tool_type_ = value.text; break;
    case tool_name:
    case tool_function_name: tool_name_ = value.text; break;
    case message:
    case input_item:
        facts_.ends_in_result = is_result_;
        is_result_ = false;
        is_token_ = value.kind == wire::JsonKind::number;
        ++facts_.inputs;
        break;
    case message_role: is_result_ = is_result_ || value.text == "tool"; break;
    case message_part_type: is_result_ = is_result_ || value.text == "tool_result"; break;
    case input_item_type: is_result_ = is_result_ || value.text.ends_with("_output"); break;
    case input:
        if (value.kind == wire::JsonKind::string || is_token_) facts_.inputs = 1;
        break;
    case dimensions:
        facts_.dimensions = static_cast<uint32_t>(
            std::min<uint64_t>(base::parse_decimal(value.text).value_or(0), 4096));
        break;
    case encoding_format: facts_.wants_base64 = value.text == "base64"; break;
    default: break;
    }
}

} // namespace ringway::tools
