#include "wire/json_paths.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/assert.h"

namespace ringway::wire {
namespace {

template <class Word>
bool are_same_words(const char* a, const char* b) {
    Word of_a;
    Word of_b;
    std::memcpy(&of_a, a, sizeof of_a);
    std::memcpy(&of_b, b, sizeof of_b);
    return of_a == of_b;
}

/// As a == b, without a call for the few bytes that a key has. The last words may overlap.
bool are_same(Bytes a, Bytes b) {
    if (a.size() != b.size()) return false;
    size_t left = a.size();
    const char* of_a = a.data();
    const char* of_b = b.data();
    for (; left > 8; left -= 8, of_a += 8, of_b += 8) {
        if (!are_same_words<uint64_t>(of_a, of_b)) return false;
    }
    if (a.size() >= 8) return are_same_words<uint64_t>(of_a + left - 8, of_b + left - 8);
    if (left >= 4) {
        return are_same_words<uint32_t>(of_a, of_b) &&
               are_same_words<uint32_t>(of_a + left - 4, of_b + left - 4);
    }
    for (; left > 0; --left) {
        if (of_a[left - 1] != of_b[left - 1]) return false;
    }
    return true;
}

} // namespace

JsonPaths::JsonPaths(std::span<const Bytes> paths) {
    add_node({}); // none
    add_node({}); // the root
    int16_t index = 0;
    for (Bytes path : paths) {
        int node = root();
        while (!path.empty()) {
            const bool is_element = path.starts_with("[]");
            const size_t size = is_element ? 2 : std::min(path.find_first_of(".["), path.size());
            node = is_element ? add_element(node) : add_member(node, path.substr(0, size));
            path.remove_prefix(size);
            if (path.starts_with(".")) path.remove_prefix(1);
        }
        at(node).path = index++;
    }
}

int JsonPaths::find_from(int node, Bytes key) const {
    while (node != none && !are_same(at(node).key, key)) node = at(node).next;
    return node;
}

int JsonPaths::add_node(Bytes key) {
    RINGWAY_ASSERT(nodes_.size() < 128);
    Node& added = nodes_.emplace_back();
    added.key = key;
    added.members.fill(none);
    return static_cast<int>(nodes_.size()) - 2;
}

int JsonPaths::add_element(int node) {
    if (element(node) == none) {
        const int added = add_node({});
        at(node).element = static_cast<int8_t>(added);
    }
    return element(node);
}

int JsonPaths::add_member(int node, Bytes key) {
    if (const int known = member(node, key); known != none) return known;
    RINGWAY_ASSERT(!key.empty());
    const int added = add_node(key);
    int8_t& place = at(node).members[place_of(key)];
    at(added).next = std::exchange(place, static_cast<int8_t>(added));
    at(node).has_members = true;
    return added;
}

} // namespace ringway::wire
