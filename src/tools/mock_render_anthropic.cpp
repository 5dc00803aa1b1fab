#include "tools/mock_script.h"
#include "wire/json.h"

namespace ringway::tools {
namespace {

std::string usage_object(const MockQuestion& question, uint32_t output) {
    return "{\"input_tokens\":" + std::to_string(question.prompt_tokens()) +
           ",\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":0,"
           "\"cache_creation\":{\"ephemeral_5m_input_tokens\":0,\"ephemeral_1h_input_tokens\":0},"
           "\"output_tokens\":" +
           std::to_string(output) + ",\"service_tier\":\"standard\"}";
}

/// `stop` is JSON: a string, or null.
std::string message_object(const MockQuestion& question, const std::string& content,
                           const std::string& stop, uint32_t output) {
    return "{\"id\":\"msg_mock\",\"type\":\"message\",\"role\":\"assistant\",\"model\":" +
           wire::json_string(question.facts.model) + ",\"content\":[" + content +
           "],\"stop_reason\":" + stop +
           ",\"stop_sequence\":null,\"usage\":" + usage_object(question, output) + "}";
}

std::string block_object(const MockQuestion& question, bool is_start) {
    if (question.calls_tool()) {
        return "{\"type\":\"tool_use\",\"id\":\"toolu_mock\",\"name\":" +
               wire::json_string(question.facts.tool) +
               ",\"input\":" + (is_start ? "{}" : std::string(mock_arguments)) + "}";
    }
    return "{\"type\":\"text\",\"text\":" +
           (is_start ? "\"\"" : wire::json_string(mock_text(question.options))) + "}";
}

void add_events(const MockQuestion& question, MockScript& script) {
    const auto add = [&](const std::string& delta) {
        script.events.push_back(
            mock_event("content_block_delta",
                       "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":" + delta + "}",
                       question.options.stamp));
    };
    if (!question.calls_tool()) {
        add("{\"type\":\"text_delta\",\"text\":" + wire::json_string(mock_token(question.options)) +
            "}");
        script.event_count = question.options.tokens;
        return;
    }
    for (const std::string& piece : mock_argument_pieces()) {
        add("{\"type\":\"input_json_delta\",\"partial_json\":" + wire::json_string(piece) + "}");
    }
    script.event_count = static_cast<uint32_t>(script.events.size());
}

} // namespace

MockScript render_messages(const MockQuestion& question) {
    MockScript script;
    add_events(question, script);
    const std::string stop = question.calls_tool() ? "\"tool_use\"" : "\"end_turn\"";
    if (!question.facts.is_stream) {
        script.body =
            message_object(question, block_object(question, false), stop, script.event_count);
        return script;
    }
    script.opening =
        mock_event_text("message_start", "{\"type\":\"message_start\",\"message\":" +
                                             message_object(question, "", "null", 1) + "}") +
        mock_event_text("content_block_start",
                        "{\"type\":\"content_block_start\",\"index\":0,\"content_block\":" +
                            block_object(question, true) + "}") +
        mock_event_text("ping", "{\"type\":\"ping\"}");
    script.settling =
        mock_event_text("content_block_stop", "{\"type\":\"content_block_stop\",\"index\":0}");
    script.finish = mock_event_text(
        "message_delta", "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":" + stop +
                             ",\"stop_sequence\":null},\"usage\":" +
                             usage_object(question, script.event_count) + "}");
    script.done = mock_event_text("message_stop", "{\"type\":\"message_stop\"}");
    return script;
}

} // namespace ringway::tools
