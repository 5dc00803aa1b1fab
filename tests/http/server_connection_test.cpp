#include "http/server_connection.h"

#include <doctest/doctest.h>

#include "support/sim_world.h"

using namespace ringway;
using namespace ringway::http;
using ringway::tests::SimWorld;
using ringway::tests::slice_of;
using ringway::tests::text_of;

namespace {

/// One accepted connection; the test is its client.
struct Served {
    explicit Served(const ServerLimits& wanted = {}, uint64_t seed = 1)
        : world(seed), limits(wanted) {
        auto [socket, far] = world.connection();
        peer.emplace(std::move(far));
        connection = std::make_unique<ServerConnection>(world.loop, socket, limits, nullptr);
        world.settle();
    }
    ~Served() {
        connection.reset();
        world.settle();
        CHECK(world.backend.open_sockets() == 0);
    }

    void send(Bytes bytes) {
        peer->send(bytes);
        world.settle();
    }
    Result<Progress> poll_head() { return connection->poll_head(); }
    /// The next request's line; its body is begun.
    wire::RequestLine take_head() {
        const auto progress = poll_head();
        REQUIRE(progress.has_value());
        REQUIRE(*progress == Progress::done);
        head_text = connection->head().bytes();
        auto line = wire::parse_request_head(head_text, fields, limits.head);
        REQUIRE(line.has_value());
        connection->release_head();
        connection->begin_body(*line);
        return *line;
    }
    /// Reads the body, as far as it has come.
    Result<Progress> poll_body() {
        ring::SliceQueue into;
        auto progress = connection->poll_body(into);
        body += text_of(into);
        return progress;
    }
    /// Reads the body while turns bring more of it.
    Result<Progress> read_body() {
        auto progress = poll_body();
        for (int i = 0; i < 50 && progress && *progress == Progress::waiting; ++i) {
            world.settle();
            progress = poll_body();
        }
        return progress;
    }
    Code error_of(const Result<Progress>& progress) {
        REQUIRE_FALSE(progress.has_value());
        CHECK(progress.error().blame == Blame::client);
        return progress.error().code;
    }
    /// How the head in `text` is refused.
    Code refusal(Bytes text) {
        send(text);
        return error_of(poll_head());
    }

    SimWorld world;
    ServerLimits limits;
    std::optional<ring::SimPeer> peer;
    std::unique_ptr<ServerConnection> connection;
    wire::Fields fields;
    std::string head_text;
    std::string body;
};

const std::string get = "GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n";

std::string post(Bytes body, Bytes more = {}) {
    return "POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n" + std::string(more) + "\r\n" + std::string(body);
}

} // namespace

TEST_CASE("server: a head is found, however the network splits it") {
    for (uint64_t seed = 1; seed <= 20; ++seed) {
        CAPTURE(seed);
        Served served({}, seed);
        served.world.network.faults.split = 70;
        served.world.network.faults.early_end = 30;
        std::string text = post("hello body", "X-Long: " + std::string(6000, 'l') + "\r\n");
        for (size_t at = 0; at < text.size();) {
            const size_t size = 1 + served.world.network.random() % 900;
            served.send(Bytes(text).substr(at, size));
            at += size;
            if (at < text.size() - 10) {
                const auto progress = served.poll_head();
                REQUIRE(progress.has_value());
                if (*progress == Progress::done) break;
            }
        }
        served.world.settle();
        if (served.connection->head().empty() ||
            !served.connection->head().bytes().ends_with("\r\n\r\n")) {
            REQUIRE(*served.poll_head() == Progress::done);
        }
        CHECK(served.connection->head().bytes().starts_with("POST /p HTTP/1.1\r\n"));
        CHECK(served.connection->head().bytes().ends_with("\r\n\r\n"));
    }
}

TEST_CASE("server: requests sent at once are read one after the other, bodies included") {
    Served served;
    served.send("\r\n" + post("one") + get + "POST /c HTTP/1.1\r\nHost: x\r\n" +
                "Transfer-Encoding: chunked\r\n\r\n2;x=y\r\nab\r\n1\r\nc\r\n0\r\nT: v\r\n\r\n" +
                post("last"));
    for (const char* expected : {"one", "", "abc", "last"}) {
        CAPTURE(expected);
        served.body.clear();
        const wire::RequestLine line = served.take_head();
        CHECK(line.keeps_alive);
        CHECK(*served.poll_body() == Progress::done);
        CHECK(served.body == expected);
        served.connection->await_next_request();
    }
    CHECK(*served.poll_head() == Progress::waiting);
}

TEST_CASE("server: what follows a body is never taken for it, however the bytes are split") {
    const std::string text = post("hello") + get;
    for (size_t cut = 1; cut < text.size(); ++cut) {
        CAPTURE(cut);
        Served served;
        served.send(Bytes(text).substr(0, cut));
        if (*served.poll_head() == Progress::waiting) {
            served.send(Bytes(text).substr(cut));
            REQUIRE(*served.poll_head() == Progress::done);
            auto line = wire::parse_request_head(served.connection->head().bytes(), served.fields,
                                                 served.limits.head);
            served.connection->begin_body(*line);
        } else {
            auto line = wire::parse_request_head(served.connection->head().bytes(), served.fields,
                                                 served.limits.head);
            served.connection->begin_body(*line);
            served.poll_body();
            served.send(Bytes(text).substr(cut));
        }
        REQUIRE(served.read_body().has_value());
        CHECK(served.body == "hello");
        served.connection->await_next_request();
        CHECK(served.take_head().target == "/v1/models");
    }
}

TEST_CASE("server: a client that waits to be invited is, once, and only if it waits") {
    Served served;
    const std::string head = "POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n"
                             "Expect: 100-continue\r\n\r\n";
    served.send(head);
    served.take_head();
    served.connection->invite_body();
    served.connection->invite_body();
    served.world.settle();
    CHECK(served.peer->take() == "HTTP/1.1 100 Continue\r\n\r\n");
    served.send("ok");
    CHECK(*served.poll_body() == Progress::done);

    served.connection->await_next_request();
    served.send(head + "ok"); // did not wait
    served.take_head();
    served.connection->invite_body();
    served.world.settle();
    CHECK(served.peer->take().empty());
    CHECK(*served.poll_body() == Progress::done);
}

TEST_CASE("server: HTTP/1.0 and Connection: close end the connection, keep-alive keeps it") {
    struct Row {
        const char* head;
        bool keeps_alive;
    };
    for (const Row& row : {
             Row{"GET / HTTP/1.1\r\nHost: x\r\n\r\n", true},
             Row{"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", false},
             Row{"GET / HTTP/1.0\r\n\r\n", false},
             Row{"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true},
         }) {
        CAPTURE(row.head);
        Served served;
        served.send(row.head);
        CHECK(served.take_head().keeps_alive == row.keeps_alive);
    }
}

TEST_CASE("server: garbage is refused as such, in place of a head and behind a body") {
    CHECK(Served().refusal("GET / HTTP/1.1\nHost: x\n\n") == Code::malformed);
    CHECK(Served().refusal(Bytes("GET / HTTP/1.1\r\nHost: \0\r\n\r\n", 26)) == Code::malformed);
    CHECK(Served().refusal("GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n") == Code::malformed);
    CHECK(Served().refusal("\x16\x03\x01\x02\x00\x01") == Code::malformed);
    Served served;
    served.send(post("hello") + "\x01\x02garbage\r\n\r\n");
    served.take_head();
    CHECK(*served.poll_body() == Progress::done);
    served.connection->await_next_request();
    CHECK(served.error_of(served.poll_head()) == Code::malformed);
}

TEST_CASE("server: a chunked body that breaks its coding is refused") {
    for (const char* body :
         {"x\r\n", "5\r\nhelloX\r\n", "5\nhello\r\n", "-1\r\n", " 5\r\nhello\r\n",
          "5 \r\nhello\r\n", "11111111111111111\r\n", "0\r\nbad trailer\r\n\r\n"}) {
        CAPTURE(body);
        Served served;
        served.send("POST /p HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" +
                    std::string(body));
        served.take_head();
        CHECK(served.error_of(served.poll_body()) == Code::malformed);
    }
}

TEST_CASE("server: a client that leaves is told apart by what it left behind") {
    Served before;
    before.peer->end();
    before.world.settle();
    CHECK(before.error_of(before.poll_head()) == Code::closed);

    Served within;
    within.send("GET / HT");
    within.peer->end();
    within.world.settle();
    CHECK(within.error_of(within.poll_head()) == Code::closed);

    Served in_body;
    in_body.send("POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf");
    in_body.take_head();
    in_body.peer->end();
    in_body.world.settle();
    CHECK(in_body.error_of(in_body.read_body()) == Code::closed);
    CHECK(in_body.body == "half");

    Served reset;
    reset.send("GET / HT");
    reset.peer->reset();
    reset.world.settle();
    CHECK(reset.error_of(reset.poll_head()) == Code::closed);
}

TEST_CASE("server: a client that ends its side right behind its request still reads") {
    Served served;
    served.send(get);
    served.take_head();
    CHECK_FALSE(served.connection->is_client_gone());
    served.world.advance(10ms);
    served.peer->end();
    served.world.settle();
    CHECK_FALSE(served.connection->is_client_gone());
    served.world.advance(1s);
    CHECK_FALSE(served.connection->is_client_gone());
    served.connection->begin_answer();
    served.connection->write(slice_of(served.world.blocks, "answer"));
    served.world.settle();
    CHECK_FALSE(served.connection->is_client_gone());
    CHECK(served.peer->take() == "answer");
    served.peer->close();
    served.connection->write(slice_of(served.world.blocks, "more"));
    served.world.settle();
    CHECK(served.connection->is_client_gone());
}

TEST_CASE("server: a client that ends its side later, or during its answer, has left") {
    Served late;
    late.send(post("x"));
    late.take_head();
    REQUIRE(*late.poll_body() == Progress::done);
    late.world.advance(11ms);
    late.peer->end();
    late.world.settle();
    CHECK(late.connection->is_client_gone());

    Served answered;
    answered.send(get);
    answered.take_head();
    answered.connection->begin_answer();
    answered.peer->end();
    answered.world.settle();
    CHECK(answered.connection->is_client_gone());
}

TEST_CASE("server: a large body comes through large blocks, byte for byte") {
    for (const size_t size : {size_t{32768}, size_t{131072}, size_t{262144}, size_t{400'001}}) {
        CAPTURE(size);
        Served served;
        std::string body(size, '\0');
        for (size_t i = 0; i < size; ++i) body[i] = static_cast<char>(i * 31 >> 2);
        const std::string text = post(body) + get;
        served.send(Bytes(text).substr(0, 1000));
        served.take_head();
        Result<Progress> progress = served.poll_body();
        for (size_t at = 1000; at < text.size(); at += 50'000) {
            served.send(Bytes(text).substr(at, 50'000));
            progress = served.poll_body();
            REQUIRE(progress.has_value());
        }
        if (*progress == Progress::waiting) progress = served.read_body();
        REQUIRE(progress.has_value());
        CHECK(*progress == Progress::done);
        CHECK((served.body == body));
        served.connection->await_next_request();
        served.world.settle();
        CHECK(served.take_head().target == "/v1/models");
    }
}

TEST_CASE("server: a body is read with whatever blocks there are, when no large one is free") {
    ServerLimits limits;
    SimWorld world(1, 4 * ring::BlockPool::small_bytes);
    auto [socket, peer] = world.connection();
    {
        ServerConnection connection(world.loop, socket, limits, nullptr);
        const std::string body(60'000, 'b');
        peer.send(post(body));
        world.settle();
        REQUIRE(*connection.poll_head() == Progress::done);
        wire::Fields fields;
        auto line = wire::parse_request_head(connection.head().bytes(), fields, limits.head);
        connection.release_head();
        connection.begin_body(*line);
        size_t got = 0;
        for (int i = 0; i < 200 && got < body.size(); ++i) {
            ring::SliceQueue into;
            REQUIRE(connection.poll_body(into).has_value());
            got += into.bytes();
            into.clear();
            world.settle();
        }
        CHECK(got == body.size());
    }
}

TEST_CASE("server: what a client pipelines while it is served is kept within bounds") {
    Served served;
    served.send(get);
    served.take_head();
    std::string more;
    for (int i = 0; i < 10'000; ++i) more += get;
    for (size_t at = 0; at < more.size(); at += 5000) {
        served.send(Bytes(more).substr(at, 5000));
        served.connection->bound_pipelined_input();
    }
    CHECK(served.connection->stream().input_bytes() <=
          served.limits.pipelined_bytes_max + 2 * 5000);
    for (int i = 0; i < 10'000; ++i) { // and none of it is lost
        served.connection->await_next_request();
        auto progress = served.poll_head();
        if (*progress == Progress::waiting) {
            served.world.settle();
            progress = served.poll_head();
        }
        REQUIRE(*progress == Progress::done);
    }
    served.connection->await_next_request();
    CHECK(*served.poll_head() == Progress::waiting);
}

TEST_CASE("server: closing waits until the answer is sent and the client has ended, or gives up") {
    for (const bool client_ends : {true, false}) {
        CAPTURE(client_ends);
        Served served;
        ring::Scope scope;
        served.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nstart");
        served.take_head();
        served.connection->write(slice_of(served.world.blocks, "answer"));
        scope.spawn(served.connection->close_gracefully(true));
        served.world.settle();
        CHECK(served.peer->take() == "answer");
        CHECK(served.peer->has_ended());
        served.send("still sending");
        CHECK(scope.running() == 1);
        if (client_ends) {
            served.peer->end();
            served.world.settle();
        } else {
            served.world.advance(served.limits.linger - 1ms);
            CHECK(scope.running() == 1);
            served.world.advance(2ms);
        }
        CHECK(scope.running() == 0);
    }
}

TEST_CASE(
    "server: closing after a whole request waits for the answer to be sent, not for the client") {
    Served served;
    ring::Scope scope;
    served.send(get);
    served.take_head();
    served.world.network.faults.socket_bytes = 10;
    served.connection->write(slice_of(served.world.blocks, std::string(50, 'a')));
    scope.spawn(served.connection->close_gracefully(false));
    served.world.settle();
    CHECK(scope.running() == 1);
    size_t got = 0;
    for (int i = 0; i < 10; ++i) {
        got += served.peer->take().size();
        served.world.settle();
    }
    CHECK(got == 50);
    CHECK(scope.running() == 0);
}
