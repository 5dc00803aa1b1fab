#pragma once

#include <cstring>

#include "ring/buffers.h"

namespace ringway::http {

/// Appends `piece` to a head that comes in several pieces. It is put together in the first piece's
/// own block, if it is alone in it and there is room, or in a larger one. Heads are bounded below
/// the size of a large block.
inline void append_to_head(ring::Slice& head, ring::Slice piece, ring::BlockPool& blocks) {
    if (head.empty()) {
        head = std::move(piece);
        return;
    }
    if (head.try_append(piece.bytes())) return;
    const size_t size = head.size() + piece.size();
    ring::Block& block = blocks.take(size);
    std::memcpy(block.data(), head.data(), head.size());
    std::memcpy(block.data() + head.size(), piece.data(), piece.size());
    head = ring::Slice::adopt(block, size);
}

} // namespace ringway::http
