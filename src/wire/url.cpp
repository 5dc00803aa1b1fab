#include "wire/url.h"

#include <algorithm>
#include <charconv>

#include "base/text.h"
#include "wire/http1_head.h"

namespace ringway::wire {

std::string Url::authority() const {
    std::string text = host.find(':') == std::string::npos ? host : "[" + host + "]";
    if (port != (is_tls ? 443 : 80)) text += ":" + std::to_string(port);
    return text;
}

std::expected<Url, std::string> parse_url(Bytes text) {
    Url url;
    if (text.starts_with("https://")) {
        url.is_tls = true;
    } else if (!text.starts_with("http://")) {
        return std::unexpected("expected a URL that starts with http:// or https://");
    }
    Bytes rest = text.substr(url.is_tls ? 8 : 7);
    if (rest.find_first_of("?#") != Bytes::npos) {
        return std::unexpected("a base URL has no query and no fragment");
    }
    const bool is_visible =
        std::all_of(rest.begin(), rest.end(), [](char c) { return c > 0x20 && c < 0x7f; });
    const size_t slash = std::min(rest.find('/'), rest.size());
    const Bytes authority = rest.substr(0, slash);
    if (authority.find('@') != Bytes::npos) {
        return std::unexpected("a base URL carries no user name or password");
    }
    if (!is_visible || !is_valid_host(authority)) return std::unexpected("malformed host in URL");
    const size_t bracket = authority.find(']');
    const size_t colon = authority.find(':', bracket == Bytes::npos ? 0 : bracket);
    url.port = url.is_tls ? 443 : 80;
    if (colon != Bytes::npos && colon + 1 < authority.size()) {
        const Bytes port = authority.substr(colon + 1);
        std::from_chars(port.data(), port.data() + port.size(), url.port);
        if (url.port == 0) return std::unexpected("port 0 in URL");
    }
    Bytes host = authority.substr(0, colon);
    if (bracket != Bytes::npos) host = host.substr(1, bracket - 1);
    url.host = host;
    Bytes path = rest.substr(slash);
    while (path.ends_with('/')) path.remove_suffix(1);
    url.path = path;
    return url;
}

TargetParts split_target(Bytes target) {
    const size_t question = std::min(target.find('?'), target.size());
    return {target.substr(0, question), target.substr(question)};
}

std::string percent_decode(Bytes text) {
    std::string out;
    for (size_t at = 0; at < text.size(); ++at) {
        const auto byte = text[at] == '%' && at + 2 < text.size()
                              ? base::from_hex(text.substr(at + 1, 2))
                              : std::nullopt;
        if (byte && byte->size() == 1) {
            out += *byte;
            at += 2;
        } else {
            out += text[at];
        }
    }
    return out;
}

} // namespace ringway::wire
