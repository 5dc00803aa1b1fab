// Whether a connection that floods leaves room for the others of its worker.
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "net/stream.h"
#include "support/ring_world.h"

using namespace ringway;
using namespace ringway::net;
using ringway::tests::RingWorld;

namespace {

/// A stream whose far end is a plain socket.
struct Fed {
    explicit Fed(RingWorld& world) : signal(world.loop) {
        const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const Address any = *parse_address("127.0.0.1:0");
        REQUIRE(bind(listener, any.get(), any.length()) == 0);
        REQUIRE(listen(listener, 1) == 0);
        sockaddr_storage bound{};
        socklen_t length = sizeof bound;
        getsockname(listener, reinterpret_cast<sockaddr*>(&bound), &length);
        far = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        REQUIRE(connect(far, reinterpret_cast<sockaddr*>(&bound), length) == 0);
        stream = Stream::adopt(world.loop, accept(listener, nullptr, nullptr), signal);
        close(listener);
    }
    ~Fed() { close(far); }
    /// As much as the kernel takes.
    size_t flood() {
        static const std::string bytes(65536, 'x');
        size_t sum = 0;
        for (;;) {
            const ssize_t sent = send(far, bytes.data(), bytes.size(), MSG_DONTWAIT);
            if (sent <= 0) return sum;
            sum += static_cast<size_t>(sent);
        }
    }
    /// Returns when it has arrived.
    void say(std::string_view text) {
        REQUIRE(send(far, text.data(), text.size(), 0) > 0);
        for (int arrived = 0; arrived == 0;) {
            REQUIRE(ioctl(stream->socket(), FIONREAD, &arrived) == 0);
        }
    }
    size_t take() {
        size_t bytes = 0;
        while (stream->has_input()) bytes += stream->take().size();
        taken += bytes;
        return bytes;
    }

    ring::Signal signal;
    int far = -1;
    StreamPtr stream;
    size_t taken = 0;
    int turns_in_vain = 0;
};

/// Turns with `floods` connections that always have more, and with others that get a few bytes
/// before each turn.
struct Contest {
    explicit Contest(int floods) {
        for (int i = 0; i < floods; ++i) flooding.push_back(std::make_unique<Fed>(world));
        for (int i = 0; i < 8; ++i) quiet.push_back(std::make_unique<Fed>(world));
        world.turn_now();
        world.turn_now();
    }
    /// Returns how many bytes the floods brought.
    size_t turn() {
        for (auto& one : flooding) one->flood();
        for (auto& one : quiet) one->say("hello");
        world.turn_now();
        size_t bytes = 0;
        for (auto& one : flooding) bytes += one->take();
        for (auto& one : quiet) {
            one->turns_in_vain = one->take() == 0 ? one->turns_in_vain + 1 : 0;
            turns_in_vain_max = std::max(turns_in_vain_max, one->turns_in_vain);
        }
        return bytes;
    }
    RingWorld world;
    std::vector<std::unique_ptr<Fed>> flooding;
    std::vector<std::unique_ptr<Fed>> quiet;
    int turns_in_vain_max = 0;
};

} // namespace

TEST_CASE("fairness: a connection that floods leaves the others buffers in each turn") {
    Contest contest(1);
    for (int turn = 0; turn < 100; ++turn) contest.turn();
    CHECK(contest.turns_in_vain_max == 0);
}

TEST_CASE("fairness: many that flood share buffers of their own, and a turn stays short") {
    for (const int floods : {2, 16, 64}) {
        CAPTURE(floods);
        Contest contest(floods);
        // Until each has been seen to flood, they take what there is.
        for (int turn = 0; turn < floods + 8; ++turn) contest.turn();
        contest.turns_in_vain_max = 0;
        size_t most_in_turn = 0;
        std::vector<size_t> taken(contest.flooding.size());
        for (int turn = 0; turn < 200; ++turn)
            most_in_turn = std::max(most_in_turn, contest.turn());
        CHECK(contest.turns_in_vain_max == 0);
        CHECK(most_in_turn <= size_t{64} * 4096);
    }
}

TEST_CASE("fairness: those that flood take turns") {
    Contest contest(16);
    for (int turn = 0; turn < 24; ++turn) contest.turn();
    for (auto& one : contest.flooding) one->taken = 0;
    for (int turn = 0; turn < 400; ++turn) contest.turn();
    size_t least = SIZE_MAX;
    size_t most = 0;
    for (const auto& one : contest.flooding) {
        least = std::min(least, one->taken);
        most = std::max(most, one->taken);
    }
    CHECK(least > 0);
    CHECK(most <= 2 * least);
}
