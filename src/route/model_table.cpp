#include "route/model_table.h"

#include <algorithm>

#include "base/text.h"

namespace ringway::route {

ModelTable::ModelTable(std::vector<ProviderView> providers, const std::vector<ModelConfig>& models)
    : providers_(std::move(providers)), models_(models) {
    for (const ModelConfig& model : models_) {
        std::vector<Target>& targets = aliases_[model.name];
        for (const std::string& target : model.targets) targets.push_back(parse_target(target));
        names_.push_back(model.name);
    }
    for (const ProviderView& provider : providers_) {
        if (!provider.models) continue;
        for (const std::string& model : *provider.models) {
            if (model.find('*') == std::string::npos) names_.push_back(provider.name + "/" + model);
        }
    }
    std::sort(names_.begin(), names_.end());
    names_.erase(std::unique(names_.begin(), names_.end()), names_.end());
}

/// "provider/model", as the configuration was checked to have it.
Target ModelTable::parse_target(Bytes text) const {
    const size_t slash = text.find('/');
    return {provider(text.substr(0, slash)).value_or(0), text.substr(slash + 1)};
}

std::optional<size_t> ModelTable::provider(Bytes name) const {
    const auto found =
        std::find_if(providers_.begin(), providers_.end(),
                     [&](const ProviderView& provider) { return provider.name == name; });
    if (found == providers_.end()) return std::nullopt;
    return static_cast<size_t>(found - providers_.begin());
}

std::span<const Target> ModelTable::find(Bytes model, Family family, Target& single) const {
    if (const auto alias = aliases_.find(model); alias != aliases_.end()) return alias->second;
    // The first slash only: names of models at OpenRouter and Hugging Face have more.
    if (const size_t slash = model.find('/'); slash != Bytes::npos) {
        if (const auto named = provider(model.substr(0, slash));
            named && slash + 1 < model.size()) {
            single = {*named, model.substr(slash + 1)};
            return {&single, 1};
        }
    }
    const auto fitting = provider_of_bare(model, family);
    if (!fitting) return {};
    single = {*fitting, model};
    return {&single, 1};
}

/// How well a provider fits a bare model name: 3 known to serve it and speaks the caller's API,
/// 2 known to serve it, 1 may serve it and speaks the API, 0 not at all.
unsigned ModelTable::fit(const ProviderView& provider, Bytes model, Family family) const {
    const bool is_told = provider.models &&
                         std::any_of(provider.models->begin(), provider.models->end(),
                                     [&](const std::string& known_model) {
                                         return base::matches_pattern(known_model, model);
                                     });
    const bool is_own = !provider.models && provider.is_known_model != nullptr &&
                        provider.is_known_model(model);
    const bool speaks = provider.family == family;
    if (is_told || is_own) return speaks ? 3 : 2;
    return !provider.models && speaks ? 1 : 0;
}

/// The provider that fits best, if it is the only one that fits as well.
std::optional<size_t> ModelTable::provider_of_bare(Bytes model, Family family) const {
    unsigned best = 0;
    std::optional<size_t> one;
    for (size_t i = 0; i < providers_.size(); ++i) {
        const unsigned fits = fit(providers_[i], model, family);
        if (fits == 0 || fits < best) continue;
        one = fits > best ? std::optional(i) : std::nullopt;
        best = fits;
    }
    return one;
}

std::vector<std::string> ModelTable::near(Bytes model) const {
    constexpr size_t count_max = 3;
    return base::near_names(model, names_, count_max);
}

} // namespace ringway::route
