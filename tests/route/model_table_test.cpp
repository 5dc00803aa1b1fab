#include "route/model_table.h"

#include <doctest/doctest.h>

using namespace ringway;
using namespace ringway::route;

namespace {

bool is_gpt(Bytes model) { return model.starts_with("gpt-"); }
bool is_claude(Bytes model) { return model.starts_with("claude-"); }

ModelTable table() {
    return {{
                {"openai", Family::openai, std::nullopt, is_gpt},
                {"anthropic", Family::anthropic, std::nullopt, is_claude},
                {"local", Family::openai, std::vector<std::string>{"llama-*", "tiny"}, nullptr},
                {"closed", Family::openai, std::vector<std::string>{}, nullptr},
            },
            {
                {"fast", {"openai/gpt-4o-mini", "local/tiny"}},
                {"gpt-4o", {"local/llama-4"}},
                {"nested/name", {"anthropic/claude-x"}},
            }};
}

/// "provider:model" of each target.
std::string targets(const ModelTable& models, Bytes model, Family family = Family::openai) {
    Target single;
    std::string text;
    for (const Target& target : models.find(model, family, single)) {
        if (!text.empty()) text += " ";
        text += models.provider_name(target.provider) + ":" + std::string(target.model);
    }
    return text;
}

} // namespace

TEST_CASE("models: an alias has its targets in order, and goes before any other reading") {
    const ModelTable models = table();
    CHECK(targets(models, "fast") == "openai:gpt-4o-mini local:tiny");
    CHECK(targets(models, "gpt-4o") == "local:llama-4");
    CHECK(targets(models, "nested/name") == "anthropic:claude-x");
}

TEST_CASE("models: a provider may be named before the first slash") {
    const ModelTable models = table();
    CHECK(targets(models, "openai/gpt-4o") == "openai:gpt-4o");
    CHECK(targets(models, "anthropic/anything") == "anthropic:anything");
    CHECK(targets(models, "local/meta/llama/x") == "local:meta/llama/x");
    CHECK(targets(models, "openai/").find("openai:gpt") == std::string::npos);
}

TEST_CASE("models: a bare name goes to the only provider known to have it") {
    const ModelTable models = table();
    CHECK(targets(models, "gpt-5") == "openai:gpt-5");
    CHECK(targets(models, "gpt-5", Family::anthropic) == "openai:gpt-5");
    CHECK(targets(models, "claude-9") == "anthropic:claude-9");
    CHECK(targets(models, "tiny") == "local:tiny");
    CHECK(targets(models, "llama-3/instruct") == "local:llama-3/instruct");
}

TEST_CASE("models: a name that nobody is known to have goes to the only one that may") {
    const ModelTable models = table();
    CHECK(targets(models, "mystery") == "openai:mystery"); // the others told what they have
    CHECK(targets(models, "mystery", Family::anthropic) == "anthropic:mystery");
    CHECK(targets(models, "nobody/model") == "openai:nobody/model");
    const ModelTable two({{"a", Family::openai, std::nullopt, nullptr},
                          {"b", Family::openai, std::nullopt, nullptr}},
                         {});
    CHECK(targets(two, "mystery").empty());
    CHECK(targets(two, "b/mystery") == "b:mystery");
    CHECK(targets(two, "mystery", Family::anthropic).empty());
}

TEST_CASE("models: a name that two are known to have goes to neither") {
    const ModelTable models({{"a", Family::openai, std::vector<std::string>{"m*"}, nullptr},
                             {"b", Family::openai, std::vector<std::string>{"*x"}, nullptr},
                             {"c", Family::openai, std::nullopt, nullptr}},
                            {});
    CHECK(targets(models, "mx").empty());
    CHECK(targets(models, "my") == "a:my");
    CHECK(targets(models, "yx") == "b:yx");
    CHECK(targets(models, "z") == "c:z");
}

TEST_CASE("models: what can be listed is each alias, and each model told without a pattern") {
    CHECK(table().names() ==
          std::vector<std::string>{"fast", "gpt-4o", "local/tiny", "nested/name"});
}

TEST_CASE("models: names that may have been meant are near, few, and none when nothing is") {
    const ModelTable models = table();
    CHECK(models.near("fasst") == std::vector<std::string>{"fast"});
    CHECK(models.near("tiny") == std::vector<std::string>{"local/tiny"});
    CHECK(models.near("zzzzzzzzzzzz").empty());
    CHECK(models.near(std::string(100'000, 'x')).empty());
    CHECK(models.near("").size() <= 3);
}

TEST_CASE("models: providers are known by their own names") {
    const ModelTable models = table();
    CHECK(models.provider("local") == 2u);
    CHECK_FALSE(models.provider("Local").has_value());
    CHECK_FALSE(models.provider("").has_value());
}
