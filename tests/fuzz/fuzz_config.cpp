// The configuration reader, on texts, with an environment and files that are made up.

#include <algorithm>
#include <tuple>

#include "app/config_file.h"
#include "fuzz.h"
#include "net/address.h"
#include "wire/http1_fields.h"
#include "wire/url.h"

using namespace ringway;
using namespace ringway::fuzz;

namespace {

/// Variables and files whose names begin with a capital letter are there.
const app::ConfigSurroundings& surroundings() {
    static const app::ConfigSurroundings made{
        [](const std::string& name) -> std::optional<std::string> {
            if (name.empty() || name[0] < 'A' || name[0] > 'Z') return std::nullopt;
            return "value-of-" + name;
        },
        [](const std::string& path) -> std::expected<std::string, std::string> {
            if (path.empty() || path[0] < 'A' || path[0] > 'Z')
                return std::unexpected("no such file");
            return "content\n";
        }};
    return made;
}

void require_sound(Bytes text, const std::vector<app::ConfigProblem>& problems) {
    require(!problems.empty(), "a refusal names no mistake");
    const auto lines = static_cast<size_t>(std::count(text.begin(), text.end(), '\n')) + 1;
    for (const app::ConfigProblem& problem : problems) {
        require(!problem.what.empty(), "a mistake without words");
        require(problem.position.line >= 1 && problem.position.line <= lines,
                "a line not in the text");
        require(problem.position.column >= 1 && problem.position.column <= text.size() + 1,
                "a column not in the text");
        require(problem.to_string("config.json").starts_with("config.json:"),
                "a mistake has a place");
    }
    const bool is_sorted =
        std::is_sorted(problems.begin(), problems.end(), [](const auto& a, const auto& b) {
            return std::tie(a.position.line, a.position.column) <
                   std::tie(b.position.line, b.position.column);
        });
    require(is_sorted, "mistakes are in the order of the text");
}

void require_sound(const Config& config) {
    require(!config.providers.empty(), "a configuration without a provider");
    require(!config.listen.empty(), "a configuration that listens nowhere");
    for (const ListenConfig& listener : config.listen) {
        require(net::parse_address(listener.address).has_value(), "a malformed address");
    }
    require(config.admin_listen.empty() || net::parse_address(config.admin_listen).has_value(),
            "a malformed address for the admin");
    for (const ProviderConfig& provider : config.providers) {
        require(wire::parse_url(provider.base_url).has_value(), "a malformed base URL");
        for (const auto& [name, value] : provider.headers) {
            require(!name.empty() && std::all_of(name.begin(), name.end(), wire::is_token_char),
                    "a header whose name is no token");
            const bool is_one_line = std::none_of(value.begin(), value.end(), [](char c) {
                return c == '\r' || c == '\n' || c == '\0';
            });
            require(is_one_line, "a header with a line end");
        }
    }
    for (const ModelConfig& model : config.models) {
        require(!model.targets.empty(), "a model without targets");
    }
    require(config.head_bytes_max >= 1024 && config.head_bytes_max <= 65536, "max_head");
    require(config.body_bytes_max >= 1024, "max_body");
    static_cast<void>(app::exposure_of(config));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const Bytes text = bytes_of(data, size);
    const auto config = app::read_config(text, surroundings());
    const auto again = app::read_config(text, surroundings());
    require(config.has_value() == again.has_value(), "reading twice gives two answers");
    if (config) {
        require_sound(*config);
    } else {
        require_sound(text, config.error());
        require(config.error().size() == again.error().size(),
                "reading twice gives other mistakes");
    }
    return 0;
}
