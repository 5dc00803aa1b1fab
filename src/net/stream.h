#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "net/address.h"
#include "ring/loop.h"
#include "ring/memory.h"

namespace ringway::net {

/// Turns wire bytes into plain ones and back: TLS. Belongs to one stream.
class Filter {
public:
    virtual ~Filter() = default;
    /// Takes what came over the wire; appends what it means to `plain`. Handshake bytes wait for
    /// the next flush().
    virtual Status receive(ring::Slice wire, ring::SliceQueue& plain) = 0;
    /// Queues plain bytes to be sent.
    virtual void write(ring::Slice plain) = 0;
    /// Appends to `wire` what is to be sent now; after an error, the alert that tells of it.
    virtual Status flush(ring::SliceQueue& wire) = 0;
    /// Says goodbye with the next flush().
    virtual void end() = 0;
    virtual bool is_ready() const = 0;       ///< the handshake is done
    virtual bool has_ended() const = 0;      ///< the other side said goodbye
    virtual size_t unsent_bytes() const = 0; ///< written, and not yet flushed
};

class Stream;

/// Lets go of a stream: what is unsent is dropped, the kernel is asked to end what it has under
/// way, and when it has, the socket is closed and the stream freed.
struct StreamCloser {
    void operator()(Stream* stream) const;
};
using StreamPtr = std::unique_ptr<Stream, StreamCloser>;

/// One connected socket. Nobody awaits its single operations: it receives while it is not paused,
/// gathers what is written until the turn's end, and raises its signal when something happened:
/// bytes came, the other side ended, it failed, it connected, or unsent bytes fell to the mark.
///
/// Sending: at the end of a turn everything written goes out in one send that does not wait, and
/// that completes only if it could not take all (performance: the one-syscall loop). Then, and only
/// then, the rest is kept, compacted, and sent as room comes. Large sends of a connection that
/// allows it may lend their memory to the kernel instead of having it copied (ring/zero_copy.h).
/// Belongs to one worker.
class Stream final : private ring::Completer, private ring::Writer, public ring::Pooled {
public:
    /// Takes over an accepted socket and begins to receive.
    static StreamPtr adopt(ring::Loop& loop, int socket, ring::Signal& signal,
                           std::unique_ptr<Filter> filter = nullptr);
    /// Begins to connect; is_established() or failure() will tell.
    static Result<StreamPtr> connect(ring::Loop& loop, const Address& address, ring::Signal& signal,
                                     std::unique_ptr<Filter> filter = nullptr);

    /// Who hears of it from now on. The signal outlives the stream, or is replaced in time.
    void set_signal(ring::Signal& signal) { signal_ = &signal; }
    ring::Loop& loop() { return loop_; }

    bool is_established() const {
        return !is_connecting_ && failure_ == nullptr &&
               (filter_ == nullptr || filter_->is_ready());
    }
    /// Why the stream is broken, if it is. Bytes that came before may still be taken.
    std::optional<Error> failure() const {
        return failure_ != nullptr ? std::optional<Error>(*failure_) : std::nullopt;
    }
    int socket() const { return socket_; }

    // Receiving --------------------------------------------------------------------------------
    bool has_input() const { return !input_.empty(); }
    size_t input_bytes() const { return input_.bytes(); }
    /// The next bytes in order; there must be some.
    ring::Slice take() { return input_.pop_front(); }
    /// Puts bytes back to the front.
    void untake(ring::Slice slice) { input_.push_front(std::move(slice)); }
    /// The other side will send no more; what it sent may still be taken.
    bool has_ended() const { return has_ended_; }
    /// With TLS: it ended without saying so, which may be a cut.
    bool was_cut() const { return has_ended_ && filter_ != nullptr && !filter_->has_ended(); }
    bool is_broken() const { return failure_ != nullptr; }

    /// What was received may be acknowledged later, or is at once (ring::Backend).
    void delay_acknowledgements(bool delays) {
        loop_.backend().delay_acknowledgements(socket_, delays);
    }
    /// Stops receiving; up to a turn's worth of bytes may still come.
    void pause_reading();
    void resume_reading() {
        if (is_reading_paused_) [[unlikely]]
            read_again();
    }
    /// Whether bytes can be received straight into memory (not with TLS).
    bool can_receive_direct() const { return filter_ == nullptr; }
    /// No receive is in the kernel's hands: the condition of receive_direct().
    bool is_reading_stopped() const { return !is_receiving_; }
    /// Fills `target` from its start with all of its size, then raises the signal. Reading must be
    /// paused and stopped, and all input taken.
    void receive_direct(ring::Slice target);
    bool is_receiving_direct() const { return is_direct_; }

    /// After has_ended(): hears when the other side closes for good, which is then a failure().
    void watch_hangup();

    // Sending ----------------------------------------------------------------------------------
    /// Sends `slice` with this turn's end.
    void write(ring::Slice slice);
    void write(ring::SliceQueue&& slices);
    /// Written, and not yet taken by the kernel.
    size_t unsent_bytes() const {
        const size_t bytes = output_.bytes();
        return filter_ == nullptr ? bytes : bytes + filter_->unsent_bytes();
    }
    /// The kernel took less than all: the other side, or the path to it, is slow.
    bool is_congested() const { return is_sending_; }
    /// Raises the signal when unsent_bytes() is at most `bytes`, once; at once if it is already.
    void notify_when_unsent_at_most(size_t bytes);
    /// Sends what is written, then tells the other side that no more comes.
    void end_writing();
    /// Large sends need not be copied. Only where the other side may lose what is under way when
    /// the stream is closed: the kernel sends from memory that it must not keep for long then.
    void allow_zero_copy() { may_lend_ = true; }
    /// Sends whose memory the kernel still reads from.
    unsigned loans() const { return loan_count_; }

private:
    friend struct StreamCloser;
    enum Tag : unsigned {
        tag_receive = 1,
        tag_send = 2,
        tag_connect = 3,
        tag_hangup = 4,
        tag_loan = 5, ///< and one for each further loan
    };

    /// The memory of one zero-copy send, from its start until the kernel gives it back.
    struct Loan {
        ring::SliceQueue bytes;
        bool is_out = false;
        bool is_taken = false;   ///< the kernel has told how much it took
        bool is_void = false;    ///< it took nothing
        bool is_refused = false; ///< it took nothing, as it could not in this way
    };
    /// Two, so that the next send need not wait until the one before has arrived. With both out,
    /// sends are plain ones: a stream lends 2 x (zero_copy_bytes_max + a block) at most.
    struct Loans : ring::Pooled {
        std::array<Loan, 2> slots;
    };

    struct Direct : ring::Pooled {
        ring::Slice target;
    };

    Stream(ring::Loop& loop, int socket, ring::Signal& signal, std::unique_ptr<Filter> filter)
        : loop_(loop), signal_(&signal), filter_(std::move(filter)), socket_(socket) {}
    ~Stream() = default;

    void on_completion(unsigned tag, ring::Completion&& completion) override;
    void on_rare_completion(unsigned tag, const ring::Completion& completion);
    void on_received(ring::Completion&& completion);
    void on_received_direct(int32_t result);
    void on_sent(int32_t result, bool took_all = false);
    void on_loan(Loan& loan, const ring::Completion& completion);
    void settle_loan(Loan& loan, bool is_copied);
    void on_connected(int32_t result);
    void on_hangup(const ring::Completion& completion);
    bool flush() override;
    void settle() override;

    void start_receiving(bool data_expected);
    void read_again();
    void accept_bytes(ring::Slice slice);
    void count_inflow(size_t bytes);
    void watch_flood(uint32_t turn, size_t bytes);
    bool flush_rare();
    bool try_lend();
    void send_now();
    void send_alert();
    void send_rest();
    bool awaits_settling() const;
    void compact_input();
    void compact_output();
    size_t gather(std::span<iovec> pieces, size_t bytes_max = SIZE_MAX) const;
    /// Output has been sent: whoever waits for that is told.
    void after_progress() {
        if (wants_notice_ || ends_writing_) [[unlikely]]
            tell_progress();
    }
    void tell_progress();
    void fail(Code code, std::string_view what, int sys_errno = 0);
    void close();
    void finish_closing();
    void abort();
    /// Nothing of the socket is under way; memory may still be lent.
    bool is_idle_in_kernel() const {
        return !is_receiving_ && !is_sending_ && !is_connecting_ && !is_watching_hangup_ &&
               in_flight_bytes_ == 0;
    }

    ring::Loop& loop_;
    ring::Signal* signal_;
    std::unique_ptr<Filter> filter_;
    ring::SliceQueue input_;
    ring::SliceQueue output_;
    // Few streams have these, and many streams are idle.
    std::unique_ptr<Direct> direct_;  ///< while receive_direct() fills it
    std::unique_ptr<Address> target_; ///< while connecting: the kernel reads it when it starts
    std::unique_ptr<Loans> loans_;    ///< made when first needed
    std::unique_ptr<Error> failure_;
    int socket_;
    uint32_t notify_at_ = 0;
    uint32_t in_flight_bytes_ = 0; ///< of the send that does not wait, until it is settled
    uint32_t sending_bytes_ = 0;   ///< of the send that waits for room
    uint32_t inflow_turn_ = 0;     ///< the last turn that brought bytes
    uint32_t inflow_bytes_ = 0;    ///< what came in it
    uint8_t loan_count_ = 0;       ///< of those out
    bool wants_notice_ : 1 = false;
    bool is_connecting_ : 1 = false;
    bool is_receiving_ : 1 = false;
    bool is_flooding_ : 1 = false; ///< receives into the buffers of floods
    bool is_direct_ : 1 = false;
    bool is_sending_ : 1 = false; ///< a send that waits for room is under way, or a loan's
    bool may_lend_ : 1 = false;
    bool is_watching_hangup_ : 1 = false;
    bool is_reading_paused_ : 1 = false;
    bool has_ended_ : 1 = false;
    bool ends_writing_ : 1 = false;
    bool has_shut_down_ : 1 = false;
    bool is_closing_ : 1 = false;
    bool has_aborted_ : 1 = false; ///< closed, and waits for what it has lent
    bool holds_loop_ : 1 = false;  ///< until the kernel has let go of a closing stream
};

} // namespace ringway::net
