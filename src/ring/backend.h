#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "ring/buffers.h"
#include "ringway/result.h"
#include "ringway/time.h"

namespace ringway::ring {

/// How many pieces one send may gather.
inline constexpr size_t send_pieces_max = 64;

/// What the kernel says of an operation.
struct Completion {
    int32_t result; ///< bytes or a descriptor; below 0 a negated errno
    bool is_last;   ///< the operation has ended; nothing more comes for it
    Slice received; ///< what a receive into shared buffers brought
};

/// Hears of the end of its operations. The object stays where it is until the last completion of
/// each operation it started has come.
class alignas(8) Completer {
public:
    /// `tag` is the number that it gave the operation.
    virtual void on_completion(unsigned tag, Completion&& completion) = 0;

protected:
    ~Completer() = default;
};

/// Names one operation of one completer; tags are below 8.
struct OpName {
    Completer* completer;
    unsigned tag;
};

/// What a receive may expect to find.
enum class Inflow : uint8_t {
    awaited, ///< nothing yet: the first try comes when there is something
    ready,   ///< perhaps something: a try now makes sense
    flood,   ///< a lot, again and again: it gets buffers apart from those of others
};

/// The one seam for the outside world: sockets, clock and randomness are reached through it and
/// through nothing else. Backends: UringBackend (production) and SimBackend (tests: simulated
/// network and clock in one thread, from a seed).
///
/// Operations are queued and start at the next turn, in order. Every operation ends in one
/// completion with `is_last`, except where it says otherwise.
class Backend {
public:
    virtual ~Backend() = default;

    // Operations -----------------------------------------------------------------------------
    /// Accepts until cancelled; each completion brings a descriptor.
    virtual void accept(OpName op, int listener) = 0;
    /// Receives into shared buffers until cancelled, at end of stream (result 0) or on an error.
    /// -ENOBUFS: no buffer was free; asked for again, it starts when there is one. An operation may
    /// also end after data without a reason: then it is asked for again as well.
    virtual void receive(OpName op, int socket, Inflow inflow) = 0;
    /// Receives once, straight into `into`, waiting until all of it is filled or the stream ends.
    virtual void receive_into(OpName op, int socket, std::span<char> into) = 0;
    /// Sends now or never: no completion means that all was taken when the turn's submission was
    /// done. Otherwise one completion brings the bytes taken (less than asked), or an error;
    /// -EAGAIN: nothing was taken. At most one such send per socket and turn.
    /// `pieces` themselves are read during the call; what they point to stays put for the turn.
    virtual void send_now(OpName op, int socket, std::span<const iovec> pieces) = 0;
    /// As above, with one piece.
    virtual void send_now(OpName op, int socket, Bytes bytes) = 0;
    /// Sends when there is room. Completes with the bytes taken, at least one, or an error.
    /// The bytes stay put until then; `pieces` themselves are read during the call.
    virtual void send(OpName op, int socket, std::span<const iovec> pieces) = 0;
    /// As send(), and the kernel need not copy the bytes: unless the first completion is the last,
    /// they are lent to it until a second one, whose result is below 0 if it copied them all the
    /// same. -EOPNOTSUPP, -EINVAL, -ENOMEM, -ENOBUFS: not this way, or not now.
    virtual void send_zero_copy(OpName op, int socket, std::span<const iovec> pieces) = 0;
    virtual bool can_send_zero_copy() const = 0;
    /// `address` stays put until the completion.
    virtual void connect(OpName op, int socket, const sockaddr* address, socklen_t length) = 0;
    /// Completes when one of `events` (POLLIN, POLLHUP ...) holds; result: which.
    virtual void poll(OpName op, int descriptor, uint32_t events) = 0;
    /// Completes each time one of `events` comes to hold, until cancelled. POLLERR, POLLHUP and
    /// POLLRDHUP are reported whether asked for or not: io_uring always adds them.
    virtual void watch(OpName op, int descriptor, uint32_t events) = 0;
    /// Asks the operation to end; its completion then brings -ECANCELED, or whatever was faster.
    virtual void cancel(OpName op) = 0;
    /// As cancel, for all operations on this socket.
    virtual void cancel_all(int socket) = 0;
    /// No completion.
    virtual void shutdown(int socket, int how) = 0;
    /// No completion. No operation on the socket may be under way.
    virtual void close(int socket) = 0;
    /// As close(), but what the other side has not received yet is dropped, and it is told so: the
    /// kernel gives back soon what was lent to it, whose second completions still come.
    virtual void abort(int socket) = 0;

    // Sockets ----------------------------------------------------------------------------------
    /// A listening socket; with `share_port` several may listen to one address.
    virtual Result<int> listen(const sockaddr* address, socklen_t length, bool share_port) = 0;
    /// A socket of the family of `address`, ready for connect().
    virtual Result<int> open_socket(const sockaddr* address) = 0;
    /// Whether the kernel may wait before it acknowledges what the socket has received, until there
    /// is more to acknowledge or something to send along. False: what waits is acknowledged now.
    virtual void delay_acknowledgements(int socket, bool delays) = 0;

    // The turn ---------------------------------------------------------------------------------
    /// How many operations were queued so far, and how many of these have been started.
    virtual uint64_t queued() const = 0;
    virtual uint64_t started() const = 0;
    /// Starts what is queued, and waits until something completes or `until` has come (`now` and
    /// earlier: does not wait).
    virtual void wait(TimePoint until) = 0;
    /// Calls the completers of what has completed. Apart from wait(), so that the clock can be read
    /// in between: who hears of a completion must not take the time for that before the wait.
    virtual void deliver() = 0;
    /// Makes the turn under way, or the next one, return soon. Callable from every thread.
    virtual void wake() = 0;

    virtual TimePoint now() = 0;
    /// Seconds since 1970 UTC, for dates and expiry of keys.
    virtual int64_t wall_clock_s() = 0;
    virtual uint64_t random() = 0;
};

} // namespace ringway::ring
