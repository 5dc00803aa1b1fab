#include "tools/mock_prepared.h"

#include <algorithm>
#include <cstring>

#include "wire/chunked.h"

namespace ringway::tools {
namespace {

constexpr size_t block_bytes = ring::BlockPool::large_bytes - sizeof(ring::Block);
constexpr size_t slab_bytes_max = 65536; ///< of several events; a single one may take more

ring::Slice copy(Bytes bytes, ring::BlockPool& pool) {
    ring::Block& block = pool.take(bytes.size());
    std::memcpy(block.data(), bytes.data(), bytes.size());
    return ring::Slice::adopt(block, bytes.size());
}

/// Appends an event with its framing, and where its numbers are.
void append_event(const MockEvent& event, bool is_chunked, std::string& slab,
                  std::vector<MockPrepared::Place>& places) {
    const auto begin = static_cast<uint32_t>(slab.size());
    slab += mock_chunk(event.text, is_chunked);
    const auto framing =
        static_cast<uint32_t>(is_chunked ? wire::chunk_header(event.text.size()).size() : 0);
    const auto place = [&](uint32_t at) { return at == 0 ? 0 : begin + framing + at; };
    places.push_back({begin, place(event.number_at), event.number_width, place(event.seq_at),
                      place(event.sent_at)});
}

void prepare_slab(const MockScript& script, ring::BlockPool& pool, MockPrepared& prepared) {
    std::string slab;
    if (script.events.size() == 1) {
        const size_t event_bytes = mock_chunk(script.events[0].text, prepared.is_chunked).size();
        const size_t fitting = std::max<size_t>(slab_bytes_max / event_bytes, 1);
        const size_t count = std::min<size_t>(prepared.question.options.burst, fitting);
        for (size_t i = 0; i < count; ++i) {
            append_event(script.events[0], prepared.is_chunked, slab, prepared.places);
        }
    } else {
        for (const MockEvent& event : script.events) {
            append_event(event, prepared.is_chunked, slab, prepared.places);
        }
    }
    prepared.places.push_back({static_cast<uint32_t>(slab.size()), 0, 0, 0, 0});
    prepared.slab = copy(slab, pool);
    prepared.event_count = script.event_count;
    prepared.number_first = script.number_first;
    prepared.event = script.events[0].text;
}

} // namespace

MockPrepared prepare_mock(const MockQuestion& question, bool is_chunked, ring::BlockPool& pool) {
    MockPrepared prepared;
    prepared.question = question;
    prepared.is_chunked = is_chunked;
    const auto script = render_script(question);
    if (!script) {
        prepared.problem = script.error();
        return prepared;
    }
    if (script->body.empty()) {
        const auto framed = [&](Bytes part) {
            return mock_slices(mock_chunk(part, is_chunked), pool);
        };
        prepared.opening = framed(script->opening);
        prepared.settling = framed(script->settling);
        prepared.finish = framed(script->finish);
        prepared.usage = framed(script->usage);
        prepared.done = framed(script->done);
        prepare_slab(*script, pool, prepared);
    } else {
        prepared.body = mock_slices(script->body, pool);
        prepared.body_bytes = script->body.size();
        prepared.event_count = script->event_count;
    }
    return prepared;
}

MockPrepared::Slices mock_slices(Bytes bytes, ring::BlockPool& pool) {
    MockPrepared::Slices slices;
    while (!bytes.empty()) {
        const Bytes piece = bytes.substr(0, block_bytes);
        slices.push_back(copy(piece, pool));
        bytes.remove_prefix(piece.size());
    }
    return slices;
}

std::string mock_chunk(Bytes bytes, bool is_chunked) {
    if (bytes.empty()) return "";
    if (!is_chunked) return std::string(bytes);
    return wire::chunk_header(bytes.size()).append(bytes).append(wire::chunk_end);
}

} // namespace ringway::tools
