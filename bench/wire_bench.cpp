#include <benchmark/benchmark.h>

#include "http/splice.h"
#include "inputs.h"
#include "ring/buffers.h"
#include "wire/chunked.h"
#include "wire/http1_head.h"
#include "wire/json_scan.h"
#include "wire/sse.h"

namespace ringway::bench {
namespace {

void count_bytes(benchmark::State& state, size_t bytes_each) {
    state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) *
                            static_cast<int64_t>(bytes_each));
}

// What a request's head costs from its first byte to its fields: finding the end and parsing. Does
// the number of fields matter beyond their bytes?
void parse_request_head(benchmark::State& state) {
    const std::string head = request_head(static_cast<int>(state.range(0)));
    wire::Fields fields;
    for (auto _ : state) {
        wire::HeadScanner scanner;
        const auto size = scanner.scan(head, {});
        auto line = wire::parse_request_head(Bytes(head).substr(0, *size), fields, {});
        benchmark::DoNotOptimize(line);
    }
    count_bytes(state, head.size());
}
BENCHMARK(parse_request_head)->ArgName("extra_fields")->Arg(0)->Arg(10)->Arg(40);

// What it costs to find the payload in chunked coding, at the sizes in which tokens come (250), in
// which bodies come (4096), and when every chunk is split over reads (read_bytes below the chunk).
void decode_chunks(benchmark::State& state) {
    const std::string coded = chunked(std::string(65536, 'x'), static_cast<size_t>(state.range(0)));
    const auto read_bytes = static_cast<size_t>(state.range(1));
    for (auto _ : state) {
        wire::ChunkedDecoder decoder;
        for (size_t at = 0; at < coded.size(); at += read_bytes) {
            Bytes rest = Bytes(coded).substr(at, read_bytes);
            while (!rest.empty()) {
                const auto step = decoder.next(rest);
                benchmark::DoNotOptimize(step->payload.data());
                rest.remove_prefix(step->consumed);
            }
        }
        if (!decoder.has_ended()) state.SkipWithError("not whole");
    }
    count_bytes(state, coded.size());
}
BENCHMARK(decode_chunks)
    ->ArgNames({"chunk_bytes", "read_bytes"})
    ->Args({250, 4064})
    ->Args({4096, 4064})
    ->Args({250, 100});

// What it costs to write a chunk's size line, which every re-framed chunk needs.
void write_chunk_header(benchmark::State& state) {
    size_t bytes = 250;
    for (auto _ : state) {
        benchmark::DoNotOptimize(bytes);
        benchmark::DoNotOptimize(wire::chunk_header(bytes));
    }
}
BENCHMARK(write_chunk_header);

struct CountingSink {
    size_t events = 0;
    size_t bytes = 0;
    void on_name_line() {}
    void on_name(Bytes) {}
    void on_data(Bytes fragment) { bytes += fragment.size(); }
    void on_data_line() {}
    void on_event_end() { ++events; }
};

// How fast a stream is split into events, and whether the size of reads matters.
void parse_events(benchmark::State& state) {
    const std::string stream = chat_stream(64);
    const auto read_bytes = static_cast<size_t>(state.range(0));
    for (auto _ : state) {
        wire::SseParser parser;
        CountingSink sink;
        for (size_t at = 0; at < stream.size(); at += read_bytes) {
            parser.feed(Bytes(stream).substr(at, read_bytes), sink);
        }
        if (sink.events != 67) state.SkipWithError("events lost");
        benchmark::DoNotOptimize(sink.bytes);
    }
    count_bytes(state, stream.size());
    state.SetItemsProcessed(static_cast<int64_t>(state.iterations()) * 67);
}
BENCHMARK(parse_events)->ArgName("read_bytes")->Arg(64)->Arg(1400)->Arg(16384);

struct LastValue final : wire::JsonSink {
    uint64_t end = 0;
    void on_value(const wire::JsonValue& value) override { end = value.end; }
};

// What reading a request's model costs when the prompt is long: the whole grammar is checked.
// Target: 1.2 us at 4 KiB, 12 us at 64 KiB.
void scan_request_json(benchmark::State& state) {
    const std::string body = chat_request(static_cast<size_t>(state.range(0)));
    const wire::JsonPaths paths({"model", "stream", "stream_options.include_usage"});
    LastValue sink;
    wire::JsonScanner scanner(paths, sink);
    for (auto _ : state) {
        scanner.reset();
        const bool is_good = scanner.feed(body).has_value() && scanner.finish().has_value();
        if (!is_good) state.SkipWithError("malformed");
        benchmark::DoNotOptimize(sink.end);
    }
    count_bytes(state, body.size());
}
BENCHMARK(scan_request_json)->ArgName("bytes")->Arg(812)->Arg(4096)->Arg(65536)->Arg(262144);

// What replacing the model's name costs once it was found: slices are shared, so the size of the
// body must not matter but for the number of its slices.
void splice_model(benchmark::State& state) {
    ring::BlockPool blocks;
    ring::SliceQueue body;
    const std::string text = chat_request(static_cast<size_t>(state.range(0)));
    for (size_t at = 0; at < text.size(); at += 4000) {
        const Bytes piece = Bytes(text).substr(at, 4000);
        ring::Block& block = blocks.take(piece.size());
        std::memcpy(block.data(), piece.data(), piece.size());
        body.push_back(ring::Slice::adopt(block, piece.size()));
    }
    const Bytes name = "\"gpt-4o-mini\"";
    const http::Edit edit{text.rfind(name), name.size(), "\"another-model\""};
    for (auto _ : state) {
        ring::SliceQueue out;
        http::splice(body, {&edit, 1}, blocks, out);
        benchmark::DoNotOptimize(out.bytes());
    }
}
BENCHMARK(splice_model)->ArgName("bytes")->Arg(812)->Arg(4096)->Arg(65536);

} // namespace
} // namespace ringway::bench
