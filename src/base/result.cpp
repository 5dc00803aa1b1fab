#include "ringway/result.h"

namespace ringway {

std::string_view to_string(Code code) {
    switch (code) {
    case Code::malformed: return "malformed";
    case Code::unsupported: return "unsupported";
    case Code::too_large: return "too_large";
    case Code::unauthenticated: return "unauthenticated";
    case Code::forbidden: return "forbidden";
    case Code::not_found: return "not_found";
    case Code::method_not_allowed: return "method_not_allowed";
    case Code::length_required: return "length_required";
    case Code::uri_too_long: return "uri_too_long";
    case Code::media_type_unsupported: return "media_type_unsupported";
    case Code::expectation_failed: return "expectation_failed";
    case Code::head_too_large: return "head_too_large";
    case Code::not_implemented: return "not_implemented";
    case Code::version_unsupported: return "version_unsupported";
    case Code::timeout: return "timeout";
    case Code::refused: return "refused";
    case Code::closed: return "closed";
    case Code::reset: return "reset";
    case Code::cancelled: return "cancelled";
    case Code::unreachable: return "unreachable";
    case Code::tls_failed: return "tls_failed";
    case Code::exhausted: return "exhausted";
    case Code::draining: return "draining";
    case Code::rate_limited: return "rate_limited";
    case Code::overloaded: return "overloaded";
    case Code::internal: return "internal";
    }
    return "unknown";
}

} // namespace ringway
