#include <algorithm>

#include "tools/mock_exchange.h"
#include "wire/chunked.h"

namespace ringway::tools {
namespace {

http::HeadWriter recorded_head(MockExchange& exchange, const MockRecording& recording,
                               MockFraming framing) {
    http::HeadWriter head(exchange.loop().blocks());
    head.status_line(recording.status);
    for (const auto& [name, value] : recording.fields) head.field(name, value);
    const bool closes = framing == MockFraming::close;
    if (closes || exchange.end() != MockEnd::keep_open) head.field("connection", "close");
    if (framing == MockFraming::chunked) head.field("transfer-encoding", "chunked");
    if (framing == MockFraming::length) head.field("content-length", recording.body.size());
    head.text("\r\n");
    return head;
}

} // namespace

/// The recording outlives all workers, so its bytes are sent from where they are. Each piece goes
/// out in a write of its own.
ring::Task<MockEnd> answer_with_recording(MockExchange& exchange, const MockRecording& recording,
                                          MockOptions options) {
    MockFraming framing = options.framing;
    if (framing == MockFraming::chunked && exchange.line.minor_version == 0) {
        framing = MockFraming::close;
    }
    http::HeadWriter head = recorded_head(exchange, recording, framing);
    exchange.send(head);
    Bytes left = recording.body;
    for (const size_t length : split_body(recording.body, options)) {
        if (framing == MockFraming::chunked) exchange.send(wire::chunk_header(length));
        exchange.client.write(ring::Slice::of_static(left.substr(0, length)));
        if (framing == MockFraming::chunked) exchange.send(wire::chunk_end);
        left.remove_prefix(length);
        const bool is_sent = co_await exchange.wait_until_sent();
        if (!is_sent) co_return MockEnd::drop;
        if (options.pace > Duration::zero() && !left.empty()) {
            const bool goes_on = co_await exchange.wait_until(exchange.loop().now() + options.pace);
            if (!goes_on) co_return MockEnd::drop;
        }
    }
    if (framing == MockFraming::chunked) exchange.send(wire::last_chunk);
    co_return framing == MockFraming::close ? MockEnd::close : exchange.end();
}

} // namespace ringway::tools
