// Request and response heads. The first byte says which: even a request, odd a response.

#include <algorithm>

#include "base/text.h"
#include "fuzz.h"
#include "support/heads.h"
#include "wire/http1_parser.h"

using namespace ringway;
using namespace ringway::fuzz;
using namespace ringway::wire;

namespace {

constexpr HeadLimits limits{.head_bytes_max = 2048, .line_bytes_max = 512, .target_bytes_max = 256};
constexpr HeadLimits wide;

Result<size_t> scan_alike_however_split(Bytes bytes) {
    const auto whole = HeadScanner().scan(bytes, limits);
    for_some_splits(bytes, [&](const std::vector<Bytes>& pieces) {
        const auto split = tests::scan_pieces(pieces, limits);
        require(split.has_value() == whole.has_value(),
                "a split changes whether a head is scanned");
        if (whole) require(*split == *whole, "a split changes the length of a head");
        if (!whole) require(split.error().code == whole.error().code, "a split changes the error");
    });
    return whole;
}

/// CR and LF in pairs at the ends of lines, no other control but the tab, no line that is folded.
void require_clean(Bytes head) {
    require(head.ends_with("\r\n\r\n"), "a head ends with a blank line");
    for (size_t at = 0; at < head.size(); ++at) {
        const char c = head[at];
        const bool is_pair =
            (c == '\r' && head[at + 1] == '\n') || (c == '\n' && head[at - 1] == '\r');
        require(is_pair || c == '\t' || static_cast<unsigned char>(c) >= 0x20,
                "a control is let through");
        require(c != 0x7f, "DEL is let through");
        if (c == '\n' && at + 1 < head.size()) {
            require(head[at + 1] != ' ' && head[at + 1] != '\t', "a folded line is let through");
        }
    }
}

size_t count_of(const Fields& fields, FieldId id) {
    const auto list = fields.list();
    return static_cast<size_t>(std::count_if(list.begin(), list.end(),
                                             [id](const Field& field) { return field.id == id; }));
}

void require_sound(const Fields& fields) {
    for (const Field& field : fields.list()) {
        require(!field.name.empty(), "an empty name");
        require(std::all_of(field.name.begin(), field.name.end(), is_token_char),
                "a name, no token");
        require(field.id == field_id(field.name), "a field with another's id");
    }
    const size_t lengths = count_of(fields, FieldId::content_length);
    const size_t codings = count_of(fields, FieldId::transfer_encoding);
    require(lengths + codings <= 1, "more than one field frames the body");
}

std::string written(std::string first_line, const Fields& fields) {
    for (const Field& field : fields.list()) {
        first_line += std::string(field.name) + ": " + std::string(field.value) + "\r\n";
    }
    return first_line + "\r\n";
}

void require_framed_as_said(const Fields& fields, Framing framing, uint64_t content_length) {
    if (framing == Framing::chunked) {
        require(base::equals_ignoring_case(fields.get(FieldId::transfer_encoding), "chunked"),
                "chunked without the field that says so");
    }
    if (framing == Framing::length) {
        require(base::parse_decimal(fields.get(FieldId::content_length)) == content_length,
                "a length that the field does not say");
    }
}

void check_request(Bytes bytes) {
    const auto length = scan_alike_however_split(bytes);
    if (!length || *length == 0) return;
    const auto read = std::make_unique<tests::ReadHead>(tests::read_request(bytes, limits));
    HeadScanner scanner;
    require(scanner.scan(bytes, limits) == *length, "the scan is repeatable");
    const size_t blank = scanner.leading_blank_bytes();
    const Bytes head = bytes.substr(blank, *length - blank);
    require_clean(head);
    require(tests::says_the_same_by_lines(head, true), "a line that llhttp is not shown matters");
    if (!read->line) {
        require(read->line.error().blame == Blame::client, "a request's error is the client's");
        return;
    }
    const RequestLine& line = *read->line;
    require_sound(read->fields);
    require_framed_as_said(read->fields, line.framing, line.content_length);
    require(line.framing != Framing::until_close, "a request never ends with the connection");
    const size_t hosts = count_of(read->fields, FieldId::host);
    require(hosts == 1 || (hosts == 0 && line.minor_version == 0), "exactly one Host");
    require(!line.target.empty() && (line.target[0] == '/' || line.target == "*"), "origin-form");
    const SecondOpinion opinion = ask_llhttp(head, true);
    require(opinion.accepts, "llhttp refuses what is accepted here");
    require(opinion.is_chunked == (line.framing == Framing::chunked), "llhttp frames it otherwise");
    require(opinion.content_length == line.content_length, "llhttp reads another length");
    require(opinion.method == llhttp_method(to_string(line.method)), "llhttp reads another method");

    const std::string again =
        written(std::string(to_string(line.method)) + " " + std::string(line.target) + " HTTP/1." +
                    std::to_string(line.minor_version) + "\r\n",
                read->fields);
    const auto reread = std::make_unique<tests::ReadHead>(tests::read_request(again, wide));
    require(reread->line.has_value() && reread->length == again.size(),
            "written anew, it is refused");
    require(reread->line->target == line.target && reread->line->framing == line.framing &&
                reread->line->content_length == line.content_length &&
                reread->line->keeps_alive == line.keeps_alive &&
                reread->line->expects_continue == line.expects_continue &&
                reread->fields.count == read->fields.count,
            "written anew, it says something else");
}

void check_response(Bytes bytes) {
    const auto length = scan_alike_however_split(bytes);
    if (!length || *length == 0) return;
    const Bytes head = bytes.substr(0, *length);
    require(tests::says_the_same_by_lines(head, false), "a line that llhttp is not shown matters");
    const auto fields = std::make_unique<Fields>();
    const auto line = parse_response_head(head, Method::post, *fields, limits);
    if (!line) {
        require(line.error().blame == Blame::upstream, "a response's error is the upstream's");
        return;
    }
    require_clean(head);
    require_sound(*fields);
    require_framed_as_said(*fields, line->framing, line->content_length);
    require(line->status >= 100 && line->status <= 599, "a status out of range");
    require(line->framing != Framing::until_close || !line->keeps_alive,
            "kept alive without an end");
    const SecondOpinion opinion = ask_llhttp(head, false);
    require(opinion.accepts && opinion.status == line->status, "llhttp reads it otherwise");
    const auto of_head = parse_response_head(head, Method::head, *fields, limits);
    require(of_head && of_head->framing == Framing::none, "an answer to HEAD has no body");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size == 0) return 0;
    const Bytes bytes = bytes_of(data, size).substr(1);
    data[0] % 2 == 0 ? check_request(bytes) : check_response(bytes);
    return 0;
}
