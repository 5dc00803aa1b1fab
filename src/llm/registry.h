#pragma once

#include <array>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "ringway/config.h"
#include "ringway/dialect.h"
#include "wire/json_scan.h"
#include "wire/needles.h"

namespace ringway::llm {

/// A dialect with what is derived from it once.
struct DialectEntry {
    const Dialect& dialect;
    wire::JsonPaths answer_paths;
    wire::Needles marks; ///< its needles, and behind them its terminator if it has one
    size_t terminator_mark;
};

/// The API call that a request's path stands for. Views die with the path.
struct Call {
    const DialectEntry* entry = nullptr; ///< the dialect of request, answer and errors
    Bytes tail;                          ///< of the path, behind the version: "/files/x"
    bool is_exact = false;               ///< the path is the dialect's own
    bool is_model_list = false;
    bool is_one_model = false; ///< GET /v1/models/{id}
    Bytes provider;            ///< named by a prefix of the path: "/openai/v1/..."; may be empty
};

/// Which call `path` is. Takes "/v1/...", a doubled "/v1/v1/..." (a base URL with /v1 given to an
/// SDK that adds it), and "/{provider}/v1/...". `speaks_anthropic`: the request has an
/// anthropic-version field, which decides where a path exists in both APIs.
std::optional<Call> find_call(Bytes path, bool speaks_anthropic);

/// The dialect for errors of requests whose path is not understood.
const DialectEntry& fallback_dialect();

/// What a kind of provider has of its own. Adding one is a file in llm/providers and a row in
/// llm/registry.cpp.
struct ProviderTraits {
    ProviderKind kind;
    Bytes name; ///< in configurations
    Family family;
    Bytes default_base_url;
    Bytes version_path;     ///< between the base URL and a dialect's path
    Bytes key_environment;  ///< the variable its users have the key in
    Bytes base_environment; ///< and the one that moves its base URL
    /// Appends the credentials' header line, without its line end.
    std::string (*credentials)(const Secret& key);
    /// Whether a model's name tells that it is one of theirs, at their own base URL.
    bool (*is_known_model)(Bytes model);
};

const ProviderTraits& traits_of(ProviderKind kind);
std::optional<ProviderKind> provider_kind(Bytes name);
std::array<ProviderKind, 2> provider_kinds();

} // namespace ringway::llm
