#include <algorithm>
#include <array>

#include "base/text.h"
#include "gateway/phases.h"
#include "wire/url.h"

namespace ringway::gateway {
namespace {

using wire::FieldId;

/// The fields of a request that go on to the upstream. Everything else stays here: what the
/// upstream is sent is built, not copied.
bool is_forwarded(FieldId id) {
    switch (id) {
    case FieldId::accept:
    case FieldId::anthropic_beta:
    case FieldId::anthropic_dangerous_direct_browser_access:
    case FieldId::anthropic_version:
    case FieldId::content_type:
    case FieldId::idempotency_key:
    case FieldId::openai_beta:
    case FieldId::range: return true;
    default: return false;
    }
}

/// A client's own request id is taken if it is well formed.
void take_request_id(Exchange& exchange, Bytes given) {
    const bool is_good = !given.empty() && given.size() <= RequestId::bytes_max &&
                         std::all_of(given.begin(), given.end(), wire::is_token_char);
    if (is_good) exchange.request_id.assign(given);
}

/// Names listed in Connection are the connection's business and go no further (RFC 9110, 7.6.1).
bool is_listed_in_connection(const wire::Fields& fields, Bytes name) {
    bool is_listed = false;
    for (const wire::Field& field : fields.list()) {
        if (field.id != FieldId::connection) continue;
        wire::for_each_list_element(field.value, [&](Bytes option) {
            is_listed = is_listed || base::equals_ignoring_case(option, name);
        });
    }
    return is_listed;
}

void keep_forwarded_fields(RequestState& request, const wire::Fields& fields) {
    const bool has_options = fields.has(FieldId::connection);
    for (const wire::Field& field : fields.list()) {
        if (!is_forwarded(field.id) || request.forwarded_count == request.forwarded.size())
            continue;
        if (has_options && is_listed_in_connection(fields, field.name)) continue;
        request.forwarded[request.forwarded_count++] = {field.name, field.value};
    }
}

/// A path that climbs could leave the provider's base URL.
bool climbs(Bytes path) {
    for (size_t at = path.find("%2"); at != Bytes::npos; at = path.find("%2", at + 1)) {
        const char next = at + 2 < path.size() ? base::to_lower(path[at + 2]) : '0';
        if (next == 'e' || next == 'f') return true; // encoded dots and slashes
    }
    return path.find("/../") != Bytes::npos || path.find("/./") != Bytes::npos ||
           path.ends_with("/..") || path.ends_with("/.") || path.find('\\') != Bytes::npos;
}

Status check_method(Exchange& exchange) {
    const RequestState& request = *exchange.request;
    const bool posts = request.line.method == wire::Method::post;
    if (request.call.is_exact && !posts) {
        return client_error(Code::method_not_allowed, "This path takes POST requests only.");
    }
    if (request.line.method == wire::Method::options) {
        return client_error(Code::method_not_allowed, "OPTIONS is not supported.");
    }
    return {};
}

} // namespace

ErrorDetail& Exchange::detail() {
    std::unique_ptr<ErrorDetail>& detail = request->error_detail;
    if (detail == nullptr) detail = std::make_unique<ErrorDetail>();
    return *detail;
}

/// "req_" and 120 random bits.
void Exchange::make_request_id() {
    constexpr Bytes alphabet = "0123456789abcdefghijklmnopqrstuv";
    constexpr size_t prefix = 4;
    constexpr size_t digits = 12; // of 5 bits, from one random number
    std::array<char, prefix + 2 * digits> id = {'r', 'e', 'q', '_'};
    for (size_t begin = prefix; begin < id.size(); begin += digits) {
        const uint64_t random = loop().backend().random();
        for (size_t i = 0; i < digits; ++i) id[begin + i] = alphabet[random >> (5 * i) & 31];
    }
    request_id.assign({id.data(), id.size()});
}

void guess_call(Exchange& exchange) {
    Bytes line = exchange.client.head().bytes();
    while (line.starts_with("\r\n")) line.remove_prefix(2);
    line = line.substr(0, line.find_first_of("\r\n"));
    line.remove_prefix(std::min(line.find(' '), line.size()));
    if (line.starts_with(' ')) line.remove_prefix(1);
    const Bytes path = line.substr(0, line.find_first_of(" ?"));
    if (const auto call = llm::find_call(path, false)) exchange.set_call(*call);
}

Status begin(Exchange& exchange) {
    RequestState& request = *exchange.request;
    wire::Fields& fields = exchange.worker.fields();
    const Bytes head = exchange.client.head().bytes();
    auto line = wire::parse_request_head(head, fields, exchange.worker.limits().head);
    if (!line) {
        exchange.must_close = true; // where the next request begins is not known
        guess_call(exchange);
        return std::unexpected(line.error());
    }
    take_request_id(exchange, fields.get(FieldId::x_request_id));
    request.line = *line;
    exchange.keeps_alive = line->keeps_alive;
    exchange.client.begin_body(request.line);

    const wire::TargetParts parts = wire::split_target(request.line.target);
    request.path = parts.path;
    request.query = parts.query;
    request.content_type = fields.get(FieldId::content_type);
    request.provider_header = fields.get(FieldId::x_ringway_provider);
    keep_forwarded_fields(request, fields);
    if (const auto call = llm::find_call(parts.path, fields.has(FieldId::anthropic_version))) {
        exchange.set_call(*call);
    }
    // A path that was recognized as a whole does not.
    const bool is_known = request.call.is_exact && request.call.provider.empty();
    if (!is_known && climbs(parts.path)) return client_error(Code::malformed, "Malformed path.");

    if (const Bytes coding = fields.get(FieldId::content_encoding);
        !coding.empty() && !base::equals_ignoring_case(coding, "identity")) {
        return client_error(Code::media_type_unsupported,
                            "Request bodies with a Content-Encoding are not taken.");
    }
    return {};
}

Status identify(Exchange& exchange) {
    const auth::Keyring& keyring = exchange.snapshot().keyring();
    exchange.caller = &keyring.anyone();
    if (keyring.is_open() || is_public(exchange.request->path)) return {};
    const wire::Fields& fields = exchange.worker.fields();
    Error last{Code::unauthenticated, Blame::client, Retry::never, 0,
               "You didn't provide an API key. Send it as \"Authorization: Bearer KEY\" or "
               "\"x-api-key: KEY\"."};
    for (const FieldId id : {FieldId::authorization, FieldId::x_api_key, FieldId::api_key}) {
        Bytes key = fields.get(id);
        if (id == FieldId::authorization) {
            constexpr Bytes scheme = "bearer ";
            if (!base::equals_ignoring_case(key.substr(0, scheme.size()), scheme)) continue;
            key.remove_prefix(scheme.size());
            while (key.starts_with(' ')) key.remove_prefix(1);
        }
        if (key.empty()) continue;
        const auto caller = keyring.identify(key, exchange.worker.wall_clock_s());
        if (caller) {
            exchange.caller = *caller;
            return {};
        }
        last = caller.error();
    }
    return std::unexpected(last);
}

Status prepare_body(Exchange& exchange) {
    RINGWAY_RETURN_IF_ERROR(check_method(exchange));
    RequestState& request = *exchange.request;
    const bool is_json =
        request.content_type.empty() ||
        base::equals_ignoring_case(request.content_type.substr(0, request.content_type.find(';')),
                                   "application/json");
    if (request.call.is_exact) {
        if (!is_json) {
            return client_error(Code::media_type_unsupported,
                                "The request body must be application/json.");
        }
        if (request.line.framing == wire::Framing::none &&
            !exchange.worker.fields().has(FieldId::content_length)) {
            return client_error(Code::length_required, "The request has no body.");
        }
    }
    // Other paths: JSON bodies are read for the model they name, others stream through.
    const bool has_json_body = is_json && request.line.framing != wire::Framing::none;
    request.is_streamed_through = !request.call.is_exact && !has_json_body;
    exchange.client.set_body_limit(request.is_streamed_through
                                       ? exchange.worker.limits().upload_bytes_max
                                       : exchange.worker.limits().body_bytes_max);
    return {};
}

Result<http::Progress> poll_request_body(Exchange& exchange) {
    RequestState& request = *exchange.request;
    if (request.is_streamed_through) return http::Progress::done;
    if (exchange.worker.is_abandoning()) {
        return gateway_error(Code::draining, "The server is shutting down.");
    }
    exchange.client.invite_body();
    ring::SliceQueue arrived;
    RINGWAY_TRY(const http::Progress progress, exchange.client.poll_body(arrived));
    const bool is_read = request.call.is_exact || request.line.framing != wire::Framing::none;
    while (!arrived.empty()) {
        ring::Slice slice = arrived.pop_front();
        const Status scanned = request.scan.feed(slice.bytes());
        request.body.push_back(std::move(slice));
        if (!scanned) {
            exchange.detail().message = request.scan.message();
            exchange.detail().param = request.scan.param();
            return std::unexpected(scanned.error());
        }
    }
    if (progress == http::Progress::waiting) return progress;
    if (!is_read) return progress;
    if (const Status scanned = request.scan.finish(); !scanned) {
        exchange.detail().message = request.scan.message();
        exchange.detail().param = request.scan.param();
        return std::unexpected(scanned.error());
    }
    return progress;
}

} // namespace ringway::gateway
