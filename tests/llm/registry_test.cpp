#include "llm/registry.h"

#include <doctest/doctest.h>

using namespace ringway;
using namespace ringway::llm;

TEST_CASE("registry: each path is the call it stands for") {
    struct Row {
        const char* path;
        bool speaks_anthropic;
        const char* dialect;
        const char* tail;
        bool is_exact;
        const char* provider;
    };
    for (const Row& row : {
             Row{"/v1/chat/completions", false, "openai_chat", "/chat/completions", true, ""},
             Row{"/v1/completions", false, "openai_completions", "/completions", true, ""},
             Row{"/v1/responses", false, "openai_responses", "/responses", true, ""},
             Row{"/v1/embeddings", false, "openai_embeddings", "/embeddings", true, ""},
             Row{"/v1/messages", false, "anthropic_messages", "/messages", true, ""},
             Row{"/v1/messages", true, "anthropic_messages", "/messages", true, ""},
             Row{"/v1/messages/count_tokens", false, "anthropic_count_tokens",
                 "/messages/count_tokens", true, ""},
             Row{"/v1/v1/chat/completions", false, "openai_chat", "/chat/completions", true, ""},
             Row{"/groq/v1/chat/completions", false, "openai_chat", "/chat/completions", true,
                 "groq"},
             Row{"/groq/v1/v1/messages", false, "anthropic_messages", "/messages", true, "groq"},
             Row{"/v1/files", false, "openai_other", "/files", false, ""},
             Row{"/v1/files", true, "anthropic_other", "/files", false, ""},
             Row{"/v1/files/abc/content", false, "openai_other", "/files/abc/content", false, ""},
             Row{"/v1/responses/resp_1", false, "openai_other", "/responses/resp_1", false, ""},
             Row{"/v1/messages/batches", false, "anthropic_other", "/messages/batches", false, ""},
             Row{"/v1/chat/completions/", false, "openai_other", "/chat/completions/", false, ""},
             Row{"/v1/audio/speech", false, "openai_other", "/audio/speech", false, ""},
             Row{"/v1/models", false, "openai_other", "/models", false, ""},
             Row{"/v1/models", true, "anthropic_other", "/models", false, ""},
             Row{"/v1/v1x", false, "openai_other", "/v1x", false, ""},
         }) {
        CAPTURE(std::string(row.path));
        const auto call = find_call(row.path, row.speaks_anthropic);
        REQUIRE(call.has_value());
        CHECK(call->entry->dialect.name() == row.dialect);
        CHECK(call->tail == row.tail);
        CHECK(call->is_exact == row.is_exact);
        CHECK(call->provider == row.provider);
    }
}

TEST_CASE("registry: the list of models, and one model, are told apart") {
    CHECK(find_call("/v1/models", false)->is_model_list);
    CHECK_FALSE(find_call("/v1/models", false)->is_one_model);
    CHECK(find_call("/v1/models/gpt-4o", false)->is_one_model);
    CHECK_FALSE(find_call("/v1/models/gpt-4o", false)->is_model_list);
    CHECK_FALSE(find_call("/v1/modelsx", false)->is_model_list);
    CHECK(find_call("/openai/v1/models", false)->is_model_list);
}

TEST_CASE("registry: a path that is none of the APIs' is no call") {
    for (const char* path :
         {"", "/", "/v1", "/v1/", "/v1/v1", "/v1/v1/", "/v2/chat/completions", "/chat/completions",
          "/v1beta/models", "/v10/chat/completions", "//v1/models", "/a/b/v1/models", "/groq/v1",
          "/groq/v1x/models", "*", "/v1chat/completions"}) {
        CAPTURE(path);
        CHECK_FALSE(find_call(path, false).has_value());
    }
}

TEST_CASE("registry: kinds of providers are known by name, with what is their own") {
    CHECK(provider_kind("openai") == ProviderKind::openai);
    CHECK(provider_kind("anthropic") == ProviderKind::anthropic);
    CHECK_FALSE(provider_kind("OpenAI").has_value());
    CHECK_FALSE(provider_kind("").has_value());
    for (const ProviderKind kind : provider_kinds()) {
        const ProviderTraits& traits = traits_of(kind);
        CHECK(traits.kind == kind);
        CHECK(provider_kind(traits.name) == kind);
        CHECK(traits.default_base_url.starts_with("https://"));
        CHECK(traits.credentials(Secret("k")).ends_with("k"));
    }
    CHECK(traits_of(ProviderKind::openai).credentials(Secret("k")) == "Authorization: Bearer k");
    CHECK(traits_of(ProviderKind::anthropic).credentials(Secret("k")) == "x-api-key: k");
    CHECK(traits_of(ProviderKind::openai).is_known_model("gpt-4o"));
    CHECK_FALSE(traits_of(ProviderKind::openai).is_known_model("claude-3"));
    CHECK(traits_of(ProviderKind::anthropic).is_known_model("claude-3"));
}
