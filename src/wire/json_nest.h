#pragma once

#include <array>
#include <cstdint>

#include "wire/json_paths.h"

namespace ringway::wire {

/// The containers around the value that a scan is at, and what is asked about their members. What
/// the innermost one needs for each of its members is kept at hand.
/// Invariant: those deeper than JsonPaths::depth_max have the node none.
class JsonNest {
public:
    static constexpr unsigned depth_max = 64; ///< deeper than tools and schemas go

    explicit JsonNest(const JsonPaths& paths) : paths_(paths) {}
    void clear() {
        depth_ = 0;
        kinds_ = 0;
    }

    bool is_outside() const { return depth_ == 0; }
    bool is_full() const { return depth_ == depth_max; }
    bool in_object() const { return (kinds_ & 1) != 0; }
    bool has_members() const { return paths_.has_members(node()); }
    /// Of the innermost container.
    char closing_bracket() const { return in_object() ? '}' : ']'; }
    int node() const { return nodes_[depth_ - 1]; }
    uint64_t begin() const { return begins_[depth_ - 1]; } ///< if it has a node
    /// Of a value in it.
    int element() const { return element_; }
    int member(Bytes key) const { return paths_.find(*members_, key); }

    void push(bool is_object, int node, uint64_t begin) {
        if (depth_ < JsonPaths::depth_max) {
            begins_[depth_] = begin;
        } else {
            node = JsonPaths::none;
        }
        nodes_[depth_] = static_cast<int8_t>(node);
        kinds_ = kinds_ << 1 | static_cast<uint64_t>(is_object);
        ++depth_;
        enter(node);
    }
    void pop() {
        kinds_ >>= 1;
        --depth_;
        if (depth_ > 0) enter(node());
    }

private:
    void enter(int node) {
        members_ = &paths_.members(node);
        element_ = paths_.element(node);
    }

    const JsonPaths& paths_;
    uint64_t kinds_ = 0; ///< a bit per container, the innermost lowest: is an object
    const JsonPaths::Members* members_ = nullptr; ///< of the innermost
    uint32_t depth_ = 0;
    int element_ = JsonPaths::none; ///< and its element()
    std::array<uint64_t, JsonPaths::depth_max> begins_;
    std::array<int8_t, depth_max> nodes_;
    static_assert(depth_max <= 64, "kinds_ has a bit for each");
};

} // namespace ringway::wire
