#include "support/gateway_world.h"

#include <doctest/doctest.h>

#include "wire/chunked.h"

namespace ringway::tests {
namespace {

ProviderConfig provider(std::string name, ProviderKind kind, unsigned upstream) {
    ProviderConfig config;
    config.name = std::move(name);
    config.kind = kind;
    config.base_url =
        "http://10.0.0." + std::to_string(upstream) + (kind == ProviderKind::openai ? "/v1" : "");
    config.api_key = Secret("upstream-secret-" + std::to_string(upstream));
    return config;
}

} // namespace

GatewayWorld::GatewayWorld(uint64_t seed, const std::function<void(Config&)>& adjust)
    : network(seed) {
    Config config;
    config.providers = {provider("one", ProviderKind::openai, 1),
                        provider("two", ProviderKind::openai, 2),
                        provider("claude", ProviderKind::anthropic, 3)};
    config.providers[0].models = {{"m", "m-*"}};
    config.providers[1].models = {{"n"}};
    config.providers[2].models = {{"claude-*"}};
    config.models = {{"alias", {"one/m"}}, {"both", {"one/m", "two/n"}}};
    config.passthrough = "one";
    if (adjust) adjust(config);
    auto snapshot = gateway::Snapshot::make(config, 1);
    REQUIRE_MESSAGE(snapshot.has_value(), snapshot.error());
    state = std::make_unique<gateway::WorkerState>(loop, 0U, names, counters, log, *snapshot);
    for (unsigned n = 1; n <= config.providers.size(); ++n) network.listen(upstream_address(n));
    auto listener = net::Listener::open(loop, *net::parse_address(gateway_address), [this](int s) {
        state->scope().spawn(gateway::serve_connection(*state, s, nullptr));
    });
    REQUIRE(listener.has_value());
    listener_ = std::move(*listener);
    settle();
}

/// Whatever a test did, all must come to its end: nothing leaks, nothing hangs.
GatewayWorld::~GatewayWorld() {
    network.faults = {};
    ring::Signal stopped(loop);
    listener_->stop(stopped);
    state->abandon();
    settle();
    pass(3s);
    CHECK(state->scope().running() == 0);
    ring::Scope closing;
    closing.spawn(state->close_pools());
    settle();
    CHECK(closing.running() == 0);
    CHECK(backend.open_sockets() == 0);
    CHECK(count().connections_open.value() == 0);
    CHECK(count().exchanges_running.value() == 0);
    CHECK(count().streams_running.value() == 0);
    state.reset();
    listener_.reset();
    CHECK(blocks.bytes_in_use() <= 4096); // the pool's own block for short texts
}

void GatewayWorld::settle() {
    constexpr int idle_turns = 4;
    constexpr int turns_max = 20000;
    uint64_t delivered = backend.delivered();
    uint64_t wakeups = loop.counters().wakeups;
    int idle = 0;
    for (int i = 0; i < turns_max && idle < idle_turns; ++i) {
        turn();
        const bool moved = delivered != backend.delivered() || wakeups != loop.counters().wakeups;
        idle = moved ? 0 : idle + 1;
        delivered = backend.delivered();
        wakeups = loop.counters().wakeups;
    }
    REQUIRE_MESSAGE(idle == idle_turns, "the world does not come to rest");
}

void GatewayWorld::pass(Duration time) {
    settle();
    const TimePoint end = network.now() + time;
    while (network.now() < end) {
        const TimePoint next = std::min(end, loop.timers().next_expiry());
        network.advance(std::max(next - network.now(), Duration(1ms)));
        settle();
    }
}

ring::SimPeer GatewayWorld::connect() {
    auto socket = network.connect(gateway_address);
    REQUIRE(socket.has_value());
    return ring::SimPeer(std::move(*socket));
}

std::optional<ring::SimPeer> GatewayWorld::accept(unsigned upstream) {
    auto* const backlog = network.backlog(upstream_address(upstream));
    settle();
    if (backlog == nullptr || backlog->empty()) return std::nullopt;
    ring::SimPeer peer(backlog->front());
    backlog->pop_front();
    settle();
    return peer;
}

GatewayWorld::Exchange GatewayWorld::exchange(Bytes request, unsigned upstream) {
    ring::SimPeer client = connect();
    client.send(request);
    auto accepted = accept(upstream);
    if (!accepted) {
        settle();
        FAIL("nothing was forwarded; the client got: " << client.received());
    }
    std::string forwarded;
    for (std::string more = accepted->take(); !more.empty(); more = accepted->take()) {
        forwarded += more;
        settle();
    }
    return {std::move(client), std::move(*accepted), std::move(forwarded)};
}

std::string post(Bytes path, Bytes body, Bytes more_fields) {
    return "POST " + std::string(path) + " HTTP/1.1\r\nHost: ringway\r\n" +
           "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n" + std::string(more_fields) + "\r\n" + std::string(body);
}

std::string_view body_of(std::string_view message) {
    const size_t end = message.find("\r\n\r\n");
    REQUIRE(end != std::string_view::npos);
    return message.substr(end + 4);
}

std::string dechunk(std::string_view coded, bool is_open) {
    wire::ChunkedDecoder decoder;
    std::string payload;
    while (!coded.empty() && !decoder.has_ended()) {
        const auto step = decoder.next(coded);
        REQUIRE_MESSAGE(step.has_value(), "malformed chunks before: " << coded);
        payload += step->payload;
        coded.remove_prefix(step->consumed);
    }
    CHECK(coded.empty());
    CHECK(decoder.has_ended() != is_open);
    return payload;
}

std::string chunk(std::string_view payload) {
    char size[20];
    std::snprintf(size, sizeof size, "%zx\r\n", payload.size());
    return size + std::string(payload) + "\r\n";
}

std::string answer(unsigned status, Bytes body, Bytes more_fields) {
    return "HTTP/1.1 " + std::to_string(status) +
           " X\r\nContent-Type: application/json\r\nContent-Length: " +
           std::to_string(body.size()) + "\r\n" + std::string(more_fields) + "\r\n" +
           std::string(body);
}

} // namespace ringway::tests
