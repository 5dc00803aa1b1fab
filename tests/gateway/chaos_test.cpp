#include <doctest/doctest.h>

#include "support/gateway_world.h"

using namespace ringway;
using namespace ringway::tests;

namespace {

constexpr std::string_view finish =
    "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
    "data: [DONE]\n\n";

/// One client that asks, reads and sometimes leaves, as the dice say.
struct ChaosClient {
    ring::SimPeer peer;
    std::string got;
    bool has_left = false;
};

/// One upstream that answers, and sometimes breaks off.
struct ChaosUpstream {
    ring::SimPeer peer;
    std::string received;
    unsigned events = 0;
    bool is_answering = false;
    bool has_ended = false;
};

class Chaos {
public:
    explicit Chaos(uint64_t seed) : world_(seed) {
        world_.network.faults = {
            .split = 40, .short_send = 30, .early_end = 20, .no_buffers = 5, .socket_bytes = 4096};
    }

    void run() {
        for (int step = 0; step < 400; ++step) {
            if (clients_.size() < 8 && dice(5)) ask();
            world_.turn();
            take_upstreams();
            for (auto& upstream : upstreams_) play(*upstream);
            for (auto& client : clients_) play(*client);
            if (dice(10)) world_.network.advance(7ms);
        }
        end_all();
        check_all();
    }

private:
    bool dice(unsigned percent) { return world_.network.random() % 100 < percent; }

    void ask() {
        auto client = std::make_unique<ChaosClient>(ChaosClient{world_.connect(), "", false});
        client->peer.send(post("/v1/chat/completions", R"({"model":"m","stream":true})"));
        clients_.push_back(std::move(client));
    }
    void take_upstreams() {
        auto* const backlog = world_.network.backlog(GatewayWorld::upstream_address(1));
        while (!backlog->empty()) {
            upstreams_.push_back(std::make_unique<ChaosUpstream>(
                ChaosUpstream{ring::SimPeer(backlog->front()), "", 0, false, false}));
            backlog->pop_front();
        }
    }
    void play(ChaosUpstream& upstream) {
        if (upstream.has_ended) return;
        upstream.received += upstream.peer.take();
        if (!upstream.is_answering && upstream.received.ends_with("}")) {
            upstream.received.clear();
            upstream.is_answering = true;
            upstream.events = 0;
            upstream.peer.send(stream_head);
        }
        if (!upstream.is_answering || !dice(60)) return;
        if (upstream.events < 20) {
            upstream.peer.send(
                chunk("data: {\"n\":" + std::to_string(upstream.events++) + "}\n\n"));
        } else {
            upstream.peer.send(chunk(finish) + "0\r\n\r\n");
            upstream.is_answering = false;
        }
        if (dice(3)) {
            upstream.has_ended = true;
            dice(50) ? upstream.peer.close() : upstream.peer.reset();
        }
    }
    void play(ChaosClient& client) {
        if (client.has_left) return;
        client.got += client.peer.take(dice(50) ? 100 : std::string::npos);
        if (dice(1)) {
            client.has_left = true;
            dice(50) ? client.peer.close() : client.peer.reset();
        }
    }
    void end_all() {
        world_.network.faults = {};
        for (int i = 0; i < 60; ++i) {
            world_.settle();
            take_upstreams();
            for (auto& upstream : upstreams_) play(*upstream);
            for (auto& client : clients_) client->got += client->peer.take();
        }
    }
    /// Whoever stayed saw the events from the first on, in order, and then either the end or an
    /// error.
    void check_all() {
        for (const auto& client : clients_) {
            if (client->has_left) continue;
            CAPTURE(client->got);
            REQUIRE(client->got.starts_with("HTTP/1.1 "));
            if (!client->got.starts_with("HTTP/1.1 200")) continue;
            const std::string events = dechunk(body_of(client->got));
            std::string expected;
            for (int n = 0; n < 20; ++n) {
                const std::string event = "data: {\"n\":" + std::to_string(n) + "}\n\n";
                if (!events.starts_with(expected + event)) break;
                expected += event;
            }
            const std::string rest = events.substr(expected.size());
            const bool is_whole = rest == finish;
            const bool is_error = rest.find("data: {\"error\":{") != std::string::npos &&
                                  rest.find("[DONE]") == std::string::npos;
            CHECK((is_whole || is_error));
        }
    }

    GatewayWorld world_;
    std::vector<std::unique_ptr<ChaosClient>> clients_;
    std::vector<std::unique_ptr<ChaosUpstream>> upstreams_;
};

} // namespace

TEST_CASE(
    "chaos: whatever the network does, streams are whole or end in an error, and nothing leaks") {
    for (uint64_t seed = 1; seed <= 60; ++seed) {
        CAPTURE(seed);
        Chaos(seed).run();
    }
}
