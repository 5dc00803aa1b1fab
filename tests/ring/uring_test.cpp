#include <doctest/doctest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "ring/uring_backend.h"

using namespace ringway;
using namespace ringway::ring;

namespace {

struct SocketPair {
    int ours = -1;
    int theirs = -1;
    SocketPair() {
        std::array<int, 2> both{};
        REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, both.data()) == 0);
        ours = both[0];
        theirs = both[1];
    }
    ~SocketPair() {
        close(ours);
        if (theirs >= 0) close(theirs);
    }
    SocketPair(const SocketPair&) = delete;
    void write(Bytes text) const {
        REQUIRE(::write(theirs, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    }
    void close_theirs() { close(std::exchange(theirs, -1)); }
};

/// Remembers what it hears.
struct Recorder final : Completer {
    std::string received;
    std::vector<int32_t> results;
    std::vector<Slice> held;
    bool holds = false;
    int ended = 0;

    void on_completion(unsigned, Completion&& completion) override {
        results.push_back(completion.result);
        received += completion.received.bytes();
        if (holds && !completion.received.empty()) held.push_back(std::move(completion.received));
        if (completion.is_last) ++ended;
    }
};

struct Fixture {
    BlockPool blocks;
    std::unique_ptr<UringBackend> backend;

    explicit Fixture(const UringBackendOptions& options = {}, size_t block_bytes_max = 0)
        : blocks(block_bytes_max) {
        std::string explanation;
        auto made = UringBackend::make(blocks, options, explanation);
        INFO(explanation);
        REQUIRE(made.has_value());
        backend = std::move(*made);
    }
    void turn(TimePoint until) {
        backend->wait(until);
        backend->deliver();
    }
    void turn_now() { turn(backend->now()); }
    template <class Predicate>
    void turn_until(Predicate predicate) {
        for (int turns = 0; turns < 1000 && !predicate(); ++turns) {
            turn(backend->now() + 100ms);
        }
        REQUIRE(predicate());
    }
};

iovec piece_of(Bytes bytes) { return {const_cast<char*>(bytes.data()), bytes.size()}; }

} // namespace

TEST_CASE("uring: a multishot receive brings what is written, then the end of the stream") {
    Fixture fixture;
    SocketPair pair;
    Recorder recorder;
    fixture.backend->receive({&recorder, 1}, pair.ours, Inflow::awaited);
    pair.write("hello ");
    fixture.turn_until([&] { return recorder.received == "hello "; });
    CHECK(recorder.ended == 0);
    pair.write("world");
    fixture.turn_until([&] { return recorder.received == "hello world"; });
    pair.close_theirs();
    fixture.turn_until([&] { return recorder.ended == 1; });
    CHECK(recorder.results.back() == 0);
}

TEST_CASE("uring: with no buffer free a receive waits, and goes on when one comes back") {
    const UringBackendOptions options{64, 256, 2, 8};
    Fixture fixture(options, 4 * BlockPool::small_bytes);
    SocketPair pair;
    Recorder recorder;
    recorder.holds = true;
    fixture.backend->receive({&recorder, 1}, pair.ours, Inflow::ready);
    const size_t block_bytes = BlockPool::small_bytes - sizeof(Block);
    const std::string text(block_bytes * 10, 'x');
    pair.write(text);
    for (int turns = 0; turns < 20; ++turns) {
        if (recorder.ended > 0) { // the operation ended for want of a buffer
            CHECK(recorder.results.back() == -ENOBUFS);
            recorder.ended = 0;
            fixture.backend->receive({&recorder, 1}, pair.ours, Inflow::ready);
        }
        fixture.turn_now();
    }
    CHECK(recorder.held.size() == 4);
    CHECK(recorder.received.size() == 4 * block_bytes);
    CHECK(fixture.backend->counters().buffer_shortages > 0);

    recorder.held.clear();
    recorder.holds = false;
    for (int turns = 0; turns < 200 && recorder.received.size() < text.size(); ++turns) {
        if (std::exchange(recorder.ended, 0) > 0) {
            fixture.backend->receive({&recorder, 1}, pair.ours, Inflow::ready);
        }
        fixture.turn_now();
    }
    CHECK(recorder.received == text);
}

TEST_CASE("uring: a receive that waits for a buffer can be cancelled") {
    const UringBackendOptions options{64, 256, 1, 1};
    Fixture fixture(options, BlockPool::small_bytes);
    SocketPair pair;
    Recorder hog;
    hog.holds = true;
    fixture.backend->receive({&hog, 1}, pair.ours, Inflow::ready);
    pair.write(std::string(BlockPool::small_bytes * 2, 'x'));
    fixture.turn_until([&] { return hog.ended == 1; });
    SocketPair other;
    Recorder starved;
    fixture.backend->receive({&starved, 1}, other.ours, Inflow::ready);
    fixture.turn_now();
    CHECK(starved.results.empty());
    fixture.backend->cancel({&starved, 1});
    fixture.turn_now();
    CHECK(starved.results == std::vector<int32_t>{-ECANCELED});
    CHECK(starved.ended == 1);
}

TEST_CASE("uring: buffers that a burst needed come back from the kernel when it is over") {
    UringBackendOptions options{64, 256, 4, 64};
    options.buffers_calm = 1ms;
    Fixture fixture(options);
    SocketPair pair;
    Recorder recorder;
    fixture.backend->receive({&recorder, 1}, pair.ours, Inflow::ready);
    const auto receive = [&](const std::string& text) {
        recorder.received.clear();
        pair.write(text);
        for (int turns = 0; turns < 1000 && recorder.received.size() < text.size(); ++turns) {
            if (std::exchange(recorder.ended, 0) > 0) {
                fixture.backend->receive({&recorder, 1}, pair.ours, Inflow::ready);
            }
            fixture.turn_now();
        }
        CHECK(recorder.received == text);
    };
    std::string burst;
    for (int i = 0; i < 100'000; ++i) burst += static_cast<char>('a' + i % 26);
    receive(burst);
    CHECK(fixture.backend->counters().buffer_shortages > 0);
    int turns = 0;
    do {
        fixture.turn_now(); // first lends again what receives took
    } while (++turns < 1'000'000 && fixture.blocks.bytes_in_use() > 4 * BlockPool::small_bytes);
    CHECK(fixture.blocks.bytes_in_use() == 4 * BlockPool::small_bytes);
    receive("the ones that stayed are good");
    receive(burst);
}

TEST_CASE("uring: send_now says nothing when all was taken, and how much when not") {
    Fixture fixture;
    SocketPair pair;
    Recorder recorder;
    const std::string small = "data: x\n\n";
    const std::array<iovec, 2> two = {piece_of(small), piece_of(small)};
    fixture.backend->send_now({&recorder, 2}, pair.ours, std::span(two).first(1));
    fixture.turn_now();
    fixture.backend->send_now({&recorder, 2}, pair.ours, two);
    fixture.turn_now();
    CHECK(recorder.results.empty());
    std::array<char, 64> buffer{};
    CHECK(read(pair.theirs, buffer.data(), buffer.size()) == 27);

    const std::string large(16 << 20, 'y');
    const iovec piece = piece_of(large);
    fixture.backend->send_now({&recorder, 2}, pair.ours, {&piece, 1});
    fixture.turn_now();
    REQUIRE(recorder.results.size() == 1);
    const int32_t taken = recorder.results[0];
    CHECK(taken > 0);
    CHECK(taken < static_cast<int32_t>(large.size()));

    fixture.backend->send_now({&recorder, 2}, pair.ours, {&piece, 1});
    fixture.turn_now();
    REQUIRE(recorder.results.size() == 2);
    CHECK(recorder.results[1] == -EAGAIN);
}

TEST_CASE("uring: send waits for room") {
    Fixture fixture;
    SocketPair pair;
    Recorder recorder;
    const std::string large(1 << 20, 'z');
    size_t sent = 0;
    size_t read_bytes = 0;
    std::vector<char> buffer(65536);
    while (sent < large.size()) {
        const iovec piece = piece_of(Bytes(large).substr(sent));
        recorder.results.clear();
        fixture.backend->send({&recorder, 2}, pair.ours, {&piece, 1});
        for (int turns = 0; turns < 1000 && recorder.results.empty(); ++turns) {
            fixture.turn_now();
            const auto got = recv(pair.theirs, buffer.data(), buffer.size(), MSG_DONTWAIT);
            if (got > 0) read_bytes += static_cast<size_t>(got);
        }
        REQUIRE(recorder.results.size() == 1);
        REQUIRE(recorder.results[0] > 0);
        sent += static_cast<size_t>(recorder.results[0]);
    }
    for (ssize_t got = 0;
         (got = recv(pair.theirs, buffer.data(), buffer.size(), MSG_DONTWAIT)) > 0;) {
        read_bytes += static_cast<size_t>(got);
    }
    CHECK(read_bytes == large.size());
}

TEST_CASE("uring: completions that overflow their queue are not lost") {
    const UringBackendOptions options{8, 16, 64, 256};
    Fixture fixture(options);
    std::vector<std::unique_ptr<SocketPair>> pairs;
    std::vector<std::unique_ptr<Recorder>> recorders;
    for (int i = 0; i < 100; ++i) {
        pairs.push_back(std::make_unique<SocketPair>());
        recorders.push_back(std::make_unique<Recorder>());
        fixture.backend->poll({recorders.back().get(), 3}, pairs.back()->ours, POLLIN);
    }
    fixture.turn_now();
    for (const auto& pair : pairs) pair->write("x");
    fixture.turn_until([&] {
        return std::all_of(recorders.begin(), recorders.end(),
                           [](const auto& recorder) { return recorder->ended == 1; });
    });
    for (const auto& recorder : recorders) CHECK(recorder->results.size() == 1);
}

TEST_CASE("uring: a multishot receive cut short by a full completion queue is heard as ended") {
    const UringBackendOptions options{8, 8, 64, 256};
    Fixture fixture(options);
    SocketPair pair;
    Recorder recorder;
    fixture.backend->receive({&recorder, 1}, pair.ours, Inflow::ready);
    std::string text;
    for (int i = 0; i < 40; ++i)
        text += std::string(BlockPool::small_bytes, static_cast<char>('a' + i % 26));
    pair.write(text);
    for (int turns = 0; turns < 200 && recorder.received.size() < text.size(); ++turns) {
        if (std::exchange(recorder.ended, 0) > 0) {
            fixture.backend->receive({&recorder, 1}, pair.ours, Inflow::ready);
        }
        fixture.turn_now();
    }
    CHECK(recorder.received == text);
}

TEST_CASE("uring: cancelling races with completing, and every operation ends exactly once") {
    Fixture fixture;
    const auto seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    for (int round = 0; round < 300; ++round) {
        SocketPair pair;
        Recorder recorder;
        fixture.backend->receive({&recorder, 1}, pair.ours,
                                 random() % 2 == 0 ? Inflow::ready : Inflow::awaited);
        if (random() % 2 == 0) fixture.turn_now();
        if (random() % 2 == 0) pair.write("abc");
        if (random() % 3 == 0) pair.close_theirs();
        if (random() % 2 == 0) {
            fixture.backend->cancel({&recorder, 1});
        } else {
            fixture.backend->cancel_all(pair.ours);
        }
        fixture.turn_until([&] { return recorder.ended > 0; });
        fixture.turn_now();
        CHECK(recorder.ended == 1);
    }
}

TEST_CASE("uring: an operation straight into memory fills all of it") {
    Fixture fixture;
    SocketPair pair;
    Recorder recorder;
    std::string memory(8, '\0');
    fixture.backend->receive_into({&recorder, 4}, pair.ours, memory);
    pair.write("abcd");
    fixture.turn_now();
    CHECK(recorder.results.empty());
    pair.write("efgh");
    fixture.turn_until([&] { return recorder.ended == 1; });
    CHECK(recorder.results[0] == 8);
    CHECK(memory == "abcdefgh");
}
