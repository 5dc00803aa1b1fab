#include "tools/mock_script.h"
#include "wire/json.h"

namespace ringway::tools {
namespace {

std::string usage_object(const MockQuestion& question, uint32_t output) {
    const uint32_t input = question.prompt_tokens();
    return "{\"prompt_tokens\":" + std::to_string(input) +
           ",\"completion_tokens\":" + std::to_string(output) +
           ",\"total_tokens\":" + std::to_string(input + output) +
           ",\"prompt_tokens_details\":{\"cached_tokens\":0,\"audio_tokens\":0}"
           ",\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens\":0,"
           "\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}";
}

/// What all chunks of a stream begin with, and what follows their choices.
struct ChunkFrame {
    std::string front;
    std::string back;

    std::string chunk(Bytes choices) const { return front + std::string(choices) + back; }
};

ChunkFrame chat_frame(const MockQuestion& question) {
    ChunkFrame frame;
    frame.front = "{\"id\":\"chatcmpl-mock\",\"object\":\"chat.completion.chunk\",\"created\":" +
                  std::string(mock_created) +
                  ",\"model\":" + wire::json_string(question.facts.model) +
                  ",\"service_tier\":\"default\",\"system_fingerprint\":\"fp_mock\",\"choices\":";
    frame.back = question.facts.includes_usage ? ",\"usage\":null}" : "}";
    return frame;
}

std::string chat_choice(const std::string& delta, Bytes finish) {
    return "[{\"index\":0,\"delta\":" + delta + ",\"logprobs\":null,\"finish_reason\":" +
           (finish.empty() ? "null" : wire::json_string(finish)) + "}]";
}

/// The chunk that tells the usage has no choices.
std::string usage_event(const MockQuestion& question, const ChunkFrame& frame, uint32_t output) {
    if (!question.facts.includes_usage) return "";
    return mock_event_text("",
                           frame.front + "[],\"usage\":" + usage_object(question, output) + "}");
}

std::string call_object(const MockQuestion& question, Bytes arguments, bool is_delta) {
    return std::string("{") + (is_delta ? "\"index\":0," : "") +
           "\"id\":\"call_mock\",\"type\":\"function\",\"function\":{\"name\":" +
           wire::json_string(question.facts.tool) +
           ",\"arguments\":" + wire::json_string(arguments) + "}}";
}

void add_chat_events(const MockQuestion& question, const ChunkFrame& frame, MockScript& script) {
    const bool stamp = question.options.stamp;
    const auto add = [&](const std::string& delta) {
        script.events.push_back(mock_event("", frame.chunk(chat_choice(delta, "")), stamp));
    };
    if (!question.calls_tool()) {
        add("{\"content\":" + wire::json_string(mock_token(question.options)) + "}");
        script.event_count = question.options.tokens;
        return;
    }
    for (const std::string& piece : mock_argument_pieces()) {
        add("{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":" +
            wire::json_string(piece) + "}}]}");
    }
    script.event_count = static_cast<uint32_t>(script.events.size());
}

std::string chat_body(const MockQuestion& question, uint32_t output) {
    const bool calls = question.calls_tool();
    const std::string content = calls ? "null" : wire::json_string(mock_text(question.options));
    const std::string tail =
        calls ? ",\"tool_calls\":[" + call_object(question, mock_arguments, false) + "]" : "";
    return "{\"id\":\"chatcmpl-mock\",\"object\":\"chat.completion\",\"created\":" +
           std::string(mock_created) + ",\"model\":" + wire::json_string(question.facts.model) +
           ",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":" + content +
           tail + ",\"refusal\":null,\"annotations\":[]},\"logprobs\":null,\"finish_reason\":" +
           (calls ? "\"tool_calls\"" : "\"stop\"") +
           "}],\"usage\":" + usage_object(question, output) +
           ",\"service_tier\":\"default\",\"system_fingerprint\":\"fp_mock\"}";
}

} // namespace

MockScript render_chat(const MockQuestion& question) {
    MockScript script;
    const ChunkFrame frame = chat_frame(question);
    const bool calls = question.calls_tool();
    const auto whole = [&](const std::string& delta, Bytes finish) {
        return mock_event_text("", frame.chunk(chat_choice(delta, finish)));
    };
    add_chat_events(question, frame, script);
    if (!question.facts.is_stream) {
        script.body = chat_body(question, script.event_count);
        return script;
    }
    if (calls) {
        script.opening = whole("{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[" +
                                   call_object(question, "", true) + "],\"refusal\":null}",
                               "");
    } else {
        script.opening = whole("{\"role\":\"assistant\",\"content\":\"\",\"refusal\":null}", "");
    }
    script.finish = whole("{}", calls ? "tool_calls" : "stop");
    script.usage = usage_event(question, frame, script.event_count);
    script.done = mock_event_text("", "[DONE]");
    return script;
}

MockScript render_completions(const MockQuestion& question) {
    const auto choice = [](const std::string& text, bool is_last) {
        return "[{\"text\":" + text + ",\"index\":0,\"logprobs\":null,\"finish_reason\":" +
               (is_last ? "\"stop\"}]" : "null}]");
    };
    ChunkFrame frame;
    frame.front = "{\"id\":\"cmpl-mock\",\"object\":\"text_completion\",\"created\":" +
                  std::string(mock_created) +
                  ",\"model\":" + wire::json_string(question.facts.model) + ",\"choices\":";
    frame.back = question.facts.includes_usage ? ",\"usage\":null}" : "}";
    MockScript script;
    script.event_count = question.options.tokens;
    if (!question.facts.is_stream) {
        script.body = frame.front + choice(wire::json_string(mock_text(question.options)), true) +
                      ",\"usage\":" + usage_object(question, script.event_count) + "}";
        return script;
    }
    const std::string token = wire::json_string(mock_token(question.options));
    script.events.push_back(
        mock_event("", frame.chunk(choice(token, false)), question.options.stamp));
    script.finish = mock_event_text("", frame.chunk(choice("\"\"", true)));
    script.usage = usage_event(question, frame, script.event_count);
    script.done = mock_event_text("", "[DONE]");
    return script;
}

} // namespace ringway::tools
