#include "wire/http1_head.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <optional>

#include "base/text.h"
#include "wire/byte_scan.h"
#include "wire/http1_parser.h"

namespace ringway::wire {
namespace {

constexpr std::array<Bytes, 7> method_names = {"GET",    "HEAD",  "POST",   "PUT",
                                               "DELETE", "PATCH", "OPTIONS"};

constexpr bool is_space(char c) { return c == ' ' || c == '\t'; }

Bytes trim(Bytes text) {
    while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
    return text;
}

/// Takes the next line off `head`, without its CRLF. HeadScanner saw to it that CR and LF stand
/// only together.
Bytes take_line(Bytes& head) {
    const char* const begin = head.data();
    const auto length = static_cast<size_t>(find_char(begin, begin + head.size(), '\r') - begin);
    const Bytes line(begin, length);
    head.remove_prefix(length + 2);
    return line;
}

bool is_token(Bytes text) { return std::all_of(text.begin(), text.end(), is_token_char); }

struct FieldError {
    Code code;
    std::string_view what;
};

/// Splits "Name: value" lines up to the blank line.
std::optional<FieldError> parse_fields(Bytes head, Fields& fields) {
    fields.clear();
    for (Bytes line = take_line(head); !line.empty(); line = take_line(head)) {
        if (fields.count == fields_max) {
            return FieldError{Code::head_too_large, "too many header fields"};
        }
        // The rest of the head is looked at as well, for there is room for wide steps in it.
        const char* const colon = find_char(line.data(), head.data() + head.size(), ':');
        const Bytes name(line.data(), static_cast<size_t>(colon - line.data()));
        const FieldId id = field_id(name);
        if (name.size() >= line.size() || name.empty() ||
            (id == FieldId::unknown && !is_token(name))) { // a name that is known is a token
            return FieldError{Code::malformed, "header field: malformed name"};
        }
        fields.add({name, trim(line.substr(name.size() + 1)), id});
    }
    return std::nullopt;
}

/// What the fields say of the body and the connection.
struct MessageFacts {
    std::optional<uint64_t> content_length;
    bool is_chunked = false;
    bool is_coded = false; ///< a transfer coding other than chunked
    bool closes = false;
    bool keeps_alive = false;
    unsigned hosts = 0;
    Bytes host;
    bool expects_continue = false;
    bool expects_other = false; ///< than 100-continue
};

std::optional<FieldError> read_connection(Bytes value, MessageFacts& facts) {
    bool is_valid = true;
    for_each_list_element(value, [&](Bytes option) {
        if (!is_token(option)) is_valid = false;
        if (base::equals_ignoring_case(option, "close")) facts.closes = true;
        if (base::equals_ignoring_case(option, "keep-alive")) facts.keeps_alive = true;
    });
    if (!is_valid) return FieldError{Code::malformed, "Connection: malformed"};
    return std::nullopt;
}

std::optional<FieldError> read_transfer_encoding(Bytes value, MessageFacts& facts) {
    if (facts.is_chunked || facts.is_coded) {
        return FieldError{Code::malformed, "more than one Transfer-Encoding"};
    }
    facts.is_chunked = base::equals_ignoring_case(value, "chunked");
    facts.is_coded = !facts.is_chunked;
    const bool is_list = !value.empty() && std::all_of(value.begin(), value.end(), [](char c) {
        return is_token_char(c) || is_space(c) || c == ',' || c == ';' || c == '=';
    });
    if (!is_list || value.front() == ',') {
        return FieldError{Code::malformed, "Transfer-Encoding: malformed"};
    }
    return std::nullopt;
}

std::optional<FieldError> read_facts(const Fields& fields, MessageFacts& facts) {
    for (const Field& field : fields.list()) {
        switch (field.id) {
        case FieldId::content_length: {
            if (facts.content_length) {
                return FieldError{Code::malformed, "more than one Content-Length"};
            }
            facts.content_length = base::parse_decimal(field.value);
            if (!facts.content_length) {
                return FieldError{Code::malformed, "Content-Length: not a number"};
            }
            break;
        }
        case FieldId::transfer_encoding:
            if (auto error = read_transfer_encoding(field.value, facts)) return error;
            break;
        case FieldId::connection:
            if (auto error = read_connection(field.value, facts)) return error;
            break;
        case FieldId::host:
            ++facts.hosts;
            facts.host = field.value;
            break;
        case FieldId::expect:
            if (base::equals_ignoring_case(field.value, "100-continue")) {
                facts.expects_continue = true;
            } else {
                facts.expects_other = true;
            }
            break;
        default: break;
        }
    }
    if (facts.content_length && (facts.is_chunked || facts.is_coded)) {
        return FieldError{Code::malformed, "both Content-Length and Transfer-Encoding"};
    }
    return std::nullopt;
}

Result<uint8_t> parse_version(Bytes version) {
    if (version == "HTTP/1.1") return uint8_t{1};
    if (version == "HTTP/1.0") return uint8_t{0};
    const bool is_http = version.size() == 8 && version.starts_with("HTTP/") && version[5] >= '0' &&
                         version[5] <= '9' && version[6] == '.' && version[7] >= '0' &&
                         version[7] <= '9';
    if (is_http) return client_error(Code::version_unsupported, "HTTP version not supported");
    return client_error(Code::malformed, "malformed HTTP version");
}

Result<Method> parse_method(Bytes name) {
    const auto found = std::find(method_names.begin(), method_names.end(), name);
    if (found != method_names.end()) return static_cast<Method>(found - method_names.begin());
    if (name.empty() || !is_token(name)) {
        return client_error(Code::malformed, "malformed method");
    }
    if (name == "CONNECT" || name == "TRACE") {
        return client_error(Code::method_not_allowed, "method not allowed");
    }
    return client_error(Code::not_implemented, "method not implemented");
}

/// Reduces the target to origin-form. An absolute one must name the same host as the Host field.
/// Source: RFC 9112, 3.2.
Result<Bytes> parse_target(Bytes target, Method method, const MessageFacts& facts,
                           const HeadLimits& limits) {
    if (target.size() > limits.target_bytes_max) {
        return client_error(Code::uri_too_long, "request target too long");
    }
    const bool is_visible = std::all_of(target.begin(), target.end(),
                                        [](char c) { return c > 0x20 && c < 0x7f && c != '#'; });
    if (target.empty() || !is_visible) {
        return client_error(Code::malformed, "malformed request target");
    }
    if (target.front() == '/') return target;
    if (target == "*" && method == Method::options) return target;
    for (const Bytes scheme : {Bytes("http://"), Bytes("https://")}) {
        if (!base::equals_ignoring_case(target.substr(0, scheme.size()), scheme)) continue;
        const Bytes rest = target.substr(scheme.size());
        const size_t authority = std::min(rest.find_first_of("/?"), rest.size());
        if (authority == 0) break;
        if (!base::equals_ignoring_case(rest.substr(0, authority), facts.host)) {
            return client_error(Code::malformed, "request target and Host differ");
        }
        if (authority == rest.size()) return Bytes("/");
        if (rest[authority] == '/') return rest.substr(authority);
        break;
    }
    return client_error(Code::malformed, "malformed request target");
}

Status check_host(const MessageFacts& facts, uint8_t minor_version) {
    if (facts.hosts > 1) return client_error(Code::malformed, "more than one Host");
    if (facts.hosts == 0) {
        if (minor_version == 0) return {};
        return client_error(Code::malformed, "missing Host");
    }
    if (!is_valid_host(facts.host)) return client_error(Code::malformed, "malformed Host");
    return {};
}

/// Whether `name` is Content-Length or Transfer-Encoding but for its punctuation. Gateways that map
/// names to variables (Transfer_Encoding) take such a field for the real one.
bool resembles_framing(Bytes name) {
    constexpr Bytes content_length = "contentlength";
    constexpr Bytes transfer_encoding = "transferencoding";
    std::array<char, transfer_encoding.size()> letters;
    size_t count = 0;
    if (name.size() < content_length.size()) return false;
    for (const char c : name) {
        const char letter = base::to_lower(c);
        if ((letter < 'a' || letter > 'z') && (letter < '0' || letter > '9')) continue;
        if (count == letters.size()) return false;
        letters[count++] = letter;
    }
    const Bytes plain(letters.data(), count);
    return plain == content_length || plain == transfer_encoding;
}

Status check_names(const Fields& fields) {
    const auto list = fields.list();
    const bool is_clear = std::none_of(list.begin(), list.end(), [](const Field& field) {
        return field.id == FieldId::unknown && resembles_framing(field.name);
    });
    if (!is_clear) return client_error(Code::malformed, "a name that resembles a framing field");
    return {};
}

Status frame_request(const MessageFacts& facts, RequestLine& line) {
    if (facts.is_coded) {
        return client_error(Code::not_implemented, "transfer coding not supported");
    }
    if (facts.is_chunked) {
        if (line.minor_version == 0) {
            return client_error(Code::malformed, "Transfer-Encoding in HTTP/1.0");
        }
        line.framing = Framing::chunked;
    } else if (facts.content_length) {
        line.framing = *facts.content_length > 0 ? Framing::length : Framing::none;
        line.content_length = *facts.content_length;
    }
    // RFC 9110, 9.3.1: no semantics, and some parsers do not look for such a body at all.
    const bool has_no_body = line.method == Method::get || line.method == Method::head;
    if (has_no_body && line.framing != Framing::none) {
        return client_error(Code::malformed, "GET and HEAD carry no body");
    }
    line.keeps_alive = line.minor_version == 1 ? !facts.closes : facts.keeps_alive && !facts.closes;
    if (line.minor_version == 1) {
        if (facts.expects_other) {
            return client_error(Code::expectation_failed, "expectation not supported");
        }
        line.expects_continue = facts.expects_continue;
    }
    return {};
}

bool is_ipv6_address(Bytes text) {
    std::array<char, INET6_ADDRSTRLEN> terminated{};
    if (text.size() >= terminated.size() || text.find('\0') != Bytes::npos) return false;
    text.copy(terminated.data(), text.size());
    in6_addr address{};
    return inet_pton(AF_INET6, terminated.data(), &address) == 1;
}

/// The characters of a registered name, but for the percent sign. Source: RFC 3986, 3.2.2.
constexpr std::array<bool, 256> name_chars = [] {
    std::array<bool, 256> is_allowed{};
    for (unsigned c = '0'; c <= '9'; ++c) is_allowed[c] = true;
    for (unsigned c = 'a'; c <= 'z'; ++c) is_allowed[c] = true;
    for (unsigned c = 'A'; c <= 'Z'; ++c) is_allowed[c] = true;
    for (const char c : Bytes("-._~!$&'()*+,;=")) is_allowed[static_cast<unsigned char>(c)] = true;
    return is_allowed;
}();

/// Not empty, and each percent sign begins an escape.
bool is_registered_name(Bytes name) {
    for (size_t at = 0; at < name.size(); ++at) {
        if (name_chars[static_cast<unsigned char>(name[at])]) continue;
        const bool is_escape = name[at] == '%' && name.size() - at >= 3 &&
                               base::from_hex(name.substr(at + 1, 2)).has_value();
        if (!is_escape) return false;
        at += 2;
    }
    return !name.empty();
}

/// What is wrong with a control character that ends no line.
Error misplaced(char control) {
    const auto error = [](std::string_view what) {
        return client_error(Code::malformed, what).error();
    };
    if (control == '\t') return error("folded header line");
    return error(control == '\r' ? "bare CR in the head" : "control character in the head");
}

constexpr uint8_t leading_blank_max = 4; ///< bytes: two CRLF

bool llhttp_agrees(Bytes first_line, const Fields& fields, const RequestLine& line) {
    static const auto numbers = [] {
        std::array<uint8_t, method_names.size()> made{};
        std::transform(method_names.begin(), method_names.end(), made.begin(), llhttp_method);
        return made;
    }();
    const SecondOpinion opinion = ask_llhttp(first_line, fields.list(), true);
    return opinion.accepts && opinion.method == numbers[static_cast<size_t>(line.method)] &&
           opinion.minor_version == line.minor_version &&
           opinion.is_chunked == (line.framing == Framing::chunked) &&
           opinion.content_length == line.content_length;
}

} // namespace

Bytes to_string(Method method) { return method_names[static_cast<size_t>(method)]; }

Result<size_t> HeadScanner::scan(Bytes so_far, const HeadLimits& limits) {
    const char* const begin = so_far.data();
    const char* const end = begin + so_far.size();
    const char* at = begin + at_;
    const char* line = begin + line_start_;
    for (;;) {
        if (at != end && *at == ' ' && at == line && lines_ > 0) {
            return client_error(Code::malformed, "folded header line");
        }
        at = find_control(at, end);
        const auto line_bytes = static_cast<size_t>(at - line);
        const auto head_bytes = static_cast<size_t>(at - begin);
        if (line_bytes > limits.line_bytes_max || head_bytes > limits.head_bytes_max) {
            return std::unexpected(too_long(line_bytes, limits));
        }
        if (at == end) break;
        if (*at == '\t' && line_bytes > 0) {
            ++at;
            continue;
        }
        if (*at != '\r') return std::unexpected(misplaced(*at));
        if (at + 1 == end) break;
        if (at[1] != '\n') return std::unexpected(misplaced(*at));
        at += 2;
        line = at;
        if (line_bytes > 0) {
            if (++lines_ <= fields_max + 1) continue;
            return client_error(Code::head_too_large, "too many header fields");
        }
        if (lines_ > 0) return static_cast<size_t>(at - begin);
        leading_blank_ = static_cast<uint8_t>(leading_blank_ + 2);
        if (leading_blank_ > leading_blank_max) {
            return client_error(Code::malformed, "blank lines before the request");
        }
    }
    at_ = static_cast<uint32_t>(at - begin);
    line_start_ = static_cast<uint32_t>(line - begin);
    return size_t{0};
}

Error HeadScanner::too_long(size_t line_bytes, const HeadLimits& limits) const {
    const auto error = [](Code code, std::string_view what) {
        return client_error(code, what).error();
    };
    if (lines_ == 0) return error(Code::uri_too_long, "request line too long");
    if (line_bytes > limits.line_bytes_max) {
        return error(Code::head_too_large, "header line too long");
    }
    return error(Code::head_too_large, "request head too large");
}

Result<RequestLine> parse_request_head(Bytes head, Fields& fields, const HeadLimits& limits) {
    Bytes rest = head;
    const Bytes first = take_line(rest);
    const size_t method_end = first.find(' ');
    const size_t target_end = first.rfind(' ');
    if (method_end == Bytes::npos || target_end <= method_end) {
        return client_error(Code::malformed, "malformed request line");
    }
    RequestLine line;
    RINGWAY_TRY(line.minor_version, parse_version(first.substr(target_end + 1)));
    RINGWAY_TRY(line.method, parse_method(first.substr(0, method_end)));
    MessageFacts facts;
    if (const auto error = parse_fields(rest, fields)) {
        return client_error(error->code, error->what);
    }
    if (const auto error = read_facts(fields, facts)) return client_error(error->code, error->what);
    RINGWAY_RETURN_IF_ERROR(check_names(fields));
    RINGWAY_RETURN_IF_ERROR(check_host(facts, line.minor_version));
    const Bytes target = first.substr(method_end + 1, target_end - method_end - 1);
    RINGWAY_TRY(line.target, parse_target(target, line.method, facts, limits));
    RINGWAY_RETURN_IF_ERROR(frame_request(facts, line));
    if (!llhttp_agrees(first, fields, line)) {
        return client_error(Code::malformed, "malformed request head");
    }
    return line;
}

Result<StatusLine> parse_response_head(Bytes head, Method asked, Fields& fields,
                                       const HeadLimits&) {
    const auto bad = [](std::string_view what) { return upstream_error(Code::malformed, what); };
    Bytes rest = head;
    const Bytes first = take_line(rest);
    const bool has_shape = first.size() >= 12 && first.starts_with("HTTP/1.") && first[8] == ' ' &&
                           (first[7] == '0' || first[7] == '1') &&
                           (first.size() == 12 || first[12] == ' ');
    if (!has_shape) return bad("malformed status line");
    StatusLine line;
    line.minor_version = static_cast<uint8_t>(first[7] - '0');
    for (const char digit : first.substr(9, 3)) {
        if (digit < '0' || digit > '9') return bad("malformed status");
        line.status = static_cast<uint16_t>(line.status * 10 + (digit - '0'));
    }
    if (line.status < 100 || line.status > 599) return bad("status out of range");
    if (first.size() > 13) line.reason = first.substr(13);
    MessageFacts facts;
    if (const auto error = parse_fields(rest, fields)) return bad(error->what);
    if (const auto error = read_facts(fields, facts)) return bad(error->what);
    const bool has_no_body =
        asked == Method::head || line.status < 200 || line.status == 204 || line.status == 304;
    if (facts.is_coded) return bad("transfer coding not supported");
    if (facts.is_chunked && line.minor_version == 0) return bad("Transfer-Encoding in HTTP/1.0");
    line.content_length = facts.content_length.value_or(0);
    if (has_no_body) {
        line.framing = Framing::none;
    } else if (facts.is_chunked) {
        line.framing = Framing::chunked;
    } else if (facts.content_length) {
        line.framing = *facts.content_length > 0 ? Framing::length : Framing::none;
    } else {
        line.framing = Framing::until_close;
    }
    line.keeps_alive = line.minor_version == 1 ? !facts.closes : facts.keeps_alive && !facts.closes;
    if (line.framing == Framing::until_close) line.keeps_alive = false;
    const SecondOpinion opinion = ask_llhttp(first, fields.list(), false);
    if (!opinion.accepts || opinion.status != line.status ||
        opinion.is_chunked != facts.is_chunked) {
        return bad("malformed response head");
    }
    return line;
}

bool is_valid_host(Bytes host) {
    const bool is_literal = host.starts_with('[');
    const size_t close = is_literal ? host.find(']') : 0;
    if (close == Bytes::npos) return false;
    const size_t colon = std::min(host.find(':', close), host.size());
    const Bytes name = host.substr(0, colon);
    if (is_literal) {
        if (close + 1 != colon || !is_ipv6_address(host.substr(1, close - 1))) return false;
    } else if (!is_registered_name(name)) {
        return false;
    }
    if (colon == host.size()) return true;
    const Bytes port = host.substr(colon + 1); // may be empty: RFC 3986, 3.2.3
    if (port.size() > 5) return false;
    uint32_t number = 0;
    for (const char c : port) {
        if (c < '0' || c > '9') return false;
        number = number * 10 + static_cast<uint32_t>(c - '0');
    }
    return number <= 65535;
}

} // namespace ringway::wire
