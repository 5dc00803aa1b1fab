#include "tools/mock_replay.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tools/mock_client.h"

using namespace ringway;
using namespace ringway::test;
namespace fs = std::filesystem;

namespace {

void write_file(const fs::path& path, std::string_view text) {
    std::ofstream(path, std::ios::binary) << text;
}

/// A small tree of recordings of its own, gone with the test.
struct Tree {
    Tree() {
        std::string name = (fs::temp_directory_path() / "ringway-replay-XXXXXX").string();
        REQUIRE(mkdtemp(name.data()) != nullptr);
        path = name;
        add("chat", "stream-text", 200, true,
            "data: {\"a\":1}\n\ndata: {\"b\":2}\r\n\r\n: x\n\ndata: [DONE]\n\n");
        add("chat", "stream-no-end", 200, true, "data: {\"a\":1}\n\ndata: half");
        add("messages", "error-429", 429, false, "{\"type\":\"error\"}");
        add("messages", "empty", 200, false, "");
    }
    ~Tree() {
        std::error_code ignored;
        fs::remove_all(path, ignored);
    }
    void add(const std::string& folder, const std::string& name, int status, bool is_streaming,
             std::string_view body) const {
        fs::create_directories(path / folder);
        write_file(path / folder / (name + ".response.bin"), body);
        write_file(path / folder / (name + ".meta.json"),
                   "{\"status\":" + std::to_string(status) +
                       ",\"streaming\":" + (is_streaming ? "true" : "false") +
                       ",\"content_type\":\"text/event-stream\",\"response_file\":\"" + name +
                       ".response.bin\",\"headers\":{\"content-type\":\"text/event-stream\","
                       "\"x-limit\":\"7\",\"transfer-encoding\":\"chunked\","
                       "\"content-encoding\":\"gzip\",\"connection\":\"keep-alive\"}}");
    }
    fs::path path;
};

/// The whole set of recordings when the environment names it, or the small tree.
std::string recordings_or(const fs::path& small) {
    const char* const given = std::getenv("RINGWAY_RECORDINGS");
    return given != nullptr ? std::string(given) : small.string();
}

MockReply replay(tools::MockServer& mock, std::string_view id, std::string_view options) {
    RawClient client(mock.port());
    REQUIRE(client.send(mock_request("POST", "/anything", "x",
                                     "x-mock-recording: " + std::string(id) +
                                         "\r\nx-mock-options: " + std::string(options) + "\r\n")));
    return read_reply(client);
}

} // namespace

TEST_CASE(
    "mock replay: every recording is answered byte for byte, however it is split and framed") {
    const Tree tree;
    const std::string path = recordings_or(tree.path);
    const auto recordings = tools::MockRecordings::load(path);
    REQUIRE(recordings.has_value());
    tools::MockConfig config;
    config.replay = path;
    const auto mock = start_mock(std::move(config));
    for (const auto& [id, recording] : recordings->all()) {
        for (const char* options :
             {"split=whole", "split=events", "split=random:1", "split=bytes:97,framing=length",
              "split=events,framing=close"}) {
            CAPTURE(id);
            CAPTURE(std::string(options));
            const MockReply reply = replay(*mock, id, options);
            CHECK(reply.status == recording.status);
            CHECK(reply.is_whole);
            CHECK(reply.body == recording.body);
        }
    }
}

TEST_CASE("mock replay: recorded fields come along, those of the connection do not") {
    const Tree tree;
    tools::MockConfig config;
    config.replay = tree.path.string();
    const auto mock = start_mock(std::move(config));
    const MockReply reply = replay(*mock, "messages/error-429", "framing=length");
    CHECK(reply.status == 429);
    CHECK(reply.head.find("x-limit: 7\r\n") != std::string::npos);
    CHECK(reply.head.find("content-type: text/event-stream\r\n") != std::string::npos);
    for (const char* field : {"transfer-encoding", "content-encoding", "keep-alive"}) {
        CAPTURE(field);
        CHECK(reply.head.find(field) == std::string::npos);
    }
}

TEST_CASE("mock replay: a single recording needs no name, and an unknown name is a 400") {
    const Tree tree;
    tools::MockConfig config;
    config.replay = (tree.path / "chat" / "stream-text").string();
    const auto mock = start_mock(std::move(config));
    CHECK(replay(*mock, "chat/stream-text", "").status == 200);
    CHECK(replay(*mock, "chat/other", "").status == 400);
    RawClient client(mock->port());
    REQUIRE(client.send(mock_request("GET", "/", "")));
    CHECK(read_reply(client).body.ends_with("data: [DONE]\n\n"));
}

TEST_CASE("mock replay: a path without recordings is refused with a sentence") {
    const Tree tree;
    for (const fs::path& path : {tree.path / "none", tree.path / "messages" / "nobody"}) {
        const auto recordings = tools::MockRecordings::load(path.string());
        REQUIRE_FALSE(recordings.has_value());
        CHECK(recordings.error().find(path.filename().string()) != std::string::npos);
    }
}

TEST_CASE("mock replay: pieces add up to the body, and events end at blank lines") {
    const std::string body = "data: a\n\ndata: b\r\n\r\ndata: c";
    tools::MockOptions options;
    options.split = tools::MockSplit::events;
    const auto events = tools::split_body(body, options);
    REQUIRE(events.size() >= 3);
    CHECK(body.substr(0, events[0]) == "data: a\n\n");
    for (const char* list : {"split=whole", "split=events", "split=bytes:1", "split=bytes:1000",
                             "split=random:0", "split=random:9"}) {
        CAPTURE(list);
        tools::MockOptions wanted;
        REQUIRE(wanted.apply_list(list).has_value());
        size_t sum = 0;
        for (const size_t length : tools::split_body(body, wanted)) {
            CHECK(length > 0);
            sum += length;
        }
        CHECK(sum == body.size());
        CHECK(tools::split_body("", wanted).empty());
    }
}
