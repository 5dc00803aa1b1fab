#pragma once

#include <string>
#include <vector>

#include "ring/buffers.h"
#include "tools/mock_script.h"

namespace ringway::tools {

/// An answer ready to be sent, in blocks that all streams with the same answer share.
/// Belongs to one worker.
struct MockPrepared {
    using Slices = std::vector<ring::Slice>;

    MockQuestion question;
    std::string problem; ///< when not empty: a 400 with this sentence is the answer
    bool is_chunked = true;

    Slices opening;
    Slices settling;
    Slices finish;
    Slices usage;
    Slices done;
    Slices body;
    uint64_t body_bytes = 0;

    /// Where a content event stands in the slab, chunk framing included, and the places of its
    /// numbers; 0: it has none.
    struct Place {
        uint32_t begin;
        uint32_t number_at;
        uint32_t number_width;
        uint32_t seq_at;
        uint32_t sent_at;
    };
    /// The content events: all of a call's, or one burst of the token that is repeated.
    ring::Slice slab;
    std::vector<Place> places; ///< and one more for the slab's end
    uint32_t event_count = 0;
    uint32_t number_first = 0;
    std::string event; ///< the first content event, without framing

    uint32_t slab_events() const { return static_cast<uint32_t>(places.size()) - 1; }
    /// Each event must get numbers of its own.
    bool is_patched() const { return places.front().seq_at != 0 || places.front().number_at != 0; }
};

/// Renders the answer to `question` into blocks of `pool`.
MockPrepared prepare_mock(const MockQuestion& question, bool is_chunked, ring::BlockPool& pool);
/// Copies `bytes` into blocks.
MockPrepared::Slices mock_slices(Bytes bytes, ring::BlockPool& pool);
/// As a chunk, if `is_chunked`; nothing for nothing.
std::string mock_chunk(Bytes bytes, bool is_chunked);

} // namespace ringway::tools
