#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include "support/gateway_world.h"
#include "support/golden.h"
#include "wire/json.h"

using namespace ringway;
using namespace ringway::tests;
namespace fs = std::filesystem;

namespace {

std::string read_file(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    REQUIRE_MESSAGE(file.good(), path.string());
    return {std::istreambuf_iterator<char>(file), {}};
}

struct Recording {
    std::string name;
    unsigned status = 200;
    std::string content_type;
    std::string path; ///< of the API, such as "/v1/chat/completions"
    std::string request_body;
    std::string response_body;
};

/// The JSON object that a top-level "body" holds in the text of a request file, byte for byte.
std::string body_text(const std::string& file) {
    const size_t begin = file.find("\n \"body\": {");
    if (begin == std::string::npos) return "";
    const size_t open = file.find('{', begin);
    unsigned depth = 0;
    bool is_string = false;
    for (size_t at = open; at < file.size(); ++at) {
        if (is_string && file[at] == '\\') {
            ++at;
        } else if (file[at] == '"') {
            is_string = !is_string;
        } else if (!is_string && file[at] == '{') {
            ++depth;
        } else if (!is_string && file[at] == '}' && --depth == 0) {
            return file.substr(open, at + 1 - open);
        }
    }
    return "";
}

/// The path that a client of ringway calls for what was recorded; empty: another API.
std::string path_for(const std::string& recorded) {
    for (const char* tail : {"/chat/completions", "/completions", "/responses", "/embeddings",
                             "/messages", "/messages/count_tokens"}) {
        const std::string_view path(recorded);
        if (path.ends_with(std::string("/v1") + tail) || path.ends_with(tail)) {
            return std::string("/v1") + (path.ends_with("/messages/count_tokens")
                                             ? "/messages/count_tokens"
                                         : path.ends_with("/chat/completions") ? "/chat/completions"
                                                                               : tail);
        }
    }
    return "";
}

std::optional<Recording> load(const fs::path& meta_path) {
    const auto meta = wire::parse_json(read_file(meta_path), false);
    REQUIRE(meta.has_value());
    const std::string stem = meta_path.string().substr(0, meta_path.string().size() - 10);
    const std::string request_file = read_file(stem + ".request.json");
    const auto request = wire::parse_json(request_file, false);
    REQUIRE(request.has_value());
    Recording recording;
    recording.name = meta_path.parent_path().filename().string() + "/" + meta->find("name")->string;
    recording.status = static_cast<unsigned>(meta->find("status")->integer);
    recording.content_type = meta->find("content_type")->string;
    if (const auto* path = request->find("path"); path != nullptr)
        recording.path = path_for(path->string);
    if (recording.path.empty()) return std::nullopt;
    recording.request_body = body_text(request_file);
    recording.response_body =
        read_file(meta_path.parent_path() / meta->find("response_file")->string);
    return recording;
}

/// Every recording of an API that ringway passes on.
std::vector<Recording> recordings() {
    std::vector<fs::path> metas;
    const fs::path directory = fs::path(golden_directory) / "recordings";
    for (const auto& entry : fs::recursive_directory_iterator(directory)) {
        if (entry.path().string().ends_with(".meta.json")) metas.push_back(entry.path());
    }
    std::sort(metas.begin(), metas.end());
    std::vector<Recording> all;
    for (const fs::path& meta : metas) {
        if (auto recording = load(meta)) all.push_back(std::move(*recording));
    }
    return all;
}

std::string request_for(const Recording& recording) {
    const bool is_stream = recording.content_type.starts_with("text/event-stream");
    const bool is_anthropic = recording.path.starts_with("/v1/messages");
    const Bytes version = is_anthropic ? "anthropic-version: 2023-06-01\r\n" : "";
    std::string body = recording.request_body;
    if (is_stream || body.empty() || body.find("\"model\"") == std::string::npos) {
        body = R"({"model":"any","input":"x")";
        if (is_stream) body += R"(,"stream":true,"stream_options":{"include_usage":true})";
        body += "}";
    }
    return post(recording.path, body, version);
}

std::string head_for(const Recording& recording, std::string_view framing) {
    return "HTTP/1.1 " + std::to_string(recording.status) +
           " Recorded\r\nContent-Type: " + recording.content_type + "\r\n" + std::string(framing) +
           "\r\n";
}

/// A world in which one upstream of each kind serves whatever is asked for.
void serve_all(Config& config) {
    config.providers.erase(config.providers.begin() + 1);
    config.providers[0].models = {{"*"}};
    config.providers[1].models = {{"*"}};
    config.providers[1].base_url = "http://10.0.0.2";
    config.models.clear();
}

unsigned upstream_of(const Recording& recording) {
    return recording.path.starts_with("/v1/messages") ? 2 : 1;
}

/// What the client gets when the upstream sends `pieces`, each in a turn of its own.
std::string relayed(GatewayWorld& world, const Recording& recording,
                    std::span<const std::string> pieces, bool closes) {
    auto [client, upstream, forwarded] =
        world.exchange(request_for(recording), upstream_of(recording));
    std::string got;
    for (const std::string& piece : pieces) {
        upstream.send(piece);
        world.turn();
        got += client.take();
    }
    if (closes) upstream.close();
    for (size_t had = std::string::npos; had != got.size();) {
        had = got.size();
        world.settle();
        got += client.take();
    }
    return got;
}

std::string payload_of(const std::string& message) {
    const bool is_chunked = message.find("\r\ntransfer-encoding: chunked\r\n") != std::string::npos;
    return is_chunked ? dechunk(body_of(message)) : std::string(body_of(message));
}

/// Cuts `bytes` into pieces of random sizes up to `most`.
std::vector<std::string> cut(std::string_view bytes, size_t most, std::mt19937_64& random) {
    std::vector<std::string> pieces;
    while (!bytes.empty()) {
        const size_t size = std::min(bytes.size(), 1 + random() % most);
        pieces.emplace_back(bytes.substr(0, size));
        bytes.remove_prefix(size);
    }
    return pieces;
}

} // namespace

TEST_CASE("golden: every recorded answer passes byte for byte, in any framing and any split") {
    const auto all = recordings();
    CHECK(all.size() > 80);
    std::mt19937_64 random(20261124);
    for (const Recording& recording : all) {
        CAPTURE(recording.name);
        const std::string& body = recording.response_body;
        // Chunks of arbitrary sizes, which arrive in reads of arbitrary sizes.
        for (const size_t most : {size_t{3}, size_t{40}, size_t{700}, size_t{100000}}) {
            if (most == 3 && body.size() > 6000) continue;
            std::string coded;
            for (const std::string& piece : cut(body, most, random)) coded += chunk(piece);
            const std::string message =
                head_for(recording, "Transfer-Encoding: chunked\r\n") + coded + "0\r\n\r\n";
            GatewayWorld world(1, serve_all);
            const std::string got =
                relayed(world, recording, cut(message, most * 2, random), false);
            REQUIRE(
                got.starts_with("HTTP/1.1 " + std::to_string(recording.status) + " Recorded\r\n"));
            const bool is_same = payload_of(got) == body;
            REQUIRE(is_same);
        }
        const std::string length = "Content-Length: " + std::to_string(body.size()) + "\r\n";
        for (const bool closes : {false, true}) {
            const std::string message = head_for(recording, closes ? "" : length) + body;
            GatewayWorld world(1, serve_all);
            const std::string got = relayed(world, recording, cut(message, 500, random), closes);
            const bool is_same = payload_of(got) == body;
            REQUIRE(is_same);
        }
    }
}

TEST_CASE("golden: every recorded request reaches the upstream byte for byte") {
    for (const Recording& recording : recordings()) {
        const std::string& body = recording.request_body;
        const bool is_edited = body.find("\"stream\": true") != std::string::npos;
        if (body.empty() || is_edited || body.find("\"model\"") == std::string::npos) continue;
        CAPTURE(recording.name);
        GatewayWorld world(3, serve_all);
        world.network.faults.split = 60;
        const bool is_anthropic = upstream_of(recording) == 2;
        auto [client, upstream, forwarded] = world.exchange(
            post(recording.path, body, is_anthropic ? "anthropic-version: 2023-06-01\r\n" : ""),
            upstream_of(recording));
        const bool is_same = body_of(forwarded) == body;
        CHECK(is_same);
    }
}
