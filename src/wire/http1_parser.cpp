#include "wire/http1_parser.h"

#include <llhttp/llhttp.h>

#include <array>

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

/// Whether llhttp has states of its own for the field: in its source, the names that
/// s_n_llhttp__internal__n_header_field matches. The value of any other is skipped.
bool is_known_to_llhttp(FieldId id) {
    switch (id) {
    case FieldId::connection:
    case FieldId::content_length:
    case FieldId::proxy_connection:
    case FieldId::transfer_encoding:
    case FieldId::upgrade: return true;
    default: return false;
    }
}

/// From the field's name to its CRLF. Behind the value there is white space at most.
Bytes whole_line(const Field& field) {
    const char* end = field.value.data() + field.value.size();
    while (*end != '\r') ++end;
    return {field.name.data(), static_cast<size_t>(end + 2 - field.name.data())};
}

SecondOpinion opinion_of(const llhttp_t& parser, llhttp_errno_t outcome) {
    SecondOpinion opinion;
    opinion.accepts = outcome == HPE_PAUSED;
    opinion.method = parser.method;
    opinion.status = parser.status_code;
    opinion.minor_version = parser.http_minor;
    opinion.is_chunked = (parser.flags & F_CHUNKED) != 0;
    opinion.content_length = parser.content_length;
    return opinion;
}

/// llhttp behind the first line, CRLF included, of a head. Most heads begin with the line of the
/// one before, and llhttp behind it is what it was then.
llhttp_t read_first_line(Bytes line, bool is_request) {
    struct Known {
        std::array<char, 128> text;
        size_t bytes = 0;
        llhttp_t parser;
    };
    thread_local std::array<Known, 2> last;
    Known& known = last[is_request ? 1 : 0];
    if (Bytes(known.text.data(), known.bytes) == line) return known.parser;
    llhttp_t parser;
    llhttp_init(&parser, is_request ? HTTP_REQUEST : HTTP_RESPONSE, &settings());
    llhttp_execute(&parser, line.data(), line.size());
    if (line.size() <= known.text.size()) {
        known.bytes = line.copy(known.text.data(), line.size());
        known.parser = parser;
    }
    return parser;
}

} // namespace

SecondOpinion ask_llhttp(Bytes first_line, std::span<const Field> fields, bool is_request) {
    constexpr Bytes line_end = "\r\n";
    const Bytes line(first_line.data(), first_line.size() + line_end.size());
    llhttp_t parser = read_first_line(line, is_request);
    for (const Field& field : fields) {
        if (!is_known_to_llhttp(field.id)) continue;
        const Bytes whole = whole_line(field);
        llhttp_execute(&parser, whole.data(), whole.size());
    }
    // An error stays one: what is read behind it comes to the same.
    return opinion_of(parser, llhttp_execute(&parser, line_end.data(), line_end.size()));
}

SecondOpinion ask_llhttp(Bytes head, bool is_request) {
    llhttp_t parser;
    llhttp_init(&parser, is_request ? HTTP_REQUEST : HTTP_RESPONSE, &settings());
    return opinion_of(parser, llhttp_execute(&parser, head.data(), head.size()));
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
