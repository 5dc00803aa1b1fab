#pragma once

#include <doctest/doctest.h>

#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace ringway::tests {

/// The pieces of one way to split some bytes. Each piece has memory of its own, of exactly its
/// size, so that a sanitizer sees a parser that looks past its end.
class Pieces {
public:
    void add(Bytes bytes) {
        auto& copy = copies_.emplace_back(std::make_unique<char[]>(bytes.size()));
        if (!bytes.empty()) std::memcpy(copy.get(), bytes.data(), bytes.size());
        pieces_.emplace_back(copy.get(), bytes.size());
    }
    std::span<const Bytes> list() const { return pieces_; }

private:
    std::vector<std::unique_ptr<char[]>> copies_;
    std::vector<Bytes> pieces_;
};

/// Calls `fn(std::span<const Bytes> pieces)` for every way to cut `bytes` in two (an empty piece at
/// either end included), and for pieces of every fixed size from one byte to all of them.
/// Lifetime: the pieces die when `fn` returns.
template <class F>
void for_each_split(Bytes bytes, F&& fn) {
    for (size_t cut = 0; cut <= bytes.size(); ++cut) {
        CAPTURE(cut);
        Pieces pieces;
        pieces.add(bytes.substr(0, cut));
        pieces.add(bytes.substr(cut));
        fn(pieces.list());
    }
    for (size_t step = 1; step <= bytes.size(); ++step) {
        CAPTURE(step);
        Pieces pieces;
        for (size_t at = 0; at < bytes.size(); at += step) pieces.add(bytes.substr(at, step));
        fn(pieces.list());
    }
}

/// The same bytes as often as asked.
inline std::string repeated(Bytes bytes, size_t times) {
    std::string text;
    text.reserve(bytes.size() * times);
    for (size_t i = 0; i < times; ++i) text += bytes;
    return text;
}

} // namespace ringway::tests
