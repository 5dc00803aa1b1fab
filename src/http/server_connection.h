#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "http/body_reader.h"
#include "net/stream.h"
#include "ring/deadline.h"
#include "ring/memory.h"
#include "ring/task.h"
#include "wire/http1_head.h"

namespace ringway::http {

/// What a client may do before it is refused, in bytes and in time.
struct ServerLimits {
    wire::HeadLimits head;
    uint64_t body_bytes_max = uint64_t{32} << 20;
    uint64_t upload_bytes_max = uint64_t{1} << 30; ///< of bodies that are not kept
    Duration idle = 75s; ///< between two requests: longer than the 60 s of common load balancers
    Duration head_time = 10s;      ///< from a head's first byte to its last
    Duration body_grace = 30s;     ///< a body may take this long ...
    uint64_t body_rate_min = 1024; ///< ... and as long as this many bytes a second need
    Duration half_close = 10ms;    ///< after its request a client may end its side and still read
    Duration linger = 2s;          ///< for an answer to arrive at a client that still sends
    size_t pipelined_bytes_max = 65536; ///< kept of the next requests while one is served
};

enum class Progress : uint8_t { waiting, done };

/// The server's side of one connection: finds requests in what the client sends, in order, and
/// takes their answers. Nothing here waits; the owner waits on signal() and looks again.
/// Lives on one worker, owned by the coroutine that serves the connection.
class ServerConnection : public ring::Pooled {
public:
    /// `limits` outlives the connection.
    ServerConnection(ring::Loop& loop, int socket, const ServerLimits& limits,
                     std::unique_ptr<net::Filter> filter);

    ring::Signal& signal() { return signal_; }
    ring::Deadline& deadline() { return deadline_; }
    net::Stream& stream() { return *stream_; }
    const net::Stream& stream() const { return *stream_; }
    ring::Loop& loop() { return stream_->loop(); }

    /// The exchange is over and the connection stays: the next request may take its time.
    void await_next_request();

    // A request --------------------------------------------------------------------------------
    /// Looks for the next request's head; when done, head() holds it.
    /// Errors: {closed, client}: nothing more comes, and nothing is to be answered; others are
    /// to be answered, and the connection closed.
    Result<Progress> poll_head();
    /// The bytes of the head; the slice keeps them until release_head().
    const ring::Slice& head() const {
        RINGWAY_ASSERT(incoming_ != nullptr);
        return incoming_->head;
    }
    void release_head();

    /// The head was understood: its body comes next.
    void begin_body(const wire::RequestLine& line);
    /// Moves what has come of the body to `into`, without its framing.
    /// Errors: {too_large}, {timeout}, {malformed}, {closed}, all with the client's blame.
    Result<Progress> poll_body(ring::SliceQueue& into);
    bool has_whole_body() const { return incoming_ == nullptr || incoming_->body.has_ended(); }
    /// "100 Continue", if the client waits for it and has sent no body yet.
    void invite_body();

    // Its answer -------------------------------------------------------------------------------
    void write(ring::Slice slice) { stream_->write(std::move(slice)); }
    void write(ring::SliceQueue&& slices) { stream_->write(std::move(slices)); }

    /// While an exchange runs: keeps what the client pipelines within bounds.
    void bound_pipelined_input() {
        if (stream_->input_bytes() > limits_.pipelined_bytes_max) [[unlikely]]
            stream_->pause_reading();
    }
    /// The client is not there any more: it broke the connection, or ended its side of it. Only an
    /// end right behind the request, before any answer, is taken for a client that still reads:
    /// then it is gone when the first bytes cannot be delivered.
    bool is_client_gone() {
        if (!stream_->is_broken() && !stream_->has_ended()) [[likely]]
            return false;
        return stream_->is_broken() || is_end_final();
    }
    /// From now on the answer's bytes go out.
    void begin_answer() { has_begun_answer_ = true; }
    /// How many bytes the body may have; set after begin_body().
    void set_body_limit(uint64_t bytes) { incoming_->body_bytes_max = bytes; }

    /// Waits until all is sent. If the client may still be sending, what comes is then thrown away
    /// for a while: closing with unread bytes would make its stack drop the answer. All of it takes
    /// no longer than `at_most`, or the limit for lingering.
    ring::Task<void> close_gracefully(bool client_may_be_sending,
                                      std::optional<Duration> at_most = {});

private:
    /// The client has ended its side: whether it is taken for gone.
    bool is_end_final();
    /// What is known of a request while it comes in. A connection that waits, or whose answer is on
    /// its way, has none.
    struct Incoming : ring::Pooled {
        ring::Slice head;
        wire::HeadScanner scanner;
        BodyReader body;
        uint64_t body_bytes = 0;
        uint64_t body_bytes_max = 0;
        TimePoint body_began;
    };

    Result<Progress> poll_whole_head();
    Status take_payload(ring::Slice piece, ring::SliceQueue& into);
    bool continue_direct();
    /// Its Content-Length says so.
    bool is_body_too_long() const {
        return incoming_->body.framing() == wire::Framing::length &&
               incoming_->body.remaining() > incoming_->body_bytes_max;
    }

    const ServerLimits& limits_;
    ring::Signal signal_;
    ring::Deadline deadline_;
    net::StreamPtr stream_;
    std::unique_ptr<Incoming> incoming_;
    TimePoint body_ended_;
    bool expects_continue_ = false;
    bool has_begun_answer_ = false;
    bool has_noticed_end_ = false;
    bool is_half_closed_ = false; ///< by a client that still reads
};

} // namespace ringway::http
