#include "tools/mock_exchange.h"

#include "tools/mock_errors.h"

namespace ringway::tools {

bool MockExchange::is_over() {
    client.bound_pipelined_input();
    if (client.is_client_gone()) {
        if (!has_counted_gone) {
            has_counted_gone = true;
            worker.counters.clients_gone.add();
            worker.counters.last_client_gone_ns.set(
                static_cast<uint64_t>(loop().backend().now().ns));
        }
        return true;
    }
    return worker.is_stopping;
}

ring::Task<bool> MockExchange::wait_until(TimePoint due) {
    ring::Deadline& deadline = client.deadline();
    while (!is_over()) {
        if (loop().now() >= due) co_return true;
        deadline.set(loop(), due);
        co_await client.signal().wait();
    }
    co_return false;
}

ring::Task<bool> MockExchange::wait_until_sent() {
    client.stream().notify_when_unsent_at_most(0);
    while (!is_over()) {
        if (client.stream().unsent_bytes() == 0) co_return true;
        co_await client.signal().wait();
    }
    co_return false;
}

http::HeadWriter MockExchange::head(uint16_t status, Bytes content_type) {
    http::HeadWriter writer(loop().blocks());
    writer.status_line(status).field("content-type", content_type);
    writer.text(is_anthropic(api) ? "request-id: req_mock_" : "x-request-id: req_mock_");
    writer.number(loop().backend().random()).text("\r\n");
    if (status == 429) {
        writer.field("retry-after", "1");
        if (is_anthropic(api)) {
            writer.field("anthropic-ratelimit-requests-limit", "1000");
            writer.field("anthropic-ratelimit-requests-remaining", "0");
            writer.field("anthropic-ratelimit-requests-reset", "2025-10-09T08:53:21Z");
        } else {
            writer.field("x-ratelimit-limit-requests", "1000");
            writer.field("x-ratelimit-remaining-requests", "0");
            writer.field("x-ratelimit-reset-requests", "1s");
        }
    }
    if (end() != MockEnd::keep_open) writer.field("connection", "close");
    return writer;
}

void MockExchange::send(http::HeadWriter& written) {
    ring::SliceQueue out;
    written.take(out);
    client.begin_answer();
    client.write(std::move(out));
}

MockEnd MockExchange::answer(uint16_t status, Bytes content_type, Bytes body) {
    http::HeadWriter writer = head(status, content_type);
    writer.field("content-length", body.size()).text("\r\n");
    send(writer);
    if (line.method != wire::Method::head) send(body);
    return end();
}

MockEnd MockExchange::answer_error(uint16_t status, Bytes message) {
    return answer(status, "application/json", mock_error_body(api, status, message));
}

} // namespace ringway::tools
