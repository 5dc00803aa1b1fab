#include <bit>
#include <cstring>

#include "tools/mock_script.h"
#include "wire/json.h"

namespace ringway::tools {
namespace {

/// Source: RFC 4648, 4.
std::string base64(Bytes bytes) {
    constexpr Bytes alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    for (size_t at = 0; at < bytes.size(); at += 3) {
        const size_t count = std::min<size_t>(3, bytes.size() - at);
        uint32_t group = 0;
        for (size_t i = 0; i < 3; ++i) {
            group = group << 8 | (i < count ? static_cast<uint8_t>(bytes[at + i]) : 0U);
        }
        for (size_t i = 0; i < 4; ++i) {
            text += i <= count ? alphabet[group >> (18 - 6 * i) & 63] : '=';
        }
    }
    return text;
}

/// Sixty-fourths, so that decimal and binary forms say exactly the same.
int sixty_fourths(uint32_t index, uint32_t dimension) {
    return static_cast<int>((index * 11 + dimension * 37) % 65) - 32;
}

std::string vector_as_base64(uint32_t index, uint32_t dimensions) {
    static_assert(std::endian::native == std::endian::little); // as the API has it
    std::string bytes;
    for (uint32_t i = 0; i < dimensions; ++i) {
        const float value = static_cast<float>(sixty_fourths(index, i)) / 64;
        char raw[sizeof value];
        std::memcpy(raw, &value, sizeof value);
        bytes.append(raw, sizeof value);
    }
    return "\"" + base64(bytes) + "\"";
}

std::string vector_as_numbers(uint32_t index, uint32_t dimensions) {
    std::string text = "[";
    for (uint32_t i = 0; i < dimensions; ++i) {
        if (i > 0) text += ',';
        text += std::to_string(static_cast<double>(sixty_fourths(index, i)) / 64);
    }
    return text + "]";
}

struct Model {
    Bytes id;
    Bytes name;
};
constexpr Model models[] = {{"mock", "Mock"}, {"mock-small", "Mock Small"}};

std::string openai_model(Bytes id) {
    return "{\"id\":" + wire::json_string(id) +
           ",\"object\":\"model\",\"created\":" + std::string(mock_created) +
           ",\"owned_by\":\"mock\"}";
}

std::string anthropic_model(Bytes id, Bytes name) {
    return "{\"type\":\"model\",\"id\":" + wire::json_string(id) +
           ",\"display_name\":" + wire::json_string(name) +
           ",\"created_at\":\"2025-10-09T08:53:20Z\"}";
}

} // namespace

std::string render_embeddings(const MockQuestion& question) {
    const MockFacts& facts = question.facts;
    const uint32_t dimensions =
        facts.dimensions != 0 ? facts.dimensions : question.options.dimensions;
    const std::string tokens = std::to_string(question.prompt_tokens());
    std::string text = "{\"object\":\"list\",\"data\":[";
    for (uint32_t i = 0; i < facts.inputs; ++i) {
        if (i > 0) text += ',';
        text += "{\"object\":\"embedding\",\"index\":" + std::to_string(i) + ",\"embedding\":" +
                (facts.wants_base64 ? vector_as_base64(i, dimensions)
                                    : vector_as_numbers(i, dimensions)) +
                "}";
    }
    return text + "],\"model\":" + wire::json_string(facts.model) +
           ",\"usage\":{\"prompt_tokens\":" + tokens + ",\"total_tokens\":" + tokens + "}}";
}

std::string render_models(Bytes id, bool is_for_anthropic) {
    if (!id.empty()) return is_for_anthropic ? anthropic_model(id, id) : openai_model(id);
    std::string list;
    for (const Model& model : models) {
        if (!list.empty()) list += ',';
        list += is_for_anthropic ? anthropic_model(model.id, model.name) : openai_model(model.id);
    }
    if (!is_for_anthropic) return "{\"object\":\"list\",\"data\":[" + list + "]}";
    return "{\"data\":[" + list +
           "],\"has_more\":false,\"first_id\":\"mock\",\"last_id\":" + "\"mock-small\"}";
}

} // namespace ringway::tools
