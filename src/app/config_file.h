#pragma once

#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "ringway/config.h"
#include "wire/json.h"

namespace ringway::app {

/// One mistake in a configuration: "config.json:14:22: providers.openai.weigth: unknown key (did you
/// mean \"weight\"?)".
struct ConfigProblem {
    wire::TextPosition position;
    std::string path; ///< of the key; empty for the file as a whole
    std::string what;

    std::string to_string(Bytes file_name) const;
};

/// What a configuration takes from outside its text.
struct ConfigSurroundings {
    /// A variable of the environment.
    std::function<std::optional<std::string>(const std::string& name)> variable;
    /// A whole file, or the reason why it cannot be read.
    std::function<std::expected<std::string, std::string>(const std::string& path)> file;
};

/// The process's own environment and files.
ConfigSurroundings real_surroundings();

/// Reads a configuration: JSON with comments and trailing commas. All mistakes are reported at once,
/// in the order of the text. Keys and their meanings: docs/config.md.
std::expected<Config, std::vector<ConfigProblem>>
read_config(Bytes text, const ConfigSurroundings& surroundings);

/// Why this configuration would let strangers in, if it would: an address that other hosts reach, and
/// no key.
std::optional<std::string> exposure_of(const Config& config);

/// The configuration of a server that was given no file: the providers whose keys the environment
/// has, and those of `--provider NAME=URL`.
std::expected<Config, std::string> default_config(const ConfigSurroundings& surroundings,
                                                  const std::vector<std::string>& providers);

} // namespace ringway::app
