#pragma once

#include <memory>

#include "llm/registry.h"
#include "ring/buffers.h"
#include "ring/memory.h"
#include "wire/json_scan.h"
#include "wire/sse.h"

namespace ringway::llm {

/// Reads an answer's JSON: the whole body, or one event's data.
class AnswerReader final : private wire::JsonSink, public ring::Pooled {
public:
    AnswerReader(const DialectEntry& entry, AnswerFacts& facts)
        : dialect_(entry.dialect), facts_(facts), scanner_(entry.answer_paths, *this) {}

    /// JSON that is malformed is passed on like any other, and not read any further.
    void feed(Bytes piece) {
        if (is_readable_) is_readable_ = scanner_.feed(piece).has_value();
    }
    void finish() {
        if (is_readable_) static_cast<void>(scanner_.finish());
        dialect_.end_event(facts_);
    }

private:
    void on_value(const wire::JsonValue& value) override;
    const Dialect& dialect_;
    AnswerFacts& facts_;
    wire::JsonScanner scanner_;
    bool is_readable_ = true;
};

/// Watches a stream of events as it passes, for usage, finish and errors. Most events are not
/// parsed: those without any of the dialect's needles are passed over with one scan.
class StreamWatch {
public:
    StreamWatch(const DialectEntry& entry, AnswerFacts& facts) : entry_(entry), facts_(facts) {}

    /// Whole events only, between events, and none that says anything: nothing to be read.
    bool can_pass(Bytes payload) const {
        return is_between_events() && ends_event(payload) && !says_something(payload);
    }
    /// As can_pass(), for a part of the stream that may end within an event. What has come of such
    /// an event is kept, and read only if the rest says something. False: `part` is to be read.
    bool pass(const ring::Slice& part);
    /// Reads to the end of the event at hand, or of `payload`. Returns the bytes read.
    /// has_ended_event() says which; facts().is_usage_only then speaks of that event.
    size_t read_event(Bytes payload);
    bool has_ended_event() const { return has_ended_event_; }
    /// Reads all.
    void read(Bytes payload) {
        while (!payload.empty()) payload.remove_prefix(read_event(payload));
    }

    const AnswerFacts& facts() const { return facts_; }
    bool is_between_events() const { return parser_.is_between_events() && begun_.empty(); }
    /// The stream came to an end of its own: its last word, a finish reason or an error.
    bool is_complete() const {
        return facts_.has_terminated || facts_.has_finished || facts_.has_failed;
    }

private:
    struct Sink;
    static bool ends_event(Bytes payload) {
        const size_t size = payload.size();
        if (size < 2 || payload[size - 1] != '\n') return false;
        return payload[size - 2] == '\n' || payload.ends_with("\r\n\r\n");
    }
    bool says_something(Bytes payload) const;
    bool seam_says_something(Bytes front, Bytes back) const;
    void on_data(Bytes fragment);
    void on_event_end();

    const DialectEntry& entry_;
    AnswerFacts& facts_;
    std::unique_ptr<AnswerReader> reader_; ///< of the event at hand
    ring::Slice begun_; ///< of an event that has said nothing so far, and was not read
    wire::SseParser parser_;
    uint8_t terminator_bytes_ = 0; ///< of the terminator that the data began with
    bool is_terminator_ = true;    ///< so far
    bool has_ended_event_ = false;
};

} // namespace ringway::llm
