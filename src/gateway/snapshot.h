#pragma once

#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "auth/keyring.h"
#include "http/pool.h"
#include "llm/registry.h"
#include "ringway/config.h"
#include "route/model_table.h"
#include "wire/url.h"

namespace ringway::gateway {

/// A provider, with all that its configuration says worked out.
struct Provider {
    ProviderConfig config;
    const llm::ProviderTraits* traits;
    std::string base_path;    ///< before a dialect's path
    std::string fixed_fields; ///< of every request's head: Host, credentials ...
    std::string pool_key;     ///< equal for providers that may share connections
    http::PoolOptions pool;
};

/// A configuration, checked and worked out. Immutable; shared by all workers; an exchange keeps the
/// one that it began with.
class Snapshot {
public:
    /// The error is a sentence.
    static std::expected<std::shared_ptr<const Snapshot>, std::string> make(Config config,
                                                                            uint64_t generation);

    const Config& config() const { return config_; }
    uint64_t generation() const { return generation_; }
    const std::vector<Provider>& providers() const { return providers_; }
    const Provider& provider(size_t index) const { return providers_[index]; }
    const auth::Keyring& keyring() const { return keyring_; }
    const route::ModelTable& models() const { return models_; }

private:
    Snapshot(Config config, uint64_t generation, std::vector<Provider> providers,
             std::vector<route::ProviderView> views);

    Config config_;
    uint64_t generation_;
    std::vector<Provider> providers_;
    auth::Keyring keyring_;
    route::ModelTable models_;
};

} // namespace ringway::gateway
