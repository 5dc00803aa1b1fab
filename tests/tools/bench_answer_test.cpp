#include "tools/bench_answer.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace ringway;
using namespace ringway::tools;

namespace {

std::string stamped(uint64_t order) {
    return R"(data: {"mock_seq":)" + std::to_string(order) + R"(,"mock_sent_ns":)" +
           std::to_string(1000 + order) + R"(,"choices":[{"index":0,"delta":{"content":"a"}}]})" +
           "\n\n";
}

const std::string finish_event =
    "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
const std::string usage_event =
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":4}}\n\n";
const std::string done_event = "data: [DONE]\n\n";

std::string stream_of(const std::vector<uint64_t>& orders) {
    std::string text;
    for (const uint64_t order : orders) text += stamped(order);
    return text + finish_event + usage_event + done_event;
}

/// What a check finds, and what it heard.
struct Found {
    FaultSet faults;
    std::vector<uint64_t> sent_ns;
    uint64_t content_events = 0;
    uint64_t output_tokens = 0;
};

Found check_in_pieces(Bytes bytes, size_t first, size_t step, BenchApi api = BenchApi::chat,
                      const AnswerExpectation& expected = {}) {
    EventScan scan(api);
    StreamCheck check;
    Found found;
    const auto feed = [&](Bytes piece) {
        check.feed(piece, scan, [&](const EventFacts& facts) {
            found.sent_ns.push_back(facts.sent_ns.value_or(0));
        });
    };
    feed(bytes.substr(0, first));
    bytes.remove_prefix(std::min(first, bytes.size()));
    for (; !bytes.empty(); bytes.remove_prefix(std::min(step, bytes.size()))) {
        feed(bytes.substr(0, step));
    }
    found.faults = check.finish(expected);
    found.content_events = check.content_events();
    found.output_tokens = check.output_tokens();
    return found;
}

/// Over every place of one split, and in single bytes.
template <class F>
void for_each_split(const std::string& bytes, F&& check, BenchApi api = BenchApi::chat,
                    const AnswerExpectation& expected = {}) {
    for (size_t split = 0; split <= bytes.size(); ++split) {
        CAPTURE(split);
        check(check_in_pieces(bytes, split, bytes.size() + 1, api, expected));
    }
    check(check_in_pieces(bytes, 0, 1, api, expected));
}

void check_only_fault(const Found& found, AnswerFault wanted) {
    for (size_t i = 0; i < answer_faults; ++i) {
        const auto fault = static_cast<AnswerFault>(i);
        CAPTURE(to_string(fault));
        CHECK(found.faults.has(fault) == (fault == wanted));
    }
}

} // namespace

TEST_CASE("bench answer: a whole stream has no fault, however it is split") {
    for_each_split(stream_of({0, 1, 2, 3}), [](const Found& found) {
        CHECK(found.faults.empty());
        CHECK(found.content_events == 4);
        CHECK(found.output_tokens == 4);
        CHECK(found.sent_ns == std::vector<uint64_t>{1000, 1001, 1002, 1003});
    });
}

TEST_CASE("bench answer: a lost event is found, however the stream is split") {
    for_each_split(stream_of({0, 1, 3}),
                   [](const Found& found) { check_only_fault(found, AnswerFault::lost); });
    for_each_split(stream_of({1, 2}),
                   [](const Found& found) { check_only_fault(found, AnswerFault::lost); });
}

TEST_CASE("bench answer: a doubled event is found, however the stream is split") {
    for_each_split(stream_of({0, 1, 1, 2}),
                   [](const Found& found) { check_only_fault(found, AnswerFault::doubled); });
}

TEST_CASE("bench answer: events that changed places are found, however the stream is split") {
    for_each_split(stream_of({0, 2, 1, 3}), [](const Found& found) {
        CHECK(found.faults.has(AnswerFault::lost));
        CHECK((found.faults.has(AnswerFault::doubled) || found.faults.has(AnswerFault::reordered)));
    });
    for_each_split(stream_of({0, 1, 2, 3, 0}),
                   [](const Found& found) { check_only_fault(found, AnswerFault::reordered); });
}

TEST_CASE("bench answer: a stream without [DONE] is found, however it is split") {
    const std::string bytes = stamped(0) + finish_event + usage_event;
    for_each_split(bytes,
                   [](const Found& found) { check_only_fault(found, AnswerFault::unterminated); });
}

TEST_CASE("bench answer: a stream without a finish reason is found, however it is split") {
    const std::string bytes = stamped(0) + usage_event + done_event;
    for_each_split(bytes,
                   [](const Found& found) { check_only_fault(found, AnswerFault::unfinished); });
}

TEST_CASE("bench answer: usage is missed only where it was asked for") {
    const std::string bytes = stamped(0) + finish_event + done_event;
    for_each_split(bytes,
                   [](const Found& found) { check_only_fault(found, AnswerFault::no_usage); });
    AnswerExpectation expected;
    expected.has_usage = false;
    for_each_split(
        bytes, [](const Found& found) { CHECK(found.faults.empty()); }, BenchApi::chat, expected);
}

TEST_CASE("bench answer: more or fewer content events than expected are found") {
    AnswerExpectation expected;
    expected.content_events = 3;
    const auto wrong = [](const Found& found) {
        check_only_fault(found, AnswerFault::wrong_count);
    };
    for_each_split(stream_of({0, 1}), wrong, BenchApi::chat, expected);
    for_each_split(stream_of({0, 1, 2, 3}), wrong, BenchApi::chat, expected);
    for_each_split(
        stream_of({0, 1, 2}), [](const Found& found) { CHECK(found.faults.empty()); },
        BenchApi::chat, expected);
}

TEST_CASE("bench answer: a stream that is cut anywhere before its end is never good") {
    const std::string bytes = stream_of({0, 1});
    for (size_t size = 0; size + 1 < bytes.size(); ++size) {
        CAPTURE(size);
        CHECK_FALSE(check_in_pieces(Bytes(bytes).substr(0, size), 0, 7).faults.empty());
    }
}

TEST_CASE("bench answer: an event that is no JSON, or an error, is a fault") {
    for_each_split("data: {\"choices\":[\n\n" + stream_of({0}),
                   [](const Found& found) { check_only_fault(found, AnswerFault::malformed); });
    for_each_split(stamped(0) + "data: {\"error\":{\"message\":\"x\"}}\n\n" + finish_event +
                       usage_event + done_event,
                   [](const Found& found) { check_only_fault(found, AnswerFault::error); });
}

TEST_CASE("bench answer: events behind the end are a fault, comments are not") {
    for_each_split(stream_of({0, 1}) + stamped(2),
                   [](const Found& found) { check_only_fault(found, AnswerFault::after_the_end); });
    for_each_split(": ping\n\n" + stream_of({0, 1}) + ": bye\n\n",
                   [](const Found& found) { CHECK(found.faults.empty()); });
}

TEST_CASE("bench answer: a Messages stream is good with its stop reason, usage and message_stop") {
    const std::string start =
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{"
        "\"usage\":{\"input_tokens\":5,\"output_tokens\":1}}}\n\n";
    const std::string delta = "event: content_block_delta\ndata: {\"type\":\"content_block_delta\","
                              "\"mock_seq\":0,\"delta\":{\"text\":\"a\"}}\n\n";
    const std::string ping = "event: ping\ndata: {\"type\":\"ping\"}\n\n";
    const std::string stop = "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{"
                             "\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":9}}\n\n";
    const std::string end = "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
    for_each_split(
        start + ping + delta + stop + end,
        [](const Found& found) {
            CHECK(found.faults.empty());
            CHECK(found.content_events == 1);
            CHECK(found.output_tokens == 9);
        },
        BenchApi::messages);
    for_each_split(
        start + delta + stop,
        [](const Found& found) { check_only_fault(found, AnswerFault::unterminated); },
        BenchApi::messages);
    for_each_split(
        start + delta + end,
        [](const Found& found) { check_only_fault(found, AnswerFault::unfinished); },
        BenchApi::messages);
}

TEST_CASE("bench answer: the events of a Responses stream must be numbered without a gap") {
    const auto event = [](int number, const std::string& type, const std::string& rest = "") {
        return "event: " + type + "\ndata: {\"type\":\"" + type +
               "\",\"sequence_number\":" + std::to_string(number) + rest + "}\n\n";
    };
    const std::string usage = R"(,"response":{"usage":{"input_tokens":1,"output_tokens":2}})";
    const std::string begin = event(0, "response.created");
    const std::string text = event(1, "response.output_text.delta", R"(,"delta":"a")");
    for_each_split(
        begin + text + event(2, "response.completed", usage),
        [](const Found& found) {
            CHECK(found.faults.empty());
            CHECK(found.content_events == 1);
        },
        BenchApi::responses);
    for_each_split(
        begin + text + event(3, "response.completed", usage),
        [](const Found& found) { check_only_fault(found, AnswerFault::lost); },
        BenchApi::responses);
    for_each_split(
        begin + text + text + event(2, "response.completed", usage),
        [](const Found& found) { check_only_fault(found, AnswerFault::reordered); },
        BenchApi::responses);
    const Found failed =
        check_in_pieces(begin + event(1, "response.failed"), 0, 5, BenchApi::responses);
    CHECK(failed.faults.has(AnswerFault::error));
}

TEST_CASE("bench answer: a body without a stream is judged by its finish, usage and error") {
    const auto judge = [](Bytes body) {
        EventScan scan(BenchApi::chat);
        const auto facts = scan.read(body);
        REQUIRE(facts.has_value());
        return check_body(*facts, {});
    };
    CHECK(judge(R"({"choices":[{"message":{"content":"a"},"finish_reason":"stop"}],
                    "usage":{"completion_tokens":1}})")
              .empty());
    CHECK(judge(R"({"choices":[{"message":{"content":"a"},"finish_reason":null}],
                    "usage":{"completion_tokens":1}})")
              .has(AnswerFault::unfinished));
    CHECK(judge(R"({"choices":[{"finish_reason":"stop"}]})").has(AnswerFault::no_usage));
    CHECK(judge(R"({"error":{"message":"x"}})").has(AnswerFault::error));
}
