#include "llm/providers/providers.h"

namespace ringway::llm {
namespace {

std::string credentials(const Secret& key) { return "x-api-key: " + key.reveal(); }

bool is_known_model(Bytes model) { return model.starts_with("claude-"); }

} // namespace

const ProviderTraits& anthropic_provider() {
    static const ProviderTraits traits{
        ProviderKind::anthropic,     "anthropic", Family::anthropic,
        "https://api.anthropic.com", "/v1",       "ANTHROPIC_API_KEY",
        "ANTHROPIC_BASE_URL",        credentials, is_known_model};
    return traits;
}

} // namespace ringway::llm
