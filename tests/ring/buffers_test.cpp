#include "ring/buffers.h"

#include <doctest/doctest.h>

#include <cstring>
#include <string>
#include <vector>

using namespace ringway;
using namespace ringway::ring;

namespace {

Slice make(BlockPool& pool, Bytes text) {
    Block& block = pool.take_small();
    std::memcpy(block.data(), text.data(), text.size());
    return Slice::adopt(block, text.size());
}

std::string drain(SliceQueue& queue) {
    std::string text;
    while (!queue.empty()) text += queue.pop_front().bytes();
    return text;
}

} // namespace

TEST_CASE("slice: the block lives until the last share is gone") {
    BlockPool pool;
    Slice part;
    {
        const Slice whole = make(pool, "hello world");
        part = whole.part(6, 5);
        CHECK(pool.bytes_in_use() == BlockPool::small_bytes);
    }
    CHECK(part.bytes() == "world");
    part = Slice();
    CHECK(pool.bytes_in_use() == 0);
}

TEST_CASE("slice: moving leaves nothing behind, assigning to itself keeps the block") {
    BlockPool pool;
    Slice from = make(pool, "abc");
    Slice to = std::move(from);
    CHECK(from.empty()); // NOLINT: that is the question
    const Slice& alias = to;
    to = alias;
    CHECK(to.bytes() == "abc");
}

TEST_CASE("block pool: refuses past its bound, except for what must find room") {
    BlockPool pool(2 * BlockPool::small_bytes);
    Slice first = Slice::adopt(*pool.try_take_small(), 0);
    Slice second = Slice::adopt(*pool.try_take_small(), 0);
    CHECK(pool.try_take_small() == nullptr);
    Slice third = Slice::adopt(pool.take_small(), 0);
    first = Slice();
    Slice fourth = Slice::adopt(*pool.try_take_small(), 0); // the one that `first` gave back
    third = Slice();
}

TEST_CASE("block pool: a body gets the block that fits, and a smaller one near the bound") {
    BlockPool pool(BlockPool::huge_bytes + BlockPool::large_bytes);
    const auto take_for = [&](uint64_t bytes) {
        Block* block = pool.try_take_for(bytes);
        REQUIRE(block != nullptr);
        return Slice::adopt(*block, block->capacity);
    };
    const size_t fits_large = BlockPool::large_bytes - sizeof(Block);
    CHECK(take_for(fits_large).size() == fits_large);
    const Slice huge = take_for(fits_large + 1);
    CHECK(huge.size() == BlockPool::huge_bytes - sizeof(Block));
    CHECK(pool.bytes_in_use() == BlockPool::huge_bytes);
    {
        const Slice second = take_for(uint64_t{1} << 40);
        CHECK(second.size() == fits_large);
        CHECK(pool.try_take_for(uint64_t{1} << 40) == nullptr);
    }
    CHECK(pool.bytes_in_use() == BlockPool::huge_bytes);
}

TEST_CASE("block pool: copies share one block until it is full") {
    BlockPool pool;
    std::vector<Slice> copies;
    for (int i = 0; i < 100; ++i) copies.push_back(pool.copy("0123456789"));
    CHECK(pool.bytes_in_use() == BlockPool::small_bytes);
    for (const Slice& copy : copies) CHECK(copy.bytes() == "0123456789");
}

TEST_CASE("block pool: what is not needed between two trims goes back to the heap, by halves") {
    BlockPool pool;
    {
        std::vector<Slice> slices;
        for (int i = 0; i < 64; ++i) slices.push_back(Slice::adopt(pool.take_small(), 0));
    }
    CHECK(pool.bytes_held() == 64 * BlockPool::small_bytes);
    pool.trim();
    CHECK(pool.bytes_held() == 64 * BlockPool::small_bytes);
    for (int i = 0; i < 8; ++i) pool.trim();
    CHECK(pool.bytes_held() == 0);
}

TEST_CASE("slice queue: consume goes over slice borders and counts bytes") {
    BlockPool pool;
    SliceQueue queue;
    queue.push_back(make(pool, "abc"));
    queue.push_back(make(pool, "defg"));
    queue.push_front(make(pool, "01"));
    CHECK(queue.bytes() == 9);
    queue.consume(4);
    CHECK(queue.bytes() == 5);
    CHECK(queue.front().bytes() == "c");
    queue.consume(1);
    CHECK(drain(queue) == "defg");
    CHECK(queue.bytes() == 0);
    CHECK(pool.bytes_in_use() == 0);
}
