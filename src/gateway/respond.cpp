#include "gateway/phases.h"

namespace ringway::gateway {
namespace {

/// What a kind of error is in HTTP and in both families of APIs.
/// Source: protocols/README.md, 5; OpenAI "Error codes", Anthropic "Errors".
struct ErrorShape {
    uint16_t status;
    Bytes openai_type;
    Bytes openai_code; ///< empty: null
    Bytes anthropic_type;
};

constexpr Bytes bad_request = "invalid_request_error";

ErrorShape shape_of_client_error(Code code) {
    switch (code) {
    case Code::unauthenticated:
        return {401, bad_request, "invalid_api_key", "authentication_error"};
    case Code::forbidden: return {403, bad_request, "insufficient_permissions", "permission_error"};
    case Code::not_found: return {404, bad_request, "not_found", "not_found_error"};
    case Code::method_not_allowed: return {405, bad_request, "method_not_allowed", bad_request};
    case Code::timeout: return {408, bad_request, "request_timeout", "timeout_error"};
    case Code::length_required: return {411, bad_request, "length_required", bad_request};
    case Code::too_large: return {413, bad_request, "request_too_large", "request_too_large"};
    case Code::uri_too_long: return {414, bad_request, "uri_too_long", bad_request};
    case Code::media_type_unsupported:
        return {415, bad_request, "unsupported_media_type", bad_request};
    case Code::expectation_failed: return {417, bad_request, "expectation_failed", bad_request};
    case Code::rate_limited:
        return {429, "rate_limit_error", "rate_limit_exceeded", "rate_limit_error"};
    case Code::head_too_large: return {431, bad_request, "headers_too_large", bad_request};
    case Code::not_implemented: return {501, bad_request, "not_implemented", bad_request};
    case Code::version_unsupported:
        return {505, bad_request, "http_version_not_supported", bad_request};
    default: return {400, bad_request, "", bad_request};
    }
}

ErrorShape shape_of_upstream_error(Code code) {
    switch (code) {
    case Code::timeout: return {504, "server_error", "timeout", "timeout_error"};
    case Code::overloaded: return {503, "server_error", "overloaded", "overloaded_error"};
    case Code::rate_limited:
        return {429, "rate_limit_error", "rate_limit_exceeded", "rate_limit_error"};
    default: return {502, "server_error", "bad_upstream_response", "api_error"};
    }
}

ErrorShape shape_of_gateway_error(Code code) {
    switch (code) {
    case Code::draining: return {503, "server_error", "shutting_down", "overloaded_error"};
    case Code::exhausted: return {503, "server_error", "overloaded", "overloaded_error"};
    default: return {500, "server_error", "internal_error", "api_error"};
    }
}

ErrorShape shape_of(const Error& error) {
    switch (error.blame) {
    case Blame::client: return shape_of_client_error(error.code);
    case Blame::upstream: return shape_of_upstream_error(error.code);
    case Blame::gateway: return shape_of_gateway_error(error.code);
    }
    return shape_of_gateway_error(Code::internal);
}

/// Whether the connection ends with this answer. What is left of the request's body is taken in if
/// it is there already; otherwise the next request's beginning is not known.
bool closes_after(Exchange& exchange) {
    if (!exchange.client.has_whole_body()) {
        ring::SliceQueue rest;
        const auto drained = exchange.client.poll_body(rest);
        if (!drained || !exchange.client.has_whole_body()) exchange.must_close = true;
    }
    return exchange.must_close || !exchange.keeps_alive || exchange.worker.is_draining();
}

Bytes allowed_methods(const llm::Call& call) {
    return call.is_exact ? "POST" : call.is_model_list ? "GET, HEAD" : "GET, HEAD, POST";
}

/// "gw;dur=0.041, up;dur=120.5": milliseconds (W3C Server Timing).
void write_timing(const Exchange& exchange, http::HeadWriter& head, TimePoint now) {
    const Duration waited = exchange.request->waited;
    const Duration own = now - exchange.began - waited;
    head.text("server-timing: gw;dur=").milliseconds(own);
    head.text(", up;dur=").milliseconds(waited).text("\r\n");
}

} // namespace

ApiError describe(const Exchange& exchange, const Error& error) {
    const ErrorShape shape = shape_of(error);
    const bool has_begun = exchange.request == nullptr; // then nothing but the error is told
    const ErrorDetail* detail = has_begun ? nullptr : exchange.request->error_detail.get();
    ApiError described;
    described.status = shape.status;
    const bool is_anthropic = exchange.dialect().family() == Family::anthropic;
    if (is_anthropic && shape.anthropic_type == "overloaded_error") described.status = 529;
    described.type = is_anthropic ? shape.anthropic_type : shape.openai_type;
    described.code = shape.openai_code;
    described.message = error.what;
    described.request_id = exchange.request_id.view();
    if (detail != nullptr) {
        if (!detail->message.empty()) described.message = detail->message;
        if (!detail->code.empty()) described.code = detail->code;
        described.param = detail->param;
    }
    return described;
}

bool has_tried_all(const Exchange& exchange) {
    return exchange.status >= 400 && exchange.attempts > 1;
}

void write_common_fields(Exchange& exchange, http::HeadWriter& head) {
    const TimePoint now = exchange.loop().backend().now();
    head.field("x-request-id", exchange.request_id.view());
    if (exchange.dialect().family() == Family::anthropic) {
        head.field("request-id", exchange.request_id.view());
    }
    if (exchange.snapshot().config().debug_headers) {
        write_timing(exchange, head, now);
        if (exchange.attempts > 0) {
            head.field("x-ringway-provider", exchange.provider().config.name);
            const Bytes model = exchange.request->target.model;
            if (!model.empty()) head.field("x-ringway-model", model);
            head.field("x-ringway-attempts", exchange.attempts);
        }
    }
    if (has_tried_all(exchange)) head.field("x-should-retry", "false");
    if (closes_after(exchange)) {
        head.field("connection", "close");
    } else if (exchange.request->line.minor_version == 0) {
        head.field("connection", "keep-alive");
    }
}

void respond(Exchange& exchange, uint16_t status, Bytes content_type, Bytes body) {
    exchange.status = status;
    http::HeadWriter head(exchange.loop().blocks());
    head.status_line(status);
    head.field("date", exchange.worker.date().at(exchange.worker.wall_clock_s()));
    head.field("content-type", content_type);
    head.field("content-length", body.size());
    if (status == 405) head.field("allow", allowed_methods(exchange.request->call));
    if (status == 503 || status == 529) head.field("retry-after", "1");
    write_common_fields(exchange, head);
    head.text("\r\n");
    if (exchange.request->line.method != wire::Method::head) head.text(body);
    ring::SliceQueue out;
    head.take(out);
    exchange.client.begin_answer();
    exchange.client.write(std::move(out));
    exchange.has_begun_answer = exchange.is_answer_whole = true;
}

void respond_error(Exchange& exchange, const Error& error) {
    const ApiError described = describe(exchange, error);
    respond(exchange, described.status, "application/json",
            exchange.dialect().error_body(described));
}

} // namespace ringway::gateway
