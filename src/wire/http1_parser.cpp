#include "wire/http1_parser.h"

#include <llhttp/llhttp.h>

#include <cstring>

static_assert(LLHTTP_STRICT_MODE == 1, "llhttp 8.1 lets smuggling forms through unless strict");

namespace ringway::wire {
namespace {

/// Stops llhttp where the head ends: bodies are not its business.
int on_headers_complete(llhttp_t*) { return HPE_PAUSED; }

const llhttp_settings_t& settings() {
    static const llhttp_settings_t only_heads = [] {
        llhttp_settings_t made;
        llhttp_settings_init(&made);
        made.on_headers_complete = on_headers_complete;
        return made;
    }();
    return only_heads;
}

} // namespace

SecondOpinion ask_llhttp(Bytes head, bool is_request) {
    llhttp_t parser;
    llhttp_init(&parser, is_request ? HTTP_REQUEST : HTTP_RESPONSE, &settings());
    const llhttp_errno_t outcome = llhttp_execute(&parser, head.data(), head.size());
    SecondOpinion opinion;
    opinion.accepts = outcome == HPE_PAUSED;
    opinion.method = parser.method;
    opinion.status = parser.status_code;
    opinion.minor_version = parser.http_minor;
    opinion.is_chunked = (parser.flags & F_CHUNKED) != 0;
    opinion.content_length = parser.content_length;
    return opinion;
}

uint8_t llhttp_method(Bytes name) {
    for (uint8_t method = 0; method <= HTTP_SOURCE; ++method) {
        if (name == llhttp_method_name(static_cast<llhttp_method_t>(method))) return method;
    }
    return 255;
}

std::string llhttp_version() {
    return std::to_string(LLHTTP_VERSION_MAJOR) + "." + std::to_string(LLHTTP_VERSION_MINOR) + "." +
           std::to_string(LLHTTP_VERSION_PATCH);
}

} // namespace ringway::wire
