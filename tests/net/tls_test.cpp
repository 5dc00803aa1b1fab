#include "net/tls.h"

#include <doctest/doctest.h>
#include <openssl/ssl.h>

#include "support/certificates.h"
#include "support/sim_world.h"
#include "support/tls_peer.h"

using namespace ringway;
using namespace ringway::net;
using namespace ringway::tests;

namespace {

constexpr const char* address = "127.0.0.1:443";

std::string take_all(Stream& stream) {
    std::string text;
    while (stream.has_input()) text += stream.take().bytes();
    return text;
}

/// ringway's TLS client, connected to whatever a test plays.
struct ClientSide {
    ClientSide(SimWorld& at, const std::string& ca_pem, const std::string& host = "upstream.test")
        : world(at), ca_file(ca_pem), signal(at.loop) {
        world.network.listen(address);
        auto made = TlsClient::make(host, {ca_file.path(), true});
        REQUIRE(made.has_value());
        tls = std::move(*made);
    }
    ring::SimPeer connect() {
        auto made =
            Stream::connect(world.loop, *parse_address(address), signal, tls->connect(world.loop));
        REQUIRE(made.has_value());
        stream = std::move(*made);
        world.settle();
        return world.accept(address);
    }
    void write(Bytes text) { stream->write(slice_of(world.blocks, text)); }

    SimWorld& world;
    TemporaryFile ca_file;
    ring::Signal signal;
    std::unique_ptr<TlsClient> tls;
    StreamPtr stream;
};

std::unique_ptr<TlsServer> make_server(const TlsIdentity& identity,
                                       const TlsTicketKeys& keys = TlsTicketKeys::random()) {
    auto made = TlsServer::make(identity, keys);
    REQUIRE(made.has_value());
    return std::move(*made);
}

/// ringway's TLS server, with one accepted connection.
struct ServerSide {
    ServerSide(SimWorld& at, TlsServer& server) : ServerSide(at, server, at.connection()) {}
    ServerSide(SimWorld& at, TlsServer& server, std::pair<int, ring::SimPeer> ends)
        : signal(at.loop), wire(std::move(ends.second)),
          stream(Stream::adopt(at.loop, ends.first, signal, server.accept(at.loop))) {}
    ring::Signal signal;
    ring::SimPeer wire;
    StreamPtr stream;
};

void pump(SimWorld& world, TlsPeer& peer) {
    for (int i = 0; i < 8; ++i) {
        world.settle();
        peer.pump();
    }
    world.settle();
}

/// ringway's client against OpenSSL with this identity: why it failed, or nothing.
std::optional<Error> shake_hands(const CertificateAuthority& signer, const CertificateWish& wish,
                                 const std::string& trusted_pem, const std::string& host,
                                 std::string& alert) {
    SimWorld world;
    ClientSide client(world, trusted_pem, host);
    const TlsIdentity identity = signer.issue(wish);
    TlsPeer peer(client.connect(), server_context(identity.certificate_pem, identity.key_pem),
                 TlsPeer::Role::server);
    pump(world, peer);
    alert = peer.alert();
    CHECK(client.stream->is_established() == !client.stream->failure().has_value());
    return client.stream->failure();
}

} // namespace

TEST_CASE("tls: client and server shake hands, and what goes in comes out") {
    CertificateAuthority authority;
    SimWorld world;
    auto server = make_server(authority.issue());
    ClientSide client(world, authority.pem());
    auto [near, far] = ring::SimNetwork::make_pair();
    ring::Signal near_signal(world.loop);
    ring::Signal far_signal(world.loop);
    StreamPtr asking = Stream::adopt(world.loop, world.backend.adopt(near), near_signal,
                                     client.tls->connect(world.loop));
    StreamPtr answering =
        Stream::adopt(world.loop, world.backend.adopt(far), far_signal, server->accept(world.loop));
    asking->write(slice_of(world.blocks, "question"));
    world.settle();
    REQUIRE(asking->is_established());
    REQUIRE(answering->is_established());
    CHECK(take_all(*answering) == "question");
    answering->write(slice_of(world.blocks, "answer"));
    world.settle();
    CHECK(take_all(*asking) == "answer");
    CHECK_FALSE(asking->can_receive_direct());
    CHECK(client.tls->counters().handshakes == 1);
    CHECK(client.tls->counters().resumed == 0);
}

TEST_CASE("tls: the name is asked for (SNI), and HTTP/1.1 is offered (ALPN)") {
    CertificateAuthority authority;
    SimWorld world;
    ClientSide client(world, authority.pem());
    const TlsIdentity identity = authority.issue();
    TlsPeer peer(client.connect(), server_context(identity.certificate_pem, identity.key_pem),
                 TlsPeer::Role::server);
    pump(world, peer);
    REQUIRE(client.stream->is_established());
    const char* const name = SSL_get_servername(peer.ssl(), TLSEXT_NAMETYPE_host_name);
    REQUIRE(name != nullptr);
    CHECK(std::string(name) == "upstream.test");
}

TEST_CASE("tls: an address in numbers is checked as an address, and not sent as a name") {
    CertificateAuthority authority;
    std::string alert;
    const CertificateWish by_address{{"IP:127.0.0.1"}, -3600, 3600};
    CHECK_FALSE(shake_hands(authority, by_address, authority.pem(), "127.0.0.1", alert));
    const CertificateWish by_name{{"127.0.0.1"}, -3600, 3600};
    CHECK(shake_hands(authority, by_name, authority.pem(), "127.0.0.1", alert));
}

TEST_CASE("tls: a certificate that does not hold is refused, with OpenSSL's own reason") {
    CertificateAuthority authority;
    CertificateAuthority stranger("Stranger");
    struct Row {
        const char* title;
        const CertificateAuthority& signer;
        CertificateWish wish;
        const char* reason;
    };
    for (const Row& row : {
             Row{"another host", authority, {{"other.test"}, -3600, 3600}, "hostname mismatch"},
             Row{"a wildcard that is partial",
                 authority,
                 {{"up*.test"}, -3600, 3600},
                 "hostname mismatch"},
             Row{"unknown authority", stranger, {}, "unable to get local issuer certificate"},
             Row{"expired",
                 authority,
                 {{"upstream.test"}, -7200, -3600},
                 "certificate has expired"},
             Row{"not yet valid",
                 authority,
                 {{"upstream.test"}, 3600, 7200},
                 "certificate is not yet valid"},
         }) {
        CAPTURE(row.title);
        std::string alert;
        const auto failure =
            shake_hands(row.signer, row.wish, authority.pem(), "upstream.test", alert);
        REQUIRE(failure.has_value());
        CHECK(failure->code == Code::tls_failed);
        CHECK(failure->what == row.reason);
        CHECK_FALSE(alert.empty()); // the other side is told as well
    }
    std::string alert;
    CHECK_FALSE(shake_hands(authority, {{"*.upstream.test"}, -3600, 3600}, authority.pem(),
                            "eu.upstream.test", alert));
}

TEST_CASE("tls: without verification any certificate will do") {
    CertificateAuthority stranger("Stranger");
    SimWorld world;
    ClientSide client(world, stranger.pem());
    client.tls = std::move(*TlsClient::make("upstream.test", {"", false}));
    const TlsIdentity identity = stranger.issue({{"elsewhere.test"}, -7200, -3600});
    TlsPeer peer(client.connect(), server_context(identity.certificate_pem, identity.key_pem),
                 TlsPeer::Role::server);
    pump(world, peer);
    CHECK(client.stream->is_established());
}

TEST_CASE("tls: what was written before the handshake goes out after it, whatever the version") {
    CertificateAuthority authority;
    for (const bool is_old : {false, true}) {
        CAPTURE(is_old);
        SimWorld world;
        ClientSide client(world, authority.pem());
        const TlsIdentity identity = authority.issue();
        SSL_CTX* context = server_context(identity.certificate_pem, identity.key_pem);
        if (is_old) at_most_tls12(context);
        TlsPeer peer(client.connect(), context, TlsPeer::Role::server);
        client.write("early");
        pump(world, peer);
        CHECK(client.stream->is_established());
        CHECK(peer.received() == "early");
        CHECK(client.stream->unsent_bytes() == 0);
        peer.send("answer");
        world.settle();
        CHECK(take_all(*client.stream) == "answer");
    }
}

TEST_CASE("tls: both versions shake hands when each flight is answered in the same turn") {
    CertificateAuthority authority;
    auto server = make_server(authority.issue());
    for (const bool is_old : {false, true}) {
        CAPTURE(is_old);
        SimWorld world;
        ServerSide side(world, *server);
        SSL_CTX* context = client_context();
        if (is_old) at_most_tls12(context);
        TlsPeer peer(side.wire, context, TlsPeer::Role::client);
        pump(world, peer);
        CHECK(side.stream->is_established());
        CHECK(peer.is_ready());
        peer.send("question");
        world.settle();
        CHECK(take_all(*side.stream) == "question");
    }
}

TEST_CASE("tls: a second handshake resumes the session of the first, at any worker's server") {
    CertificateAuthority authority;
    const TlsIdentity identity = authority.issue();
    const TlsTicketKeys keys = TlsTicketKeys::random();
    SimWorld world;
    ClientSide client(world, authority.pem());
    for (int round = 0; round < 3; ++round) {
        CAPTURE(round);
        auto server = make_server(identity, keys); // a new one, with the same keys
        auto [near, far] = ring::SimNetwork::make_pair();
        ring::Signal signal(world.loop);
        StreamPtr asking = Stream::adopt(world.loop, world.backend.adopt(near), signal,
                                         client.tls->connect(world.loop));
        StreamPtr answering =
            Stream::adopt(world.loop, world.backend.adopt(far), signal, server->accept(world.loop));
        asking->write(slice_of(world.blocks, "x"));
        world.settle();
        answering->write(slice_of(world.blocks, "x")); // carries the ticket, if it did not go yet
        world.settle();
        REQUIRE(asking->is_established());
        asking.reset();
        answering.reset();
        world.settle();
    }
    CHECK(client.tls->counters().handshakes == 3);
    CHECK(client.tls->counters().resumed == 2);
}

TEST_CASE("tls: connections that begin at once each resume a session") {
    CertificateAuthority authority;
    SimWorld world;
    ClientSide client(world, authority.pem());
    const TlsTicketKeys keys = TlsTicketKeys::random();
    auto server = make_server(authority.issue(), keys);
    ring::Signal signal(world.loop);
    const auto connect = [&] {
        auto [near, far] = ring::SimNetwork::make_pair();
        auto asking = Stream::adopt(world.loop, world.backend.adopt(near), signal,
                                    client.tls->connect(world.loop));
        auto answering =
            Stream::adopt(world.loop, world.backend.adopt(far), signal, server->accept(world.loop));
        asking->write(slice_of(world.blocks, "x"));
        return std::make_pair(std::move(asking), std::move(answering));
    };
    for (int round = 0; round < 2; ++round) { // the first two get a ticket each, or more
        CAPTURE(round);
        auto one = connect();
        auto other = connect();
        world.settle();
        one.second->write(slice_of(world.blocks, "x"));
        other.second->write(slice_of(world.blocks, "x"));
        world.settle();
        CHECK(one.first->is_established());
        CHECK(other.first->is_established());
    }
    CHECK(client.tls->counters().handshakes == 4);
    CHECK(client.tls->counters().resumed == 2);
}

TEST_CASE("tls: large transfers pass, however the records are split and slow the reader is") {
    CertificateAuthority authority;
    auto server = make_server(authority.issue());
    for (uint64_t seed = 1; seed <= 4; ++seed) {
        CAPTURE(seed);
        SimWorld world(seed);
        world.network.faults.split = 40;
        world.network.faults.short_send = 30;
        world.network.faults.socket_bytes = 9000;
        ClientSide client(world, authority.pem());
        auto [near, far] = ring::SimNetwork::make_pair();
        ring::Signal signal(world.loop);
        StreamPtr asking = Stream::adopt(world.loop, world.backend.adopt(near), signal,
                                         client.tls->connect(world.loop));
        StreamPtr answering =
            Stream::adopt(world.loop, world.backend.adopt(far), signal, server->accept(world.loop));
        std::string text(400'000, '\0');
        for (size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * 131 >> 3);
        std::string got;
        size_t written = 0;
        for (int turn = 0; turn < 100'000 && got.size() < text.size(); ++turn) {
            for (int piece = 0; piece < 4 && written < text.size(); ++piece) {
                const size_t size =
                    std::min<size_t>(1 + world.network.random() % 40'000, text.size() - written);
                asking->write(slice_of(world.blocks, Bytes(text).substr(written, size)));
                written += size;
            }
            world.settle();
            got += take_all(*answering);
        }
        REQUIRE(got.size() == text.size());
        CHECK((got == text));
        CHECK(asking->unsent_bytes() == 0);
    }
}

TEST_CASE("tls: an end that was said is no cut, an end that was not is one") {
    CertificateAuthority authority;
    for (const bool says_so : {true, false}) {
        CAPTURE(says_so);
        SimWorld world;
        ClientSide client(world, authority.pem());
        const TlsIdentity identity = authority.issue();
        TlsPeer peer(client.connect(), server_context(identity.certificate_pem, identity.key_pem),
                     TlsPeer::Role::server);
        pump(world, peer);
        peer.send("the last words");
        if (says_so) peer.say_end();
        peer.wire().end();
        world.settle();
        CHECK(take_all(*client.stream) == "the last words");
        CHECK(client.stream->has_ended());
        CHECK(client.stream->was_cut() == !says_so);
        CHECK_FALSE(client.stream->is_broken());
    }
}

TEST_CASE("tls: ending its side says so before the connection ends") {
    CertificateAuthority authority;
    SimWorld world;
    ClientSide client(world, authority.pem());
    const TlsIdentity identity = authority.issue();
    TlsPeer peer(client.connect(), server_context(identity.certificate_pem, identity.key_pem),
                 TlsPeer::Role::server);
    pump(world, peer);
    client.write("bye");
    client.stream->end_writing();
    pump(world, peer);
    CHECK(peer.received() == "bye");
    CHECK(peer.has_ended());
    CHECK(peer.wire().has_ended());
}

TEST_CASE("tls: plain bytes at a TLS port fail at once") {
    CertificateAuthority authority;
    auto server = make_server(authority.issue());
    for (const char* text : {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n",
                             "{\"model\": \"m\"}", "\x16\x03\x01\xff\xff too long"}) {
        CAPTURE(std::string(text));
        SimWorld world;
        ServerSide side(world, *server);
        side.wire.send(text);
        world.settle();
        REQUIRE(side.stream->is_broken());
        CHECK(side.stream->failure()->code == Code::tls_failed);
        CHECK_FALSE(side.stream->has_input());
    }
}

TEST_CASE("tls: a record that was tampered with breaks the connection") {
    CertificateAuthority authority;
    auto server = make_server(authority.issue());
    SimWorld world;
    ServerSide side(world, *server);
    TlsPeer peer(side.wire, client_context(), TlsPeer::Role::client);
    pump(world, peer);
    REQUIRE(side.stream->is_established());
    const char record[] = "\x17\x03\x03\x00\x20................................";
    side.wire.send(Bytes(record, 37));
    world.settle();
    REQUIRE(side.stream->is_broken());
    CHECK(side.stream->failure()->code == Code::tls_failed);
    CHECK_FALSE(side.stream->has_input());
}

TEST_CASE("tls: a connection that ends during the handshake is over, not established") {
    CertificateAuthority authority;
    auto server = make_server(authority.issue());
    SimWorld world;
    ServerSide side(world, *server);
    side.wire.send(Bytes("\x16\x03\x01\x00", 4));
    side.wire.end();
    world.settle();
    CHECK(side.stream->has_ended());
    CHECK(side.stream->was_cut());
    CHECK_FALSE(side.stream->is_established());
}

TEST_CASE("tls: a certificate or key that cannot serve is told apart") {
    CertificateAuthority authority;
    const TlsIdentity good = authority.issue();
    const TlsIdentity other = authority.issue();
    const TlsTicketKeys keys = TlsTicketKeys::random();
    const auto problem = [&](const TlsIdentity& identity) {
        auto made = TlsServer::make(identity, keys);
        return made ? std::string() : made.error();
    };
    CHECK(problem(good).empty());
    CHECK(problem({"", good.key_pem}).starts_with("no usable certificate"));
    CHECK(problem({"nonsense", good.key_pem}).starts_with("no usable certificate"));
    CHECK(problem({good.certificate_pem, ""}).starts_with("no usable private key"));
    CHECK(
        problem({good.certificate_pem, good.certificate_pem}).starts_with("no usable private key"));
    CHECK_FALSE(problem({good.certificate_pem, other.key_pem}).empty());
    CHECK_FALSE(TlsClient::make("x.test", {"/nowhere/at/all.pem", true}).has_value());
}
