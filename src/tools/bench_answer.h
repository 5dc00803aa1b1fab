#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "ring/memory.h"
#include "tools/bench_options.h"
#include "wire/json_scan.h"
#include "wire/sse.h"

namespace ringway::tools {

/// What one event of a stream, or a whole JSON body, says. This is a reading of its own: a load
/// generator that judged answers by the gateway's code would share its mistakes.
struct EventFacts {
    bool has_content = false; ///< text, reasoning or a tool call's part: what vLLM counts
    bool has_finished = false;
    bool has_terminated = false; ///< the API's own end of stream
    bool has_error = false;
    std::optional<uint64_t> order;   ///< the stamp mock_seq
    std::optional<uint64_t> sent_ns; ///< the stamp mock_sent_ns
    std::optional<uint64_t> sequence_number;
    std::optional<uint64_t> input_tokens;
    std::optional<uint64_t> output_tokens;
};

/// Reads events of one API. Serves many answers in turn: nothing is kept between events.
class EventScan final : private wire::JsonSink, public ring::Pooled {
public:
    explicit EventScan(BenchApi api);

    /// A whole event's data; nothing when it is no JSON.
    std::optional<EventFacts> read(Bytes data);

    // A body that comes in pieces.
    void begin();
    bool feed(Bytes piece) { return scanner_.feed(piece).has_value(); }
    bool finish() { return scanner_.finish().has_value(); }
    const EventFacts& facts() const { return facts_; }
    BenchApi api() const { return api_; }

private:
    void on_value(const wire::JsonValue& value) override;
    void on_type(Bytes type);

    BenchApi api_;
    EventFacts facts_;
    wire::JsonScanner scanner_;
};

/// What can be wrong with an answer that came with status 200 and ended as HTTP has it.
enum class AnswerFault : uint8_t {
    malformed,     ///< an event, or the body, is no JSON
    error,         ///< an error event, or an error in the body
    lost,          ///< stamps are missing
    doubled,       ///< a stamp came twice in a row
    reordered,     ///< a stamp came late
    wrong_count,   ///< not as many content events as expected
    unterminated,  ///< [DONE], response.completed or message_stop is missing
    unfinished,    ///< no finish or stop reason
    no_usage,      ///< usage was asked for, and did not come
    cut_event,     ///< it ended within an event
    after_the_end, ///< events behind the end of the stream
};
inline constexpr size_t answer_faults = 11;
Bytes to_string(AnswerFault fault);

/// The faults of one answer.
class FaultSet {
public:
    void add(AnswerFault fault) { bits_ |= 1U << static_cast<unsigned>(fault); }
    bool has(AnswerFault fault) const { return (bits_ >> static_cast<unsigned>(fault) & 1) != 0; }
    bool empty() const { return bits_ == 0; }

private:
    uint32_t bits_ = 0;
};

/// What an answer must have.
struct AnswerExpectation {
    std::optional<uint64_t> content_events;
    bool has_usage = true;
};

/// Checks the order of an answer's stamps: 0, 1, 2 ... without loss, doubling or reordering.
class OrderCheck {
public:
    void see(uint64_t order, FaultSet& faults) {
        if (order > next_) faults.add(AnswerFault::lost);
        if (order + 1 == next_) faults.add(AnswerFault::doubled);
        if (order + 1 < next_) faults.add(AnswerFault::reordered);
        if (order >= next_) next_ = order + 1;
    }
    uint64_t next() const { return next_; }

private:
    uint64_t next_ = 0;
};

/// Reads a stream of events as it comes and checks it; keeps no more than an event that is split
/// over reads.
class StreamCheck {
public:
    static constexpr size_t event_bytes_max = size_t{1} << 20;

    /// `on_content(const EventFacts&)` hears of each content event.
    template <class F>
    void feed(Bytes payload, EventScan& scan, F&& on_content) {
        Sink<F> sink{*this, scan, on_content, {}};
        parser_.feed(payload, sink);
        if (!sink.data.empty()) keep(sink.data);
    }
    /// The stream has ended.
    FaultSet finish(const AnswerExpectation& expected) const;

    uint64_t content_events() const { return content_events_; }
    uint64_t output_tokens() const { return output_tokens_.value_or(content_events_); }
    uint64_t input_tokens() const { return input_tokens_.value_or(0); }

private:
    template <class F>
    struct Sink {
        StreamCheck& check;
        EventScan& scan;
        F& on_content;
        Bytes data; ///< the event's, when it lies in this read as one run
        void on_name_line() const {}
        void on_name(Bytes) const {}
        void on_data(Bytes fragment) {
            if (check.held_.empty() && data.empty()) {
                data = fragment;
                return;
            }
            if (!data.empty()) check.keep(std::exchange(data, {}));
            check.keep(fragment);
        }
        void on_data_line() {
            if (!data.empty()) check.keep(std::exchange(data, {}));
            check.keep("\n");
        }
        void on_event_end() {
            const Bytes whole = check.held_.empty() ? data : Bytes(check.held_);
            if (const auto facts = check.see(whole, scan)) on_content(*facts);
            check.held_.clear();
            data = {};
        }
    };
    void keep(Bytes fragment);
    /// The facts of an event with content.
    std::optional<EventFacts> see(Bytes data, EventScan& scan);
    void take_in(const EventFacts& facts);

    wire::SseParser parser_;
    std::string held_; ///< the data so far of an event that is split
    OrderCheck stamps_;
    uint64_t content_events_ = 0;
    std::optional<uint64_t> next_sequence_number_; ///< the first one is as it is
    std::optional<uint64_t> input_tokens_;
    std::optional<uint64_t> output_tokens_;
    FaultSet faults_;
    bool has_finished_ = false;
    bool has_terminated_ = false;
};

/// Judges a whole JSON body.
FaultSet check_body(const EventFacts& facts, const AnswerExpectation& expected);

} // namespace ringway::tools
