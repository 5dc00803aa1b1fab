#include "net/stream.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>

#include "support/stream_pair.h"

using namespace ringway;
using namespace ringway::net;
using namespace ringway::tests;
using Pair = ringway::tests::StreamPair;

TEST_CASE("stream: what is lent arrives in order and intact, whenever it is given back") {
    for (uint64_t seed = 1; seed <= 40; ++seed) {
        CAPTURE(seed);
        SimWorld world(seed);
        world.network.faults.socket_bytes = 150'000;
        world.network.faults.short_send = 20;
        world.network.faults.no_zero_copy = 10;
        world.network.faults.late_return = 90;
        world.network.faults.copied = static_cast<unsigned>(seed % 3 * 50);
        if (seed % 4 != 0) world.loop.zero_copy().try_always();
        Pair pair(world);
        pair.stream->allow_zero_copy();
        std::mt19937_64 random(seed);
        std::string expected;
        std::string got;
        size_t loans_max = 0;
        for (int step = 0; step < 40; ++step) {
            const size_t size =
                random() % 4 == 0 ? 1 + random() % 3000 : 30'000 + random() % 90'000;
            const std::string text = pattern(size, static_cast<unsigned>(step));
            ring::Slice whole = slice_of(world.blocks, text);
            const size_t cut = random() % text.size();
            pair.stream->write(whole.part(0, cut));
            pair.stream->write(whole.part(cut, text.size() - cut));
            whole = ring::Slice();
            expected += text;
            for (uint64_t turns = random() % 4; turns > 0; --turns) {
                world.loop.turn(world.loop.now());
                loans_max = std::max(loans_max, world.backend.loans());
                scribble(world.blocks);
                got += pair.peer.take(random() % 200'000);
            }
        }
        for (int turns = 0; turns < 1000 && got.size() < expected.size(); ++turns) {
            world.loop.turn(world.loop.now());
            scribble(world.blocks);
            got += pair.peer.take();
        }
        REQUIRE(got.size() == expected.size());
        REQUIRE((got == expected));
        CHECK(world.loop.zero_copy().tried() > 0);
        CHECK(loans_max <= 2);
        world.network.faults.late_return = 0;
        world.settle();
        CHECK(pair.stream->loans() == 0);
        CHECK(world.blocks.bytes_in_use() == 0);
    }
}

TEST_CASE("stream: with all loans out, it sends on without them") {
    SimWorld world;
    world.network.faults.late_return = 100;
    world.network.faults.socket_bytes = 1 << 20;
    world.loop.zero_copy().try_always();
    Pair pair(world);
    pair.stream->allow_zero_copy();
    std::string expected;
    for (unsigned i = 0; i < 5; ++i) {
        expected += pattern(50'000, i);
        pair.write(pattern(50'000, i));
        world.settle();
        CHECK(pair.stream->loans() == std::min(i + 1, 2U));
        CHECK(pair.stream->unsent_bytes() == 0);
        CHECK_FALSE(pair.stream->is_congested());
    }
    CHECK((pair.peer.take() == expected));
    world.network.faults.late_return = 0;
    world.settle();
    CHECK(pair.stream->loans() == 0);
    pair.write(pattern(50'000));
    world.settle();
    CHECK(world.loop.zero_copy().tried() == 3);
}

TEST_CASE("stream: the kernel says that it copied, and the next large sends are plain ones") {
    SimWorld world;
    Pair pair(world);
    const auto send_large = [&](unsigned count) {
        for (; count > 0; --count) {
            pair.write(pattern(40'000));
            world.loop.turn(world.loop.now());
            world.loop.turn(world.loop.now());
            pair.peer.take();
        }
    };
    send_large(10);
    CHECK(world.loop.zero_copy().tried() == 0); // which was not allowed
    pair.stream->allow_zero_copy();
    send_large(ring::ZeroCopy::pause_min + 1);
    CHECK(world.loop.zero_copy().tried() == 1);
    CHECK(world.loop.zero_copy().copied() == 1);
    world.network.faults.copied = 0;
    send_large(10);
    CHECK(world.loop.zero_copy().tried() == 11);
    CHECK(world.loop.zero_copy().copied() == 1);
    const uint64_t tried = world.loop.zero_copy().tried();
    pair.write(pattern(ring::zero_copy_bytes_min - 1));
    world.settle();
    CHECK(world.loop.zero_copy().tried() == tried);
}

TEST_CASE("stream: where zero copy is refused, everything goes out plainly") {
    SimWorld world;
    world.network.faults.no_zero_copy = 100;
    world.loop.zero_copy().try_always();
    Pair pair(world);
    pair.stream->allow_zero_copy();
    std::string expected;
    std::string got;
    for (unsigned i = 0; i < 5; ++i) {
        expected += pattern(50'000, i);
        pair.write(pattern(50'000, i));
        world.settle();
        got += pair.peer.take();
    }
    CHECK((got == expected));
    CHECK(pair.stream->loans() == 0);
    CHECK(world.loop.zero_copy().copied() == 5);
    CHECK(world.blocks.bytes_in_use() == 0);
}

TEST_CASE("stream: closing takes back what is lent, and drops what has not arrived") {
    for (const bool is_waiting_for_room : {false, true}) {
        CAPTURE(is_waiting_for_room);
        for (uint64_t seed = 1; seed <= 4; ++seed) {
            SimWorld world(seed);
            world.network.faults.late_return = 100;
            world.network.faults.socket_bytes = 1 << 20;
            world.loop.zero_copy().try_always();
            Pair pair(world);
            pair.stream->allow_zero_copy();
            pair.write(pattern(50'000));
            world.settle();
            if (is_waiting_for_room) world.network.faults.socket_bytes = 0;
            pair.write(pattern(60'000));
            for (uint64_t turns = seed % 3; turns > 0; --turns) world.loop.turn(world.loop.now());
            CHECK(pair.stream->is_congested() == (is_waiting_for_room && seed % 3 != 0));
            pair.stream.reset();
            while (world.backend.open_sockets() > 0) {
                scribble(world.blocks);
                world.loop.turn(world.loop.now());
            }
            world.settle();
            CHECK(world.backend.loans() == 0);
            CHECK(pair.peer.has_ended());
            CHECK(world.blocks.bytes_in_use() == 0);
        }
    }
}

TEST_CASE("stream: a reset with memory lent is a failure like any other") {
    SimWorld world;
    world.network.faults.late_return = 100;
    world.network.faults.socket_bytes = 60'000;
    world.loop.zero_copy().try_always();
    Pair pair(world);
    pair.stream->allow_zero_copy();
    pair.write(pattern(100'000));
    world.settle();
    CHECK(pair.stream->loans() == 2);
    CHECK(pair.stream->is_congested());
    pair.peer.reset();
    world.settle();
    REQUIRE(pair.stream->failure().has_value());
    CHECK(pair.stream->failure()->code == Code::reset);
    CHECK(pair.stream->loans() >= 1);
    pair.stream.reset();
    world.settle();
    CHECK(world.backend.open_sockets() == 0);
    CHECK(world.blocks.bytes_in_use() == 0);
}
