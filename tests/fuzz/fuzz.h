#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace ringway::fuzz {

/// A property that must hold for every input; libFuzzer keeps the input that breaks it.
inline void require(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "broken property: %s\n", what);
    std::abort();
}

inline Bytes bytes_of(const uint8_t* data, size_t size) {
    return {reinterpret_cast<const char*>(data), size};
}

/// A place in `bytes` that depends on nothing but them.
inline size_t place_in(Bytes bytes) {
    uint32_t hash = 2166136261U;
    for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
    return hash % (bytes.size() + 1);
}

/// Calls `fn(std::vector<Bytes> pieces)` for a few ways to split `bytes`: one byte each, two parts
/// cut at a place that the bytes decide, and pieces of three and of seventeen bytes.
template <class F>
void for_some_splits(Bytes bytes, F&& fn) {
    const size_t cut = place_in(bytes);
    fn(std::vector<Bytes>{bytes.substr(0, cut), bytes.substr(cut)});
    for (const size_t step : {size_t{1}, size_t{3}, size_t{17}}) {
        std::vector<Bytes> pieces;
        for (size_t at = 0; at < bytes.size(); at += step) pieces.push_back(bytes.substr(at, step));
        fn(pieces);
    }
}

} // namespace ringway::fuzz
