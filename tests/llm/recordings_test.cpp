#include <doctest/doctest.h>

#include "llm/answer_watch.h"
#include "support/recordings.h"
#include "wire/json.h"

using namespace ringway;
using namespace ringway::llm;
using ringway::tests::Recording;
using ringway::tests::recordings;
using wire::Json;
using wire::JsonKind;

namespace {

const DialectEntry* dialect_of(const Recording& recording) {
    for (const char* tail : {"/messages/count_tokens", "/messages", "/chat/completions",
                             "/completions", "/responses", "/embeddings"}) {
        if (!recording.path.ends_with(tail)) continue;
        return find_call("/v1" + std::string(tail), false)->entry;
    }
    return nullptr; // Ollama's own API
}

/// What a reading with whole trees finds: slow, and written apart from the dialects.
class SlowReader {
public:
    explicit SlowReader(Bytes dialect) : dialect_(dialect) {}

    void read_event(const std::string& data) {
        if (data == "[DONE]") has_terminated = true;
        if (const auto tree = wire::parse_json(data, false)) read(*tree);
    }
    void read(const Json& tree) {
        if (dialect_.starts_with("anthropic")) {
            read_anthropic(tree);
        } else if (dialect_ == "openai_responses") {
            read_responses(tree);
        } else {
            read_openai(tree);
        }
    }

    Usage usage;
    bool has_finished = false;
    bool has_terminated = false;
    bool has_failed = false;

private:
    static const Json* at(const Json* tree, std::initializer_list<const char*> path) {
        for (const char* key : path) {
            if (tree == nullptr || tree->kind != JsonKind::object) return nullptr;
            tree = tree->find(key);
        }
        return tree;
    }
    void count(uint64_t& into, const Json& tree, std::initializer_list<const char*> path) {
        const Json* value = at(&tree, path);
        if (value == nullptr || value->kind != JsonKind::number) return;
        into = static_cast<uint64_t>(value->integer);
        usage.is_known = true;
    }
    static bool is_text(const Json* value, const char* text) {
        return value != nullptr && value->kind == JsonKind::string && value->string == text;
    }
    static bool is_given(const Json* value) {
        return value != nullptr && value->kind != JsonKind::null;
    }

    void read_openai(const Json& tree) {
        has_failed = has_failed || is_given(at(&tree, {"error"}));
        if (dialect_ == "openai_embeddings") {
            return count(usage.input_tokens, tree, {"usage", "prompt_tokens"});
        }
        if (const Json* choices = at(&tree, {"choices"})) {
            for (const Json& choice : choices->elements) {
                const Json* reason = at(&choice, {"finish_reason"});
                if (is_given(reason) && !reason->string.empty()) has_finished = true;
            }
        }
        count(usage.input_tokens, tree, {"usage", "prompt_tokens"});
        count(usage.output_tokens, tree, {"usage", "completion_tokens"});
        count(usage.cached_tokens, tree, {"usage", "prompt_tokens_details", "cached_tokens"});
        count(usage.cache_write_tokens, tree,
              {"usage", "prompt_tokens_details", "cache_write_tokens"});
        count(usage.cached_tokens, tree, {"usage", "prompt_cache_hit_tokens"});
        count(usage.reasoning_tokens, tree,
              {"usage", "completion_tokens_details", "reasoning_tokens"});
        count(usage.input_tokens, tree, {"x_groq", "usage", "prompt_tokens"});
        count(usage.output_tokens, tree, {"x_groq", "usage", "completion_tokens"});
    }

    void read_responses(const Json& event) {
        const Json* type = at(&event, {"type"});
        for (const char* end :
             {"response.completed", "response.incomplete", "response.failed", "error"}) {
            if (is_text(type, end)) has_finished = has_terminated = true;
        }
        has_failed = has_failed || is_text(type, "response.failed") || is_text(type, "error") ||
                     is_given(at(&event, {"error"}));
        const Json* status = at(&event, {"status"});
        if (is_given(status) && status->string != "in_progress") has_finished = true;
        const Json* inner = at(&event, {"response"});
        for (const Json* tree : {&event, inner}) {
            if (tree == nullptr) continue;
            count(usage.input_tokens, *tree, {"usage", "input_tokens"});
            count(usage.output_tokens, *tree, {"usage", "output_tokens"});
            count(usage.cached_tokens, *tree, {"usage", "input_tokens_details", "cached_tokens"});
            count(usage.cache_write_tokens, *tree,
                  {"usage", "input_tokens_details", "cache_write_tokens"});
            count(usage.reasoning_tokens, *tree,
                  {"usage", "output_tokens_details", "reasoning_tokens"});
        }
    }

    void read_anthropic(const Json& event) {
        if (is_text(at(&event, {"type"}), "error")) has_failed = true;
        if (is_text(at(&event, {"type"}), "message_stop")) has_terminated = true;
        if (is_given(at(&event, {"stop_reason"})) ||
            is_given(at(&event, {"delta", "stop_reason"}))) {
            has_finished = true;
        }
        const Json* inner = at(&event, {"message"});
        for (const Json* tree : {&event, inner}) {
            if (tree == nullptr) continue;
            count(uncached_, *tree, {"usage", "input_tokens"});
            count(usage.output_tokens, *tree, {"usage", "output_tokens"});
            count(usage.cached_tokens, *tree, {"usage", "cache_read_input_tokens"});
            count(usage.cache_write_tokens, *tree, {"usage", "cache_creation_input_tokens"});
            count(usage.reasoning_tokens, *tree,
                  {"usage", "output_tokens_details", "thinking_tokens"});
        }
        usage.input_tokens = uncached_ + usage.cached_tokens + usage.cache_write_tokens;
    }

    Bytes dialect_;
    uint64_t uncached_ = 0;
};

SlowReader read_slowly(const Recording& recording, const DialectEntry& entry) {
    SlowReader slow(entry.dialect.name());
    if (recording.is_stream) {
        wire::SseDecoder decoder;
        REQUIRE(decoder
                    .feed(recording.body,
                          [&](const wire::SseEvent& event) { slow.read_event(event.data); })
                    .has_value());
    } else if (const auto tree = wire::parse_json(recording.body, false)) {
        slow.read(*tree);
    }
    return slow;
}

/// Reads as the relay does: whole events that say nothing are passed over.
AnswerFacts read_fast(const Recording& recording, const DialectEntry& entry, size_t step) {
    AnswerFacts facts;
    if (recording.is_stream) {
        StreamWatch watch(entry, facts);
        for (Bytes rest = recording.body; !rest.empty();
             rest.remove_prefix(std::min(step, rest.size()))) {
            const Bytes piece = rest.substr(0, step);
            if (!watch.pass(ring::Slice::of_static(piece))) watch.read(piece);
        }
    } else {
        AnswerReader reader(entry, facts);
        for (Bytes rest = recording.body; !rest.empty();
             rest.remove_prefix(std::min(step, rest.size()))) {
            reader.feed(rest.substr(0, step));
        }
        reader.finish();
    }
    return facts;
}

/// Each event in a read of its own, as providers send them.
AnswerFacts read_by_events(const Recording& recording, const DialectEntry& entry) {
    AnswerFacts facts;
    StreamWatch watch(entry, facts);
    Bytes rest = recording.body;
    while (!rest.empty()) {
        const size_t lf = rest.find("\n\n");
        const size_t crlf = rest.find("\r\n\r\n");
        const size_t end = std::min(lf == Bytes::npos ? rest.size() : lf + 2,
                                    crlf == Bytes::npos ? rest.size() : crlf + 4);
        if (!watch.can_pass(rest.substr(0, end))) watch.read(rest.substr(0, end));
        rest.remove_prefix(end);
    }
    return facts;
}

void compare(const AnswerFacts& facts, const SlowReader& slow) {
    CHECK(facts.usage.is_known == slow.usage.is_known);
    CHECK(facts.usage.input_tokens == slow.usage.input_tokens);
    CHECK(facts.usage.cached_tokens == slow.usage.cached_tokens);
    CHECK(facts.usage.cache_write_tokens == slow.usage.cache_write_tokens);
    CHECK(facts.usage.output_tokens == slow.usage.output_tokens);
    CHECK(facts.usage.reasoning_tokens == slow.usage.reasoning_tokens);
    CHECK(facts.has_finished == slow.has_finished);
    CHECK(facts.has_terminated == slow.has_terminated);
    CHECK(facts.has_failed == slow.has_failed);
}

} // namespace

TEST_CASE(
    "recordings: usage, finish and errors are what a full reading finds, at every read size") {
    size_t read = 0;
    for (const Recording& recording : recordings()) {
        const DialectEntry* const entry = dialect_of(recording);
        if (entry == nullptr) continue;
        ++read;
        CAPTURE(recording.name);
        const SlowReader slow = read_slowly(recording, *entry);
        for (const size_t step : {1UL, 2UL, 3UL, 7UL, 64UL, 1400UL, 4072UL, 1UL << 24}) {
            CAPTURE(step);
            compare(read_fast(recording, *entry, step), slow);
        }
        if (recording.is_stream) compare(read_by_events(recording, *entry), slow);
    }
    CHECK(read > 120);
}

TEST_CASE("recordings: every good answer tells its usage, and every good stream finishes") {
    for (const Recording& recording : recordings()) {
        const DialectEntry* const entry = dialect_of(recording);
        if (entry == nullptr || recording.status != 200) continue;
        CAPTURE(recording.name);
        const AnswerFacts facts = read_fast(recording, *entry, 1400);
        const bool is_count = recording.path.ends_with("count_tokens");
        const bool has_usage = recording.body.find("\"usage\":{") != std::string::npos ||
                               recording.body.find("\"usage\": {") != std::string::npos;
        CHECK(facts.usage.is_known == (has_usage && !is_count));
        if (recording.is_stream) CHECK((facts.has_finished || facts.has_failed));
    }
}

TEST_CASE("recordings: error answers are noticed, but for those that are of no known shape") {
    size_t noticed = 0;
    size_t errors = 0;
    for (const Recording& recording : recordings()) {
        const DialectEntry* const entry = dialect_of(recording);
        if (entry == nullptr || recording.status < 400) continue;
        ++errors;
        const AnswerFacts facts = read_fast(recording, *entry, 64);
        CAPTURE(recording.name);
        CHECK_FALSE(facts.usage.is_known);
        if (facts.has_failed) ++noticed;
    }
    CHECK(errors > 20);
    CHECK(noticed + 3 >= errors);
}
