#pragma once

#include <cstdint>
#include <string>

#include "base/fixed_text.h"
#include "ringway/dialect.h"
#include "wire/json_scan.h"

namespace ringway::llm {

/// Where a value stands in a body.
struct Span {
    uint64_t begin = 0;
    uint64_t end = 0;
    bool is_set() const { return end > begin; }
};

/// What a request's body says, as far as ringway reads it, with the spans of what it may edit.
struct RequestFacts {
    base::FixedText<wire::JsonScanner::text_bytes_max> model;
    Span model_span; ///< of the value, quotes included
    Span root;       ///< of the whole object
    Span stream_options;
    Span include_usage;
    bool is_stream = false;
    bool stream_options_is_null = false;
    bool stream_options_is_empty = false;
    bool includes_usage = false;
};

/// Reads a request's body as it arrives: checks all of its JSON and UTF-8, and finds the fields
/// above. Keys that ringway reads and that occur twice are refused, since two parsers would
/// disagree on them; so are fields by which clients try to choose the upstream's address.
class RequestScan final : private wire::JsonSink {
public:
    RequestScan();

    /// Errors: {malformed, client}; see message() and param().
    Status feed(Bytes piece);
    Status finish();
    const RequestFacts& facts() const { return facts_; }
    /// What to tell the client after an error, and which field is to blame (may be empty).
    const std::string& message() const { return message_; }
    Bytes param() const { return param_; }

private:
    void on_value(const wire::JsonValue& value) override;
    void refuse(Bytes param, std::string message);
    Status outcome(const Status& status);

    wire::JsonScanner scanner_;
    RequestFacts facts_;
    std::string message_;
    Bytes param_;
    uint32_t seen_ = 0; ///< a bit per path
    bool is_refused_ = false;
};

} // namespace ringway::llm
