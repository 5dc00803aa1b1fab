#include "auth/keyring.h"

#include <algorithm>
#include <bit>
#include <cstring>

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
    places_.resize(std::bit_ceil(2 * keys.size() + 1));
    for (size_t i = 0; i < entries_.size(); ++i) {
        size_t place = first_place(entries_[i].digest);
        while (places_[place] != 0) place = (place + 1) % places_.size();
        places_[place] = static_cast<uint32_t>(i + 1);
    }
}

size_t Keyring::first_place(const base::Sha256& digest) const {
    uint64_t front = 0;
    std::memcpy(&front, digest.data(), sizeof front);
    return front % places_.size();
}

Result<const Caller*> Keyring::identify(Bytes key, int64_t now_s) const {
    // What is compared is the digest of what was presented: a caller cannot steer it.
    const base::Sha256 digest = base::sha256(key);
    const Entry* at = nullptr;
    for (size_t place = first_place(digest); places_[place] != 0 && at == nullptr;
         place = (place + 1) % places_.size()) {
        const Entry& entry = entries_[places_[place] - 1];
        if (base::equals_in_constant_time(entry.digest, digest)) at = &entry;
    }
    if (at == nullptr) return client_error(Code::unauthenticated, "Incorrect API key provided.");
    if (at->caller.expires_at_s && now_s >= *at->caller.expires_at_s) {
        return client_error(Code::unauthenticated, "The API key has expired.");
    }
    return &at->caller;
}

} // namespace ringway::auth
