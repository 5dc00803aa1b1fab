#include <algorithm>

#include "gateway/phases.h"
#include "wire/json.h"

namespace ringway::gateway {
namespace {

std::unexpected<Error> refuse(Exchange& exchange, Code code, std::string message, Bytes param,
                              Bytes error_code) {
    ErrorDetail& detail = exchange.detail();
    detail.message = std::move(message);
    detail.param = param;
    detail.code = error_code;
    return client_error(code, "the request cannot be routed");
}

/// 404, naming what one could have meant.
std::unexpected<Error> no_such_model(Exchange& exchange, Bytes model) {
    std::string message = "The model " + wire::json_string(model) + " does not exist.";
    const auto near = exchange.snapshot().models().near(model);
    for (size_t i = 0; i < near.size(); ++i) {
        message += i == 0 ? " Did you mean " : i + 1 == near.size() ? " or " : ", ";
        message += wire::json_string(near[i]);
    }
    if (!near.empty()) message += "?";
    message += " Models are named by an alias or as \"provider/model\".";
    return refuse(exchange, Code::not_found, std::move(message), "model", "model_not_found");
}

std::string full_name(const Exchange& exchange, const route::Target& target) {
    return exchange.snapshot().models().provider_name(target.provider) + "/" +
           std::string(target.model);
}

/// The upstreams must speak the dialect of the call; translation is not theirs to do.
Status check_dialects(Exchange& exchange) {
    const Family family = exchange.dialect().family();
    for (const route::Target& target : exchange.request->targets) {
        const Provider& provider = exchange.snapshot().provider(target.provider);
        if (provider.traits->family == family) continue;
        return refuse(exchange, Code::unsupported,
                      "The model " + wire::json_string(full_name(exchange, target)) +
                          " is served by a provider of kind " + std::string(provider.traits->name) +
                          ", which does not speak the API of this path.",
                      "model", "unsupported_api");
    }
    return {};
}

void add_edit(RequestState& request, uint64_t offset, uint64_t removed, Bytes text) {
    RINGWAY_ASSERT(request.edit_count < request.edits.size());
    request.edits[request.edit_count++] = {offset, removed, text};
}

/// Streams tell their usage only when asked. What the client wrote stays where it is; if it did not
/// ask, the extra event is dropped on the way back.
void ask_for_usage(Exchange& exchange) {
    RequestState& request = *exchange.request;
    const llm::RequestFacts& facts = request.scan.facts();
    if (!exchange.dialect().asks_for_usage() || !facts.is_stream || facts.includes_usage) return;
    request.drops_usage = true;
    if (facts.include_usage.is_set()) {
        add_edit(request, facts.include_usage.begin,
                 facts.include_usage.end - facts.include_usage.begin, "true");
    } else if (facts.stream_options_is_null) {
        add_edit(request, facts.stream_options.begin,
                 facts.stream_options.end - facts.stream_options.begin,
                 R"({"include_usage":true})");
    } else if (facts.stream_options.is_set()) {
        const bool is_empty = facts.stream_options_is_empty;
        add_edit(request, facts.stream_options.begin + 1, 0,
                 is_empty ? R"("include_usage":true)" : R"("include_usage":true,)");
    } else {
        add_edit(request, facts.root.begin + 1, 0, R"("stream_options":{"include_usage":true},)");
    }
}

/// For paths that name no model: the provider that a header, the path, or the configuration names.
Result<size_t> provider_of_path(Exchange& exchange) {
    const route::ModelTable& models = exchange.snapshot().models();
    const RequestState& request = *exchange.request;
    const Bytes named =
        !request.provider_header.empty() ? request.provider_header : request.call.provider;
    if (!named.empty()) {
        if (const auto provider = models.provider(named)) return *provider;
        return refuse(exchange, Code::not_found,
                      "There is no provider " + wire::json_string(named) + ".", "",
                      "provider_not_found");
    }
    const std::string& configured = exchange.snapshot().config().passthrough;
    if (!configured.empty()) return models.provider(configured).value_or(0);
    const Family family = exchange.dialect().family();
    std::optional<size_t> only;
    for (size_t i = 0; i < exchange.snapshot().providers().size(); ++i) {
        if (exchange.snapshot().provider(i).traits->family != family) continue;
        if (only) {
            return refuse(exchange, Code::not_found,
                          "Several providers could serve this path: name one in the header "
                          "x-ringway-provider, or set \"passthrough\" in the configuration.",
                          "", "provider_not_found");
        }
        only = i;
    }
    if (only) return *only;
    return refuse(exchange, Code::not_found, "No provider serves this path.", "",
                  "provider_not_found");
}

Status plan_model(Exchange& exchange) {
    RequestState& request = *exchange.request;
    const llm::RequestFacts& facts = request.scan.facts();
    const Bytes model = facts.model.view();
    // "/{provider}/v1/..." names the provider for its bare models.
    const route::ModelTable& models = exchange.snapshot().models();
    request.targets = models.find(model, exchange.dialect().family(), request.single);
    if (const auto named = models.provider(request.call.provider);
        named && model.find('/') == Bytes::npos) {
        request.single = {*named, model};
        request.targets = {&request.single, 1};
    }
    if (request.targets.empty()) return no_such_model(exchange, model);
    if (!may_use(exchange, model, request.targets)) {
        return refuse(exchange, Code::forbidden,
                      "This key may not use the model " + wire::json_string(model) + ".", "model",
                      "model_not_allowed");
    }
    return check_dialects(exchange);
}

/// A path without a model is the provider's as a whole: only callers that may use all of it pass.
Status plan_path(Exchange& exchange) {
    RINGWAY_TRY(const size_t provider, provider_of_path(exchange));
    const std::string& name = exchange.snapshot().models().provider_name(provider);
    if (!exchange.caller->allows_all_of(name)) {
        return refuse(exchange, Code::forbidden,
                      "This key may not use this path at the provider " + wire::json_string(name) +
                          ".",
                      "", "path_not_allowed");
    }
    exchange.request->single = {provider, {}};
    exchange.request->targets = {&exchange.request->single, 1};
    return {};
}

} // namespace

bool may_use(const Exchange& exchange, Bytes model, std::span<const route::Target> targets) {
    return exchange.caller->allows_model(model) ||
           std::all_of(targets.begin(), targets.end(), [&](const route::Target& target) {
               return exchange.caller->allows_model(full_name(exchange, target));
           });
}

Status plan(Exchange& exchange) {
    const RequestState& request = *exchange.request;
    if (!request.scan.facts().model.empty()) {
        RINGWAY_RETURN_IF_ERROR(plan_model(exchange));
    } else if (request.call.is_exact && exchange.dialect().has_model()) {
        return refuse(exchange, Code::malformed, "The field \"model\" is missing.", "model",
                      "missing_required_parameter");
    } else {
        RINGWAY_RETURN_IF_ERROR(plan_path(exchange));
    }
    ask_for_usage(exchange);
    return {};
}

} // namespace ringway::gateway
