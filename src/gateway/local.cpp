#include "gateway/phases.h"
#include "wire/json.h"
#include "wire/url.h"

namespace ringway::gateway {
namespace {

/// Whether this caller may use the model called `name`, if there is one.
bool may_call(const Exchange& exchange, Bytes name) {
    route::Target single;
    const auto& models = exchange.snapshot().models();
    const auto targets = models.find(name, exchange.dialect().family(), single);
    return !targets.empty() && may_use(exchange, name, targets);
}

/// "provider" of "provider/model"; aliases are ringway's own.
std::string owner_of(const Exchange& exchange, Bytes name) {
    const size_t slash = name.find('/');
    const bool is_named =
        slash != Bytes::npos && exchange.snapshot().models().provider(name.substr(0, slash));
    return is_named ? std::string(name.substr(0, slash)) : "ringway";
}

/// One model, in the shape of the API that was called.
std::string describe_model(const Exchange& exchange, Bytes name) {
    const std::string id = wire::json_string(name);
    if (exchange.dialect().family() == Family::anthropic) {
        return R"({"type":"model","id":)" + id + R"(,"display_name":)" + id +
               R"(,"created_at":"1970-01-01T00:00:00Z"})";
    }
    return R"({"id":)" + id + R"(,"object":"model","created":0,"owned_by":)" +
           wire::json_string(owner_of(exchange, name)) + "}";
}

std::string list_models(const Exchange& exchange) {
    std::string items;
    std::string first = "null";
    std::string last = "null";
    for (const std::string& name : exchange.snapshot().models().names()) {
        if (!may_call(exchange, name)) continue;
        if (!items.empty()) items += ',';
        items += describe_model(exchange, name);
        last = wire::json_string(name);
        if (first == "null") first = last;
    }
    if (exchange.dialect().family() == Family::anthropic) {
        return R"({"data":[)" + items + R"(],"has_more":false,"first_id":)" + first +
               R"(,"last_id":)" + last + "}";
    }
    return R"({"object":"list","data":[)" + items + "]}";
}

Status answer_model(Exchange& exchange) {
    constexpr Bytes prefix = "/models/";
    const std::string name =
        wire::percent_decode(exchange.request->call.tail.substr(prefix.size()));
    if (!may_call(exchange, name)) {
        exchange.detail().message = "The model " + wire::json_string(name) + " does not exist.";
        exchange.detail().code = "model_not_found";
        return client_error(Code::not_found, "no such model");
    }
    respond(exchange, 200, "application/json", describe_model(exchange, name));
    return {};
}

bool reads(wire::Method method) {
    return method == wire::Method::get || method == wire::Method::head;
}

} // namespace

bool is_public(Bytes path) { return path == "/" || path == "/healthz" || path == "/readyz"; }

Result<bool> answer_locally(Exchange& exchange) {
    const RequestState& request = *exchange.request;
    const llm::Call& call = request.call;
    const bool is_here = is_public(request.path) || call.is_model_list || call.is_one_model;
    if (!is_here) {
        if (call.tail.empty()) {
            exchange.detail().message = "Unknown path. ringway serves /v1/...";
            exchange.detail().code = "unknown_url";
            return client_error(Code::not_found, "unknown path");
        }
        return false;
    }
    // DELETE /v1/models/{id} is the provider's business.
    if (call.is_one_model && request.line.method == wire::Method::delete_) return false;
    if (!reads(request.line.method)) {
        return client_error(Code::method_not_allowed, "This path takes GET requests only.");
    }
    if (call.is_model_list) {
        respond(exchange, 200, "application/json", list_models(exchange));
    } else if (call.is_one_model) {
        RINGWAY_RETURN_IF_ERROR(answer_model(exchange));
    } else if (request.path == "/readyz" && !exchange.worker.is_ready()) {
        return gateway_error(Code::draining, "draining");
    } else {
        const Bytes name = request.path == "/" ? Bytes("ringway") : Bytes("ok");
        respond(exchange, 200, "application/json",
                R"({"status":"ok","service":)" + wire::json_string(name) + "}\n");
    }
    return true;
}

} // namespace ringway::gateway
