#pragma once

#include <functional>
#include <memory>
#include <string>

#include "gateway/serve.h"
#include "gateway/worker_state.h"
#include "net/listener.h"
#include "ring/sim_backend.h"

namespace ringway::tests {

/// Knows the names that a test told it.
class FakeNames final : public net::NameService {
public:
    std::map<std::string, std::vector<net::Address>> known;
    void ask(std::string host, ring::Mailbox& mailbox, Answer answer) override {
        mailbox.post([addresses = known[host], answer = std::move(answer)] { answer(addresses); });
    }
    void forget(ring::Mailbox&) override {}
};

/// One worker of the gateway on a simulated network: clients connect, and upstreams named
/// "10.0.0.N" answer, all played by the test, in one thread and without a system call.
class GatewayWorld {
public:
    static constexpr const char* gateway_address = "127.0.0.1:8080";

    /// Two providers of kind openai, "one" and "two" (10.0.0.1 and .2), and one of kind anthropic,
    /// "claude" (10.0.0.3), unless `adjust` changes that.
    explicit GatewayWorld(uint64_t seed = 1, const std::function<void(Config&)>& adjust = {});
    ~GatewayWorld();

    ring::SimNetwork network;
    ring::BlockPool blocks{0};
    ring::SimBackend backend{network, blocks};
    ring::Loop loop{backend, blocks};
    FakeNames names;
    observe::Counters counters{1};
    observe::Log log{observe::LogLevel::off};
    std::unique_ptr<gateway::WorkerState> state;

    /// Turns until nothing happens any more.
    void settle();
    void turn() { loop.turn(loop.now()); }
    /// Lets time pass, in steps small enough for every timer.
    void pass(Duration time);

    ring::SimPeer connect();
    /// The connection that the gateway opened to upstream N and that was not taken yet; turns until
    /// there is one.
    std::optional<ring::SimPeer> accept(unsigned upstream = 1);
    /// Sends `request` over a new connection and takes the upstream's end of the exchange.
    struct Exchange {
        ring::SimPeer client;
        ring::SimPeer upstream;
        std::string forwarded; ///< what the upstream received
    };
    Exchange exchange(Bytes request, unsigned upstream = 1);
    const observe::WorkerCounters& count() { return counters.worker(0); }

    static std::string upstream_address(unsigned n) {
        return "10.0.0." + std::to_string(n) + ":80";
    }

private:
    std::unique_ptr<net::Listener> listener_;
};

/// A POST with a JSON body.
std::string post(Bytes path, Bytes body, Bytes more_fields = {});
/// The message body behind the head of `message`.
std::string_view body_of(std::string_view message);
/// Takes the chunked coding off. Fails the test if it is malformed or not ended (unless `is_open`).
std::string dechunk(std::string_view coded, bool is_open = false);
std::string chunk(std::string_view payload);
/// The head of a stream of events in chunks.
inline constexpr std::string_view stream_head =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
/// An answer with a Content-Length.
std::string answer(unsigned status, Bytes body, Bytes more_fields = {});

} // namespace ringway::tests
