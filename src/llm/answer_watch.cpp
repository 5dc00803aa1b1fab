#include "llm/answer_watch.h"

#include "wire/byte_scan.h"

namespace ringway::llm {
namespace {

/// Whether a key at the front of `rest` (behind its closing quote) has the value null.
bool is_null_member(Bytes rest) {
    size_t at = 0;
    while (at < rest.size() && rest[at] == ' ') ++at;
    if (at == rest.size() || rest[at] != ':') return false;
    ++at;
    while (at < rest.size() && rest[at] == ' ') ++at;
    return rest.substr(at).starts_with("null");
}

} // namespace

void AnswerReader::on_value(const wire::JsonValue& value) {
    dialect_.read({static_cast<size_t>(value.path), value.text, value.kind == wire::JsonKind::null,
                   value.kind == wire::JsonKind::string},
                  facts_);
}

struct StreamWatch::Sink {
    StreamWatch& watch;
    void on_name_line() const {}
    void on_name(Bytes) const {}
    void on_data(Bytes fragment) const { watch.on_data(fragment); }
    void on_data_line() const { watch.on_data("\n"); }
    void on_event_end() const { watch.on_event_end(); }
};

/// A pass for the terminator, which may have comments behind it, and one in which each quote whose
/// next byte begins a needle is looked at.
bool StreamWatch::says_something(Bytes payload) const {
    const Dialect& dialect = entry_.dialect;
    const char* const begin = payload.data();
    const char* const end = begin + payload.size();
    if (const Bytes terminator = dialect.terminator(); !terminator.empty()) {
        const char second[4] = {terminator[1], terminator[1], terminator[1], terminator[1]};
        const auto is_terminator = [&](const char* at) {
            return Bytes(at, static_cast<size_t>(end - at)).starts_with(terminator);
        };
        if (wire::any_pair(begin, end, terminator[0], second, is_terminator)) return true;
    }
    const auto needles = dialect.needles();
    if (needles.empty()) return false;
    char second[4];
    for (size_t i = 0; i < 4; ++i) second[i] = needles[std::min(i, needles.size() - 1)][1];
    return wire::any_pair(begin, end, '"', second, [&](const char* at) {
        const Bytes rest(at, static_cast<size_t>(end - at));
        for (const std::string_view needle : needles) {
            if (rest.starts_with(needle)) return !is_null_member(rest.substr(needle.size()));
        }
        return false;
    });
}

size_t StreamWatch::read_event(Bytes payload) {
    has_ended_event_ = false;
    Sink sink{*this};
    return parser_.feed_event(payload, sink);
}

void StreamWatch::on_data(Bytes fragment) {
    const Bytes terminator = entry_.dialect.terminator();
    if (is_terminator_) {
        const Bytes expected = terminator.substr(terminator_bytes_);
        is_terminator_ = expected.starts_with(fragment);
        if (is_terminator_) {
            terminator_bytes_ = static_cast<uint8_t>(terminator_bytes_ + fragment.size());
        }
    }
    if (reader_ == nullptr) {
        facts_.event_marks = 0;
        facts_.is_usage_only = false;
        reader_ = std::make_unique<AnswerReader>(entry_, facts_);
    }
    reader_->feed(fragment);
}

void StreamWatch::on_event_end() {
    has_ended_event_ = true;
    facts_.is_usage_only = false;
    if (reader_ != nullptr) reader_->finish();
    reader_.reset();
    const Bytes terminator = entry_.dialect.terminator();
    if (!terminator.empty() && is_terminator_ && terminator_bytes_ == terminator.size()) {
        facts_.has_terminated = true;
    }
    is_terminator_ = true;
    terminator_bytes_ = 0;
}

} // namespace ringway::llm
