#pragma once

#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "net/stream.h"
#include "support/sim_world.h"

namespace ringway::tests {

inline std::string take_all(net::Stream& stream) {
    std::string text;
    while (stream.has_input()) text += stream.take().bytes();
    return text;
}

/// One accepted connection and its far end.
struct StreamPair {
    explicit StreamPair(SimWorld& world) : StreamPair(world, world.connection()) {}
    StreamPair(SimWorld& at, std::pair<int, ring::SimPeer> ends)
        : world(at), signal(at.loop), peer(std::move(ends.second)),
          stream(net::Stream::adopt(at.loop, ends.first, signal)) {
        world.settle();
    }
    void write(Bytes text) { stream->write(slice_of(world.blocks, text)); }

    SimWorld& world;
    ring::Signal signal;
    ring::SimPeer peer;
    net::StreamPtr stream;
};

/// `bytes` letters, which `seed` makes others.
inline std::string pattern(size_t bytes, unsigned seed = 0) {
    std::string text(bytes, '\0');
    for (size_t i = 0; i < bytes; ++i) text[i] = static_cast<char>('a' + (i * 7 + seed) % 26);
    return text;
}

/// Whoever holds on to memory that was given back finds other bytes in it.
inline void scribble(ring::BlockPool& blocks) {
    std::vector<ring::Slice> taken;
    for (int i = 0; i < 16; ++i) {
        ring::Block& block = blocks.take_small();
        std::memset(block.data(), '#', block.capacity);
        taken.push_back(ring::Slice::adopt(block, block.capacity));
    }
    for (int i = 0; i < 4; ++i) {
        ring::Block& block = blocks.take(ring::BlockPool::small_bytes);
        std::memset(block.data(), '#', block.capacity);
        taken.push_back(ring::Slice::adopt(block, block.capacity));
    }
}

} // namespace ringway::tests
