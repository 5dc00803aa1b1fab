#include "tools/mock_script.h"
#include "wire/json.h"

namespace ringway::tools {
namespace {

/// Renders one answer of the Responses API: every event has a number of its own.
class ResponsesRenderer {
public:
    explicit ResponsesRenderer(const MockQuestion& question)
        : question_(question), calls_(question.calls_tool()) {}

    MockScript render() {
        if (calls_) {
            pieces_ = mock_argument_pieces();
            script_.event_count = static_cast<uint32_t>(pieces_.size());
        } else {
            text_ = wire::json_string(mock_text(question_.options));
            script_.event_count = question_.options.tokens;
        }
        if (!question_.facts.is_stream) {
            script_.body = response("completed", item("completed"), true);
            return std::move(script_);
        }
        render_opening();
        render_events();
        render_closing();
        return std::move(script_);
    }

private:
    static std::string event(Bytes name, uint32_t number, const std::string& rest) {
        return mock_event_text(name, "{\"type\":\"" + std::string(name) +
                                         "\",\"sequence_number\":" + std::to_string(number) + "," +
                                         rest + "}");
    }

    std::string response(const std::string& status, const std::string& output,
                         bool has_usage) const {
        const uint32_t input = question_.prompt_tokens();
        const uint32_t count = script_.event_count;
        const std::string usage = has_usage
                                      ? "{\"input_tokens\":" + std::to_string(input) +
                                            ",\"input_tokens_details\":{\"cached_tokens\":0,"
                                            "\"cache_write_tokens\":0},\"output_tokens\":" +
                                            std::to_string(count) +
                                            ",\"output_tokens_details\":{\"reasoning_tokens\":0},"
                                            "\"total_tokens\":" +
                                            std::to_string(input + count) + "}"
                                      : "null";
        return "{\"id\":\"resp_mock\",\"object\":\"response\",\"created_at\":" +
               std::string(mock_created) + ",\"status\":\"" + status +
               "\",\"background\":false,\"error\":null,\"incomplete_details\":null,"
               "\"instructions\":null,\"max_output_tokens\":null,\"model\":" +
               wire::json_string(question_.facts.model) + ",\"output\":[" + output +
               "],\"parallel_tool_calls\":true,\"previous_response_id\":null,"
               "\"reasoning\":{\"effort\":null,\"summary\":null},\"service_tier\":\"default\","
               "\"store\":false,\"temperature\":1.0,\"text\":{\"format\":{\"type\":\"text\"},"
               "\"verbosity\":\"medium\"},\"tool_choice\":\"auto\",\"tools\":[],\"top_logprobs\":0,"
               "\"top_p\":1.0,\"truncation\":\"disabled\",\"usage\":" +
               usage + ",\"user\":null,\"metadata\":{}}";
    }

    /// `text` is a JSON string.
    static std::string part(const std::string& text) {
        return "{\"type\":\"output_text\",\"annotations\":[],\"logprobs\":[],\"text\":" + text +
               "}";
    }

    std::string item(const std::string& status) const {
        const bool is_whole = status == "completed";
        if (calls_) {
            return "{\"id\":\"fc_mock\",\"type\":\"function_call\",\"status\":\"" + status +
                   "\",\"arguments\":" + wire::json_string(is_whole ? mock_arguments : "") +
                   ",\"call_id\":\"call_mock\",\"name\":" +
                   wire::json_string(question_.facts.tool) + "}";
        }
        return "{\"id\":\"msg_mock\",\"type\":\"message\",\"status\":\"" + status +
               "\",\"content\":[" + (is_whole ? part(text_) : "") + "],\"role\":\"assistant\"}";
    }

    void render_opening() {
        uint32_t number = 0;
        for (const char* name : {"response.created", "response.in_progress"}) {
            script_.opening +=
                event(name, number++, "\"response\":" + response("in_progress", "", false));
        }
        script_.opening += event("response.output_item.added", number++,
                                 "\"output_index\":0,\"item\":" + item("in_progress"));
        if (!calls_) {
            script_.opening +=
                event("response.content_part.added", number++,
                      "\"item_id\":\"msg_mock\",\"output_index\":0,\"content_index\":0,\"part\":" +
                          part("\"\""));
        }
        script_.number_first = number;
    }

    void render_events() {
        const uint32_t last = script_.number_first + script_.event_count;
        const auto width = static_cast<uint32_t>(std::to_string(last).size());
        const auto add = [&](const std::string& name, const std::string& rest) {
            script_.events.push_back(mock_event(name,
                                                "{\"type\":\"" + name + "\",\"sequence_number\":" +
                                                    std::string(width, ' ') + "," + rest + "}",
                                                question_.options.stamp, width));
        };
        for (const std::string& piece : pieces_) {
            add("response.function_call_arguments.delta",
                "\"item_id\":\"fc_mock\",\"output_index\":0,\"delta\":" + wire::json_string(piece));
        }
        if (calls_) return;
        add("response.output_text.delta",
            "\"item_id\":\"msg_mock\",\"output_index\":0,\"content_index\":0,\"delta\":" +
                wire::json_string(mock_token(question_.options)) + ",\"logprobs\":[]");
    }

    void render_closing() {
        uint32_t number = script_.number_first + script_.event_count;
        if (calls_) {
            script_.settling += event("response.function_call_arguments.done", number++,
                                      "\"item_id\":\"fc_mock\",\"output_index\":0,\"name\":" +
                                          wire::json_string(question_.facts.tool) +
                                          ",\"arguments\":" + wire::json_string(mock_arguments));
        } else {
            const std::string place =
                "\"item_id\":\"msg_mock\",\"output_index\":0,\"content_index\":0,";
            script_.settling += event("response.output_text.done", number++,
                                      place + "\"text\":" + text_ + ",\"logprobs\":[]");
            script_.settling +=
                event("response.content_part.done", number++, place + "\"part\":" + part(text_));
        }
        script_.settling += event("response.output_item.done", number++,
                                  "\"output_index\":0,\"item\":" + item("completed"));
        script_.done = event("response.completed", number,
                             "\"response\":" + response("completed", item("completed"), true));
    }

    const MockQuestion& question_;
    bool calls_;
    std::string text_; ///< all of it, as a JSON string
    std::vector<std::string> pieces_;
    MockScript script_;
};

} // namespace

MockScript render_responses(const MockQuestion& question) {
    return ResponsesRenderer(question).render();
}

} // namespace ringway::tools
