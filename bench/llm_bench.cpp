#include <benchmark/benchmark.h>

#include "inputs.h"
#include "llm/answer_watch.h"

namespace ringway::bench {
namespace {

const llm::DialectEntry& chat_dialect() {
    static const auto call = llm::find_call("/v1/chat/completions", false);
    return *call->entry;
}

// What the gateway pays for looking at an event that passes untouched, which most do: one scan for
// the dialect's needles, no parse. `events` come in one read, as bursts do.
void pass_events(benchmark::State& state) {
    std::string payload;
    for (int i = 0; i < state.range(0); ++i) payload += content_event(i);
    AnswerFacts facts;
    const llm::StreamWatch watch(chat_dialect(), facts);
    for (auto _ : state) {
        const bool passes = watch.can_pass(payload);
        if (!passes) state.SkipWithError("an event that says nothing was to be parsed");
        benchmark::DoNotOptimize(passes);
    }
    state.SetItemsProcessed(static_cast<int64_t>(state.iterations()) * state.range(0));
    state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) *
                            static_cast<int64_t>(payload.size()));
}
BENCHMARK(pass_events)->ArgName("events")->Arg(1)->Arg(16);

// What an event costs that is parsed: usage, finish reasons, and all that are split over reads.
void read_event(benchmark::State& state) {
    const std::string event = content_event(1);
    AnswerFacts facts;
    llm::StreamWatch watch(chat_dialect(), facts);
    for (auto _ : state) {
        watch.read(event);
        benchmark::DoNotOptimize(facts.has_finished);
    }
    state.SetItemsProcessed(static_cast<int64_t>(state.iterations()));
    state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) *
                            static_cast<int64_t>(event.size()));
}
BENCHMARK(read_event);

// The whole of a 64 token stream, one event to a read, as the relay treats it: passed where it may
// be, else read.
void watch_stream(benchmark::State& state) {
    std::vector<std::string> reads;
    const std::string stream = chat_stream(64);
    for (size_t at = 0; at < stream.size();) {
        const size_t end = stream.find("\n\n", at) + 2;
        reads.push_back(stream.substr(at, end - at));
        at = end;
    }
    for (auto _ : state) {
        AnswerFacts facts;
        llm::StreamWatch watch(chat_dialect(), facts);
        for (const std::string& read : reads) {
            if (!watch.pass(ring::Slice::of_static(read))) watch.read(read);
        }
        if (!facts.has_terminated || facts.usage.output_tokens != 64) {
            state.SkipWithError("the end was not seen");
        }
    }
    state.SetItemsProcessed(static_cast<int64_t>(state.iterations()) *
                            static_cast<int64_t>(reads.size()));
}
BENCHMARK(watch_stream);

} // namespace
} // namespace ringway::bench
