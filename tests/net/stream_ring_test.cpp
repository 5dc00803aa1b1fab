#include <doctest/doctest.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <vector>

#include "net/listener.h"
#include "net/stream.h"
#include "support/ring_world.h"
#include "support/sim_world.h"

using namespace ringway;
using namespace ringway::net;
using ringway::tests::RingWorld;
using ringway::tests::slice_of;

namespace {

/// A listener, and a stream connected to it: `near` connected, `far` was accepted.
struct Connected {
    explicit Connected(RingWorld& at, const char* where = "127.0.0.1:0")
        : world(at), near_signal(at.loop), far_signal(at.loop), stopped(at.loop) {
        auto opened = Listener::open(world.loop, *parse_address(where), [this](int socket) {
            far = Stream::adopt(world.loop, socket, far_signal);
        });
        REQUIRE(opened.has_value());
        listener = std::move(*opened);
        auto connecting = Stream::connect(world.loop, listener->address(), near_signal);
        REQUIRE(connecting.has_value());
        near = std::move(*connecting);
        world.turn_until([&] { return near->is_established() && far != nullptr; });
    }
    ~Connected() {
        near.reset();
        far.reset();
        listener->stop(stopped);
        world.turn_until([&] { return listener->is_stopped(); });
    }

    RingWorld& world;
    ring::Signal near_signal;
    ring::Signal far_signal;
    ring::Signal stopped;
    std::unique_ptr<Listener> listener;
    StreamPtr near;
    StreamPtr far;
};

std::string take_all(Stream& stream) {
    std::string text;
    while (stream.has_input()) text += stream.take().bytes();
    return text;
}

} // namespace

TEST_CASE("stream on the ring: two ends talk, over TCP and over a Unix socket") {
    const std::string path = "unix:/tmp/ringway-stream-test-" + std::to_string(getpid()) + ".sock";
    for (const std::string& where : {std::string("127.0.0.1:0"), std::string("[::1]:0"), path}) {
        CAPTURE(where);
        RingWorld world;
        Connected pair(world, where.c_str());
        pair.near->write(slice_of(world.blocks, "hello"));
        world.turn_until([&] { return pair.far->input_bytes() == 5; });
        CHECK(take_all(*pair.far) == "hello");
        pair.far->write(slice_of(world.blocks, "hello yourself"));
        world.turn_until([&] { return pair.near->input_bytes() == 14; });
        CHECK(take_all(*pair.near) == "hello yourself");
        CHECK(pair.listener->accepted() == 1);
    }
    CHECK(access(path.substr(5).c_str(), F_OK) != 0);
}

// Nagle's algorithm makes a send wait for the ACK of the one before, which the other side delays by
// up to 40 ms: every connection of both kinds is without it, and none ever gets it back.
TEST_CASE("stream on the ring: neither an accepted nor a connected socket delays small writes") {
    for (const char* const where : {"127.0.0.1:0", "[::1]:0"}) {
        CAPTURE(where);
        RingWorld world;
        Connected pair(world, where);
        for (const Stream* stream : {pair.near.get(), pair.far.get()}) {
            int is_undelayed = 0;
            int is_corked = 1;
            socklen_t size = sizeof(int);
            REQUIRE(getsockopt(stream->socket(), IPPROTO_TCP, TCP_NODELAY, &is_undelayed, &size) ==
                    0);
            REQUIRE(getsockopt(stream->socket(), IPPROTO_TCP, TCP_CORK, &is_corked, &size) == 0);
            CHECK(is_undelayed == 1);
            CHECK(is_corked == 0);
        }
    }
}

// The same without asking the kernel for options: two small writes, the second while the first is
// not acknowledged, both arrive although the far end says nothing.
TEST_CASE("stream on the ring: a second small write does not wait for the first one's ACK") {
    RingWorld world;
    Connected pair(world);
    const int is_quick = 0; // the far end's ACKs are delayed
    setsockopt(pair.far->socket(), IPPROTO_TCP, TCP_QUICKACK, &is_quick, sizeof is_quick);
    for (const char* const text : {"data: 1\n\n", "data: 2\n\n", "data: 3\n\n"}) {
        pair.near->write(ring::Slice::of_static(text));
        world.turn_now();
        tcp_info info{};
        socklen_t size = sizeof info;
        REQUIRE(getsockopt(pair.near->socket(), IPPROTO_TCP, TCP_INFO, &info, &size) == 0);
        CHECK(info.tcpi_notsent_bytes == 0);
    }
}

// And a far end that delays its acknowledgements can take that back: what waits is then
// acknowledged at once, and a sender with Nagle's algorithm goes on.
TEST_CASE("stream on the ring: delayed acknowledgements can be had at once") {
    RingWorld world;
    Connected pair(world);
    const int waits_for_ack = 0;
    setsockopt(pair.near->socket(), IPPROTO_TCP, TCP_NODELAY, &waits_for_ack, sizeof waits_for_ack);
    const auto acknowledges_at_once = [&] {
        int value = -1;
        socklen_t size = sizeof value;
        REQUIRE(getsockopt(pair.far->socket(), IPPROTO_TCP, TCP_QUICKACK, &value, &size) == 0);
        return value == 1;
    };
    pair.far->delay_acknowledgements(true);
    CHECK_FALSE(acknowledges_at_once());
    for (const char* const text : {"data: 1\n\n", "data: 2\n\n"}) {
        pair.near->write(ring::Slice::of_static(text));
        world.turn_now();
    }
    pair.far->delay_acknowledgements(false);
    CHECK(acknowledges_at_once());
    world.turn_until([&] { return pair.far->input_bytes() == 18; });
}

TEST_CASE("stream on the ring: megabytes pass a reader that pauses, both ways at once") {
    RingWorld world;
    Connected pair(world);
    const int socket_bytes = 32768;
    for (const int socket : {pair.near->socket(), pair.far->socket()}) {
        setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &socket_bytes, sizeof socket_bytes);
        setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &socket_bytes, sizeof socket_bytes);
    }
    constexpr size_t total = 6 << 20;
    std::string text(total, '\0');
    for (size_t i = 0; i < total; ++i) text[i] = static_cast<char>('a' + i * 31 / 7 % 26);
    for (size_t at = 0; at < total; at += 3000) {
        const Bytes piece = Bytes(text).substr(at, 3000);
        pair.near->write(slice_of(world.blocks, piece));
        pair.far->write(slice_of(world.blocks, piece));
    }
    std::string at_far;
    std::string at_near;
    bool was_congested = false;
    for (int turn = 0; turn < 100'000 && (at_far.size() < total || at_near.size() < total);
         ++turn) {
        if (turn % 16 == 0) pair.far->pause_reading();
        if (turn % 16 == 8) pair.far->resume_reading();
        world.loop.turn(world.loop.now() + 5ms);
        was_congested = was_congested || pair.near->is_congested();
        at_far += take_all(*pair.far);
        at_near += take_all(*pair.near);
    }
    CHECK(was_congested);
    CHECK((at_far == text));
    CHECK((at_near == text));
}

TEST_CASE(
    "stream on the ring: an accepted socket sends at once, and takes little for a slow client") {
    RingWorld world;
    Connected pair(world);
    const auto option = [&](int name) {
        int value = -1;
        socklen_t length = sizeof value;
        getsockopt(pair.far->socket(), IPPROTO_TCP, name, &value, &length);
        return value;
    };
    CHECK(option(TCP_NODELAY) == 1);
    CHECK(option(TCP_NOTSENT_LOWAT) == 128 * 1024);
    // What the kernel takes while nobody reads: what the far end has room for, and a bound.
    pair.near->pause_reading();
    world.turn_until([&] { return pair.near->is_reading_stopped(); });
    size_t written = 0;
    while (!pair.far->is_congested() && written < size_t{64} << 20) {
        pair.far->write(slice_of(world.blocks, std::string(32768, 'x')));
        written += 32768;
        world.turn_now();
        world.turn_now();
    }
    CHECK(pair.far->is_congested());
    int unsent = 0;
    REQUIRE(ioctl(pair.far->socket(), SIOCOUTQNSD, &unsent) == 0);
    CHECK(unsent <= 128 * 1024 + 65536);
}

TEST_CASE("stream on the ring: a half-closed end still reads") {
    RingWorld world;
    Connected pair(world);
    pair.near->write(slice_of(world.blocks, "question"));
    pair.near->end_writing();
    world.turn_until([&] { return pair.far->has_ended(); });
    CHECK(take_all(*pair.far) == "question");
    pair.far->watch_hangup();
    pair.far->write(slice_of(world.blocks, "answer"));
    world.turn_until([&] { return pair.near->input_bytes() == 6; });
    CHECK_FALSE(pair.far->is_broken());
    const linger at_once{1, 0};
    setsockopt(pair.near->socket(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    pair.near.reset();
    world.turn_until([&] { return pair.far->is_broken(); }); // which the watch has heard
    CHECK(pair.far->failure()->code == Code::reset);
}

TEST_CASE("stream on the ring: a far end that closes with bytes unread breaks the connection") {
    RingWorld world;
    Connected pair(world);
    pair.near->write(slice_of(world.blocks, "unread"));
    world.turn_until([&] { return pair.far->has_input(); });
    pair.far->pause_reading();
    world.turn_until([&] { return pair.far->is_reading_stopped(); });
    pair.near->write(slice_of(world.blocks, std::string(3000, 'x')));
    world.turn_until([&] { return pair.near->unsent_bytes() == 0; });
    const linger at_once{1, 0};
    setsockopt(pair.far->socket(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    pair.far.reset();
    world.turn_until([&] { return pair.near->is_broken() || pair.near->has_ended(); });
    pair.near->write(slice_of(world.blocks, "into the void"));
    world.turn_until([&] { return pair.near->is_broken(); });
    CHECK(pair.near->failure()->code == Code::reset);
}

TEST_CASE("stream on the ring: closing with a send and a receive in the kernel is safe") {
    RingWorld world;
    for (int round = 0; round < 20; ++round) {
        Connected pair(world);
        pair.near->write(slice_of(world.blocks, std::string(100'000, 'x')));
        pair.far->pause_reading();
        for (int turn = 0; turn < round % 4; ++turn) world.turn_now();
        for (int i = 0; i < 60; ++i) {
            pair.near->write(slice_of(world.blocks, std::string(100'000, 'y')));
        }
        for (int turn = 0; turn < round % 3; ++turn) world.turn_now();
        pair.near.reset();
        for (int turn = 0; turn < round % 2; ++turn) world.turn_now();
    }
    for (int turns = 0; turns < 16; ++turns) world.turn_now();
    CHECK(world.blocks.bytes_in_use() <= 2 * ring::BlockPool::small_bytes * 1024);
}

TEST_CASE("stream on the ring: direct receives bring large bodies whole") {
    RingWorld world;
    Connected pair(world);
    pair.far->pause_reading();
    world.turn_until([&] { return pair.far->is_reading_stopped(); });
    const std::string text(100'000, 'b');
    pair.far->receive_direct(ring::Slice::adopt(*world.blocks.try_take_large(), text.size()));
    pair.near->write(slice_of(world.blocks, text));
    pair.near->write(slice_of(world.blocks, "next"));
    world.turn_until([&] { return pair.far->has_input(); });
    CHECK((take_all(*pair.far) == text));
    pair.far->resume_reading();
    world.turn_until([&] { return pair.far->has_input(); });
    CHECK(take_all(*pair.far) == "next");
}

TEST_CASE("stream on the ring: a megabyte that is lent arrives as it is, and comes back") {
    RingWorld world;
    if (!world.backend->can_send_zero_copy()) return;
    world.loop.zero_copy().try_always();
    Connected pair(world);
    pair.near->allow_zero_copy();
    std::string text(1 << 20, '\0');
    for (size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>('a' + i * 31 / 7 % 26);
    for (size_t at = 0; at < text.size(); at += 65536) {
        pair.near->write(slice_of(world.blocks, Bytes(text).substr(at, 65536)));
    }
    std::string got;
    world.turn_until([&] {
        got += take_all(*pair.far);
        return got.size() == text.size();
    });
    CHECK((got == text));
    world.turn_until([&] { return pair.near->loans() == 0; });
    CHECK(world.loop.zero_copy().tried() >= 1);
    pair.near->write(slice_of(world.blocks, "and the next"));
    world.turn_until([&] { return pair.far->has_input(); });
    CHECK(take_all(*pair.far) == "and the next");
}

TEST_CASE("stream on the ring: closing takes back what is lent to a path that stands still") {
    RingWorld world;
    if (!world.backend->can_send_zero_copy()) return;
    world.loop.zero_copy().try_always();
    Connected pair(world);
    pair.near->allow_zero_copy();
    pair.far->pause_reading();
    world.turn_until([&] { return pair.far->is_reading_stopped(); });
    for (int i = 0; i < 160; ++i) {
        pair.near->write(slice_of(world.blocks, std::string(100'000, 'x')));
    }
    world.turn_until(
        [&] { return pair.near->is_congested() && world.loop.zero_copy().tried() > 1; });
    for (int turn = 0; turn < 8; ++turn) world.turn_now();
    pair.near.reset();
    world.turn_until([&] { return world.blocks.bytes_in_use() < 1'000'000; });
    pair.far->resume_reading();
    world.turn_until([&] { return pair.far->is_broken() || pair.far->has_ended(); });
}

TEST_CASE("stream on the ring: zero copy that a socket does not know is a plain send") {
    RingWorld world;
    if (!world.backend->can_send_zero_copy()) return;
    world.loop.zero_copy().try_always();
    const std::string path = "unix:/tmp/ringway-lend-test-" + std::to_string(getpid()) + ".sock";
    Connected pair(world, path.c_str());
    pair.near->allow_zero_copy();
    const std::string text(100'000, 'u');
    pair.near->write(slice_of(world.blocks, text));
    std::string got;
    world.turn_until([&] {
        got += take_all(*pair.far);
        return got.size() == text.size();
    });
    CHECK((got == text));
    CHECK(pair.near->loans() == 0);
    CHECK(world.loop.zero_copy().copied() == world.loop.zero_copy().tried());
}

TEST_CASE("stream on the ring: where nobody listens the connection is refused") {
    RingWorld world;
    const int reserved = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    Address address = *parse_address("127.0.0.1:0");
    REQUIRE(bind(reserved, address.get(), address.length()) == 0);
    sockaddr_storage bound{};
    socklen_t length = sizeof bound;
    getsockname(reserved, reinterpret_cast<sockaddr*>(&bound), &length);
    ring::Signal signal(world.loop);
    auto stream =
        Stream::connect(world.loop, Address(reinterpret_cast<sockaddr*>(&bound), length), signal);
    REQUIRE(stream.has_value());
    world.turn_until([&] { return (*stream)->is_broken(); });
    CHECK((*stream)->failure()->code == Code::refused);

    auto no_file = Stream::connect(world.loop, *parse_address("unix:/nowhere/at/all"), signal);
    REQUIRE(no_file.has_value());
    world.turn_until([&] { return (*no_file)->is_broken(); });
    CHECK((*no_file)->failure()->code == Code::unreachable);
    close(reserved);
}

TEST_CASE("listener: an address in use is an error with its errno") {
    RingWorld world;
    const int other = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const Address any = *parse_address("127.0.0.1:0");
    REQUIRE(bind(other, any.get(), any.length()) == 0);
    REQUIRE(listen(other, 1) == 0);
    sockaddr_storage bound{};
    socklen_t length = sizeof bound;
    getsockname(other, reinterpret_cast<sockaddr*>(&bound), &length);
    const auto listener =
        Listener::open(world.loop, Address(reinterpret_cast<sockaddr*>(&bound), length),
                       [](int socket) { close(socket); });
    REQUIRE_FALSE(listener.has_value());
    CHECK(listener.error().sys_errno == EADDRINUSE);
    close(other);
}

TEST_CASE("listener: without a descriptor left it pauses, stops meanwhile, and goes on after") {
    for (const bool stops : {false, true}) {
        CAPTURE(stops);
        RingWorld world;
        ring::Signal stopped(world.loop);
        auto opened = Listener::open(world.loop, *parse_address("127.0.0.1:0"),
                                     [](int accepted) { close(accepted); });
        REQUIRE(opened.has_value());
        Listener& listener = **opened;
        const int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const int lowest_free = dup(client);
        close(lowest_free);
        rlimit before{};
        REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
        rlimit none = before;
        none.rlim_cur = static_cast<rlim_t>(lowest_free);
        REQUIRE(setrlimit(RLIMIT_NOFILE, &none) == 0); // read when the accept is started
        const Address& address = listener.address();
        REQUIRE(connect(client, address.get(), address.length()) == 0);
        world.turn_until([&] { return world.loop.timers().armed() > 0; });
        const uint64_t operations = world.backend->counters().operations;
        for (int turn = 0; turn < 10; ++turn) world.turn_now();
        CHECK(world.backend->counters().operations <= operations + 2);
        CHECK(listener.accepted() == 0);
        REQUIRE(setrlimit(RLIMIT_NOFILE, &before) == 0);
        if (!stops) world.turn_until([&] { return listener.accepted() == 1; });
        listener.stop(stopped);
        world.turn_until([&] { return listener.is_stopped(); });
        close(client);
    }
}

TEST_CASE("listener: a socket that cannot accept any more does not keep its worker busy") {
    RingWorld world;
    ring::Signal stopped(world.loop);
    auto opened = Listener::open(world.loop, *parse_address("127.0.0.1:0"),
                                 [](int accepted) { close(accepted); });
    REQUIRE(opened.has_value());
    Listener& listener = **opened;
    world.turn_now();
    for (int descriptor = 3; descriptor < 1024; ++descriptor) {
        sockaddr_storage bound{};
        socklen_t length = sizeof bound;
        if (getsockname(descriptor, reinterpret_cast<sockaddr*>(&bound), &length) != 0) continue;
        const Address at(reinterpret_cast<sockaddr*>(&bound), length);
        if (at.to_string() == listener.address().to_string()) shutdown(descriptor, SHUT_RDWR);
    }
    const uint64_t operations = world.backend->counters().operations;
    for (int turn = 0; turn < 100; ++turn) world.turn_now();
    CHECK(world.backend->counters().operations <= operations + 20);
    listener.stop(stopped);
    world.turn_until([&] { return listener.is_stopped(); });
}
