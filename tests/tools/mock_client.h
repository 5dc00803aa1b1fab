#pragma once

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "support/raw_client.h"
#include "tools/mock_server.h"
#include "wire/chunked.h"
#include "wire/http1_head.h"
#include "wire/json.h"
#include "wire/sse.h"

namespace ringway::test {

inline std::unique_ptr<tools::MockServer> start_mock(tools::MockConfig config = {}) {
    config.listen = "127.0.0.1:0";
    config.workers = 1;
    auto mock = tools::MockServer::start(std::move(config));
    if (!mock) FAIL(mock.error());
    return std::move(*mock);
}

inline std::string mock_request(std::string_view method, std::string_view target,
                                std::string_view body, std::string_view fields = "") {
    return std::string(method) + " " + std::string(target) +
           " HTTP/1.1\r\nHost: mock\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
           std::string(fields) + "\r\n" + std::string(body);
}

/// A body for any of the APIs, with a prompt in each one's place.
inline std::string mock_body(std::string_view model, bool is_stream, std::string_view more = "") {
    return "{\"model\":\"" + std::string(model) +
           "\",\"max_tokens\":64,\"stream\":" + (is_stream ? "true" : "false") +
           ",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"input\":\"x\",\"prompt\":"
           "\"x\"" +
           std::string(more) + "}";
}

struct MockReply {
    uint16_t status = 0;
    std::string head;
    std::string body; ///< without its framing
    bool is_whole = false;
};

/// Reads a whole answer, its framing undone.
inline MockReply read_reply(RawClient& client) {
    MockReply reply;
    reply.head = client.read_until("\r\n\r\n");
    wire::Fields fields;
    const auto line =
        wire::parse_response_head(reply.head, wire::Method::post, fields, wire::HeadLimits{});
    if (!line) return reply;
    reply.status = line->status;
    if (line->framing == wire::Framing::length) {
        reply.body = client.read_bytes(line->content_length);
        reply.is_whole = reply.body.size() == line->content_length;
    } else if (line->framing == wire::Framing::none) {
        reply.is_whole = true;
    } else if (line->framing == wire::Framing::until_close) {
        reply.body = client.read_to_end();
        reply.is_whole = client.end() == RawClient::End::fin;
    }
    if (line->framing != wire::Framing::chunked) return reply;
    wire::ChunkedDecoder decoder;
    while (!decoder.has_ended()) {
        const std::string byte = client.read_bytes(1);
        if (byte.empty()) return reply;
        const auto step = decoder.next(byte);
        if (!step) return reply;
        reply.body += step->payload;
    }
    reply.is_whole = true;
    return reply;
}

inline std::vector<wire::SseEvent> sse_events(std::string_view body) {
    std::vector<wire::SseEvent> events;
    wire::SseDecoder decoder;
    (void)decoder.feed(body, [&](const wire::SseEvent& event) { events.push_back(event); });
    return events;
}

inline wire::Json json_of(std::string_view text) {
    CAPTURE(text);
    auto json = wire::parse_json(text, false);
    REQUIRE(json.has_value());
    return std::move(*json);
}

/// The value at a path such as "choices.0.delta"; null when there is none.
inline const wire::Json* at(const wire::Json& json, std::string_view path) {
    const wire::Json* value = &json;
    while (value != nullptr && !path.empty()) {
        const size_t dot = path.find('.');
        const std::string_view step = path.substr(0, dot);
        path = dot == std::string_view::npos ? "" : path.substr(dot + 1);
        if (value->kind == wire::JsonKind::array) {
            const auto index = static_cast<size_t>(std::stoul(std::string(step)));
            value = index < value->elements.size() ? &value->elements[index] : nullptr;
        } else {
            value = value->find(step);
        }
    }
    return value;
}

inline std::string string_at(const wire::Json& json, std::string_view path) {
    const wire::Json* value = at(json, path);
    return value == nullptr ? "" : value->string;
}

inline int64_t integer_at(const wire::Json& json, std::string_view path) {
    const wire::Json* value = at(json, path);
    return value == nullptr || !value->is_integer ? -1 : value->integer;
}

} // namespace ringway::test
