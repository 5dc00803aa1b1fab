#include <doctest/doctest.h>

#include "support/gateway_world.h"

using namespace ringway;
using namespace ringway::tests;

TEST_CASE("request: a body that needs no edit reaches the upstream byte for byte, however split") {
    const std::string body =
        R"( { "messages" : [ {"role":"user","content":"\u00e9 \"x\""} ] , "model":"m" } )";
    const std::string request = post("/v1/chat/completions", body);
    for (size_t cut = 1; cut < request.size(); ++cut) {
        CAPTURE(cut);
        GatewayWorld world;
        auto client = world.connect();
        client.send(request.substr(0, cut));
        world.settle();
        client.send(request.substr(cut));
        auto upstream = world.accept();
        REQUIRE(upstream.has_value());
        REQUIRE(body_of(upstream->received()) == body);
    }
}

TEST_CASE("request: a model's name and the usage option are spliced around the client's bytes") {
    struct Row {
        const char* sent;
        const char* forwarded;
    };
    const Row rows[] = {
        {R"({"model":"one/m-2","x":1})", R"({"model":"m-2","x":1})"},
        {R"({"x":1,"model":"alias"})", R"({"x":1,"model":"m"})"},
        {R"({"model":"\u006d","x":1})", R"({"model":"\u006d","x":1})"},
        {R"({"model":"one\/m","x":1})", R"({"model":"m","x":1})"},
        {R"({"model":"alias","stream":true})",
         R"({"stream_options":{"include_usage":true},"model":"m","stream":true})"},
        {R"({"stream":true,"stream_options":{},"model":"m"})",
         R"({"stream":true,"stream_options":{"include_usage":true},"model":"m"})"},
        {R"({"stream":true,"stream_options":{ "a":1 },"model":"alias"})",
         R"({"stream":true,"stream_options":{"include_usage":true, "a":1 },"model":"m"})"},
        {R"({"stream":true,"stream_options":null,"model":"m"})",
         R"({"stream":true,"stream_options":{"include_usage":true},"model":"m"})"},
        {R"({"stream":true,"stream_options":{"include_usage":false},"model":"m"})",
         R"({"stream":true,"stream_options":{"include_usage":true},"model":"m"})"},
        {R"({"stream":false,"stream_options":{"include_usage":false},"model":"m"})",
         R"({"stream":false,"stream_options":{"include_usage":false},"model":"m"})"},
        {R"({"messages":[{"model":"alias","stream":true}],"model":"m"})",
         R"({"messages":[{"model":"alias","stream":true}],"model":"m"})"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.sent);
        GatewayWorld world;
        auto [client, upstream, forwarded] = world.exchange(post("/v1/chat/completions", row.sent));
        CHECK(body_of(forwarded) == row.forwarded);
        const auto length = "content-length: " + std::to_string(std::string(row.forwarded).size());
        CHECK(forwarded.find(length + "\r\n") != std::string::npos);
    }
}

TEST_CASE(
    "request: the upstream's head is built anew and holds nothing of the client's connection") {
    GatewayWorld world;
    auto [client, upstream, forwarded] = world.exchange(
        post("/v1/chat/completions", R"({"model":"m"})",
             "Authorization: Bearer client-key\r\nx-api-key: k2\r\napi-key: k3\r\nCookie: a\r\n"
             "Connection: keep-alive, x-hop\r\nX-Hop: 1\r\nTE: trailers\r\nForwarded: for=1\r\n"
             "X-Forwarded-For: 1.2.3.4\r\nUser-Agent: sdk\r\nOpenAI-Beta: assistants=v2\r\n"
             "Accept-Encoding: gzip\r\nIdempotency-Key: ik\r\nx-stainless-lang: js\r\n"));
    CHECK(forwarded.starts_with("POST /v1/chat/completions HTTP/1.1\r\nHost: 10.0.0.1\r\n"));
    for (const char* text : {"client-key", "k2", "k3", "Cookie", "X-Hop", "TE:", "Forwarded",
                             "1.2.3.4", "gzip", "Connection"}) {
        CAPTURE(text);
        CHECK(forwarded.find(text) == std::string::npos);
    }
    CHECK(forwarded.find("Authorization: Bearer upstream-secret-1\r\n") != std::string::npos);
    CHECK(forwarded.find("OpenAI-Beta: assistants=v2\r\n") != std::string::npos);
    CHECK(forwarded.find("Idempotency-Key: ik\r\n") != std::string::npos);
}

TEST_CASE("request: a chunked body is forwarded with its length, without framing or trailers") {
    GatewayWorld world;
    auto client = world.connect();
    client.send(
        "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        "8\r\n{\"model\"\r\n5;ext=1\r\n:\"m\"}\r\n0\r\nX-Trailer: evil\r\n\r\n");
    auto upstream = world.accept();
    REQUIRE(upstream.has_value());
    CHECK(upstream->received().find("content-length: 13\r\n") != std::string::npos);
    CHECK(body_of(upstream->received()) == R"({"model":"m"})");
    CHECK(upstream->received().find("evil") == std::string::npos);
}

TEST_CASE("request: pipelined requests are answered in order, each by its own exchange") {
    GatewayWorld world;
    auto client = world.connect();
    client.send(post("/v1/chat/completions", R"({"model":"m","n":1})") +
                "GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n" +
                post("/v1/chat/completions", R"({"model":"m","n":2})"));
    auto upstream = world.accept();
    REQUIRE(upstream.has_value());
    CHECK(upstream->take().ends_with(R"("n":1})"));
    CHECK(client.received().empty());
    upstream->send(answer(200, R"({"first":1})"));
    world.settle();
    CHECK(upstream->take().ends_with(R"("n":2})"));
    upstream->send(answer(200, R"({"second":2})"));
    world.settle();
    const std::string got = client.take();
    const size_t first = got.find("first");
    const size_t list = got.find(R"("object":"list")");
    const size_t second = got.find("second");
    CHECK(first < list);
    CHECK(list < second);
    CHECK(second != std::string::npos);
}

TEST_CASE("request: 100 Continue is sent to a client that waits for it, before its body") {
    GatewayWorld world;
    auto client = world.connect();
    const std::string body = R"({"model":"m"})";
    client.send("POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 13\r\n"
                "Expect: 100-continue\r\n\r\n");
    world.settle();
    CHECK(client.take() == "HTTP/1.1 100 Continue\r\n\r\n");
    client.send(body);
    auto upstream = world.accept();
    REQUIRE(upstream.has_value());
    CHECK(body_of(upstream->received()) == body);
    CHECK(upstream->received().find("xpect") == std::string::npos);
}

TEST_CASE("request: a refused request with Expect gets its error instead of 100 Continue") {
    GatewayWorld world;
    auto client = world.connect();
    client.send("POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n"
                "Expect: 100-continue\r\n\r\n");
    world.settle();
    CHECK(client.received().starts_with("HTTP/1.1 413 "));
    CHECK(client.received().find("connection: close\r\n") != std::string::npos);
    world.pass(3s);
    CHECK(client.has_ended());
}

TEST_CASE("request: the limits on heads, targets, bodies and times answer in the API's own shape") {
    struct Row {
        const char* what;
        std::string bytes;
        Duration then;
        const char* status;
    };
    const std::string line = "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n";
    const Row rows[] = {
        {"a long field", line + "a: " + std::string(70000, 'b') + "\r\n\r\n", 0s, "431"},
        {"many fields",
         line +
             [] {
                 std::string fields;
                 for (int i = 0; i < 500; ++i) fields += "a: b\r\n";
                 return fields;
             }() +
             "\r\n",
         0s, "431"},
        {"a long target", "GET /" + std::string(70000, 'a'), 0s, "414"},
        {"no length", line + "\r\n", 0s, "411"},
        {"a long body", line + "Content-Length: 999999999\r\n\r\n", 0s, "413"},
        {"two lengths", line + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 0s, "400"},
        {"length and chunks", line + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 0s,
         "400"},
        {"another coding", line + "Transfer-Encoding: gzip, chunked\r\n\r\n", 0s, "501"},
        {"another expectation", line + "Content-Length: 1\r\nExpect: tea\r\n\r\n", 0s, "417"},
        {"another version", "POST / HTTP/3.0\r\n\r\n", 0s, "505"},
        {"a head that does not end", line, 11s, "408"},
        {"a body that does not come", line + "Content-Length: 5\r\n\r\n{", 31s, "408"},
        {"a method that is none", "BREW /v1/models HTTP/1.1\r\nHost: x\r\n\r\n", 0s, "501"},
        {"no host", "GET /v1/models HTTP/1.1\r\n\r\n", 0s, "400"},
        {"bytes that are no HTTP", std::string("\x16\x03\x01\x02\x00\x01", 6) + "\r\n\r\n", 0s,
         "400"},
        {"a coded body", line + "Content-Length: 2\r\nContent-Encoding: gzip\r\n\r\n{}", 0s, "415"},
        {"a wrong method", "GET /v1/chat/completions HTTP/1.1\r\nHost: x\r\n\r\n", 0s, "405"},
        {"broken JSON", post("/v1/chat/completions", R"({"model":"m",})"), 0s, "400"},
        {"no model", post("/v1/chat/completions", "{}"), 0s, "400"},
        {"an unknown model", post("/v1/chat/completions", R"({"model":"mm"})"), 0s, "404"},
        {"an unknown path", "GET /v2/x HTTP/1.1\r\nHost: x\r\n\r\n", 0s, "404"},
        {"a climbing path", "GET /v1/files/../../x HTTP/1.1\r\nHost: x\r\n\r\n", 0s, "400"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.what);
        GatewayWorld world;
        auto client = world.connect();
        client.send(row.bytes);
        world.pass(row.then + 1ms);
        const std::string got = client.received();
        CHECK(got.substr(0, 12) == "HTTP/1.1 " + std::string(row.status));
        CHECK(got.find("content-type: application/json\r\n") != std::string::npos);
        CHECK(got.find(R"({"error":{"message":")") != std::string::npos);
        CHECK(!world.accept(1).has_value());
    }
}

TEST_CASE("request: errors take the shape of the API that was called") {
    GatewayWorld world;
    auto client = world.connect();
    client.send(post("/v1/messages", R"({"model":"nope"})"));
    world.settle();
    const std::string got = client.take();
    CHECK(got.starts_with("HTTP/1.1 404 "));
    CHECK(got.find(R"({"type":"error","error":{"type":"not_found_error","message":)") !=
          std::string::npos);
    CHECK(got.find("\r\nrequest-id: req_") != std::string::npos);
    client.send(post("/v1/chat/completions", R"({"model":"alia"})"));
    world.settle();
    CHECK(client.received().find(R"(Did you mean \"alias\")") != std::string::npos);
    CHECK(client.received().find(R"("code":"model_not_found")") != std::string::npos);
}

TEST_CASE("request: a client that ends its side right behind its request still gets the answer") {
    GatewayWorld world;
    auto client = world.connect();
    client.send(post("/v1/chat/completions", R"({"model":"m"})"));
    client.end();
    auto upstream = world.accept();
    REQUIRE(upstream.has_value());
    world.pass(5s);
    CHECK_FALSE(upstream->has_ended());
    upstream->send(answer(200, R"({"x":1})"));
    world.settle();
    CHECK(client.received().ends_with(R"({"x":1})"));
}

TEST_CASE("request: a client that leaves while its upstream thinks has the attempt cancelled") {
    GatewayWorld world;
    auto [client, upstream, forwarded] =
        world.exchange(post("/v1/chat/completions", R"({"model":"m"})"));
    world.pass(1s);
    client.close();
    world.settle();
    CHECK(upstream.has_ended());
    CHECK(world.count().answers[499].value() == 1);
}

TEST_CASE("request: a client that comes after a long sleep is given its time") {
    GatewayWorld world;
    world.settle();
    world.network.advance(100s); // more than an idle client may take
    auto client = world.connect();
    world.settle();
    CHECK_FALSE(client.has_ended());
    client.send("GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n");
    world.settle();
    CHECK(client.received().starts_with("HTTP/1.1 200 "));
}

TEST_CASE("request: HEAD is answered without a body, and HTTP/1.0 with a close") {
    GatewayWorld world;
    auto client = world.connect();
    client.send("HEAD /v1/models HTTP/1.1\r\nHost: x\r\n\r\n");
    world.settle();
    CHECK(client.received().find("content-length: ") != std::string::npos);
    CHECK(client.take().ends_with("\r\n\r\n"));
    auto old = world.connect();
    old.send("GET /v1/models HTTP/1.0\r\n\r\n");
    world.pass(3s);
    CHECK(old.received().find("connection: close\r\n") != std::string::npos);
    CHECK(old.has_ended());
}

TEST_CASE("request: once a drain is announced readiness says no, and requests are still served") {
    GatewayWorld world;
    auto client = world.connect();
    const auto status_of = [&](const std::string& path) {
        client.send("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n");
        world.settle();
        return client.take().substr(9, 3);
    };
    CHECK(status_of("/readyz") == "200");
    world.state->announce_drain();
    CHECK(status_of("/readyz") == "503");
    CHECK(status_of("/healthz") == "200");
    CHECK(status_of("/v1/models") == "200");
    CHECK_FALSE(client.has_ended());
}

TEST_CASE("request: a body of another kind streams through before it is whole") {
    GatewayWorld world;
    auto client = world.connect();
    client.send("POST /v1/audio/transcriptions HTTP/1.1\r\nHost: x\r\nContent-Length: 30\r\n"
                "Content-Type: multipart/form-data; boundary=b\r\n\r\n0123456789");
    auto upstream = world.accept();
    REQUIRE(upstream.has_value());
    CHECK(upstream->received().starts_with("POST /v1/audio/transcriptions HTTP/1.1\r\n"));
    CHECK(upstream->received().find("multipart/form-data; boundary=b\r\n") != std::string::npos);
    CHECK(body_of(upstream->received()) == "0123456789");
    client.send("abcdefghijklmnopqrst");
    world.settle();
    CHECK(body_of(upstream->take()) == "0123456789abcdefghijklmnopqrst");
    upstream->send(answer(200, R"({"text":"hi"})"));
    world.settle();
    CHECK(client.received().ends_with(R"({"text":"hi"})"));
}

TEST_CASE("request: an upstream that answers an upload early is heard, and the rest is not sent") {
    GatewayWorld world;
    auto client = world.connect();
    client.send("POST /v1/files HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
                "Content-Type: application/octet-stream\r\n\r\n" +
                chunk("0123456789"));
    auto upstream = world.accept();
    REQUIRE(upstream.has_value());
    CHECK(body_of(upstream->received()) == chunk("0123456789"));
    upstream->send(answer(413, R"({"error":{}})"));
    world.settle();
    CHECK(client.received().starts_with("HTTP/1.1 413 "));
    CHECK(client.received().find("connection: close\r\n") != std::string::npos);
    world.pass(3s);
    CHECK(client.has_ended());
}

TEST_CASE("request: GET with a query passes to the provider that a header names") {
    GatewayWorld world;
    auto [client, upstream, forwarded] = world.exchange(
        "GET /v1/files?limit=2&after=x HTTP/1.1\r\nHost: x\r\nx-ringway-provider: two\r\n\r\n", 2);
    CHECK(forwarded.starts_with("GET /v1/files?limit=2&after=x HTTP/1.1\r\n"));
    CHECK(forwarded.find("content-length") == std::string::npos);
    CHECK(forwarded.find("x-ringway-provider") == std::string::npos);
}

TEST_CASE("request: a head that cannot be parsed is refused in the shape of the API it seems to call") {
    const std::string line = "POST /v1/messages?beta=true HTTP/1.1\r\nHost: x\r\n";
    const std::string heads[] = {
        line + "a: " + std::string(70000, 'b') + "\r\n\r\n",
        line + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
        line + "Transfer-Encoding: gzip, chunked\r\n\r\n",
        line + "Content-Length: 1\r\nExpect: tea\r\n\r\n",
        "\r\nPOST /v1/messages HTTP/3.0\r\n\r\n",
        line + "bare: \r or \n\r\n\r\n",
        line, // and no more in time
    };
    for (const std::string& head : heads) {
        CAPTURE(head);
        GatewayWorld world;
        auto client = world.connect();
        client.send(head);
        world.pass(11s);
        const std::string got = client.received();
        CHECK(got.starts_with("HTTP/1.1 "));
        CHECK(got.find(R"({"type":"error","error":{"type":")") != std::string::npos);
        CHECK(got.find("\r\nrequest-id: req_") != std::string::npos);
    }
}
