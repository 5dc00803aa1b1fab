#include "gateway/phases.h"

namespace ringway::gateway {
namespace {

constexpr uint16_t client_closed_request = 499; // as nginx logs it; never sent

void count(Exchange& exchange, uint16_t status) {
    observe::WorkerCounters& counters = exchange.worker.counters();
    counters.answers[status].add();
    if (exchange.attempts == 0) return;
    observe::ProviderCounters& provider = exchange.provider_counters();
    const Usage& usage = exchange.facts.usage;
    if (usage.is_known) {
        provider.input_tokens.add(usage.input_tokens);
        provider.cached_tokens.add(usage.cached_tokens);
        provider.output_tokens.add(usage.output_tokens);
    } else if (exchange.status == 200 && exchange.dialect().has_model()) {
        provider.usage_unknown.add();
    }
    if (status == client_closed_request) provider.cancelled.add();
}

void log(Exchange& exchange, const Status& outcome, uint16_t status) {
    const bool is_fault = !outcome && outcome.error().blame != Blame::client;
    const auto level = is_fault ? observe::LogLevel::warning : observe::LogLevel::debug;
    if (!exchange.worker.log().writes(level)) return;
    const bool has_provider = exchange.attempts > 0;
    exchange.worker.log().write(
        level, is_fault ? "request failed" : "request ended",
        {{"id", exchange.request_id.view()},
         {"api", exchange.dialect().name()},
         {"status", status},
         {"key", exchange.caller != nullptr ? Bytes(exchange.caller->name) : Bytes()},
         {"provider", has_provider ? Bytes(exchange.provider().config.name) : Bytes()},
         {"attempts", exchange.attempts},
         {"error", outcome ? Bytes() : to_string(outcome.error().code)},
         {"reason", outcome ? Bytes() : outcome.error().what},
         {"input_tokens", exchange.facts.usage.input_tokens},
         {"output_tokens", exchange.facts.usage.output_tokens}});
}

} // namespace

AfterAnswer finish(Exchange& exchange, Status outcome) {
    if (exchange.upstream != nullptr) exchange.pool().give_back(std::move(exchange.upstream));
    const bool is_gone =
        !outcome &&
        (outcome.error().code == Code::cancelled ||
         (outcome.error().code == Code::closed && outcome.error().blame == Blame::client));
    if (!outcome && !is_gone && !exchange.has_begun_answer) {
        respond_error(exchange, outcome.error());
    }
    const uint16_t status =
        is_gone || exchange.status == 0 ? client_closed_request : exchange.status;
    count(exchange, status);
    log(exchange, outcome, status);
    if (is_gone || !exchange.is_answer_whole) return AfterAnswer::close;
    if (exchange.must_close) return AfterAnswer::linger;
    const bool stays = exchange.keeps_alive && !exchange.worker.is_draining();
    return stays ? AfterAnswer::keep_open : AfterAnswer::close;
}

} // namespace ringway::gateway
