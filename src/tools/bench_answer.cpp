#include "tools/bench_answer.h"

#include <span>
#include <vector>

#include "base/text.h"

namespace ringway::tools {
namespace {

enum class Role : uint8_t {
    order,
    sent_ns,
    error,
    type,
    sequence_number,
    content,
    finish,
    status,
    input_tokens,
    output_tokens,
};

struct Row {
    Bytes path;
    Role role;
};

constexpr std::array<Row, 3> common_rows = {
    {{"mock_seq", Role::order}, {"mock_sent_ns", Role::sent_ns}, {"error", Role::error}}};

constexpr std::array<Row, 9> chat_rows = {{{"choices[].delta.content", Role::content},
                                           {"choices[].delta.reasoning_content", Role::content},
                                           {"choices[].delta.reasoning", Role::content},
                                           {"choices[].delta.tool_calls", Role::content},
                                           {"choices[].message.content", Role::content},
                                           {"choices[].message.tool_calls", Role::content},
                                           {"choices[].finish_reason", Role::finish},
                                           {"usage.prompt_tokens", Role::input_tokens},
                                           {"usage.completion_tokens", Role::output_tokens}}};

constexpr std::array<Row, 4> completions_rows = {
    {{"choices[].text", Role::content},
     {"choices[].finish_reason", Role::finish},
     {"usage.prompt_tokens", Role::input_tokens},
     {"usage.completion_tokens", Role::output_tokens}}};

constexpr std::array<Row, 8> responses_rows = {
    {{"type", Role::type},
     {"sequence_number", Role::sequence_number},
     {"status", Role::status},
     {"output[].content[].text", Role::content},
     {"usage.input_tokens", Role::input_tokens},
     {"usage.output_tokens", Role::output_tokens},
     {"response.usage.input_tokens", Role::input_tokens},
     {"response.usage.output_tokens", Role::output_tokens}}};

constexpr std::array<Row, 8> messages_rows = {
    {{"type", Role::type},
     {"delta.stop_reason", Role::finish},
     {"stop_reason", Role::finish},
     {"content[].text", Role::content},
     {"usage.input_tokens", Role::input_tokens},
     {"usage.output_tokens", Role::output_tokens},
     {"message.usage.input_tokens", Role::input_tokens},
     {"message.usage.output_tokens", Role::output_tokens}}};

constexpr std::array<Row, 2> embeddings_rows = {
    {{"data[].embedding", Role::finish}, {"usage.prompt_tokens", Role::input_tokens}}};

/// The places one API's events are read at, made once.
struct Table {
    explicit Table(std::span<const Row> own) : rows(all_of(own)), paths(texts_of(rows)) {}
    static std::vector<Row> all_of(std::span<const Row> own) {
        std::vector<Row> all(common_rows.begin(), common_rows.end());
        all.insert(all.end(), own.begin(), own.end());
        return all;
    }
    static std::vector<Bytes> texts_of(const std::vector<Row>& rows) {
        std::vector<Bytes> texts;
        for (const Row& row : rows) texts.push_back(row.path);
        return texts;
    }
    std::vector<Row> rows;
    wire::JsonPaths paths;
};

const Table& table_of(BenchApi api) {
    static const std::array<Table, 5> tables = {Table(chat_rows), Table(responses_rows),
                                                Table(messages_rows), Table(completions_rows),
                                                Table(embeddings_rows)};
    return tables[static_cast<size_t>(api)];
}

} // namespace

// One event ------------------------------------------------------------------------------------

EventScan::EventScan(BenchApi api) : api_(api), scanner_(table_of(api).paths, *this) {}

void EventScan::begin() {
    facts_ = {};
    scanner_.reset();
}

std::optional<EventFacts> EventScan::read(Bytes data) {
    begin();
    if (!feed(data) || !finish()) return std::nullopt;
    return facts_;
}

void EventScan::on_value(const wire::JsonValue& value) {
    using wire::JsonKind;
    const bool is_container = value.kind == JsonKind::array || value.kind == JsonKind::object;
    const bool is_something = is_container ? !value.is_empty : !value.text.empty();
    if (value.kind == JsonKind::null) return;
    switch (table_of(api_).rows[static_cast<size_t>(value.path)].role) {
    case Role::order: facts_.order = base::parse_decimal(value.text); break;
    case Role::sent_ns: facts_.sent_ns = base::parse_decimal(value.text); break;
    case Role::error: facts_.has_error = true; break;
    case Role::type: on_type(value.text); break;
    case Role::sequence_number: facts_.sequence_number = base::parse_decimal(value.text); break;
    case Role::content: facts_.has_content = facts_.has_content || is_something; break;
    case Role::finish: facts_.has_finished = facts_.has_finished || is_something; break;
    case Role::status:
        if (value.text == "completed" || value.text == "incomplete") facts_.has_finished = true;
        if (value.text == "failed") facts_.has_error = true;
        break;
    case Role::input_tokens: facts_.input_tokens = base::parse_decimal(value.text); break;
    case Role::output_tokens: facts_.output_tokens = base::parse_decimal(value.text); break;
    }
}

void EventScan::on_type(Bytes type) {
    if (api_ == BenchApi::messages) {
        facts_.has_content = facts_.has_content || type == "content_block_delta";
        facts_.has_terminated = type == "message_stop";
    } else {
        facts_.has_content = facts_.has_content || type.ends_with(".delta");
        facts_.has_terminated = type == "response.completed" || type == "response.incomplete";
        facts_.has_finished = facts_.has_finished || facts_.has_terminated;
        facts_.has_error = facts_.has_error || type == "response.failed";
    }
    facts_.has_error = facts_.has_error || type == "error";
}

Bytes to_string(AnswerFault fault) {
    constexpr std::array<Bytes, answer_faults> texts = {
        "not JSON",         "error in the answer",    "events lost",          "events doubled",
        "events reordered", "wrong number of events", "no end of stream",     "no finish reason",
        "no usage",         "ended within an event",  "events after the end",
    };
    return texts[static_cast<size_t>(fault)];
}

// A stream -------------------------------------------------------------------------------------

void StreamCheck::keep(Bytes fragment) {
    if (held_.size() + fragment.size() > event_bytes_max) {
        faults_.add(AnswerFault::malformed);
    } else {
        held_ += fragment;
    }
}

std::optional<EventFacts> StreamCheck::see(Bytes data, EventScan& scan) {
    if (data.empty()) return std::nullopt;
    if (has_terminated_) faults_.add(AnswerFault::after_the_end);
    if (data == "[DONE]") {
        has_terminated_ = true;
        return std::nullopt;
    }
    const auto facts = scan.read(data);
    if (!facts) {
        faults_.add(AnswerFault::malformed);
        return std::nullopt;
    }
    take_in(*facts);
    return facts->has_content ? facts : std::nullopt;
}

void StreamCheck::take_in(const EventFacts& facts) {
    if (facts.has_content) ++content_events_;
    if (facts.order) stamps_.see(*facts.order, faults_);
    if (facts.sequence_number) {
        const uint64_t wanted = next_sequence_number_.value_or(*facts.sequence_number);
        if (*facts.sequence_number > wanted) faults_.add(AnswerFault::lost);
        if (*facts.sequence_number < wanted) faults_.add(AnswerFault::reordered);
        next_sequence_number_ = *facts.sequence_number + 1;
    }
    if (facts.has_error) faults_.add(AnswerFault::error);
    has_finished_ = has_finished_ || facts.has_finished;
    has_terminated_ = has_terminated_ || facts.has_terminated;
    if (facts.input_tokens) input_tokens_ = facts.input_tokens;
    if (facts.output_tokens) output_tokens_ = facts.output_tokens;
}

FaultSet StreamCheck::finish(const AnswerExpectation& expected) const {
    FaultSet faults = faults_;
    if (!has_terminated_) faults.add(AnswerFault::unterminated);
    if (!has_finished_) faults.add(AnswerFault::unfinished);
    if (expected.has_usage && !output_tokens_) faults.add(AnswerFault::no_usage);
    if (!parser_.is_between_events()) faults.add(AnswerFault::cut_event);
    if (expected.content_events && *expected.content_events != content_events_) {
        faults.add(AnswerFault::wrong_count);
    }
    return faults;
}

FaultSet check_body(const EventFacts& facts, const AnswerExpectation& expected) {
    FaultSet faults;
    if (facts.has_error) faults.add(AnswerFault::error);
    if (!facts.has_finished) faults.add(AnswerFault::unfinished);
    if (expected.has_usage && !facts.output_tokens && !facts.input_tokens) {
        faults.add(AnswerFault::no_usage);
    }
    return faults;
}

} // namespace ringway::tools
