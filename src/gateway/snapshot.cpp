#include "gateway/snapshot.h"

#include "ringway/version.h"

namespace ringway::gateway {
namespace {

std::string fixed_fields_of(const ProviderConfig& config, const llm::ProviderTraits& traits,
                            const wire::Url& url) {
    std::string fields = "Host: " + url.authority() + "\r\n" + "User-Agent: ringway/" +
                         std::string(version) + "\r\n" +
                         // Answers are read in passing, so they come uncompressed.
                         "Accept-Encoding: identity\r\n";
    if (config.api_key) fields += traits.credentials(*config.api_key) + "\r\n";
    for (const auto& [name, value] : config.headers) fields += name + ": " + value + "\r\n";
    return fields;
}

std::expected<Provider, std::string> make_provider(const ProviderConfig& config) {
    const llm::ProviderTraits& traits = llm::traits_of(config.kind);
    const auto url = wire::parse_url(config.base_url);
    if (!url) return std::unexpected("providers." + config.name + ".base_url: " + url.error());
    Provider provider;
    provider.config = config;
    provider.traits = &traits;
    provider.base_path = url->path;
    // A base URL is often given with the version already in it.
    if (!provider.base_path.ends_with(traits.version_path)) {
        provider.base_path += traits.version_path;
    }
    provider.fixed_fields = fixed_fields_of(config, traits, *url);
    provider.pool.origin = *url;
    provider.pool.tls = {config.tls_ca_file, config.tls_verify};
    provider.pool.idle_max = config.pool_idle_max;
    provider.pool.idle_time = config.pool_idle_time;
    provider.pool.open_max = config.pool_open_max;
    provider.pool.connect_time = config.connect_time;
    provider.pool_key = config.name + " " + (url->is_tls ? "https://" : "http://") +
                        url->authority() + " " + config.tls_ca_file +
                        (config.tls_verify ? "" : " unverified");
    return provider;
}

/// A provider at its kind's own base URL is known to have that kind's models; any other may have
/// whatever it likes.
route::ProviderView view_of(const Provider& provider) {
    const bool is_own = provider.config.base_url == provider.traits->default_base_url;
    return {provider.config.name, provider.traits->family, provider.config.models,
            is_own ? provider.traits->is_known_model : nullptr};
}

} // namespace

Snapshot::Snapshot(Config config, uint64_t generation, std::vector<Provider> providers,
                   std::vector<route::ProviderView> views)
    : config_(std::move(config)), generation_(generation), providers_(std::move(providers)),
      keyring_(config_.keys), models_(std::move(views), config_.models) {}

std::expected<std::shared_ptr<const Snapshot>, std::string> Snapshot::make(Config config,
                                                                           uint64_t generation) {
    std::vector<Provider> providers;
    std::vector<route::ProviderView> views;
    for (const ProviderConfig& provider_config : config.providers) {
        auto provider = make_provider(provider_config);
        if (!provider) return std::unexpected(provider.error());
        views.push_back(view_of(*provider));
        providers.push_back(std::move(*provider));
    }
    return std::shared_ptr<const Snapshot>(
        new Snapshot(std::move(config), generation, std::move(providers), std::move(views)));
}

} // namespace ringway::gateway
