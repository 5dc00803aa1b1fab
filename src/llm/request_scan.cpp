#include "llm/request_scan.h"

namespace ringway::llm {
namespace {

enum Path {
    root,
    model,
    stream,
    stream_options,
    include_usage,
    api_base,
    base_url,
    api_key,
};

constexpr Bytes names[] = {
    "",         "model",    "stream",  "stream_options", "stream_options.include_usage",
    "api_base", "base_url", "api_key",
};

const wire::JsonPaths& paths() {
    static const wire::JsonPaths made(names);
    return made;
}

} // namespace

RequestScan::RequestScan() : scanner_(paths(), *this) {}

Status RequestScan::feed(Bytes piece) { return outcome(scanner_.feed(piece)); }

Status RequestScan::finish() {
    RINGWAY_RETURN_IF_ERROR(outcome(scanner_.finish()));
    return outcome({});
}

Status RequestScan::outcome(const Status& status) {
    if (!status && message_.empty()) {
        message_ = "The request body is not valid JSON: " + std::string(status.error().what) +
                   " at byte " + std::to_string(scanner_.position()) + ".";
    }
    if (is_refused_) return client_error(Code::malformed, "the request body is refused");
    return status;
}

void RequestScan::refuse(Bytes param, std::string message) {
    if (is_refused_) return;
    is_refused_ = true;
    param_ = param;
    message_ = std::move(message);
}

void RequestScan::on_value(const wire::JsonValue& value) {
    const auto path = static_cast<size_t>(value.path);
    const Bytes name = names[path];
    const Span span{value.begin, value.end};
    if ((seen_ >> path & 1) != 0) {
        return refuse(name, "The field \"" + std::string(name) + "\" occurs more than once.");
    }
    seen_ |= 1U << path;
    const auto wrong_type = [&](const char* expected) {
        refuse(name, "The field \"" + std::string(name) + "\" must be " + expected + ".");
    };
    switch (value.path) {
    case root:
        if (value.kind != wire::JsonKind::object) {
            return refuse("", "The request body must be a JSON object.");
        }
        facts_.root = span;
        break;
    case model:
        if (value.kind != wire::JsonKind::string || value.text.empty()) {
            return wrong_type("a string that is not empty");
        }
        if (value.is_cut) return refuse(name, "The model's name is too long.");
        facts_.model.assign(value.text);
        facts_.model_span = span;
        break;
    case stream:
        if (value.kind != wire::JsonKind::boolean && value.kind != wire::JsonKind::null) {
            return wrong_type("a boolean");
        }
        facts_.is_stream = value.text == "true";
        break;
    case stream_options:
        facts_.stream_options_is_null = value.kind == wire::JsonKind::null;
        if (value.kind != wire::JsonKind::object && !facts_.stream_options_is_null) {
            return wrong_type("an object");
        }
        facts_.stream_options_is_empty = value.is_empty;
        facts_.stream_options = span;
        break;
    case include_usage:
        if (value.kind != wire::JsonKind::boolean && value.kind != wire::JsonKind::null) {
            return wrong_type("a boolean");
        }
        facts_.includes_usage = value.text == "true";
        facts_.include_usage = span;
        break;
    default: refuse(name, "The field \"" + std::string(name) + "\" is not taken from requests.");
    }
}

} // namespace ringway::llm
