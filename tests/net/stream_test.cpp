#include "net/stream.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>

#include "support/stream_pair.h"

using namespace ringway;
using namespace ringway::net;
using namespace ringway::tests;
using Pair = ringway::tests::StreamPair;

TEST_CASE("stream: what is written in one turn goes out in one send") {
    SimWorld world;
    Pair pair(world);
    const uint64_t before = world.backend.sends();
    pair.write("one ");
    pair.write("two ");
    pair.write("three");
    CHECK(pair.stream->unsent_bytes() == 13);
    world.settle();
    CHECK(world.backend.sends() == before + 1);
    CHECK(pair.peer.take() == "one two three");
    CHECK(pair.stream->unsent_bytes() == 0);
    CHECK_FALSE(pair.stream->is_congested());
}

TEST_CASE("stream: what waits for a send to go well does not wait for an event as well") {
    SimWorld world;
    Pair pair(world);
    const auto turn_awake = [&](auto is_done) {
        for (int turns = 0; turns < 8 && !is_done(); ++turns) {
            world.loop.turn(TimePoint::never());
            if (world.backend.has_slept()) break;
        }
        return is_done();
    };
    SUBCASE("the pieces that did not fit it") {
        for (size_t i = 0; i < 2 * ring::send_pieces_max + 1; ++i) pair.write("x");
        std::string arrived;
        CHECK(turn_awake([&] {
            arrived += pair.peer.take();
            return arrived.size() == 2 * ring::send_pieces_max + 1;
        }));
    }
    SUBCASE("the notice that all is sent") {
        pair.write("x");
        pair.stream->notify_when_unsent_at_most(0);
        CHECK(turn_awake([&] { return pair.stream->unsent_bytes() == 0; }));
    }
    SUBCASE("the end of sending") {
        pair.write("x");
        pair.stream->end_writing();
        CHECK(turn_awake([&] { return pair.peer.has_ended(); }));
    }
}

TEST_CASE("stream: more pieces than one send gathers all arrive, in order") {
    SimWorld world;
    Pair pair(world);
    std::string expected;
    for (size_t i = 0; i < 3 * ring::send_pieces_max + 1; ++i) {
        const std::string piece = pattern(1 + i % 5, static_cast<unsigned>(i));
        pair.write(piece);
        expected += piece;
    }
    world.settle();
    CHECK(pair.peer.take() == expected);
}

TEST_CASE("stream: a reader that takes little gets everything, in order, as it takes") {
    SimWorld world;
    world.network.faults.socket_bytes = 1000;
    Pair pair(world);
    const std::string text = pattern(50'000);
    for (size_t at = 0; at < text.size(); at += 2500) pair.write(Bytes(text).substr(at, 2500));
    world.settle();
    CHECK(pair.stream->is_congested());
    std::string got;
    while (got.size() < text.size()) {
        const std::string taken = pair.peer.take();
        REQUIRE_FALSE(taken.empty());
        got += taken;
        world.settle();
    }
    CHECK((got == text));
    CHECK(pair.stream->unsent_bytes() == 0);
    CHECK_FALSE(pair.stream->is_congested());
}

TEST_CASE("stream: bytes that wait for a slow reader stay what they are, whatever is written on") {
    for (uint64_t seed = 1; seed <= 60; ++seed) {
        CAPTURE(seed);
        SimWorld world(seed);
        world.network.faults.socket_bytes = 600;
        world.network.faults.short_send = 30;
        Pair pair(world);
        std::mt19937_64 random(seed);
        std::string expected;
        std::string got;
        for (int step = 0; step < 80; ++step) {
            // Slices share blocks, as those of a received block do, and the others' shares go at
            // any time.
            const std::string text = pattern(1 + random() % 4000, static_cast<unsigned>(step));
            ring::Slice whole = slice_of(world.blocks, text);
            const size_t cut = random() % text.size();
            pair.stream->write(whole.part(0, cut));
            if (random() % 2 == 0) world.settle();
            pair.stream->write(whole.part(cut, text.size() - cut));
            expected += text;
            whole = ring::Slice();
            if (random() % 2 == 0) world.settle();
            scribble(world.blocks);
            got += pair.peer.take(random() % 3000);
        }
        for (int turns = 0; turns < 10'000 && got.size() < expected.size(); ++turns) {
            scribble(world.blocks);
            world.settle();
            got += pair.peer.take();
        }
        REQUIRE(got.size() == expected.size());
        REQUIRE((got == expected));
    }
}

TEST_CASE("stream: a large slice that waits in part is not moved under the kernel's hands") {
    SimWorld world;
    Pair pair(world);
    const std::string text = pattern(3900);
    ring::Slice whole = slice_of(world.blocks, text);
    world.network.faults.socket_bytes = 100;
    pair.stream->write(whole.part(0, 3800)); // a share: the block has another one
    world.settle();
    std::string got = pair.peer.take();
    world.network.faults.socket_bytes = 3000; // what stays of it is less than half a block
    world.settle();
    got += pair.peer.take();
    world.network.faults.socket_bytes = 0;
    world.settle();
    REQUIRE(pair.stream->is_congested());
    pair.write("more");
    whole = ring::Slice();
    world.settle();
    scribble(world.blocks);
    world.network.faults.socket_bytes = 65536;
    world.settle();
    got += pair.peer.take();
    CHECK((got == text.substr(0, 3800) + "more"));
}

TEST_CASE("stream: the mark is told once unsent bytes are down to it") {
    SimWorld world;
    world.network.faults.socket_bytes = 100;
    Pair pair(world);
    pair.write(std::string(1000, 'x'));
    world.settle();
    pair.signal.clear();
    pair.stream->notify_when_unsent_at_most(500);
    CHECK_FALSE(pair.signal.wait().await_ready());
    while (pair.stream->unsent_bytes() > 500) {
        CHECK_FALSE(pair.signal.wait().await_ready());
        pair.peer.take();
        world.settle();
    }
    CHECK(pair.signal.wait().await_ready());

    pair.stream->notify_when_unsent_at_most(500); // which holds already
    CHECK(pair.signal.wait().await_ready());
}

TEST_CASE("stream: bytes come in order, and can be put back") {
    SimWorld world;
    Pair pair(world);
    pair.peer.send("hello world");
    world.settle();
    REQUIRE(pair.stream->has_input());
    ring::Slice slice = pair.stream->take();
    pair.stream->untake(slice.part(6, 5));
    pair.peer.send("!");
    world.settle();
    CHECK(pair.stream->input_bytes() == 6);
    CHECK(take_all(*pair.stream) == "world!");
}

TEST_CASE("stream: whatever the network does to reads, all bytes come, then the end") {
    for (uint64_t seed = 1; seed <= 30; ++seed) {
        CAPTURE(seed);
        SimWorld world(seed);
        world.network.faults.split = 40;
        world.network.faults.early_end = 30;
        world.network.faults.no_buffers = 30;
        Pair pair(world);
        std::string expected;
        std::string got;
        for (int i = 0; i < 20; ++i) {
            const std::string text = pattern(1 + world.network.random() % 9000);
            pair.peer.send(text);
            expected += text;
            if (world.network.happens(50)) world.settle();
            got += take_all(*pair.stream);
        }
        pair.peer.end();
        for (int i = 0; i < 100 && !pair.stream->has_ended(); ++i) world.settle();
        got += take_all(*pair.stream);
        CHECK((got == expected));
        CHECK(pair.stream->has_ended());
        CHECK_FALSE(pair.stream->is_broken());
    }
}

TEST_CASE("stream: paused, it takes nothing more; resumed, it goes on where it was") {
    SimWorld world;
    Pair pair(world);
    pair.stream->pause_reading();
    world.settle();
    CHECK(pair.stream->is_reading_stopped());
    pair.peer.send("later");
    world.settle();
    CHECK_FALSE(pair.stream->has_input());
    pair.stream->resume_reading();
    world.settle();
    CHECK(take_all(*pair.stream) == "later");
    // Pausing and resuming in one turn leaves it receiving.
    pair.stream->pause_reading();
    pair.stream->resume_reading();
    world.settle();
    pair.peer.send("again");
    world.settle();
    CHECK(take_all(*pair.stream) == "again");
}

TEST_CASE("stream: a direct receive fills its memory, and ends short only with the stream") {
    SimWorld world;
    Pair pair(world);
    pair.stream->pause_reading();
    world.settle();
    ring::Block& block = *world.blocks.try_take_large();
    pair.stream->receive_direct(ring::Slice::adopt(block, 100'000));
    const std::string text = pattern(100'000);
    pair.peer.send(Bytes(text).substr(0, 60'000));
    world.settle();
    CHECK(pair.stream->is_receiving_direct());
    CHECK_FALSE(pair.stream->has_input());
    pair.peer.send(Bytes(text).substr(60'000));
    world.settle();
    CHECK_FALSE(pair.stream->is_receiving_direct());
    CHECK((take_all(*pair.stream) == text));

    ring::Block& other = *world.blocks.try_take_large();
    pair.stream->receive_direct(ring::Slice::adopt(other, 100'000));
    pair.peer.send("short");
    pair.peer.end();
    world.settle();
    CHECK(take_all(*pair.stream) == "short");
    CHECK(pair.stream->has_ended());
}

TEST_CASE("stream: reading that was resumed during a direct receive goes on after it") {
    SimWorld world;
    Pair pair(world);
    pair.stream->pause_reading();
    world.settle();
    pair.stream->receive_direct(slice_of(world.blocks, "12345"));
    world.settle();
    pair.stream->resume_reading();
    pair.peer.send("abcde and more");
    world.settle();
    CHECK(take_all(*pair.stream) == "abcde and more");
    pair.peer.end();
    world.settle();
    CHECK(pair.stream->has_ended());
}

TEST_CASE("stream: ending its side comes after all bytes, and leaves the other side open") {
    SimWorld world;
    world.network.faults.socket_bytes = 10;
    Pair pair(world);
    const std::string text = pattern(95);
    pair.write(text);
    pair.stream->end_writing();
    pair.write("not any more");
    std::string got;
    for (int i = 0; i < 100 && !pair.peer.has_ended(); ++i) {
        world.settle();
        CHECK((!pair.peer.has_ended() || got.size() + pair.peer.received().size() == text.size()));
        got += pair.peer.take();
    }
    CHECK((got == text));
    CHECK(pair.peer.has_ended());
    pair.peer.send("still here");
    world.settle();
    CHECK(take_all(*pair.stream) == "still here");
}

TEST_CASE("stream: with nothing to send, ending its side ends it at once") {
    SimWorld world;
    Pair pair(world);
    pair.stream->end_writing();
    world.settle();
    CHECK(pair.peer.has_ended());
    CHECK_FALSE(pair.stream->is_broken());
}

TEST_CASE("stream: a reset is a failure with its code, on the fast path and on the slow one") {
    for (const bool is_slow : {false, true}) {
        CAPTURE(is_slow);
        SimWorld world;
        if (is_slow) world.network.faults.socket_bytes = 5;
        Pair pair(world);
        pair.write("hello world");
        world.settle();
        pair.peer.reset();
        world.settle();
        REQUIRE(pair.stream->failure().has_value());
        CHECK(pair.stream->failure()->code == Code::reset);
        CHECK_FALSE(pair.stream->is_established());
        pair.write("into the void"); // is dropped
        world.settle();
    }
}

TEST_CASE("stream: who ended its side and then closes for good is noticed by the watch") {
    SimWorld world;
    Pair pair(world);
    pair.peer.end();
    world.settle();
    REQUIRE(pair.stream->has_ended());
    CHECK_FALSE(pair.stream->is_broken());
    pair.stream->watch_hangup();
    pair.stream->watch_hangup(); // once is enough
    world.settle();
    CHECK_FALSE(pair.stream->is_broken());
    pair.peer.close();
    pair.write("answer");
    world.settle();
    REQUIRE(pair.stream->is_broken());
    CHECK(pair.stream->failure()->code == Code::reset);
}

TEST_CASE("stream: closing lets go of the socket, whatever is under way") {
    SimWorld world;
    world.network.faults.socket_bytes = 10;
    world.network.stall("127.0.0.1:81");
    {
        Pair idle(world);
        Pair sending(world);
        sending.write(std::string(100, 'x'));
        world.settle();
        Pair direct(world);
        direct.stream->pause_reading();
        world.settle();
        direct.stream->receive_direct(slice_of(world.blocks, "12345"));
        Pair just_written(world);
        just_written.write("unsent");
        Pair watching(world);
        watching.peer.end();
        watching.stream->watch_hangup();
        ring::Signal signal(world.loop);
        auto connecting = Stream::connect(world.loop, *parse_address("127.0.0.1:81"), signal);
        REQUIRE(connecting.has_value());
        world.settle();
        CHECK(world.backend.open_sockets() == 6);
        Pair unsettled(world);
        unsettled.write("queued, and gone");
        unsettled.stream.reset();
        connecting->reset();
        idle.stream.reset();
        CHECK_FALSE(idle.peer.has_ended());
        world.settle();
        CHECK(idle.peer.has_ended());
        sending.stream.reset();
        direct.stream.reset();
        just_written.stream.reset();
        watching.stream.reset();
        world.settle();
    }
    CHECK(world.backend.open_sockets() == 0);
}

TEST_CASE("stream: a connection is established, and what was written before goes out then") {
    SimWorld world;
    world.network.listen("127.0.0.1:80");
    ring::Signal signal(world.loop);
    auto stream = Stream::connect(world.loop, *parse_address("127.0.0.1:80"), signal);
    REQUIRE(stream.has_value());
    CHECK_FALSE((*stream)->is_established());
    (*stream)->write(slice_of(world.blocks, "early"));
    world.settle();
    CHECK((*stream)->is_established());
    ring::SimPeer peer = world.accept("127.0.0.1:80");
    CHECK(peer.take() == "early");
    peer.send("answer");
    world.settle();
    CHECK(take_all(**stream) == "answer");
}

TEST_CASE("stream: where nobody listens the connection is refused") {
    SimWorld world;
    ring::Signal signal(world.loop);
    auto stream = Stream::connect(world.loop, *parse_address("127.0.0.1:80"), signal);
    REQUIRE(stream.has_value());
    world.settle();
    REQUIRE((*stream)->failure().has_value());
    CHECK((*stream)->failure()->code == Code::refused);
    CHECK((*stream)->failure()->blame == Blame::upstream);
    CHECK((*stream)->failure()->retry == Retry::other_target);
}
