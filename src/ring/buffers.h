#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#include "base/assert.h"
#include "base/bytes.h"

namespace ringway::ring {

class BlockPool;

/// A run of memory that slices share. It goes back to its pool when the last slice lets go.
/// Belongs to one worker; its count is not atomic.
struct Block {
    BlockPool* pool;
    Block* next_free; ///< in the pool's free list only
    uint32_t refs;
    uint32_t capacity; ///< bytes of data()

    char* data() { return reinterpret_cast<char*>(this + 1); }
};

/// Owns a share of a block: the bytes stay put until the last share is gone.
/// A slice without a block views static memory.
class Slice {
public:
    Slice() = default;
    /// Views bytes that outlive every use of the slice, such as a literal.
    static Slice of_static(Bytes bytes) { return {nullptr, bytes.data(), bytes.size()}; }
    /// Takes over the one reference a fresh block is born with.
    static Slice adopt(Block& block, size_t size) { return {&block, block.data(), size}; }

    Slice(const Slice& other) : block_(other.block_), data_(other.data_), size_(other.size_) {
        if (block_ != nullptr) ++block_->refs;
    }
    Slice(Slice&& other) noexcept { take_over(other); }
    Slice& operator=(const Slice& other) {
        Slice copied(other);
        return *this = std::move(copied);
    }
    Slice& operator=(Slice&& other) noexcept {
        if (this == &other) return *this;
        if (block_ != nullptr) release();
        take_over(other);
        return *this;
    }
    ~Slice() {
        if (block_ != nullptr) release();
    }

    const char* data() const { return data_; }
    size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }
    Bytes bytes() const { return {data_, size_}; }
    bool owns_block() const { return block_ != nullptr; }
    Block* block() const { return block_; }

    /// A share of `size` bytes from `offset`.
    Slice part(size_t offset, size_t size) const {
        RINGWAY_ASSERT(offset + size <= size_);
        Slice share(*this);
        share.data_ += offset;
        share.size_ = static_cast<uint32_t>(size);
        return share;
    }
    /// A share of `bytes`, which must lie inside this slice.
    Slice part(Bytes bytes) const {
        return part(static_cast<size_t>(bytes.data() - data_), bytes.size());
    }
    void remove_prefix(size_t bytes) {
        RINGWAY_ASSERT(bytes <= size_);
        data_ += bytes;
        size_ -= static_cast<uint32_t>(bytes);
    }
    /// No one else views the block.
    bool is_sole_share() const { return block_ != nullptr && block_->refs == 1; }
    /// Appends `bytes` behind the slice, if it is the block's sole share and there is room.
    bool try_append(Bytes bytes) {
        if (room() < bytes.size()) return false;
        std::memcpy(const_cast<char*>(data_) + size_, bytes.data(), bytes.size());
        size_ += static_cast<uint32_t>(bytes.size());
        return true;
    }
    /// How many bytes try_append() takes.
    size_t room() const {
        if (!is_sole_share()) return 0;
        return static_cast<size_t>(block_->data() + block_->capacity - (data_ + size_));
    }
    void truncate(size_t size) {
        RINGWAY_ASSERT(size <= size_);
        size_ = static_cast<uint32_t>(size);
    }

private:
    Slice(Block* block, const char* data, size_t size)
        : block_(block), data_(data), size_(static_cast<uint32_t>(size)) {}
    void release();
    void take_over(Slice& other) {
        block_ = std::exchange(other.block_, nullptr);
        data_ = std::exchange(other.data_, nullptr);
        size_ = std::exchange(other.size_, 0);
    }

    Block* block_ = nullptr;
    const char* data_ = nullptr;
    uint32_t size_ = 0;
};

/// The blocks of one worker: small ones receive from sockets and carry heads, large and huge ones
/// carry request bodies. Free blocks are reused last in, first out, so that few of them are warm.
///
/// The invariant: small_bytes_in_use() + the free list's bytes <= what the heap gave.
class BlockPool {
public:
    static constexpr size_t small_bytes = 4096;   ///< header included
    static constexpr size_t large_bytes = 131072; ///< header included
    static constexpr size_t huge_bytes = 262144;  ///< header included

    /// `bytes_max` bounds what all blocks together may take; 0 means no bound.
    explicit BlockPool(size_t bytes_max = 0) : bytes_max_(bytes_max) {}
    ~BlockPool();
    BlockPool(const BlockPool&) = delete;
    BlockPool& operator=(const BlockPool&) = delete;

    /// A block with one reference, or null when the bound is reached.
    Block* try_take_small() { return try_take(small_, small_bytes); }
    Block* try_take_large() { return try_take(large_, large_bytes); }
    /// A large block or, for more than fits one, a huge one; null when the bound is reached.
    Block* try_take_for(uint64_t bytes) {
        if (bytes <= large_bytes - sizeof(Block)) return try_take_large();
        Block* block = try_take(huge_, huge_bytes);
        return block != nullptr ? block : try_take_large();
    }
    /// A small block past any bound: heads and error answers must always find room.
    Block& take_small() { return take(small_, small_bytes); }
    /// A block of at least `bytes` bytes, past any bound; `bytes` must fit a large block.
    Block& take(size_t bytes);
    void give_back(Block& block);

    /// Copies `bytes` into blocks of this pool; the returned slice views one block.
    /// `bytes` must fit a small block.
    Slice copy(Bytes bytes);

    /// Gives back to the heap half of the blocks no one has needed since the last call. True: there
    /// were some.
    bool trim();

    size_t bytes_held() const { return bytes_held_; } ///< from the heap, free ones included
    size_t bytes_in_use() const { return bytes_in_use_; }

private:
    struct FreeList {
        Block* head = nullptr;
        uint32_t length = 0;
        uint32_t idle_min = 0;
    };
    Block* try_take(FreeList& from, size_t bytes);
    Block& take(FreeList& from, size_t bytes);
    Block* make(size_t bytes);
    void drop(FreeList& from, uint32_t count, size_t bytes);

    FreeList small_;
    FreeList large_;
    FreeList huge_;
    size_t bytes_max_;
    size_t bytes_held_ = 0;
    size_t bytes_in_use_ = 0;
    Slice scratch_; ///< room for copy(): short texts share one block
};

/// A first in, first out queue of slices. Most hold one at most, which needs no node; the nodes of
/// the others come from this thread's free lists. Small, as every stream has several.
/// Invariant: without a first slice there are no others.
class SliceQueue {
public:
    SliceQueue() = default;
    SliceQueue(SliceQueue&& other) noexcept { take_over(other); }
    SliceQueue& operator=(SliceQueue&& other) noexcept {
        clear();
        take_over(other);
        return *this;
    }
    ~SliceQueue() { clear(); }

    bool empty() const { return first_.data() == nullptr; }
    size_t bytes() const { return first_.size() + (head_ != nullptr ? head_->bytes : 0); }
    void push_back(Slice&& slice) {
        if (empty()) {
            first_ = std::move(slice);
        } else {
            add_node(std::move(slice));
        }
    }
    void push_back(const Slice& slice) { push_back(Slice(slice)); }
    /// Moves all of `other` behind what is there.
    void append(SliceQueue&& other) {
        if (empty()) [[likely]] {
            take_over(other);
        } else {
            append_nodes(other);
        }
    }
    void push_front(Slice slice);
    /// The first slice; the queue must not be empty.
    Slice pop_front() {
        RINGWAY_ASSERT(!empty());
        Slice slice = std::move(first_);
        if (head_ != nullptr) [[unlikely]]
            first_ = take_node();
        return slice;
    }
    const Slice& front() const { return first_; }
    const Slice& back() const { return head_ == nullptr ? first_ : head_->last->slice; }
    /// Appends `bytes` to the last slice, if there is one that can take them (Slice::try_append).
    bool try_append_to_back(Bytes bytes) {
        if (empty()) return false;
        Slice& last = head_ == nullptr ? first_ : head_->last->slice;
        if (!last.try_append(bytes)) return false;
        if (head_ != nullptr) head_->bytes += bytes.size();
        return true;
    }
    /// Lets go of the first `bytes` bytes, which must be there.
    void consume(size_t bytes) {
        if (bytes == first_.size() && head_ == nullptr) [[likely]] {
            first_ = Slice();
        } else {
            consume_slices(bytes);
        }
    }
    /// Whether there is one slice, and no other.
    bool has_one() const { return head_ == nullptr && !empty(); }
    void clear() {
        while (!empty()) pop_front();
    }
    /// Moves the bytes of small slices together into blocks of their own, so that a queue that
    /// waits does not hold a whole block for each. Slices that fill half a block stay.
    /// The first `in_flight_bytes` stay where they are: the kernel may be sending them.
    void compact(BlockPool& pool, size_t in_flight_bytes = 0);

    /// Visits the slices in order until `visit` returns false.
    template <class F>
    void for_each(F&& visit) const {
        if (empty() || !visit(first_)) return;
        for (const Node* node = head_; node != nullptr && visit(node->slice); node = node->next) {}
    }

private:
    /// One behind the first. The head of them also knows the last and the bytes of all.
    struct Node {
        Slice slice;
        Node* next;
        Node* last;
        size_t bytes;
    };
    static Node* make_node(Slice&& slice);
    void add_node(Slice&& slice);
    void append_nodes(SliceQueue& other);
    void consume_slices(size_t bytes);
    Slice take_node();
    void take_over(SliceQueue& other) {
        first_ = std::move(other.first_);
        head_ = std::exchange(other.head_, nullptr);
    }

    Slice first_;
    Node* head_ = nullptr;
};

} // namespace ringway::ring
