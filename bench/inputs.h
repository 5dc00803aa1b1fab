#pragma once

#include <cstdio>
#include <string>

/// Inputs shared by the benches: what SDKs and providers send, in size and shape.
namespace ringway::bench {

/// The head of a request as the official Python SDK writes it, with `extra` fields more.
inline std::string request_head(int extra) {
    std::string head = "POST /v1/chat/completions HTTP/1.1\r\n"
                       "Host: gateway.example:8080\r\n"
                       "Accept-Encoding: gzip, deflate\r\n"
                       "Connection: keep-alive\r\n"
                       "Accept: application/json\r\n"
                       "Content-Type: application/json\r\n"
                       "User-Agent: OpenAI/Python 1.99.9\r\n"
                       "X-Stainless-Lang: python\r\n"
                       "X-Stainless-OS: Linux\r\n"
                       "Authorization: Bearer sk-0123456789abcdef0123456789abcdef\r\n"
                       "Content-Length: 812\r\n";
    for (int i = 0; i < extra; ++i) {
        head += "X-Extra-" + std::to_string(i) + ": some value of ordinary length\r\n";
    }
    return head + "\r\n";
}

/// One content event of a chat stream, about 250 bytes with its line ends.
inline std::string content_event(int number) {
    return R"(data: {"id":"chatcmpl-B9MHDbslfkBeAs8l4bebGdFOJ6PeG","object":"chat.completion.chunk",)"
           R"("created":1741570283,"model":"gpt-4o-2024-08-06","service_tier":"default",)"
           R"("choices":[{"index":0,"delta":{"content":" word)" +
           std::to_string(number) + R"("},"logprobs":null,"finish_reason":null}]})" + "\n\n";
}

/// A whole chat stream: content, finish, usage, [DONE].
inline std::string chat_stream(int events) {
    std::string stream;
    for (int i = 0; i < events; ++i) stream += content_event(i);
    return stream +
           "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
           "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":19,\"completion_tokens\":64}}\n\n"
           "data: [DONE]\n\n";
}

/// `body` in chunked coding, `chunk_bytes` to a chunk.
inline std::string chunked(const std::string& body, size_t chunk_bytes) {
    std::string coded;
    for (size_t at = 0; at < body.size(); at += chunk_bytes) {
        const std::string piece = body.substr(at, chunk_bytes);
        char size[20];
        std::snprintf(size, sizeof size, "%zx\r\n", piece.size());
        coded += size + piece + "\r\n";
    }
    return coded + "0\r\n\r\n";
}

/// A chat request whose prompt makes the body about `bytes` long; the model's name comes last, so
/// that a scan must read all of it.
inline std::string chat_request(size_t bytes) {
    std::string body = R"({"messages":[{"role":"user","content":")";
    while (body.size() + 60 < bytes) body += "Tell me about rings, and say \\\"ring\\\" often. ";
    return body + R"("}],"stream":true,"model":"gpt-4o-mini"})";
}

} // namespace ringway::bench
