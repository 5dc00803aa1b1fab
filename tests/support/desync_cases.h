#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"

namespace ringway::tests {

/// A request head of the http-desync corpus (tests/golden/http-desync), and how it is classified.
struct DesyncCase {
    std::string name;
    std::string method;
    std::string uri;
    std::string version;
    std::vector<std::pair<std::string, std::string>> fields;
    std::string tier; ///< Compliant, Acceptable, Ambiguous or Severe
    std::string reason;

    /// The head as it stands on the wire. A Host is added where there is none, so that its absence
    /// does not hide what the case is about.
    std::string head() const;
};

/// What "\xa0" in the corpus means: the byte, as its names suggest, or U+00A0, as YAML has it.
enum class Escapes { bytes, code_points };

/// Reads one file of the corpus: the part of YAML that it is written in.
std::vector<DesyncCase> read_desync_cases(const std::string& path, Escapes escapes);

} // namespace ringway::tests
