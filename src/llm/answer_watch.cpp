#include "llm/answer_watch.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace ringway::llm {
namespace {

/// Whether a key at the front of `rest` (behind its closing quote) has the value null.
bool is_null_member(Bytes rest) {
    if (rest.starts_with(":null")) [[likely]]
        return true;
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

bool StreamWatch::says_something(Bytes payload) const {
    return entry_.marks.any(payload,
                            [terminator = entry_.terminator_mark](size_t mark, Bytes rest) {
                                return mark == terminator || !is_null_member(rest);
                            });
}

/// Where two parts of an event meet, a needle may stand in both, and so may its value.
bool StreamWatch::seam_says_something(Bytes front, Bytes back) const {
    constexpr size_t reach = 40; // the longest needle, and ": null" behind it
    static_assert(reach > Dialect::needle_bytes_max + 8);
    std::array<char, 2 * reach> seam;
    front = front.substr(front.size() - std::min(front.size(), reach));
    back = back.substr(0, reach);
    std::memcpy(seam.data(), front.data(), front.size());
    std::memcpy(seam.data() + front.size(), back.data(), back.size());
    return says_something({seam.data(), front.size() + back.size()});
}

bool StreamWatch::pass(const ring::Slice& part) {
    const Bytes bytes = part.bytes();
    if (!begun_.empty()) {
        const bool says_nothing = ends_event(bytes) && !says_something(bytes) &&
                                  !seam_says_something(begun_.bytes(), bytes);
        const ring::Slice begun = std::exchange(begun_, ring::Slice());
        if (!says_nothing) read(begun.bytes());
        return says_nothing;
    }
    if (!parser_.is_between_events() || says_something(bytes)) return false;
    if (!ends_event(bytes)) begun_ = part;
    return true;
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
