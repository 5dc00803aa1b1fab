#include "tools/bench_run.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "tools/bench_request.h"
#include "wire/json.h"

using namespace ringway;
using namespace ringway::tools;

namespace {

/// An upstream on a port of its own that gives every request the same bytes; a thread for each
/// connection.
class CannedUpstream {
public:
    explicit CannedUpstream(std::string answer) : answer_(std::move(answer)) {
        listener_ = socket(AF_INET, SOCK_STREAM, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        auto* const generic = reinterpret_cast<sockaddr*>(&address);
        REQUIRE(bind(listener_, generic, sizeof address) == 0);
        REQUIRE(listen(listener_, 64) == 0);
        socklen_t length = sizeof address;
        getsockname(listener_, generic, &length);
        port_ = ntohs(address.sin_port);
        accepting_ = std::thread([this] { accept_all(); });
    }
    ~CannedUpstream() {
        shutdown(listener_, SHUT_RDWR);
        accepting_.join();
        for (std::thread& thread : serving_) thread.join();
        close(listener_);
    }
    uint16_t port() const { return port_; }
    int connections() const { return connections_; }
    int requests() const { return requests_; }

private:
    void accept_all() {
        for (int client = 0; (client = accept(listener_, nullptr, nullptr)) >= 0;) {
            ++connections_;
            serving_.emplace_back([this, client] {
                serve(client);
                close(client);
            });
        }
    }
    void serve(int client) {
        std::string received;
        char piece[4096];
        for (;;) {
            const size_t head_end = received.find("\r\n\r\n");
            const size_t field = received.find("content-length: ");
            if (head_end != std::string::npos) {
                const size_t body = std::strtoul(received.c_str() + field + 16, nullptr, 10);
                if (received.size() >= head_end + 4 + body) {
                    received.erase(0, head_end + 4 + body);
                    ++requests_;
                    if (send(client, answer_.data(), answer_.size(), MSG_NOSIGNAL) < 0) return;
                    continue;
                }
            }
            const ssize_t size = recv(client, piece, sizeof piece, 0);
            if (size <= 0) return;
            received.append(piece, static_cast<size_t>(size));
        }
    }

    std::string answer_;
    int listener_;
    uint16_t port_ = 0;
    std::atomic<int> connections_ = 0;
    std::atomic<int> requests_ = 0;
    std::vector<std::thread> serving_;
    std::thread accepting_;
};

std::string chunked_answer(const std::string& body) {
    char size[16];
    std::snprintf(size, sizeof size, "%zx\r\n", body.size());
    return "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: "
           "chunked\r\n\r\n" +
           std::string(size) + body + "\r\n0\r\n\r\n";
}

std::string events(std::initializer_list<int> orders) {
    std::string body;
    for (const int order : orders) {
        body += R"(data: {"mock_seq":)" + std::to_string(order) +
                R"(,"mock_sent_ns":1,"choices":[{"delta":{"content":"a"}}]})" + "\n\n";
    }
    return body + "data: {\"choices\":[{\"finish_reason\":\"stop\"}],\"usage\":{"
                  "\"completion_tokens\":2}}\n\ndata: [DONE]\n\n";
}

BenchOptions options_for(uint16_t port) {
    BenchOptions options;
    options.targets.push_back({"target", {false, "127.0.0.1", port, "/v1"}, "m", ""});
    options.loads.resize(1);
    options.requests = 20;
    options.duration = Duration::zero();
    options.shows_progress = false;
    return options;
}

BenchResult run(const BenchOptions& options) {
    auto result = run_bench(options, [](const BenchProgress&) { return true; });
    REQUIRE(result.has_value());
    return std::move(*result);
}

} // namespace

TEST_CASE("bench: a closed loop sends its requests over its connections, and counts the answers") {
    const CannedUpstream upstream(chunked_answer(events({0, 1})));
    BenchOptions options = options_for(upstream.port());
    options.loads[0].connections = 3;
    const BenchResult result = run(options);
    const BenchTally& total = result.points[0].targets[0].total;
    CHECK(total.completed == 20);
    CHECK(total.failed == 0);
    CHECK(total.content_events == 40);
    CHECK(total.output_tokens == 40);
    CHECK(total.ttft.count() == 20);
    CHECK(total.itl.count() == 20);
    CHECK(total.delay.count() == 40);
    CHECK(upstream.requests() == 20);
    CHECK(upstream.connections() <= 3);
    CHECK_FALSE(result.has_failures());
}

TEST_CASE("bench: an open loop sends as many requests as asked, from more workers than one") {
    const CannedUpstream upstream(chunked_answer(events({0, 1})));
    BenchOptions options = options_for(upstream.port());
    options.loads[0].rate = 2000;
    options.loads[0].is_poisson = true;
    options.workers = 2;
    const BenchTally total = run(options).points[0].targets[0].total;
    CHECK(total.completed == 20);
    CHECK(total.send_lag.count() == 20);
    CHECK(upstream.requests() == 20);
}

TEST_CASE("bench: with new connections each request has one of its own, and none is cut") {
    const CannedUpstream upstream(chunked_answer(events({0, 1})));
    BenchOptions options = options_for(upstream.port());
    options.opens_connections = true;
    options.requests = 200;
    options.loads[0].connections = 4;
    const BenchTally total = run(options).points[0].targets[0].total;
    CHECK(total.completed == 200);
    CHECK(total.connect.count() == 200);
    CHECK(upstream.connections() == 200);
}

TEST_CASE("bench: a lost event fails the run") {
    const CannedUpstream upstream(chunked_answer(events({0, 2})));
    const BenchResult result = run(options_for(upstream.port()));
    const BenchTally& total = result.points[0].targets[0].total;
    CHECK(total.completed == 0);
    CHECK(total.failed == 20);
    CHECK(total.faults[static_cast<size_t>(AnswerFault::lost)] == 20);
    CHECK(result.has_failures());
}

TEST_CASE("bench: answers of other statuses are failures, told by their status") {
    const CannedUpstream upstream("HTTP/1.1 429 Too Many\r\ncontent-length: 2\r\n\r\n{}");
    const BenchTally total = run(options_for(upstream.port())).points[0].targets[0].total;
    CHECK(total.failed == 20);
    REQUIRE(total.failures.size() == 1);
    CHECK(total.failures[0].status == 429);
    CHECK(upstream.connections() == 1); // its body was read, so the connection serves on
}

TEST_CASE("bench: bytes behind an answer are a failure") {
    const CannedUpstream upstream(chunked_answer(events({0, 1})) + "x");
    CHECK(run(options_for(upstream.port())).points[0].targets[0].total.completed == 0);
}

TEST_CASE("bench: nobody at the address is a failure of each request, and the run ends") {
    uint16_t port = 0;
    { port = CannedUpstream("").port(); }
    BenchOptions options = options_for(port);
    options.requests = 3;
    const BenchTally total = run(options).points[0].targets[0].total;
    CHECK(total.failed == 3);
    REQUIRE(total.failures.size() == 1);
    CHECK(total.failures[0].what == "connection refused");
}

TEST_CASE("bench: two targets take turns, and each has every round") {
    const CannedUpstream first(chunked_answer(events({0, 1})));
    const CannedUpstream second(chunked_answer(events({0, 1})));
    BenchOptions options = options_for(first.port());
    options.targets.push_back({"direct", {false, "127.0.0.1", second.port(), ""}, "m", ""});
    options.rounds = 4;
    const BenchResult result = run(options);
    CHECK(result.points[0].targets[0].rounds.size() == 4);
    CHECK(result.points[0].targets[1].rounds.size() == 4);
    CHECK(first.requests() == 20);
    CHECK(second.requests() == 20);
}

TEST_CASE("bench: an interrupt ends a run whose answers never come") {
    const CannedUpstream upstream("");
    BenchOptions options = options_for(upstream.port());
    options.loads[0].connections = 2;
    const auto result = run_bench(options, [](const BenchProgress&) { return false; });
    REQUIRE(result.has_value());
    CHECK(result->was_interrupted);
    CHECK(result->points[0].targets[0].total.unfinished == 2);
}

TEST_CASE("bench: an answer that never comes fails after its timeout") {
    const CannedUpstream upstream("");
    BenchOptions options = options_for(upstream.port());
    options.requests = 1;
    options.timeout = 50ms;
    const BenchTally total = run(options).points[0].targets[0].total;
    REQUIRE(total.failures.size() == 1);
    CHECK(total.failures[0].what == "no whole answer in time");
}

TEST_CASE("bench request: the body is JSON and as long as the head says, for every API") {
    for (const BenchApi api : {BenchApi::chat, BenchApi::responses, BenchApi::messages,
                               BenchApi::completions, BenchApi::embeddings}) {
        for (const bool is_unique : {false, true}) {
            BenchOptions options = options_for(80);
            options.api = api;
            options.makes_unique = is_unique;
            options.prompt_bytes = 333;
            options.headers = {"x-one: 1"};
            const BenchRequest request(options, options.targets[0]);
            ring::BlockPool blocks;
            ring::SliceQueue out;
            request.write(17, blocks, out);
            std::string bytes;
            while (!out.empty()) bytes += out.pop_front().bytes();
            CAPTURE(bytes);
            const size_t body = bytes.find("\r\n\r\n") + 4;
            CHECK(wire::parse_json(Bytes(bytes).substr(body), false).has_value());
            const std::string length = "content-length: " + std::to_string(bytes.size() - body);
            CHECK(bytes.find(length + "\r\n\r\n") != std::string::npos);
            CHECK(bytes.find("\r\nx-one: 1\r\n") < body);
            CHECK(bytes.starts_with("POST /v1" + std::string(path_of(api)) + " HTTP/1.1\r\n"));
            CHECK((bytes.find("00000000000000000017 ") != std::string::npos) == is_unique);
        }
    }
}
