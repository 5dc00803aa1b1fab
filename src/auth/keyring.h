#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/digest.h"
#include "ringway/config.h"
#include "ringway/result.h"

namespace ringway::auth {

/// Who calls.
struct Caller {
    std::string name;
    std::string team;
    /// Models it may call; none: all.
    std::optional<std::vector<std::string>> models;
    std::optional<int64_t> expires_at_s;

    /// Whether one of its model patterns matches `name`.
    bool allows_model(Bytes name) const;
    /// Whether it may use everything that a provider has, as far as paths name no model.
    bool allows_all_of(Bytes provider) const;
};

/// The keys of a configuration, by digest. Immutable, shared by all workers.
class Keyring {
public:
    explicit Keyring(const std::vector<KeyConfig>& keys);

    /// No key is configured: everybody is let in, from this host only.
    bool is_open() const { return entries_.empty(); }
    /// Finds who presents `key`. Which of the stored digests it resembles cannot be told from the
    /// time this takes. Errors: {unauthenticated, client}.
    Result<const Caller*> identify(Bytes key, int64_t now_s) const;
    const Caller& anyone() const { return anyone_; }

private:
    struct Entry {
        base::Sha256 digest;
        Caller caller;
    };
    size_t first_place(const base::Sha256& digest) const;

    std::vector<Entry> entries_;
    /// Open addressing: an entry's index behind 1 stands at the place that its digest begins with,
    /// or in the places after it, before any free one (0). At most half of them are taken.
    std::vector<uint32_t> places_;
    Caller anyone_;
};

} // namespace ringway::auth
