#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "ringway/result.h"
#include "wire/byte_scan.h"

namespace ringway::wire {

/// Reads server-sent events from bytes that arrive in pieces of any size, and keeps none of them:
/// the sink hears the values of `event` and `data` lines in fragments. Lines end in LF, CRLF or CR;
/// one space after the colon is dropped; comments, `id` and `retry` are passed over.
/// Source: WHATWG HTML, 9.2.5 and 9.2.6.
class SseParser {
public:
    /// The sink has: on_name_line() before each `event` line's value, as the last one counts;
    /// on_name(Bytes fragment), on_data(Bytes fragment), on_data_line() before the second and each
    /// later `data` line of an event, and on_event_end() at its blank line.
    template <class Sink>
    void feed(Bytes bytes, Sink& sink) {
        while (!bytes.empty()) bytes.remove_prefix(feed_event(bytes, sink));
    }
    /// As feed(), but stops behind the first event that ends. Returns the bytes read.
    template <class Sink>
    size_t feed_event(Bytes bytes, Sink& sink);

    /// Nothing of an event has been read since the last blank line.
    bool is_between_events() const { return state_ == State::line_start && !has_lines_; }
    /// The event that is being read, or that ends, has a `data` line, be it empty.
    bool has_data() const { return has_data_; }

private:
    enum class State : uint8_t {
        line_start,
        field,       ///< in the name of a field
        value_start, ///< after the colon: one space may follow
        value,
        skipped, ///< in a line that does not matter
    };
    enum class Kind : uint8_t { none, name, data };

    Kind kind_of_field() const;
    template <class Sink>
    void begin_value(Sink& sink);
    /// Whether the line ended an event.
    template <class Sink>
    bool end_line(Sink& sink);
    template <class Sink>
    void give(Bytes fragment, Sink& sink) {
        if (fragment.empty()) return;
        if (kind_ == Kind::data) sink.on_data(fragment);
        if (kind_ == Kind::name) sink.on_name(fragment);
    }

    static constexpr size_t field_bytes_max = 6; // "event:" and "data:" are what matters
    char field_[field_bytes_max] = {};
    uint8_t field_size_ = 0;
    State state_ = State::line_start;
    Kind kind_ = Kind::none;
    bool after_cr_ = false;
    bool has_lines_ = false;
    bool has_data_ = false;
    uint8_t bom_bytes_ = 0; ///< of a byte order mark at the very start; 3 when past it
};

/// An event, put together.
struct SseEvent {
    std::string name; ///< empty when there was no `event` line
    std::string data;
    bool operator==(const SseEvent&) const = default;
};

/// Splits a byte stream into server-sent events, for those who need them whole.
/// Errors: {too_large, upstream} for an event above `event_bytes_max`.
class SseDecoder {
public:
    static constexpr size_t event_bytes_max = size_t{8} << 20;

    /// Calls `visit(const SseEvent&)` for each event that ends in `bytes`. An event without a
    /// `data` line is none (9.2.6).
    template <class F>
    Status feed(Bytes bytes, F&& visit) {
        Sink<F> sink{*this, visit};
        parser_.feed(bytes, sink);
        if (is_too_large_) return upstream_error(Code::too_large, "event too large");
        return {};
    }
    bool is_between_events() const { return parser_.is_between_events(); }

private:
    template <class F>
    struct Sink {
        SseDecoder& decoder;
        F& visit;
        void on_name_line() { decoder.event_.name.clear(); }
        void on_name(Bytes fragment) { decoder.append(decoder.event_.name, fragment); }
        void on_data(Bytes fragment) { decoder.append(decoder.event_.data, fragment); }
        void on_data_line() { decoder.append(decoder.event_.data, "\n"); }
        void on_event_end() {
            const bool is_whole = !decoder.is_too_large_ && decoder.parser_.has_data();
            if (is_whole) visit(std::as_const(decoder.event_));
            decoder.event_ = {};
        }
    };
    void append(std::string& to, Bytes fragment) {
        if (to.size() + fragment.size() > event_bytes_max) {
            is_too_large_ = true;
        } else {
            to += fragment;
        }
    }

    SseParser parser_;
    SseEvent event_;
    bool is_too_large_ = false;
};

// --------------------------------------------------------------------------------------------

inline SseParser::Kind SseParser::kind_of_field() const {
    const Bytes field(field_, field_size_);
    if (field == "data") return Kind::data;
    if (field == "event") return Kind::name;
    return Kind::none;
}

template <class Sink>
void SseParser::begin_value(Sink& sink) {
    kind_ = kind_of_field();
    if (kind_ == Kind::data) {
        if (has_data_) sink.on_data_line();
        has_data_ = true;
    }
    if (kind_ == Kind::name) sink.on_name_line();
}

template <class Sink>
bool SseParser::end_line(Sink& sink) {
    if (state_ == State::line_start) {
        const bool ends_event = has_lines_;
        if (ends_event) sink.on_event_end();
        has_lines_ = has_data_ = false;
        return ends_event;
    }
    if (state_ == State::field) begin_value(sink); // a field without a colon has an empty value
    state_ = State::line_start;
    return false;
}

template <class Sink>
size_t SseParser::feed_event(Bytes bytes, Sink& sink) {
    size_t at = 0;
    while (at < bytes.size()) {
        const char c = bytes[at];
        if (bom_bytes_ < 3) {
            constexpr Bytes bom = "\xEF\xBB\xBF";
            if (c == bom[bom_bytes_]) {
                ++bom_bytes_;
                ++at;
                continue;
            }
            // The beginning of a mark is no mark: it belongs to a field that nobody knows.
            const bool is_begun = std::exchange(bom_bytes_, uint8_t{3}) > 0;
            if (is_begun) {
                has_lines_ = true;
                field_[0] = bom[0];
                field_size_ = 1;
                state_ = State::field;
            }
        }
        if (after_cr_) {
            after_cr_ = false;
            if (c == '\n') {
                ++at;
                continue;
            }
        }
        if (state_ == State::value || state_ == State::skipped) {
            const char* const from = bytes.data() + at;
            const char* const stop = find_line_end(from, bytes.data() + bytes.size());
            const auto size = static_cast<size_t>(stop - from);
            if (state_ == State::value) give({from, size}, sink);
            at += size;
            if (at == bytes.size()) return at;
        }
        const char d = bytes[at++];
        if (d == '\n' || d == '\r') {
            after_cr_ = d == '\r';
            if (end_line(sink)) return at;
            continue;
        }
        switch (state_) {
        case State::line_start:
            has_lines_ = true;
            field_[0] = d;
            field_size_ = 1;
            state_ = d == ':' ? State::skipped : State::field;
            break;
        case State::field:
            if (d == ':') {
                begin_value(sink);
                state_ = kind_ == Kind::none ? State::skipped : State::value_start;
            } else if (field_size_ < field_bytes_max) {
                field_[field_size_++] = d;
            }
            break;
        case State::value_start:
            state_ = State::value;
            if (d != ' ') give(Bytes(&d, 1), sink);
            break;
        default: break;
        }
    }
    return at;
}

} // namespace ringway::wire
