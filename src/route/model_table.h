#pragma once

#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "ringway/config.h"
#include "ringway/dialect.h"

namespace ringway::route {

/// One model at one provider.
struct Target {
    size_t provider = 0; ///< index in the configuration
    Bytes model;         ///< the provider's name for it; lives as long as the table or the query
};

/// What routing knows of a provider.
struct ProviderView {
    std::string name;
    Family family = Family::openai;
    std::optional<std::vector<std::string>> models; ///< patterns; none: not told
    /// For models that were not told: whether the name is one of its own. Null: it may be any.
    bool (*is_known_model)(Bytes model) = nullptr;
};

/// Finds the targets of model names. Immutable, shared by all workers.
class ModelTable {
public:
    static constexpr size_t targets_max = 8;

    ModelTable(std::vector<ProviderView> providers, const std::vector<ModelConfig>& models);

    /// The targets of `model`, in the order they are tried; empty when there is none. An alias of
    /// the configuration; "provider/model"; or a bare name that exactly one provider fits.
    /// `single` gives room for the answer where it is no alias.
    std::span<const Target> find(Bytes model, Family family, Target& single) const;
    /// Names one could have meant by `model`.
    std::vector<std::string> near(Bytes model) const;
    /// All names that can be listed: aliases, and models told by providers, as "provider/model".
    const std::vector<std::string>& names() const { return names_; }
    std::optional<size_t> provider(Bytes name) const;
    const std::string& provider_name(size_t provider) const { return providers_[provider].name; }

private:
    unsigned fit(const ProviderView& provider, Bytes model, Family family) const;
    std::optional<size_t> provider_of_bare(Bytes model, Family family) const;
    Target parse_target(Bytes text) const;

    struct Hash {
        using is_transparent = void;
        size_t operator()(Bytes text) const { return std::hash<Bytes>()(text); }
    };
    std::vector<ProviderView> providers_;
    std::vector<ModelConfig> models_; ///< keeps the texts that targets view
    std::unordered_map<std::string, std::vector<Target>, Hash, std::equal_to<>> aliases_;
    std::vector<std::string> names_;
};

} // namespace ringway::route
