#include <algorithm>
#include <array>

#include "llm/providers/providers.h"

namespace ringway::llm {
namespace {

std::string credentials(const Secret& key) { return "Authorization: Bearer " + key.reveal(); }

/// Source: OpenAI's model list, November 2026.
bool is_known_model(Bytes model) {
    constexpr std::array<Bytes, 15> prefixes = {
        "gpt-",  "chatgpt-", "o1",   "o3",     "o4",      "text-embedding-", "text-moderation-",
        "omni-", "whisper",  "tts-", "dall-e", "davinci", "babbage",         "codex-",
        "sora"};
    return std::any_of(prefixes.begin(), prefixes.end(),
                       [&](Bytes prefix) { return model.starts_with(prefix); });
}

} // namespace

const ProviderTraits& openai_provider() {
    static const ProviderTraits traits{ProviderKind::openai,        "openai",    Family::openai,
                                       "https://api.openai.com/v1", "",          "OPENAI_API_KEY",
                                       "OPENAI_BASE_URL",           credentials, is_known_model};
    return traits;
}

} // namespace ringway::llm
