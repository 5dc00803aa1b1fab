#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace ringway::wire {

/// Header fields that ringway knows by name.
enum class FieldId : uint8_t {
    unknown,
    accept,
    accept_encoding,
    alt_svc,
    anthropic_beta,
    anthropic_dangerous_direct_browser_access,
    anthropic_organization_id,
    anthropic_version,
    anthropic_workspace_id,
    api_key,
    authorization,
    cache_control,
    connection,
    content_encoding,
    content_length,
    content_type,
    cookie,
    date,
    expect,
    host,
    http2_settings,
    idempotency_key,
    keep_alive,
    openai_beta,
    openai_organization,
    openai_processing_ms,
    openai_project,
    proxy_authenticate,
    proxy_authorization,
    proxy_connection,
    range,
    request_id,
    retry_after,
    retry_after_ms,
    server,
    set_cookie,
    strict_transport_security,
    te,
    traceparent,
    tracestate,
    trailer,
    transfer_encoding,
    upgrade,
    user_agent,
    via,
    x_accel_buffering,
    x_api_key,
    x_goog_api_key,
    x_request_id,
    x_ringway_provider,
    x_should_retry,
    count_,
};

struct Field {
    Bytes name;
    Bytes value; ///< without the white space around it
    FieldId id = FieldId::unknown;
};

/// The id of a field name, whatever its case. There are no controls in it. One that is known is a
/// token.
FieldId field_id(Bytes name);
Bytes field_name(FieldId id);

/// Connection-level fields, which never pass a proxy. Source: RFC 9110, 7.6.1.
bool is_hop_by_hop(FieldId id);

/// A character of a token, such as a field name. Source: RFC 9110, 5.6.2.
bool is_token_char(char c);

/// Visits the elements of a comma-separated list, trimmed, empty ones left out.
template <class F>
void for_each_list_element(Bytes list, F&& visit) {
    while (!list.empty()) {
        const size_t comma = list.find(',');
        Bytes element = list.substr(0, comma);
        while (!element.empty() && (element.front() == ' ' || element.front() == '\t'))
            element.remove_prefix(1);
        while (!element.empty() && (element.back() == ' ' || element.back() == '\t'))
            element.remove_suffix(1);
        if (!element.empty()) visit(element);
        if (comma == Bytes::npos) return;
        list.remove_prefix(comma + 1);
    }
}

} // namespace ringway::wire
