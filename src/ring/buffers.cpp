#include "ring/buffers.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "ring/memory.h"

namespace ringway::ring {

void Slice::release() {
    RINGWAY_ASSERT(block_->refs > 0);
    if (--block_->refs == 0) block_->pool->give_back(*block_);
}

BlockPool::~BlockPool() {
    scratch_ = Slice();
    drop(small_, small_.length, small_bytes);
    drop(large_, large_.length, large_bytes);
    drop(huge_, huge_.length, huge_bytes);
    RINGWAY_ASSERT(bytes_in_use_ == 0);
}

Block* BlockPool::try_take(FreeList& from, size_t bytes) {
    Block* block = from.head;
    if (block != nullptr) {
        from.head = block->next_free;
        if (--from.length < from.idle_min) from.idle_min = from.length;
    } else {
        if (bytes_max_ != 0 && bytes_held_ + bytes > bytes_max_) return nullptr;
        block = make(bytes);
    }
    block->refs = 1;
    bytes_in_use_ += bytes;
    return block;
}

Block& BlockPool::take(FreeList& from, size_t bytes) {
    if (Block* block = try_take(from, bytes)) return *block;
    Block& block = *make(bytes);
    block.refs = 1;
    bytes_in_use_ += bytes;
    return block;
}

Block& BlockPool::take(size_t bytes) {
    RINGWAY_ASSERT(bytes <= large_bytes - sizeof(Block));
    return bytes <= small_bytes - sizeof(Block) ? take(small_, small_bytes)
                                                : take(large_, large_bytes);
}

Block* BlockPool::make(size_t bytes) {
    auto* block = static_cast<Block*>(::operator new(bytes));
    block->pool = this;
    block->next_free = nullptr;
    block->refs = 0;
    block->capacity = static_cast<uint32_t>(bytes - sizeof(Block));
    bytes_held_ += bytes;
    return block;
}

void BlockPool::give_back(Block& block) {
    const size_t bytes = block.capacity + sizeof(Block);
    FreeList& to = bytes == small_bytes ? small_ : bytes == large_bytes ? large_ : huge_;
    bytes_in_use_ -= bytes;
    block.next_free = to.head;
    to.head = &block;
    ++to.length;
}

void BlockPool::drop(FreeList& from, uint32_t count, size_t bytes) {
    for (; count > 0; --count) {
        Block* block = from.head;
        from.head = block->next_free;
        --from.length;
        bytes_held_ -= bytes;
        ::operator delete(block);
    }
}

Slice BlockPool::copy(Bytes bytes) {
    if (scratch_.size() < bytes.size()) {
        Block& block = take_small();
        scratch_ = Slice::adopt(block, block.capacity);
        RINGWAY_ASSERT(bytes.size() <= scratch_.size());
    }
    // The scratch slice views what is still free of its block; the parts cut off before it are
    // never written again.
    std::memcpy(const_cast<char*>(scratch_.data()), bytes.data(), bytes.size());
    Slice copied = scratch_.part(0, bytes.size());
    scratch_.remove_prefix(bytes.size());
    return copied;
}

bool BlockPool::trim() {
    const size_t held = bytes_held_;
    drop(small_, (small_.idle_min + 1) / 2, small_bytes);
    drop(large_, (large_.idle_min + 1) / 2, large_bytes);
    drop(huge_, (huge_.idle_min + 1) / 2, huge_bytes);
    small_.idle_min = small_.length;
    large_.idle_min = large_.length;
    huge_.idle_min = huge_.length;
    return bytes_held_ < held;
}

SliceQueue::Node* SliceQueue::make_node(Slice&& slice) {
    auto* node = new (memory::allocate(sizeof(Node))) Node{std::move(slice), nullptr, nullptr, 0};
    node->last = node;
    node->bytes = node->slice.size();
    return node;
}

void SliceQueue::add_node(Slice&& slice) {
    Node* node = make_node(std::move(slice));
    if (head_ == nullptr) {
        head_ = node;
        return;
    }
    head_->last->next = node;
    head_->last = node;
    head_->bytes += node->bytes;
}

Slice SliceQueue::take_node() {
    Node* node = head_;
    head_ = node->next;
    if (head_ != nullptr) {
        head_->last = node->last;
        head_->bytes = node->bytes - node->slice.size();
    }
    Slice slice = std::move(node->slice);
    node->~Node();
    memory::release(node, sizeof(Node));
    return slice;
}

void SliceQueue::append_nodes(SliceQueue& other) {
    if (other.empty()) return;
    add_node(std::move(other.first_));
    Node* const rest = std::exchange(other.head_, nullptr);
    if (rest == nullptr) return;
    head_->last->next = rest;
    head_->last = rest->last;
    head_->bytes += rest->bytes;
}

void SliceQueue::push_front(Slice slice) {
    Slice second = std::exchange(first_, std::move(slice));
    if (second.data() == nullptr) return;
    Node* node = make_node(std::move(second));
    if (head_ != nullptr) {
        node->last = head_->last;
        node->bytes += head_->bytes;
    }
    node->next = std::exchange(head_, node);
}

void SliceQueue::consume_slices(size_t bytes) {
    RINGWAY_ASSERT(bytes <= this->bytes());
    while (bytes > 0) {
        if (first_.size() > bytes) return first_.remove_prefix(bytes);
        bytes -= first_.size();
        pop_front();
    }
}

void SliceQueue::compact(BlockPool& pool, size_t in_flight_bytes) {
    SliceQueue compacted;
    while (!empty()) {
        Slice slice = pop_front();
        const bool is_small = in_flight_bytes == 0 && slice.size() < BlockPool::small_bytes / 2;
        in_flight_bytes -= std::min(in_flight_bytes, slice.size());
        if (is_small && compacted.try_append_to_back(slice.bytes())) continue;
        if (is_small && !slice.is_sole_share()) {
            Block& block = pool.take_small();
            std::memcpy(block.data(), slice.data(), slice.size());
            slice = Slice::adopt(block, slice.size());
        }
        compacted.push_back(std::move(slice));
    }
    take_over(compacted);
}

} // namespace ringway::ring
