#pragma once

#include <cstdint>
#include <expected>
#include <string>

#include "base/bytes.h"

namespace ringway::wire {

/// An http or https URL, as far as a base URL needs it. Source: RFC 3986.
struct Url {
    bool is_tls = false;
    std::string host; ///< a name or an address, without brackets
    uint16_t port = 0;
    std::string path; ///< without a slash at its end; empty for the root

    /// What a Host field says: the port only where it is not the scheme's own.
    std::string authority() const;
};

/// Parses "https://host[:port][/path]". User info, query and fragment are refused. The error is a
/// sentence for the author of a configuration.
std::expected<Url, std::string> parse_url(Bytes text);

/// Path and query of a request target.
struct TargetParts {
    Bytes path;
    Bytes query; ///< with its question mark; may be empty
};
TargetParts split_target(Bytes target);

/// Undoes percent-encoding; what is no valid escape stays as it is.
std::string percent_decode(Bytes text);

} // namespace ringway::wire
