#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <vector>

#include "base/bytes.h"

namespace ringway::wire {

/// The places in a document that a scan reports: "model", "stream_options.include_usage",
/// "choices[].finish_reason"; "" is the document itself. A path is known by its index in the list.
/// They make a tree, whose nodes are known by numbers. Made once, at start; shared by all scanners.
/// Lifetime: the texts outlive it.
class JsonPaths {
public:
    JsonPaths(std::initializer_list<Bytes> paths)
        : JsonPaths(std::span<const Bytes>(paths.begin(), paths.size())) {}
    explicit JsonPaths(std::span<const Bytes> paths);

    static constexpr int none = -1; ///< is a node as well: without path, element and members
    static constexpr size_t depth_max = 8;
    int root() const { return 0; }
    /// The path that ends in `node`, if one does.
    int path_of(int node) const { return at(node).path; }
    /// The node of all elements, when `node` is an array.
    int element(int node) const { return at(node).element; }
    /// The node of the member `key`, when `node` is an object.
    int member(int node, Bytes key) const { return key.empty() ? none : find(members(node), key); }

    /// The nodes of an object's members, by place_of() their keys. Where several have one place,
    /// each knows the next.
    using Members = std::array<int8_t, 64>;
    const Members& members(int node) const { return at(node).members; }
    bool has_members(int node) const { return at(node).has_members; }
    /// There is a byte at key.data() even when the key is empty.
    int find(const Members& members, Bytes key) const {
        const int first = members[place_of(key)];
        return first == none ? none : find_from(first, key);
    }

private:
    struct Node {
        Bytes key;
        Members members;
        int16_t path = none;
        int8_t next = none; ///< with the same place among the members of one object
        int8_t element = none;
        bool has_members = false;
    };
    static size_t place_of(Bytes key) {
        return (key.size() + 4 * static_cast<unsigned char>(*key.data())) % 64;
    }
    int find_from(int node, Bytes key) const;
    const Node& at(int node) const { return nodes_[static_cast<size_t>(node + 1)]; }
    Node& at(int node) { return nodes_[static_cast<size_t>(node + 1)]; }
    int add_node(Bytes key);
    int add_element(int node);
    int add_member(int node, Bytes key);
    std::vector<Node> nodes_; ///< from none on
};

} // namespace ringway::wire
