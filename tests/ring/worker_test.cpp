#include "ring/worker.h"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <string>
#include <thread>
#include <vector>

#include "ring/operation.h"
#include "ring/task.h"

using namespace ringway;
using namespace ringway::ring;

namespace {

Task<void> receive_once(Loop& loop, Operation& operation, int socket, std::span<char> into,
                        int& result) {
    loop.backend().receive_into(operation.name(), socket, into);
    const Completion done = co_await operation;
    result = done.result;
    loop.stop();
}

Task<void> count_pauses(Loop& loop, int& count) {
    for (; count < 3; ++count) {
        Pause pause(loop, 2ms);
        co_await pause;
    }
    loop.stop();
}

void run_in_worker(const Worker::Main& main) {
    Worker worker({}, main);
    std::string explanation;
    const auto started = worker.start(explanation);
    INFO(explanation);
    REQUIRE(started.has_value());
    worker.join();
}

} // namespace

TEST_CASE("worker: a coroutine awaits an operation and wakes with its result") {
    std::array<int, 2> sockets{};
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets.data()) == 0);
    std::string memory(5, '\0');
    int result = 0;
    REQUIRE(write(sockets[1], "hello", 5) == 5);
    run_in_worker([&](Worker& worker) {
        Scope scope;
        Operation operation;
        scope.spawn(receive_once(worker.loop(), operation, sockets[0], memory, result));
        worker.loop().run();
    });
    CHECK(result == 5);
    CHECK(memory == "hello");
    close(sockets[0]);
    close(sockets[1]);
}

TEST_CASE("worker: cancelling an operation wakes its coroutine with ECANCELED") {
    std::array<int, 2> sockets{};
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets.data()) == 0);
    std::string memory(5, '\0');
    int result = 0;
    run_in_worker([&](Worker& worker) {
        Scope scope;
        Operation operation;
        scope.spawn(receive_once(worker.loop(), operation, sockets[0], memory, result));
        worker.loop().turn(worker.loop().now());
        CHECK(result == 0);
        operation.cancel(worker.loop().backend());
        worker.loop().run();
    });
    CHECK(result == -ECANCELED);
    close(sockets[0]);
    close(sockets[1]);
}

TEST_CASE("worker: a pause ends by the timer wheel") {
    int count = 0;
    run_in_worker([&](Worker& worker) {
        Scope scope;
        scope.spawn(count_pauses(worker.loop(), count));
        worker.loop().run();
    });
    CHECK(count == 3);
}

TEST_CASE("mailbox: all that several threads post arrives, each thread's letters in order") {
    constexpr int threads = 4;
    constexpr int letters = 5000;
    std::array<std::vector<int>, threads> got;
    std::atomic<Worker*> target = nullptr;
    std::atomic<int> arrived = 0;
    Worker worker({}, [&](Worker& self) {
        target = &self;
        self.loop().run();
    });
    std::string explanation;
    REQUIRE(worker.start(explanation).has_value());
    while (target.load() == nullptr) std::this_thread::yield();
    std::vector<std::thread> senders;
    for (int sender = 0; sender < threads; ++sender) {
        senders.emplace_back([&, sender] {
            Loop& loop = target.load()->loop();
            for (int letter = 0; letter < letters; ++letter) {
                loop.mailbox().post([&, sender, letter] {
                    got[static_cast<size_t>(sender)].push_back(letter);
                    if (++arrived == threads * letters) loop.stop();
                });
            }
        });
    }
    for (auto& sender : senders) sender.join();
    worker.join();
    for (const auto& from_one : got) {
        REQUIRE(from_one.size() == letters);
        CHECK(std::is_sorted(from_one.begin(), from_one.end()));
    }
}

TEST_CASE("mailbox: what a letter owns is let go of, though no turn reads it any more") {
    auto owned = std::make_shared<int>(1);
    const std::weak_ptr<int> seen = owned;
    {
        Worker worker({}, [](Worker& self) { self.loop().turn(self.loop().now()); });
        std::string explanation;
        REQUIRE(worker.start(explanation).has_value());
        worker.join();
        bool was_read = false;
        worker.loop().mailbox().post([&was_read, held = std::make_unique<std::shared_ptr<int>>(
                                                     std::move(owned))] { was_read = true; });
        CHECK_FALSE(seen.expired());
        CHECK_FALSE(was_read);
    }
    CHECK(seen.expired());
}

TEST_CASE("cpu list: ranges and single numbers, and what is wrong with others") {
    CHECK(*parse_cpu_list("0,2-4,9") == std::vector<int>{0, 2, 3, 4, 9});
    for (const char* bad : {"", ",", "1-", "3-1", "a", "1,,2", "1 2", "-1", "99999"}) {
        CAPTURE(bad);
        CHECK_FALSE(parse_cpu_list(bad).has_value());
    }
}

TEST_CASE(
    "uring backend: shutdown acts on the socket it was asked for, though that is closed next") {
    std::array<int, 2> sockets{};
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets.data()) == 0);
    const int other_name = dup(sockets[0]); // closing alone does not end the connection
    run_in_worker([&](Worker& worker) {
        worker.loop().backend().shutdown(sockets[0], SHUT_RDWR);
        worker.loop().backend().close(sockets[0]);
        worker.loop().turn(worker.loop().now());
    });
    char byte = 0;
    CHECK(recv(sockets[1], &byte, 1, MSG_DONTWAIT) == 0);
    close(other_name);
    close(sockets[1]);
}
