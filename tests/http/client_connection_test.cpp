#include "http/client_connection.h"

#include <doctest/doctest.h>

#include "support/sim_world.h"

using namespace ringway;
using namespace ringway::http;
using ringway::tests::SimWorld;
using ringway::tests::slice_of;

namespace {

/// A connection to an upstream that the test plays.
struct Asking {
    explicit Asking(uint64_t seed = 1) : world(seed), signal(world.loop) {
        auto [socket, far] = world.connection();
        upstream.emplace(std::move(far));
        connection =
            std::make_unique<ClientConnection>(net::Stream::adopt(world.loop, socket, signal));
        world.settle();
    }
    ~Asking() { connection.reset(); }

    void ask(wire::Method method = wire::Method::post) {
        connection->begin_request(method);
        connection->stream().write(slice_of(world.blocks, "request"));
        world.settle();
    }
    Result<Progress> answer(Bytes text) {
        upstream->send(text);
        world.settle();
        return connection->poll_head(fields, line);
    }
    std::string read_body() {
        std::string payload;
        net::Stream& stream = connection->stream();
        while (stream.has_input() && !connection->body().has_ended()) {
            ring::Slice piece = stream.take();
            const auto step = connection->body().next(piece.bytes());
            REQUIRE(step.has_value());
            payload += step->payload;
            piece.remove_prefix(step->consumed);
            if (!piece.empty()) stream.untake(std::move(piece));
        }
        return payload;
    }

    SimWorld world;
    ring::Signal signal;
    std::optional<ring::SimPeer> upstream;
    std::unique_ptr<ClientConnection> connection;
    wire::Fields fields;
    wire::StatusLine line;
};

bool is_done(const Result<Progress>& progress) { return progress && *progress == Progress::done; }

} // namespace

TEST_CASE("client: an answer with a length is read to its end, and the connection used again") {
    Asking asking;
    for (int round = 0; round < 3; ++round) {
        CAPTURE(round);
        asking.ask();
        CHECK(asking.connection->is_unanswered());
        CHECK(asking.connection->was_used() == (round > 0));
        CHECK_FALSE(asking.connection->is_reusable());
        REQUIRE(is_done(asking.answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel")));
        CHECK(asking.line.status == 200);
        CHECK(asking.line.framing == wire::Framing::length);
        CHECK_FALSE(asking.connection->is_unanswered());
        CHECK(asking.read_body() == "hel");
        CHECK_FALSE(asking.connection->is_reusable());
        asking.upstream->send("lo");
        asking.world.settle();
        CHECK(asking.read_body() == "lo");
        CHECK(asking.connection->is_reusable());
    }
}

TEST_CASE("client: a chunked answer is read to its end, trailers included") {
    for (uint64_t seed = 1; seed <= 10; ++seed) {
        CAPTURE(seed);
        Asking asking(seed);
        asking.world.network.faults.split = 60;
        asking.ask();
        const std::string text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                 "5\r\nhello\r\n6;e=1\r\n world\r\n0\r\nX-T: 1\r\n\r\n";
        Result<Progress> head = asking.answer(text);
        for (int i = 0; i < 100 && !is_done(head); ++i) {
            asking.world.settle();
            head = asking.connection->poll_head(asking.fields, asking.line);
        }
        REQUIRE(is_done(head));
        std::string body;
        for (int i = 0; i < 100 && !asking.connection->body().has_ended(); ++i) {
            body += asking.read_body();
            asking.world.settle();
        }
        CHECK(body == "hello world");
        CHECK(asking.connection->is_reusable());
    }
}

TEST_CASE("client: interim answers are passed over") {
    Asking asking;
    asking.ask();
    REQUIRE(is_done(asking.answer("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n"
                                  "Link: </x>\r\n\r\nHTTP/1.1 201 Created\r\n"
                                  "Content-Length: 0\r\nX: y\r\n\r\n")));
    CHECK(asking.line.status == 201);
    CHECK(asking.fields.count == 2);
    CHECK(asking.connection->is_reusable());
}

TEST_CASE("client: an upstream that switches protocols unasked is refused") {
    Asking asking;
    asking.ask();
    const auto progress = asking.answer("HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n");
    REQUIRE_FALSE(progress.has_value());
    CHECK(progress.error().code == Code::malformed);
    CHECK(progress.error().blame == Blame::upstream);
}

TEST_CASE("client: answers that have no body end with their head") {
    struct Row {
        wire::Method method;
        const char* head;
    };
    for (const Row& row : {
             Row{wire::Method::head, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"},
             Row{wire::Method::post, "HTTP/1.1 204 No Content\r\n\r\n"},
             Row{wire::Method::get, "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"},
             Row{wire::Method::get, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
         }) {
        CAPTURE(row.head);
        Asking asking;
        asking.ask(row.method);
        REQUIRE(is_done(asking.answer(row.head)));
        CHECK(asking.connection->body().has_ended());
        CHECK(asking.connection->is_reusable());
    }
}

TEST_CASE("client: a body that ends with the connection is read until then, and not reused") {
    Asking asking;
    asking.ask();
    REQUIRE(is_done(asking.answer("HTTP/1.1 200 OK\r\n\r\nall of")));
    CHECK(asking.line.framing == wire::Framing::until_close);
    CHECK(asking.read_body() == "all of");
    asking.upstream->send(" it");
    asking.upstream->end();
    asking.world.settle();
    CHECK(asking.read_body() == " it");
    CHECK(asking.connection->stream().has_ended());
    CHECK_FALSE(asking.connection->is_reusable());
}

TEST_CASE("client: what is said beyond an answer, or against it, ends the connection's use") {
    for (const char* text : {
             "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nsurplus",
             "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
             "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
         }) {
        CAPTURE(text);
        Asking asking;
        asking.ask();
        REQUIRE(is_done(asking.answer(text)));
        CHECK_FALSE(asking.connection->is_reusable());
    }
}

TEST_CASE("client: an answer that comes while the request is still being sent is heard") {
    Asking asking;
    asking.world.network.faults.socket_bytes = 100;
    asking.connection->begin_request(wire::Method::post);
    asking.connection->stream().write(slice_of(asking.world.blocks, std::string(5000, 'u')));
    asking.world.settle();
    REQUIRE(
        is_done(asking.answer("HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno")));
    CHECK(asking.line.status == 413);
    CHECK(asking.read_body() == "no");
    CHECK_FALSE(asking.connection->is_reusable()); // the upload hangs in the middle
}

TEST_CASE("client: an upstream that breaks off before its answer is told apart") {
    Asking ended;
    ended.ask();
    ended.upstream->end();
    const auto closed = ended.answer("");
    REQUIRE_FALSE(closed.has_value());
    CHECK(closed.error().code == Code::closed);
    CHECK(closed.error().blame == Blame::upstream);
    CHECK(ended.connection->is_unanswered());

    Asking broken;
    broken.ask();
    broken.upstream->reset();
    const auto reset = broken.answer("");
    REQUIRE_FALSE(reset.has_value());
    CHECK(reset.error().code == Code::reset);
    CHECK(broken.connection->is_unanswered());

    Asking half;
    half.ask();
    half.upstream->send("HTTP/1.1 200 ");
    half.upstream->end();
    const auto cut = half.answer("");
    REQUIRE_FALSE(cut.has_value());
    CHECK(cut.error().code == Code::closed);
    CHECK_FALSE(half.connection->is_unanswered());
}

TEST_CASE("client: a malformed or endless head is the upstream's fault") {
    for (const char* text : {"garbage\r\n\r\n", "HTTP/1.1 abc OK\r\n\r\n", "HTTP/2 200 OK\r\n\r\n",
                             "\r\nHTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\nA: b\n\n",
                             "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
                             "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n"
                             "Transfer-Encoding: chunked\r\n\r\n",
                             "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n"}) {
        CAPTURE(text);
        Asking asking;
        asking.ask();
        const auto progress = asking.answer(text);
        REQUIRE_FALSE(progress.has_value());
        CHECK(progress.error().code == Code::malformed);
        CHECK(progress.error().blame == Blame::upstream);
    }
    Asking endless;
    endless.ask();
    std::optional<Error> error;
    endless.upstream->send("HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 300 && !error; ++i) {
        const auto progress = endless.answer("X: " + std::string(1000, 'x') + "\r\n");
        if (!progress) error = progress.error();
    }
    REQUIRE(error.has_value());
    CHECK(error->code == Code::head_too_large);
    CHECK(error->blame == Blame::upstream);
}
