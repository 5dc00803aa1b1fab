#include "app/config_file.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <tuple>

#include "app/config_values.h"
#include "base/digest.h"
#include "base/text.h"
#include "llm/registry.h"
#include "net/address.h"
#include "observe/log.h"
#include "ring/worker.h"
#include "route/model_table.h"
#include "wire/http1_fields.h"
#include "wire/url.h"

namespace ringway::app {
namespace {

using wire::Json;
using wire::JsonKind;
using Path = std::string;

constexpr Bytes provider_name_rule = "a provider's name has letters, digits, - and _ only";

/// It stands in paths, in model names and in metrics.
bool is_provider_name(Bytes name) {
    return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
        const char lower = base::to_lower(c);
        return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    });
}

/// Where things stood that are checked once all is read.
struct Places {
    std::map<std::string, std::pair<const Json*, Path>> targets; ///< by "alias target"
    const Json* passthrough = nullptr;
    const Json* listen = nullptr;
    const Json* root = nullptr;
};

class ConfigReader {
public:
    explicit ConfigReader(const ConfigSurroundings& surroundings) : values_(surroundings) {}

    std::expected<Config, std::vector<ConfigProblem>> read(const Json& tree);

private:
    void read_listen(const Json& value, const Path& path);
    void read_listener(const Json& value, const Path& path);
    void read_admin(const Json& value, const Path& path);
    void read_runtime(const Json& value, const Path& path);
    void read_provider(const std::string& name, const Json& value, const Path& path);
    void read_headers(const Json& value, const Path& path, ProviderConfig& provider);
    void read_model(const std::string& name, const Json& value, const Path& path);
    void read_target(const Json& value, const Path& path, ModelConfig& model);
    void read_key(const Json& value, const Path& path);
    void check_references();
    void check_address(const Json& value, const Path& path, const std::string& address);

    ConfigValues values_;
    Config config_;
    Places places_;
};

void ConfigReader::check_address(const Json& value, const Path& path, const std::string& address) {
    if (const auto parsed = net::parse_address(address); !parsed) {
        values_.bad(value, path, parsed.error());
    }
}

void ConfigReader::read_listen(const Json& value, const Path& path) {
    places_.listen = &value;
    if (value.kind != JsonKind::array) return read_listener(value, path);
    values_.elements(value, path,
                     [&](const Json& v, const Path& p) { read_listener(v, p); });
}

void ConfigReader::read_listener(const Json& value, const Path& path) {
    ListenConfig& listener = config_.listen.emplace_back();
    if (value.kind == JsonKind::string) {
        listener.address = value.string;
        return check_address(value, path, listener.address);
    }
    values_.object(
        value, path,
        {{"address",
          [&](const Json& v, const Path& p) {
              values_.text(v, p, listener.address);
              if (v.kind == JsonKind::string) check_address(v, p, listener.address);
          }},
         {"tls", [&](const Json& v, const Path& p) {
              std::string key;
              values_.object(v, p,
                             {{"cert",
                               [&](const Json& cert, const Path& cert_path) {
                                   values_.file_text(cert, cert_path, listener.tls_certificate);
                               }},
                              {"key", [&](const Json& key_file, const Path& key_path) {
                                   values_.file_text(key_file, key_path, key);
                               }}});
              listener.tls_key = Secret(key);
              const bool has_both = v.find("cert") != nullptr && v.find("key") != nullptr;
              if (v.kind == JsonKind::object && !has_both) {
                  values_.bad(v, p, "needs both \"cert\" and \"key\"");
              } else if ((listener.tls_certificate.empty() || key.empty()) &&
                         !values_.has_problem_at(v.position)) {
                  values_.bad(v, p, "a file is empty"); // which must not mean: no TLS
              }
          }}});
    if (listener.address.empty() && value.kind == JsonKind::object) {
        values_.bad(value, path, "\"address\" is missing");
    }
}

void ConfigReader::read_admin(const Json& value, const Path& path) {
    if (value.kind == JsonKind::null) {
        config_.admin_listen.clear();
        return;
    }
    values_.object(value, path, {{"listen", [&](const Json& v, const Path& p) {
                                      if (v.kind == JsonKind::null) {
                                          config_.admin_listen.clear();
                                          return;
                                      }
                                      values_.text(v, p, config_.admin_listen);
                                      if (v.kind == JsonKind::string) {
                                          check_address(v, p, config_.admin_listen);
                                      }
                                  }}});
}

void ConfigReader::read_runtime(const Json& value, const Path& path) {
    constexpr unsigned workers_max = 1024;
    values_.object(
        value, path,
        {{"workers",
          [&](const Json& v, const Path& p) {
              values_.count(v, p, 1, workers_max, config_.workers.emplace(1));
          }},
         {"cpuset",
          [&](const Json& v, const Path& p) {
              values_.text(v, p, config_.cpuset);
              const auto cpus = ring::parse_cpu_list(config_.cpuset);
              if (v.kind == JsonKind::string && !cpus) {
                  values_.bad(v, p, R"(expected a list of processors such as "0,2-5")");
              }
          }},
         {"max_head",
          [&](const Json& v, const Path& p) {
              values_.byte_size(v, p, 1024, config_.head_bytes_max);
              constexpr uint64_t most = 65536; // what a large block holds twice
              if (config_.head_bytes_max > most) values_.bad(v, p, "expected at most 64KiB");
          }},
         {"max_body",
          [&](const Json& v, const Path& p) {
              values_.byte_size(v, p, 1024, config_.body_bytes_max);
          }},
         {"max_upload",
          [&](const Json& v, const Path& p) {
              values_.byte_size(v, p, 1024, config_.upload_bytes_max);
          }},
         {"stream_buffer",
          [&](const Json& v, const Path& p) {
              values_.byte_size(v, p, 4096, config_.stream_buffer_bytes);
          }},
         {"receive_memory", [&](const Json& v, const Path& p) {
              values_.byte_size(v, p, uint64_t{1} << 20, config_.receive_memory_bytes);
          }}});
}

void ConfigReader::read_headers(const Json& value, const Path& path, ProviderConfig& provider) {
    values_.named(value, path, [&](const std::string& name, const Json& v, const Path& p) {
        Secret secret;
        values_.secret(v, p, secret);
        const bool is_name = std::all_of(name.begin(), name.end(), wire::is_token_char);
        const wire::FieldId id = wire::field_id(name);
        const bool is_ours = wire::is_hop_by_hop(id) || id == wire::FieldId::content_length ||
                             id == wire::FieldId::host;
        const bool is_value =
            std::all_of(secret.reveal().begin(), secret.reveal().end(),
                        [](char c) { return c == '\t' || (c >= ' ' && c != 0x7f); });
        if (!is_name || is_ours) return values_.bad(v, p, "not a field that can be set");
        if (!is_value) return values_.bad(v, p, "has a control character");
        provider.headers.emplace_back(name, secret.reveal());
    });
}

void ConfigReader::read_provider(const std::string& name, const Json& value, const Path& path) {
    ProviderConfig& provider = config_.providers.emplace_back();
    provider.name = name;
    if (const auto kind = llm::provider_kind(name)) provider.kind = *kind;
    if (!is_provider_name(name)) values_.bad(value, path, std::string(provider_name_rule));
    values_.object(
        value, path,
        {{"kind",
          [&](const Json& v, const Path& p) {
              std::string text;
              values_.text(v, p, text);
              const auto kind = llm::provider_kind(text);
              if (kind) {
                  provider.kind = *kind;
              } else if (v.kind == JsonKind::string) {
                  values_.bad(v, p, R"(expected "openai" or "anthropic")");
              }
          }},
         {"base_url",
          [&](const Json& v, const Path& p) {
              values_.text(v, p, provider.base_url);
              const auto url = wire::parse_url(provider.base_url);
              if (v.kind == JsonKind::string && !url) values_.bad(v, p, url.error());
          }},
         {"api_key",
          [&](const Json& v, const Path& p) {
              if (v.kind == JsonKind::null) return;
              Secret secret;
              values_.secret(v, p, secret);
              const auto& text = secret.reveal();
              const bool is_sendable = std::all_of(text.begin(), text.end(), [](char c) {
                  return c > ' ' && c < 0x7f;
              });
              if (!is_sendable) values_.bad(v, p, "a key has no spaces or control characters");
              if (!text.empty()) provider.api_key = secret;
          }},
         {"models",
          [&](const Json& v, const Path& p) { values_.patterns(v, p, provider.models); }},
         {"headers",
          [&](const Json& v, const Path& p) { read_headers(v, p, provider); }},
         {"tls",
          [&](const Json& v, const Path& p) {
              values_.object(v, p,
                             {{"ca_file",
                               [&](const Json& ca, const Path& ca_path) {
                                   values_.text(ca, ca_path, provider.tls_ca_file);
                               }},
                              {"verify", [&](const Json& verify, const Path& verify_path) {
                                   values_.boolean(verify, verify_path, provider.tls_verify);
                               }}});
          }},
         {"timeouts",
          [&](const Json& v, const Path& p) {
              Duration total = Duration::zero();
              values_.durations(v, p,
                                {{"connect", &provider.connect_time},
                                 {"first_byte", &provider.first_byte_time},
                                 {"idle", &provider.idle_time},
                                 {"total", &total}});
              if (total > Duration::zero()) provider.total_time = total;
          }},
         {"pool", [&](const Json& v, const Path& p) {
              constexpr unsigned connections_max = 1'000'000;
              values_.object(v, p,
                             {{"max",
                               [&](const Json& max, const Path& max_path) {
                                   values_.count(max, max_path, 0, connections_max,
                                                 provider.pool_open_max);
                               }},
                              {"idle_max",
                               [&](const Json& max, const Path& max_path) {
                                   values_.count(max, max_path, 0, connections_max,
                                                 provider.pool_idle_max);
                               }},
                              {"idle_time", [&](const Json& time, const Path& time_path) {
                                   values_.duration(time, time_path, provider.pool_idle_time);
                               }}});
          }}});
    if (provider.base_url.empty()) {
        provider.base_url = llm::traits_of(provider.kind).default_base_url;
    }
}

void ConfigReader::read_target(const Json& value, const Path& path, ModelConfig& model) {
    std::string& target = model.targets.emplace_back();
    values_.text(value, path, target);
    if (value.kind != JsonKind::string) return;
    places_.targets[model.name + " " + target] = {&value, path};
}

void ConfigReader::read_model(const std::string& name, const Json& value, const Path& path) {
    ModelConfig& model = config_.models.emplace_back();
    model.name = name;
    if (value.kind == JsonKind::string) return read_target(value, path, model);
    values_.object(value, path, {{"targets", [&](const Json& v, const Path& p) {
                                      values_.elements(v, p, [&](const Json& e, const Path& ep) {
                                          if (e.kind == JsonKind::string) {
                                              return read_target(e, ep, model);
                                          }
                                          values_.object(
                                              e, ep,
                                              {{"model", [&](const Json& m, const Path& mp) {
                                                    read_target(m, mp, model);
                                                }}});
                                      });
                                  }}});
    const Json* const targets = value.find("targets");
    if (value.kind != JsonKind::object) return;
    if (targets == nullptr || (targets->kind == JsonKind::array && targets->elements.empty())) {
        values_.bad(value, path, "has no targets");
    }
    if (model.targets.size() > route::ModelTable::targets_max) {
        values_.bad(value, path, "has more than 8 targets");
    }
}

void ConfigReader::read_key(const Json& value, const Path& path) {
    KeyConfig& key = config_.keys.emplace_back();
    Secret plain;
    values_.object(
        value, path,
        {{"name", [&](const Json& v, const Path& p) { values_.text(v, p, key.name); }},
         {"team", [&](const Json& v, const Path& p) { values_.text(v, p, key.team); }},
         {"key", [&](const Json& v, const Path& p) { values_.secret(v, p, plain); }},
         {"hash",
          [&](const Json& v, const Path& p) {
              std::string text;
              values_.text(v, p, text);
              const auto digest = text.starts_with("sha256:")
                                      ? base::from_hex(Bytes(text).substr(7))
                                      : std::nullopt;
              if (!digest || digest->size() != sizeof(base::Sha256)) {
                  return values_.bad(v, p, "expected \"sha256:\" and 64 hexadecimal digits");
              }
              key.digest = *digest;
          }},
         {"models", [&](const Json& v, const Path& p) { values_.patterns(v, p, key.models); }},
         {"expires",
          [&](const Json& v, const Path& p) { values_.date(v, p, key.expires_at_s); }}});
    if (value.kind != JsonKind::object) return;
    if (key.name.empty()) values_.bad(value, path, "\"name\" is missing");
    const Json* const given_key = value.find("key");
    const Json* const given_hash = value.find("hash");
    if ((given_key != nullptr) == (given_hash != nullptr)) {
        return values_.bad(value, path, "needs either \"key\" or \"hash\"");
    }
    if (plain.empty() && key.digest.empty()) {
        // An empty key would be one that everybody knows.
        const bool is_told =
            values_.has_problem_at((given_key ? *given_key : *given_hash).position);
        if (!is_told) values_.bad(*given_key, path + ".key", "a key is not empty");
        return;
    }
    if (!plain.empty()) {
        const base::Sha256 digest = base::sha256(plain.reveal());
        key.digest.assign(digest.data(), digest.size());
    }
    for (const KeyConfig& other : config_.keys) {
        if (&other != &key && other.digest == key.digest) {
            values_.bad(value, path, "is the same key as " + wire::json_string(other.name));
        }
    }
}

void ConfigReader::check_references() {
    std::vector<std::string> names;
    for (const ProviderConfig& provider : config_.providers) names.push_back(provider.name);
    const auto check = [&](const Json& at, const Path& path, const std::string& name) {
        if (std::find(names.begin(), names.end(), name) != names.end()) return;
        const auto near = base::near_names(name, names, 1);
        std::string what = "there is no provider " + wire::json_string(name);
        if (!near.empty()) what += " (did you mean " + wire::json_string(near.front()) + "?)";
        values_.bad(at, path, std::move(what));
    };
    for (const auto& [key, place] : places_.targets) {
        const std::string& target = place.first->string;
        const size_t slash = target.find('/');
        if (slash == std::string::npos || slash == 0 || slash + 1 == target.size()) {
            values_.bad(*place.first, place.second, R"(expected "provider/model")");
        } else {
            check(*place.first, place.second, target.substr(0, slash));
        }
    }
    if (places_.passthrough != nullptr) {
        check(*places_.passthrough, "passthrough", config_.passthrough);
    }
    if (const auto problem = exposure_of(config_)) {
        const Json& at = places_.listen != nullptr ? *places_.listen : *places_.root;
        values_.bad(at, "listen", *problem);
    }
}

std::expected<Config, std::vector<ConfigProblem>> ConfigReader::read(const Json& tree) {
    places_.root = &tree;
    values_.object(
        tree, "",
        {{"$schema", [](const Json&, const Path&) {}},
         {"listen", [&](const Json& v, const Path& p) { read_listen(v, p); }},
         {"admin", [&](const Json& v, const Path& p) { read_admin(v, p); }},
         {"runtime", [&](const Json& v, const Path& p) { read_runtime(v, p); }},
         {"timeouts",
          [&](const Json& v, const Path& p) {
              values_.durations(v, p,
                                {{"idle", &config_.client_idle_time},
                                 {"head", &config_.client_head_time},
                                 {"body", &config_.client_body_grace}});
          }},
         {"drain",
          [&](const Json& v, const Path& p) {
              values_.durations(
                  v, p, {{"delay", &config_.drain_delay}, {"timeout", &config_.drain_time}});
          }},
         {"providers",
          [&](const Json& v, const Path& p) {
              values_.named(v, p, [&](const std::string& name, const Json& m, const Path& mp) {
                  read_provider(name, m, mp);
              });
          }},
         {"models",
          [&](const Json& v, const Path& p) {
              values_.named(v, p, [&](const std::string& name, const Json& m, const Path& mp) {
                  read_model(name, m, mp);
              });
          }},
         {"keys",
          [&](const Json& v, const Path& p) {
              values_.elements(v, p, [&](const Json& e, const Path& ep) { read_key(e, ep); });
          }},
         {"passthrough",
          [&](const Json& v, const Path& p) {
              if (v.kind == JsonKind::string) places_.passthrough = &v;
              values_.text(v, p, config_.passthrough);
          }},
         {"telemetry", [&](const Json& v, const Path& p) {
              values_.object(
                  v, p,
                  {{"log_level",
                    [&](const Json& level, const Path& level_path) {
                        values_.text(level, level_path, config_.log_level);
                        if (!observe::parse_log_level(config_.log_level)) {
                            values_.bad(level, level_path,
                                        R"(expected "debug", "info", "warning", "error" or "off")");
                        }
                    }},
                   {"debug_headers", [&](const Json& on, const Path& on_path) {
                        values_.boolean(on, on_path, config_.debug_headers);
                    }}});
          }}});
    if (config_.listen.empty()) config_.listen.push_back({"127.0.0.1:8080", {}, {}});
    if (tree.kind == JsonKind::object && config_.providers.empty()) {
        values_.bad(tree, "providers", "no provider is configured");
    }
    check_references();
    if (values_.problems().empty()) return config_;
    auto problems = values_.problems();
    std::sort(problems.begin(), problems.end(),
                     [](const ConfigProblem& a, const ConfigProblem& b) {
                         return std::tie(a.position.line, a.position.column, a.path) <
                                std::tie(b.position.line, b.position.column, b.path);
                     });
    return std::unexpected(problems);
}

} // namespace

std::string ConfigProblem::to_string(Bytes file_name) const {
    return std::string(file_name) + ":" + std::to_string(position.line) + ":" +
           std::to_string(position.column) + ": " + (path.empty() ? "" : path + ": ") + what;
}

ConfigSurroundings real_surroundings() {
    return {[](const std::string& name) -> std::optional<std::string> {
                const char* value = std::getenv(name.c_str());
                return value != nullptr ? std::optional<std::string>(value) : std::nullopt;
            },
            [](const std::string& path) -> std::expected<std::string, std::string> {
                std::ifstream file(path, std::ios::binary);
                if (!file) return std::unexpected("cannot read the file " + path);
                return std::string(std::istreambuf_iterator<char>(file), {});
            }};
}

std::expected<Config, std::vector<ConfigProblem>>
read_config(Bytes text, const ConfigSurroundings& surroundings) {
    const auto tree = wire::parse_json(text, true);
    if (!tree) {
        return std::unexpected(
            std::vector{ConfigProblem{tree.error().position, "", tree.error().what}});
    }
    return ConfigReader(surroundings).read(*tree);
}

std::optional<std::string> exposure_of(const Config& config) {
    if (!config.keys.empty()) return std::nullopt;
    for (const ListenConfig& listener : config.listen) {
        const auto address = net::parse_address(listener.address);
        if (!address || address->is_loopback()) continue;
        return listener.address + " is reachable from other hosts: configure \"keys\" first, or "
                                  "listen on 127.0.0.1";
    }
    return std::nullopt;
}

std::expected<Config, std::string> default_config(const ConfigSurroundings& surroundings,
                                                  const std::vector<std::string>& providers) {
    Config config;
    config.listen.push_back({"127.0.0.1:8080", {}, {}});
    for (const std::string& text : providers) {
        const size_t equals = text.find('=');
        if (equals == std::string::npos || equals == 0) {
            return std::unexpected("--provider: expected NAME=URL, got " + text);
        }
        ProviderConfig& provider = config.providers.emplace_back();
        provider.name = text.substr(0, equals);
        provider.base_url = text.substr(equals + 1);
        if (!is_provider_name(provider.name)) {
            return std::unexpected("--provider " + provider.name + ": " +
                                   std::string(provider_name_rule));
        }
        if (const auto kind = llm::provider_kind(provider.name)) provider.kind = *kind;
        if (const auto url = wire::parse_url(provider.base_url); !url) {
            return std::unexpected("--provider " + provider.name + ": " + url.error());
        }
    }
    for (const ProviderKind kind : llm::provider_kinds()) {
        const llm::ProviderTraits& traits = llm::traits_of(kind);
        const auto key = surroundings.variable(std::string(traits.key_environment));
        const bool is_given =
            std::any_of(config.providers.begin(), config.providers.end(),
                        [&](const ProviderConfig& given) { return given.name == traits.name; });
        if (!key || key->empty() || is_given) continue;
        ProviderConfig& provider = config.providers.emplace_back();
        provider.name = traits.name;
        provider.kind = kind;
        provider.api_key = Secret(*key);
        provider.base_url = surroundings.variable(std::string(traits.base_environment))
                                .value_or(std::string(traits.default_base_url));
    }
    if (config.providers.empty()) {
        return std::unexpected("no provider: set OPENAI_API_KEY or ANTHROPIC_API_KEY, or give "
                               "--provider NAME=URL or --config FILE");
    }
    return config;
}

} // namespace ringway::app
