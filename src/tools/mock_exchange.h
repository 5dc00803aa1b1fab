#pragma once

#include <memory>

#include "http/head_writer.h"
#include "tools/mock_worker.h"

namespace ringway::tools {

/// What becomes of the connection when an exchange is over.
enum class MockEnd : uint8_t {
    keep_open,
    close,
    linger, ///< close, but the client may still be sending
    reset,  ///< with RST
    drop,   ///< at once: the client is gone, or the server stops
};

/// One request at the mock, and the means to answer it. Lives in the coroutine that serves it.
struct MockExchange {
    MockExchange(MockWorker& served_by, http::ServerConnection& from)
        : worker(served_by), client(from) {}

    ring::Loop& loop() { return worker.loop; }
    /// The client left, or the server stops: nothing more is to be sent.
    bool is_over();
    /// Waits until `due`; false when it is over before.
    ring::Task<bool> wait_until(TimePoint due);
    /// Waits until all that was written has been taken.
    ring::Task<bool> wait_until_sent();

    /// Begins a head with the fields that all answers have; the caller adds its own and the end.
    http::HeadWriter head(uint16_t status, Bytes content_type);
    void send(http::HeadWriter& written);
    void send(const MockPrepared::Slices& slices) {
        for (const ring::Slice& slice : slices) client.write(slice);
    }
    void send(Bytes bytes) { send(mock_slices(bytes, loop().blocks())); }
    /// A whole answer.
    MockEnd answer(uint16_t status, Bytes content_type, Bytes body);
    MockEnd answer_error(uint16_t status, Bytes message);
    /// Keeps the connection, unless the request or the server wants it closed.
    MockEnd end() const {
        return line.keeps_alive && !worker.is_draining ? MockEnd::keep_open : MockEnd::close;
    }

    MockWorker& worker;
    http::ServerConnection& client;
    wire::RequestLine
        line; ///< its target lives as long as the head, which is to the exchange's end
    MockApi api = MockApi::unknown;
    bool has_counted_gone = false;
};

/// Answers in a provider's API, streaming or not, with the fault that is asked for.
ring::Task<MockEnd> answer_as_provider(MockExchange& exchange,
                                       std::shared_ptr<const MockPrepared> prepared);
/// Answers with a recording.
ring::Task<MockEnd> answer_with_recording(MockExchange& exchange, const MockRecording& recording,
                                          MockOptions options);

} // namespace ringway::tools
