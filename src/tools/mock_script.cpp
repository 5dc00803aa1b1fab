#include "tools/mock_script.h"

#include <charconv>
#include <cstring>

namespace ringway::tools {
namespace {

constexpr uint64_t text_bytes_max = uint64_t{16} << 20; ///< of what must be held as a whole

} // namespace

std::expected<MockScript, std::string> render_script(const MockQuestion& question) {
    const bool holds_text = !question.facts.is_stream || question.api == MockApi::responses;
    const uint64_t text_bytes = uint64_t{question.options.tokens} * question.options.bytes;
    if (holds_text && text_bytes > text_bytes_max) {
        return std::unexpected("The mock holds at most 16 MiB of text in one answer.");
    }
    switch (question.api) {
    case MockApi::completions: return render_completions(question);
    case MockApi::responses: return render_responses(question);
    case MockApi::messages: return render_messages(question);
    case MockApi::embeddings: {
        MockScript script;
        script.body = render_embeddings(question);
        return script;
    }
    case MockApi::count_tokens: {
        MockScript script;
        script.body = "{\"input_tokens\":" + std::to_string(question.prompt_tokens()) + "}";
        return script;
    }
    default: return render_chat(question);
    }
}

std::string mock_token(const MockOptions& options) {
    constexpr Bytes word = "token ";
    std::string token;
    token.reserve(options.bytes + word.size());
    while (token.size() < options.bytes) token += word;
    token.resize(options.bytes);
    return token;
}

std::string mock_text(const MockOptions& options) {
    const std::string token = mock_token(options);
    std::string text;
    text.reserve(token.size() * options.tokens);
    for (uint32_t i = 0; i < options.tokens; ++i) text += token;
    return text;
}

std::vector<std::string> mock_argument_pieces() {
    constexpr size_t piece_bytes = 6;
    std::vector<std::string> pieces;
    for (size_t at = 0; at < mock_arguments.size(); at += piece_bytes) {
        pieces.emplace_back(mock_arguments.substr(at, piece_bytes));
    }
    return pieces;
}

std::string mock_event_text(Bytes name, Bytes json) {
    std::string text;
    if (!name.empty()) text.append("event: ").append(name).append("\n");
    return text.append("data: ").append(json).append("\n\n");
}

MockEvent mock_event(Bytes name, std::string json, bool stamp, uint32_t number_width) {
    constexpr Bytes number_key = "\"sequence_number\":";
    constexpr Bytes seq_key = ",\"mock_seq\":";
    constexpr Bytes sent_key = ",\"mock_sent_ns\":";
    MockEvent event;
    event.number_width = number_width;
    if (stamp) {
        json.pop_back(); // the brace
        json.append(seq_key).append(mock_seq_width, ' ');
        json.append(sent_key).append(mock_sent_width, ' ').append("}");
    }
    event.text = mock_event_text(name, json);
    const auto behind = [&](Bytes key) {
        return static_cast<uint32_t>(event.text.rfind(key) + key.size());
    };
    if (number_width > 0) event.number_at = behind(number_key);
    if (stamp) {
        event.seq_at = behind(seq_key);
        event.sent_at = behind(sent_key);
    }
    return event;
}

void write_mock_number(char* at, uint32_t width, uint64_t value) {
    std::memset(at, ' ', width);
    std::to_chars(at, at + width, value); // what does not fit leaves the field blank
}

} // namespace ringway::tools
