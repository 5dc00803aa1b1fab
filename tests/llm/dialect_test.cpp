#include <doctest/doctest.h>

#include <algorithm>

#include "llm/answer_watch.h"
#include "llm/registry.h"
#include "wire/json.h"

using namespace ringway;
using namespace ringway::llm;
using wire::Json;
using wire::JsonKind;

namespace {

constexpr const char* paths[] = {
    "/v1/chat/completions", "/v1/completions",           "/v1/responses", "/v1/embeddings",
    "/v1/messages",         "/v1/messages/count_tokens", "/v1/files",     "/v1/messages/batches"};

const Dialect& dialect_at(const char* path) { return find_call(path, false)->entry->dialect; }

/// Texts that break what is written without care.
const std::string hostile[] = {
    "plain",
    "quote \" backslash \\ slash /",
    "line\nbreaks\r\n\r\ndata: [DONE]\n\nevent: x\n\n",
    std::string("nul \0 and \x1b[31m escape \x7f", 24),
    "umlaut ä, emoji 😀, separators \xe2\x80\xa8",
    "malformed \xff\xfe\x80 and cut \xe2\x82",
    "{\"error\":{}}</script>",
    "",
};

ApiError error_with(Bytes text) { return {400, "invalid_request_error", text, text, text, text}; }

Json parse(const std::string& text) {
    auto tree = wire::parse_json(text, false);
    CAPTURE(text);
    REQUIRE(tree.has_value());
    return *tree;
}

std::vector<wire::SseEvent> events_of(const std::string& text) {
    std::vector<wire::SseEvent> events;
    wire::SseDecoder decoder;
    REQUIRE(decoder.feed(text, [&](const wire::SseEvent& event) { events.push_back(event); })
                .has_value());
    CHECK(decoder.is_between_events());
    return events;
}

} // namespace

TEST_CASE("dialects: error bodies are JSON of the API's own shape, whatever the texts hold") {
    for (const char* path : paths) {
        CAPTURE(path);
        const Dialect& dialect = dialect_at(path);
        for (const std::string& text : hostile) {
            const Json body = parse(dialect.error_body(error_with(text)));
            const Json* const error = body.find("error");
            REQUIRE(error != nullptr);
            CHECK(error->find("type")->string == "invalid_request_error");
            REQUIRE(error->find("message")->kind == JsonKind::string);
            if (text.find('\xff') == std::string::npos) {
                CHECK(error->find("message")->string == text);
            }
            if (dialect.family() == Family::anthropic) {
                CHECK(body.find("type")->string == "error");
                CHECK((body.find("request_id") != nullptr) == !text.empty());
                CHECK(body.members.size() == (text.empty() ? 2 : 3));
                CHECK(error->members.size() == 2);
            } else {
                CHECK(body.members.size() == 1);
                CHECK(error->members.size() == 4);
                const JsonKind expected = text.empty() ? JsonKind::null : JsonKind::string;
                CHECK(error->find("param")->kind == expected);
                CHECK(error->find("code")->kind == expected);
            }
        }
    }
}

TEST_CASE("dialects: an error event is one event of JSON, whatever the texts hold") {
    for (const char* path : paths) {
        CAPTURE(path);
        const Dialect& dialect = dialect_at(path);
        for (const std::string& text : hostile) {
            AnswerFacts facts;
            facts.sequence_number = 41;
            const auto events = events_of(dialect.error_event(error_with(text), facts));
            REQUIRE(events.size() == 1);
            const Json data = parse(events[0].data);
            if (dialect.name() == "openai_responses") {
                CHECK(events[0].name == "error");
                CHECK(data.find("type")->string == "error");
                CHECK(data.find("sequence_number")->integer == 42);
                CHECK(data.find("message")->kind == JsonKind::string);
            } else {
                CHECK(events[0].name == (dialect.family() == Family::anthropic ? "error" : ""));
                CHECK(data.find("error")->find("message")->kind == JsonKind::string);
            }
        }
    }
}

TEST_CASE("dialects: the error event of each is noticed as an error by itself") {
    for (const char* path : paths) {
        CAPTURE(path);
        const DialectEntry& entry = *find_call(path, false)->entry;
        AnswerFacts facts;
        StreamWatch watch(entry, facts);
        watch.read(entry.dialect.error_event(error_with("x"), facts));
        CHECK(facts.has_failed);
    }
}

TEST_CASE("dialects: needles are few and short, and each dialect has a name of its own") {
    std::vector<Bytes> names;
    for (const char* path : paths) {
        const Dialect& dialect = dialect_at(path);
        CHECK(dialect.needles().size() <= 4);
        for (const Bytes needle : dialect.needles()) {
            CHECK(needle.size() <= 30);
            CHECK(needle.front() == '"');
        }
        CHECK(std::find(names.begin(), names.end(), dialect.name()) == names.end());
        names.push_back(dialect.name());
    }
}
