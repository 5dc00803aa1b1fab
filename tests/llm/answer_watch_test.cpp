#include "llm/answer_watch.h"

#include <doctest/doctest.h>

using namespace ringway;
using namespace ringway::llm;

namespace {

const DialectEntry& dialect(const char* path) { return *find_call(path, false)->entry; }
const DialectEntry& chat() { return dialect("/v1/chat/completions"); }
const DialectEntry& messages() { return dialect("/v1/messages"); }

AnswerFacts read(const DialectEntry& entry, Bytes stream, size_t step = 1 << 20) {
    AnswerFacts facts;
    StreamWatch watch(entry, facts);
    for (; !stream.empty(); stream.remove_prefix(std::min(step, stream.size()))) {
        const Bytes piece = stream.substr(0, step);
        if (!watch.pass(ring::Slice::of_static(piece))) watch.read(piece);
    }
    return facts;
}

} // namespace

TEST_CASE("watch: events of content only are passed over unread, others are not") {
    AnswerFacts facts;
    const StreamWatch watch(chat(), facts);
    const char* const content = "data: {\"choices\":[{\"delta\":{\"content\":\"hi\"},"
                                "\"finish_reason\":null}],\"usage\":null}\n\n";
    CHECK(watch.can_pass(content));
    CHECK(watch.can_pass(std::string(content) + content));
    CHECK(watch.can_pass(": keepalive\n\n"));
    CHECK_FALSE(watch.can_pass("data: {\"choices\":[]"));
    CHECK_FALSE(watch.can_pass("data: {\"choices\":[{\"finish_reason\":\"stop\"}]}\n\n"));
    CHECK_FALSE(watch.can_pass("data: {\"finish_reason\" : \"stop\"}\n\n"));
    CHECK_FALSE(watch.can_pass("data: {\"usage\":{\"prompt_tokens\":1}}\n\n"));
    CHECK_FALSE(watch.can_pass("data: {\"error\":{}}\n\n"));
    CHECK_FALSE(watch.can_pass("data: [DONE]\n\n"));
    CHECK_FALSE(watch.can_pass("data: [DONE]\r\n\r\n"));
}

TEST_CASE("watch: an event in two parts is read if either part, or the seam, says something") {
    const Bytes nothing = "data: {\"choices\":[{\"delta\":{\"content\":\"a long enough text\"},"
                          "\"finish_reason\":null}],\"usage\":null}\n\n";
    const Bytes finish = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}],"
                         "\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4}}\n\n";
    for (size_t at = 1; at < nothing.size(); ++at) {
        CAPTURE(at);
        AnswerFacts facts;
        StreamWatch watch(chat(), facts);
        for (const Bytes part : {nothing.substr(0, at), nothing.substr(at)}) {
            if (!watch.pass(ring::Slice::of_static(part))) watch.read(part);
        }
        CHECK(watch.is_between_events());
        CHECK_FALSE(facts.has_finished);
    }
    for (size_t at = 1; at < finish.size(); ++at) {
        CAPTURE(at);
        AnswerFacts facts;
        StreamWatch watch(chat(), facts);
        for (const Bytes part : {nothing, finish.substr(0, at), finish.substr(at)}) {
            if (!watch.pass(ring::Slice::of_static(part))) watch.read(part);
        }
        CHECK(watch.is_between_events());
        CHECK(facts.has_finished);
        CHECK(facts.usage.input_tokens == 3);
        CHECK(facts.usage.output_tokens == 4);
    }
}

TEST_CASE("watch: the first part of an event that says nothing passes unread, once") {
    AnswerFacts facts;
    StreamWatch watch(chat(), facts);
    CHECK(watch.pass(ring::Slice::of_static("data: {}\n\ndata: {\"choices\":[")));
    CHECK_FALSE(watch.is_between_events());
    CHECK_FALSE(watch.can_pass("]}\n\n"));
    CHECK_FALSE(
        watch.pass(ring::Slice::of_static("{\"delta\":"))); // still open: from here it is read
    watch.read("{\"delta\":");
    CHECK_FALSE(watch.pass(ring::Slice::of_static("{}}]}\n\n")));
    watch.read("{}}]}\n\n");
    CHECK(watch.is_between_events());
}

TEST_CASE("watch: the terminator is seen wherever it stands in a read") {
    for (const char* stream :
         {"data: [DONE]\n\n", "data: {}\n\ndata: [DONE]\n\n", "data: [DONE]\n\n: and a comment\n\n",
          "data: [DONE]\n\nevent: end\ndata: {\"note\":\"long enough to hide it\"}\n\n",
          "data:[DONE]\n\n", "event: data\ndata: [DONE]\n\n"}) {
        CAPTURE(stream);
        for (const size_t step : {1UL, 5UL, 1000UL}) {
            CAPTURE(step);
            CHECK(read(chat(), stream, step).has_terminated);
        }
    }
    for (const char* stream :
         {"data: {\"t\":\"[DONE]\"}\n\n", "data: [DONE]x\n\n", "data: [DON\n\n", ": [DONE]\n\n",
          "event: [DONE]\n\n", "data: [DONE]"}) {
        CAPTURE(stream);
        CHECK_FALSE(read(chat(), stream).has_terminated);
    }
}

TEST_CASE("watch: a usage chunk is told apart from chunks that carry usage and more") {
    struct Row {
        const char* event;
        bool is_usage_only;
    };
    for (const Row& row : {
             Row{"data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3}}\n\n", true},
             Row{"data: {\"usage\":{\"prompt_tokens\":3}}\n\n", true},
             Row{"data: {\"choices\":[{\"delta\":{}}],\"usage\":{\"prompt_tokens\":3}}\n\n", false},
             Row{"data: {\"choices\":[],\"usage\":null}\n\n", false},
             Row{"data: {\"choices\":[]}\n\n", false},
             Row{"data: [DONE]\n\n", false},
             Row{": comment\n\n", false},
         }) {
        CAPTURE(row.event);
        AnswerFacts facts;
        StreamWatch watch(chat(), facts);
        watch.read("data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1}}\n\n"); // no memory of it
        watch.read(row.event);
        CHECK(watch.has_ended_event());
        CHECK(facts.is_usage_only == row.is_usage_only);
    }
}

TEST_CASE("watch: errors in a stream are noticed, in every dialect") {
    CHECK(read(chat(), "data: {\"error\":{\"message\":\"x\"}}\n\n").has_failed);
    CHECK_FALSE(read(chat(), "data: {\"error\":null,\"choices\":[]}\n\n").has_failed);
    CHECK(read(messages(), "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":"
                           "\"overloaded_error\",\"message\":\"x\"}}\n\n")
              .has_failed);
    CHECK(read(dialect("/v1/responses"), "event: error\ndata: {\"type\":\"error\",\"code\":\"x\","
                                         "\"sequence_number\":7}\n\n")
              .has_failed);
    const AnswerFacts failed =
        read(dialect("/v1/responses"), "data: {\"type\":\"response.failed\",\"sequence_number\":9,"
                                       "\"response\":{\"usage\":null}}\n\n");
    CHECK(failed.has_failed);
    CHECK(failed.has_terminated);
    CHECK(failed.sequence_number == 9);
}

TEST_CASE("watch: counts are cumulative, the last one wins, and null leaves the earlier one") {
    const AnswerFacts facts = read(
        messages(), "data: {\"type\":\"message_start\",\"message\":{\"usage\":{"
                    "\"input_tokens\":10,\"cache_read_input_tokens\":5,"
                    "\"cache_creation_input_tokens\":2,\"output_tokens\":1}}}\n\n"
                    "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},"
                    "\"usage\":{\"input_tokens\":null,\"output_tokens\":42}}\n\n"
                    "data: {\"type\":\"message_stop\"}\n\n");
    CHECK(facts.usage == Usage{17, 5, 2, 42, 0, true});
    CHECK(facts.has_finished);
    CHECK(facts.has_terminated);
}

TEST_CASE("watch: numbers that are none are no usage") {
    for (const char* tokens : {"-1", "1.5", "\"3\"", "1e3", "99999999999999999999", "[]", "{}"}) {
        CAPTURE(tokens);
        const std::string event =
            "data: {\"usage\":{\"prompt_tokens\":" + std::string(tokens) + "}}\n\n";
        CHECK_FALSE(read(chat(), event).usage.is_known);
    }
}

TEST_CASE("watch: an event that is no JSON is passed over, and the next one read") {
    const AnswerFacts facts = read(chat(), "data: {broken \"usage\":{\"prompt_tokens\":1}}\n\n"
                                           "data: {\"usage\":{\"prompt_tokens\":2}}\n\n");
    CHECK(facts.usage.input_tokens == 2);
    AnswerFacts body_facts;
    AnswerReader reader(chat(), body_facts);
    reader.feed("<html>");
    reader.feed("{\"usage\":{\"prompt_tokens\":2}}");
    reader.finish();
    CHECK_FALSE(body_facts.usage.is_known);
}

TEST_CASE("watch: data on several lines is one document") {
    const AnswerFacts facts =
        read(chat(), "data: {\"usage\":\ndata: {\"prompt_tokens\":\ndata: 2}}\n\n");
    CHECK(facts.usage.input_tokens == 2);
}
