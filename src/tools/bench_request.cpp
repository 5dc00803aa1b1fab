#include "tools/bench_request.h"

#include <cinttypes>
#include <cstdio>

#include "wire/json.h"

namespace ringway::tools {
namespace {

constexpr size_t number_digits = 20;
constexpr Bytes number_mark = "00000000000000000000";
static_assert(number_mark.size() == number_digits);

std::string prompt_of(const BenchOptions& options) {
    constexpr Bytes words = "Count from one to a hundred, one number to a line, and say no more. ";
    std::string prompt;
    if (options.makes_unique) prompt.append(number_mark).append(" ");
    while (prompt.size() < options.prompt_bytes) {
        prompt += words.substr(0, options.prompt_bytes - prompt.size());
    }
    return prompt;
}

std::string body_of(const BenchOptions& options, const BenchTarget& target) {
    const std::string prompt = wire::json_string(prompt_of(options));
    const std::string max = std::to_string(options.max_tokens);
    std::string body = "{\"model\":" + wire::json_string(target.model);
    switch (options.api) {
    case BenchApi::chat:
        body += ",\"messages\":[{\"role\":\"user\",\"content\":" + prompt + "}]";
        body += ",\"max_completion_tokens\":" + max;
        break;
    case BenchApi::completions: body += ",\"prompt\":" + prompt + ",\"max_tokens\":" + max; break;
    case BenchApi::responses:
        body += ",\"input\":" + prompt + ",\"max_output_tokens\":" + max;
        break;
    case BenchApi::messages:
        body += ",\"max_tokens\":" + max;
        body += ",\"messages\":[{\"role\":\"user\",\"content\":" + prompt + "}]";
        break;
    case BenchApi::embeddings: return body + ",\"input\":" + prompt + "}";
    }
    if (options.streams) body += ",\"stream\":true";
    const bool has_stream_options =
        options.api == BenchApi::chat || options.api == BenchApi::completions;
    if (options.streams && has_stream_options && options.asks_for_usage) {
        body += ",\"stream_options\":{\"include_usage\":true}";
    }
    return body + "}";
}

/// Behind a base URL such as "https://host/v1"; a URL that has the API's path already is kept.
std::string request_path(const BenchOptions& options, const BenchTarget& target) {
    const Bytes tail = path_of(options.api);
    if (target.url.path.ends_with(tail)) return target.url.path;
    return (target.url.path.empty() ? "/v1" : target.url.path) + std::string(tail);
}

} // namespace

BenchRequest::BenchRequest(const BenchOptions& options, const BenchTarget& target)
    : is_unique_(options.makes_unique) {
    const std::string body = body_of(options, target);
    before_ = "POST " + request_path(options, target) +
              " HTTP/1.1\r\nhost: " + target.url.authority() +
              "\r\nuser-agent: ringway-bench\r\naccept: " +
              (options.streams ? "text/event-stream" : "application/json") +
              "\r\ncontent-type: application/json\r\n";
    if (options.api == BenchApi::messages) {
        before_ += "anthropic-version: 2023-06-01\r\n";
        if (!target.key.empty()) before_ += "x-api-key: " + target.key + "\r\n";
    } else if (!target.key.empty()) {
        before_ += "authorization: Bearer " + target.key + "\r\n";
    }
    for (const std::string& header : options.headers) before_ += header + "\r\n";
    before_ += "content-length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    if (!is_unique_) return;
    const size_t at = before_.rfind(number_mark);
    after_ = before_.substr(at + number_digits);
    before_.resize(at);
}

void BenchRequest::write(uint64_t number, ring::BlockPool& blocks, ring::SliceQueue& out) const {
    out.push_back(ring::Slice::of_static(before_));
    if (!is_unique_) return;
    char digits[number_digits + 1];
    std::snprintf(digits, sizeof digits, "%020" PRIu64, number);
    out.push_back(blocks.copy(Bytes(digits, number_digits)));
    out.push_back(ring::Slice::of_static(after_));
}

} // namespace ringway::tools
