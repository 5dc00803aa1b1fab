#include "llm/registry.h"

#include <algorithm>
#include <vector>

#include "llm/dialects/dialects.h"
#include "llm/providers/providers.h"

namespace ringway::llm {
namespace {

DialectEntry entry_of(const Dialect& dialect) {
    std::vector<Bytes> marks(dialect.needles().begin(), dialect.needles().end());
    if (!dialect.terminator().empty()) marks.push_back(dialect.terminator());
    return {dialect, wire::JsonPaths(dialect.answer_paths()), wire::Needles(marks),
            dialect.needles().size()};
}

/// Every dialect. The last of each family takes the paths that no other has.
const std::array<DialectEntry, 8>& dialects() {
    static const std::array<DialectEntry, 8> table = {
        entry_of(openai_chat()),        entry_of(openai_completions()),
        entry_of(openai_responses()),   entry_of(openai_embeddings()),
        entry_of(anthropic_messages()), entry_of(anthropic_count_tokens()),
        entry_of(anthropic_other()),    entry_of(openai_other()),
    };
    return table;
}

constexpr size_t anthropic_other_row = 6;
constexpr size_t openai_other_row = 7;

/// Every kind of provider, in the order of ProviderKind.
const std::array<const ProviderTraits*, 2>& kinds() {
    static const std::array<const ProviderTraits*, 2> table = {&openai_provider(),
                                                               &anthropic_provider()};
    return table;
}

bool take_prefix(Bytes& path, Bytes prefix) {
    if (!path.starts_with(prefix)) return false;
    if (path.size() > prefix.size() && path[prefix.size()] != '/') return false;
    path.remove_prefix(prefix.size());
    return true;
}

} // namespace

std::optional<Call> find_call(Bytes path, bool speaks_anthropic) {
    Call call;
    if (!path.starts_with("/v1")) { // "/{provider}/v1/..."
        const size_t slash = std::min(path.find('/', 1), path.size());
        if (slash < 2 || !path.substr(slash).starts_with("/v1")) return std::nullopt;
        call.provider = path.substr(1, slash - 1);
        path.remove_prefix(slash);
    }
    if (!take_prefix(path, "/v1")) return std::nullopt;
    take_prefix(path, "/v1");
    if (path.size() < 2) return std::nullopt;
    call.tail = path;
    const auto found = std::find_if(dialects().begin(), dialects().end(), [&](const auto& entry) {
        return entry.dialect.path() == path;
    });
    if (found != dialects().end()) {
        call.entry = &*found;
        call.is_exact = true;
        return call;
    }
    speaks_anthropic = speaks_anthropic || path.starts_with("/messages/");
    call.entry = &dialects()[speaks_anthropic ? anthropic_other_row : openai_other_row];
    call.is_model_list = path == "/models";
    call.is_one_model = path.starts_with("/models/");
    return call;
}

const DialectEntry& fallback_dialect() { return dialects()[openai_other_row]; }

const ProviderTraits& traits_of(ProviderKind kind) { return *kinds()[static_cast<size_t>(kind)]; }

std::optional<ProviderKind> provider_kind(Bytes name) {
    for (const ProviderTraits* traits : kinds()) {
        if (traits->name == name) return traits->kind;
    }
    return std::nullopt;
}

std::array<ProviderKind, 2> provider_kinds() {
    return {ProviderKind::openai, ProviderKind::anthropic};
}

} // namespace ringway::llm
