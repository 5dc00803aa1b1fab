#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <string>

#include "ring/loop.h"
#include "ring/uring_backend.h"

namespace ringway::tests {

/// A loop on the real ring, on the test's own thread.
class RingWorld {
public:
    RingWorld() : backend(make(blocks)), loop(*backend, blocks) {}
    ~RingWorld() {
        for (int turns = 0; turns < 16; ++turns) loop.turn(loop.now()); // what is closing closes
    }

    /// Turns until `predicate` holds; gives up after many turns that each wait a little.
    template <class Predicate>
    void turn_until(Predicate predicate) {
        for (int turns = 0; turns < 2000 && !predicate(); ++turns) loop.turn(loop.now() + 50ms);
        REQUIRE(predicate());
    }
    void turn_now() { loop.turn(loop.now()); }

    ring::BlockPool blocks;
    std::unique_ptr<ring::UringBackend> backend;
    ring::Loop loop;

private:
    static std::unique_ptr<ring::UringBackend> make(ring::BlockPool& pool) {
        std::string explanation;
        auto made = ring::UringBackend::make(pool, {}, explanation);
        INFO(explanation);
        REQUIRE(made.has_value());
        return std::move(*made);
    }
};

} // namespace ringway::tests
