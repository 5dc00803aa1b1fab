#include "auth/keyring.h"

#include <algorithm>

#include "base/assert.h"
#include "base/text.h"

namespace ringway::auth {

bool Caller::allows_model(Bytes model) const {
    return !models || std::any_of(models->begin(), models->end(), [&](const std::string& pattern) {
        return base::matches_pattern(pattern, model);
    });
}

bool Caller::allows_all_of(Bytes provider) const {
    return !models || std::any_of(models->begin(), models->end(), [&](const std::string& pattern) {
        return pattern == "*" || pattern == std::string(provider) + "/*";
    });
}

Keyring::Keyring(const std::vector<KeyConfig>& keys) {
    for (const KeyConfig& key : keys) {
        Entry entry;
        RINGWAY_ASSERT(key.digest.size() == entry.digest.size());
        std::copy_n(key.digest.begin(), entry.digest.size(), entry.digest.begin());
        entry.caller = {key.name, key.team, key.models, key.expires_at_s};
        entries_.push_back(std::move(entry));
    }
    std::sort(entries_.begin(), entries_.end(),
              [](const Entry& a, const Entry& b) { return a.digest < b.digest; });
}

Result<const Caller*> Keyring::identify(Bytes key, int64_t now_s) const {
    // What is compared is the digest of what was presented: a caller cannot steer it.
    const base::Sha256 digest = base::sha256(key);
    const auto at = std::lower_bound(
        entries_.begin(), entries_.end(), digest,
        [](const Entry& entry, const base::Sha256& wanted) { return entry.digest < wanted; });
    const bool is_known = at != entries_.end() &&
                          base::equals_in_constant_time({at->digest.data(), at->digest.size()},
                                                        {digest.data(), digest.size()});
    if (!is_known) return client_error(Code::unauthenticated, "Incorrect API key provided.");
    if (at->caller.expires_at_s && now_s >= *at->caller.expires_at_s) {
        return client_error(Code::unauthenticated, "The API key has expired.");
    }
    return &at->caller;
}

} // namespace ringway::auth
