#pragma once

#include <cstdint>
#include <span>

#include "ring/buffers.h"

namespace ringway::http {

/// Replaces `removed` bytes at `offset` of a body by `text`, which is copied when it is spliced in.
struct Edit {
    uint64_t offset = 0;
    uint64_t removed = 0;
    Bytes text;
};

/// How much longer the body gets by `edits`.
int64_t length_change(std::span<const Edit> edits);

/// Appends to `to` the bytes of `body` with `edits` applied: shares of the body's own slices, with
/// the replacements between them. No byte of the body is copied. `edits` are sorted by offset and
/// do not overlap.
void splice(const ring::SliceQueue& body, std::span<const Edit> edits, ring::BlockPool& blocks,
            ring::SliceQueue& to);

} // namespace ringway::http
