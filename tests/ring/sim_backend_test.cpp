#include "ring/sim_backend.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <poll.h>

#include <array>
#include <cerrno>

#include "support/sim_world.h"

using namespace ringway;
using namespace ringway::ring;

namespace {

/// Remembers what it hears.
struct Recorder final : Completer {
    std::string received;
    std::vector<int32_t> results;
    int ended = 0;
    void on_completion(unsigned, Completion&& completion) override {
        results.push_back(completion.result);
        received += completion.received.bytes();
        if (completion.is_last) ++ended;
    }
};

struct Fixture {
    SimNetwork network{7};
    BlockPool blocks;
    SimBackend backend{network, blocks};
    Recorder recorder;

    std::pair<int, SimPeer> connection() {
        auto [ours, theirs] = SimNetwork::make_pair();
        return {backend.adopt(ours), SimPeer(theirs)};
    }
    void turn() {
        backend.wait(backend.now());
        backend.deliver();
    }
};

sockaddr_in loopback(uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

const sockaddr* generic(const sockaddr_in& address) {
    return reinterpret_cast<const sockaddr*>(&address);
}

iovec piece_of(const std::string& text) { return {const_cast<char*>(text.data()), text.size()}; }

} // namespace

TEST_CASE("sim: a connection to a listener is accepted, and one to nobody is refused") {
    Fixture fixture;
    const auto here = loopback(80);
    const int listener = *fixture.backend.listen(generic(here), sizeof here, true);
    fixture.backend.accept({&fixture.recorder, 0}, listener);
    Recorder connecting;
    const int near = *fixture.backend.open_socket(generic(here));
    fixture.backend.connect({&connecting, 1}, near, generic(here), sizeof here);
    fixture.turn();
    CHECK(connecting.results == std::vector<int32_t>{0});
    REQUIRE(fixture.recorder.results.size() == 1);
    CHECK(fixture.recorder.results[0] > 0);
    CHECK(fixture.recorder.ended == 0);

    const auto nowhere = loopback(81);
    const int other = *fixture.backend.open_socket(generic(nowhere));
    fixture.backend.connect({&connecting, 1}, other, generic(nowhere), sizeof nowhere);
    fixture.turn();
    CHECK(connecting.results.back() == -ECONNREFUSED);
    fixture.backend.cancel({&fixture.recorder, 0});
    fixture.turn();
    CHECK(fixture.recorder.ended == 1);
}

TEST_CASE("sim: a stalled address keeps its callers waiting until they give up") {
    Fixture fixture;
    fixture.network.stall("127.0.0.1:80");
    const auto there = loopback(80);
    const int socket = *fixture.backend.open_socket(generic(there));
    fixture.backend.connect({&fixture.recorder, 1}, socket, generic(there), sizeof there);
    for (int i = 0; i < 5; ++i) fixture.turn();
    CHECK(fixture.recorder.results.empty());
    fixture.backend.cancel_all(socket);
    fixture.turn();
    CHECK(fixture.recorder.results == std::vector<int32_t>{-ECANCELED});
}

TEST_CASE("sim: a receive brings bytes, then the end") {
    Fixture fixture;
    auto [socket, peer] = fixture.connection();
    fixture.backend.receive({&fixture.recorder, 1}, socket, Inflow::ready);
    peer.send("hello");
    fixture.turn();
    peer.end();
    fixture.turn();
    CHECK(fixture.recorder.received == "hello");
    CHECK(fixture.recorder.results == std::vector<int32_t>{5, 0});
    CHECK(fixture.recorder.ended == 1);
}

TEST_CASE("sim: a receive with no buffer left says so, and loses nothing") {
    Fixture fixture;
    fixture.network.faults.no_buffers = 100;
    auto [socket, peer] = fixture.connection();
    fixture.backend.receive({&fixture.recorder, 1}, socket, Inflow::ready);
    peer.send("hello");
    fixture.turn();
    CHECK(fixture.recorder.results == std::vector<int32_t>{-ENOBUFS});
    fixture.network.faults.no_buffers = 0;
    fixture.backend.receive({&fixture.recorder, 1}, socket, Inflow::ready);
    fixture.turn();
    CHECK(fixture.recorder.received == "hello");
    fixture.backend.cancel_all(socket);
    fixture.turn();
}

TEST_CASE("sim: a send that all fits completes without a word") {
    Fixture fixture;
    auto [socket, peer] = fixture.connection();
    const std::string text = "data: x\n\n";
    const std::array pieces = {piece_of(text), piece_of(text)};
    fixture.backend.send_now({&fixture.recorder, 2}, socket, pieces);
    fixture.turn();
    CHECK(fixture.recorder.results.empty());
    CHECK(peer.take() == text + text);
    CHECK(fixture.backend.sends() == 1);
}

TEST_CASE("sim: a send that does not fit says how much was taken, and then -EAGAIN") {
    Fixture fixture;
    fixture.network.faults.socket_bytes = 4;
    auto [socket, peer] = fixture.connection();
    const std::string text = "abcdef";
    const iovec piece = piece_of(text);
    fixture.backend.send_now({&fixture.recorder, 2}, socket, {&piece, 1});
    fixture.turn();
    fixture.backend.send_now({&fixture.recorder, 2}, socket, {&piece, 1});
    fixture.turn();
    CHECK(fixture.recorder.results == std::vector<int32_t>{4, -EAGAIN});
    CHECK(peer.received() == "abcd");
}

TEST_CASE("sim: a send that waits reads its bytes when there is room, not before") {
    Fixture fixture;
    fixture.network.faults.socket_bytes = 2;
    auto [socket, peer] = fixture.connection();
    std::string text = "abcd";
    const iovec piece = piece_of(text);
    fixture.backend.send_now({&fixture.recorder, 2}, socket, {&piece, 1});
    fixture.turn();
    fixture.backend.send({&fixture.recorder, 2}, socket, {&piece, 1});
    fixture.turn();
    CHECK(fixture.recorder.results.size() == 1);
    text = "ABCD";
    CHECK(peer.take() == "ab");
    fixture.turn();
    CHECK(fixture.recorder.results.back() == 2);
    CHECK(peer.take() == "AB");
}

TEST_CASE("sim: a receive straight into memory completes when all is there, or at the end") {
    Fixture fixture;
    auto [socket, peer] = fixture.connection();
    std::string memory(4, '-');
    fixture.backend.receive_into({&fixture.recorder, 3}, socket, memory);
    peer.send("ab");
    fixture.turn();
    CHECK(fixture.recorder.results.empty());
    peer.send("cd");
    fixture.turn();
    CHECK(fixture.recorder.results == std::vector<int32_t>{4});
    CHECK(memory == "abcd");

    fixture.backend.receive_into({&fixture.recorder, 3}, socket, memory);
    peer.send("x");
    peer.end();
    fixture.turn();
    CHECK(fixture.recorder.results.back() == 1);
}

TEST_CASE("sim: a reset breaks both directions, and is heard by who polls for it") {
    Fixture fixture;
    auto [socket, peer] = fixture.connection();
    Recorder hangup;
    fixture.backend.receive({&fixture.recorder, 1}, socket, Inflow::ready);
    fixture.backend.poll({&hangup, 4}, socket, POLLHUP);
    fixture.turn();
    peer.reset();
    fixture.turn();
    CHECK(fixture.recorder.results == std::vector<int32_t>{-ECONNRESET});
    CHECK(hangup.ended == 1);
    const std::string text = "late";
    const iovec piece = piece_of(text);
    Recorder sending;
    fixture.backend.send_now({&sending, 2}, socket, {&piece, 1});
    fixture.turn();
    CHECK(sending.results == std::vector<int32_t>{-ECONNRESET});
}

TEST_CASE("sim: writing to a far end that has closed breaks the connection") {
    Fixture fixture;
    auto [socket, peer] = fixture.connection();
    fixture.backend.receive({&fixture.recorder, 1}, socket, Inflow::ready);
    peer.close();
    fixture.turn();
    CHECK(fixture.recorder.results == std::vector<int32_t>{0});
    Recorder hangup;
    fixture.backend.poll({&hangup, 4}, socket, POLLHUP);
    const std::string text = "late";
    const iovec piece = piece_of(text);
    fixture.backend.send_now({&fixture.recorder, 2}, socket, {&piece, 1});
    fixture.turn();
    CHECK(hangup.ended == 1);
}

TEST_CASE("sim: closing with unread bytes resets the far end, closing without ends it") {
    Fixture fixture;
    auto [clean, clean_peer] = fixture.connection();
    auto [dirty, dirty_peer] = fixture.connection();
    dirty_peer.send("unread");
    fixture.backend.close(clean);
    fixture.backend.close(dirty);
    fixture.turn();
    CHECK(clean_peer.has_ended());
    CHECK(fixture.backend.open_sockets() == 0);
    CHECK(dirty_peer.received().empty());
    CHECK(dirty_peer.has_ended());
}

TEST_CASE("sim: cancelling ends every operation of a socket exactly once") {
    Fixture fixture;
    auto [socket, peer] = fixture.connection();
    Recorder receiving;
    Recorder hangup;
    fixture.backend.receive({&receiving, 1}, socket, Inflow::ready);
    fixture.backend.poll({&hangup, 4}, socket, POLLHUP);
    fixture.backend.cancel_all(socket);
    fixture.turn();
    fixture.backend.cancel_all(socket);
    fixture.turn();
    CHECK(receiving.results == std::vector<int32_t>{-ECANCELED});
    CHECK(hangup.results == std::vector<int32_t>{-ECANCELED});
}

TEST_CASE("sim: the same seed makes the same things happen") {
    const auto run = [](uint64_t seed) {
        tests::SimWorld world(seed);
        world.network.faults.split = 50;
        world.network.faults.early_end = 30;
        auto [socket, peer] = world.connection();
        Recorder recorder;
        for (int i = 0; i < 20; ++i) {
            peer.send(std::string(100, 'x'));
            if (i == 0 || recorder.ended > 0) {
                recorder.ended = 0;
                world.backend.receive({&recorder, 1}, socket, Inflow::ready);
            }
            world.settle();
        }
        world.backend.cancel_all(socket);
        world.settle();
        return recorder.results;
    };
    CHECK(run(3) == run(3));
    CHECK(run(3) != run(4));
}

TEST_CASE("sim: time passes only when it is told to") {
    tests::SimWorld world;
    const TimePoint before = world.loop.now();
    world.settle();
    CHECK(world.loop.now() == before);
    world.advance(3s);
    CHECK(world.loop.now() - before == Duration(3s));
}
