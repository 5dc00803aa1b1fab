#include "net/stream.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace ringway::net {
namespace {

/// What the errno of a socket operation means.
Code code_of(int error) {
    switch (error) {
    case ECONNREFUSED: return Code::refused;
    case ECONNRESET:
    case EPIPE:
    case ECONNABORTED: return Code::reset;
    case ETIMEDOUT: return Code::timeout;
    case ECANCELED: return Code::cancelled;
    case EHOSTUNREACH:
    case ENETUNREACH:
    case ENOENT: // a Unix socket that is not there
    case EADDRNOTAVAIL: return Code::unreachable;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM: return Code::exhausted;
    default: return Code::reset;
    }
}

/// Who brings this much in one turn floods; and is calm again after a turn that brought less than
/// the other. Streams of tokens bring less than a kilobyte.
constexpr uint32_t flood_bytes_min = 32768;
constexpr uint32_t calm_bytes_max = 4096;

/// Several pieces that are together no larger are sent as one: copying them costs less than a
/// message with a list of pieces, which the kernel copies and checks.
constexpr size_t merged_bytes_max = 2048;

} // namespace

void StreamCloser::operator()(Stream* stream) const { stream->close(); }

StreamPtr Stream::adopt(ring::Loop& loop, int socket, ring::Signal& signal,
                        std::unique_ptr<Filter> filter) {
    StreamPtr stream(new Stream(loop, socket, signal, std::move(filter)));
    stream->start_receiving(true);
    return stream;
}

Result<StreamPtr> Stream::connect(ring::Loop& loop, const Address& address, ring::Signal& signal,
                                  std::unique_ptr<Filter> filter) {
    RINGWAY_TRY(const int socket, loop.backend().open_socket(address.get()));
    StreamPtr stream(new Stream(loop, socket, signal, std::move(filter)));
    stream->is_connecting_ = true;
    stream->target_ = std::make_unique<Address>(address);
    loop.backend().connect({stream.get(), tag_connect}, socket, stream->target_->get(),
                           stream->target_->length());
    return stream;
}

void Stream::on_completion(unsigned tag, ring::Completion&& completion) {
    if (tag == tag_receive && !is_direct_) [[likely]] {
        on_received(std::move(completion));
    } else {
        on_rare_completion(tag, completion);
    }
    if (is_closing_) finish_closing();
}

void Stream::on_rare_completion(unsigned tag, const ring::Completion& completion) {
    switch (tag) {
    case tag_receive: on_received_direct(completion.result); break;
    case tag_send: on_sent(completion.result); break;
    case tag_connect: on_connected(completion.result); break;
    case tag_hangup: on_hangup(completion); break;
    default: on_loan(loans_->slots[tag - tag_loan], completion); break;
    }
}

void Stream::on_connected(int32_t result) {
    is_connecting_ = false;
    target_.reset();
    if (is_closing_) return;
    if (result < 0) return fail(code_of(-result), "cannot connect", -result);
    start_receiving(false);
    loop_.wants_flush(*this);
    signal_->raise();
}

// Receiving ------------------------------------------------------------------------------------

void Stream::start_receiving(bool data_expected) {
    is_receiving_ = true;
    is_flooding_ = inflow_bytes_ >= flood_bytes_min;
    const auto calm = data_expected ? ring::Inflow::ready : ring::Inflow::awaited;
    loop_.backend().receive({this, tag_receive}, socket_,
                            is_flooding_ ? ring::Inflow::flood : calm);
}

void Stream::count_inflow(size_t bytes) {
    const auto turn = static_cast<uint32_t>(loop_.counters().turns);
    const bool is_rare = is_flooding_ || turn == inflow_turn_ || bytes >= flood_bytes_min;
    if (is_rare) [[unlikely]]
        return watch_flood(turn, bytes);
    inflow_turn_ = turn;
    inflow_bytes_ = static_cast<uint32_t>(bytes);
}

/// A flood must not take the buffers that all others share, nor make their turns long: its receive
/// is ended, and starts anew with the buffers of floods. And back.
void Stream::watch_flood(uint32_t turn, size_t bytes) {
    bool must_change = false;
    if (turn != inflow_turn_) {
        must_change = is_flooding_ && inflow_bytes_ < calm_bytes_max;
        inflow_turn_ = turn;
        inflow_bytes_ = 0;
    }
    const bool was_calm = inflow_bytes_ < flood_bytes_min;
    inflow_bytes_ += static_cast<uint32_t>(bytes);
    if (!is_flooding_ && was_calm && inflow_bytes_ >= flood_bytes_min) must_change = true;
    if (must_change && is_receiving_) loop_.backend().cancel({this, tag_receive});
}

void Stream::on_received(ring::Completion&& completion) {
    if (completion.is_last) is_receiving_ = false;
    if (is_closing_) return;
    const int32_t result = completion.result;
    if (result > 0) [[likely]] {
        count_inflow(static_cast<size_t>(result));
        accept_bytes(std::move(completion.received));
    } else if (result == 0) {
        has_ended_ = true;
        signal_->raise();
    } else if (result != -ECANCELED && result != -ENOBUFS) {
        fail(code_of(-result), "the connection broke", -result);
    }
    if (is_receiving_ || has_ended_ || failure_) return;
    if (is_reading_paused_) {
        compact_input();
        signal_->raise(); // someone may wait for is_reading_stopped()
    } else {
        start_receiving(true);
    }
}

void Stream::accept_bytes(ring::Slice slice) {
    if (filter_ == nullptr) [[likely]] {
        input_.push_back(std::move(slice));
        signal_->raise();
        return;
    }
    const bool was_ready = filter_->is_ready();
    const size_t had = input_.bytes();
    if (const Status status = filter_->receive(std::move(slice), input_); !status) {
        send_alert();
        return fail(status.error().code, status.error().what);
    }
    if (filter_->has_ended()) has_ended_ = true;
    loop_.wants_flush(*this);
    if (input_.bytes() != had || filter_->is_ready() != was_ready || has_ended_) signal_->raise();
}

/// What was received may wait for long: small pieces must not hold whole receive buffers.
void Stream::compact_input() { input_.compact(loop_.blocks()); }

void Stream::pause_reading() {
    if (is_reading_paused_) return;
    is_reading_paused_ = true;
    compact_input();
    if (is_receiving_) loop_.backend().cancel({this, tag_receive});
}

void Stream::read_again() {
    is_reading_paused_ = false;
    // If the cancelled receive has not ended yet, its end starts the next one.
    if (!is_receiving_ && !has_ended_ && !failure_ && !is_connecting_) start_receiving(true);
}

void Stream::receive_direct(ring::Slice target) {
    RINGWAY_ASSERT(is_reading_paused_ && !is_receiving_ && input_.empty());
    RINGWAY_ASSERT(can_receive_direct());
    is_receiving_ = is_direct_ = true;
    direct_ = std::make_unique<Direct>();
    direct_->target = std::move(target);
    const std::span<char> memory(const_cast<char*>(direct_->target.data()), direct_->target.size());
    loop_.backend().receive_into({this, tag_receive}, socket_, memory);
}

void Stream::on_received_direct(int32_t result) {
    is_receiving_ = is_direct_ = false;
    ring::Slice filled = std::move(direct_->target);
    direct_.reset();
    if (result < 0) {
        fail(code_of(-result), "the connection broke", -result);
    } else {
        if (static_cast<size_t>(result) < filled.size()) has_ended_ = true;
        filled.truncate(static_cast<size_t>(result));
        if (!filled.empty()) input_.push_back(std::move(filled));
        signal_->raise();
    }
    // Reading may have been resumed meanwhile.
    if (!is_reading_paused_ && !has_ended_ && !failure_ && !is_closing_) start_receiving(true);
}

void Stream::watch_hangup() {
    if (is_watching_hangup_ || failure_) return;
    is_watching_hangup_ = true;
    loop_.backend().watch({this, tag_hangup}, socket_, POLLHUP | POLLERR);
}

/// It hears of the end of the other side's sending as well, which is no hangup.
void Stream::on_hangup(const ring::Completion& completion) {
    if (completion.is_last) is_watching_hangup_ = false;
    if (is_closing_ || completion.result < 0) return;
    if ((completion.result & (POLLHUP | POLLERR)) != 0) {
        fail(Code::reset, "the other side closed the connection");
    } else {
        watch_hangup(); // again, if the watch itself has ended
    }
}

// Sending --------------------------------------------------------------------------------------

void Stream::write(ring::Slice slice) {
    if (slice.empty() || failure_ || ends_writing_) return;
    if (filter_ != nullptr) {
        filter_->write(std::move(slice));
    } else {
        output_.push_back(std::move(slice));
        if (is_sending_) compact_output();
    }
    loop_.wants_flush(*this);
}

/// As many pieces as there is room for; none begins behind `bytes_max`.
size_t Stream::gather(std::span<iovec> pieces, size_t bytes_max) const {
    size_t count = 0;
    size_t bytes = 0;
    output_.for_each([&](const ring::Slice& slice) {
        pieces[count++] = {const_cast<char*>(slice.data()), slice.size()};
        bytes += slice.size();
        return count < pieces.size() && bytes < bytes_max;
    });
    return count;
}

void Stream::write(ring::SliceQueue&& slices) {
    if (filter_ != nullptr || failure_ || ends_writing_) {
        while (!slices.empty()) write(slices.pop_front());
        return;
    }
    if (slices.empty()) return;
    output_.append(std::move(slices));
    if (is_sending_) compact_output();
    loop_.wants_flush(*this);
}

bool Stream::flush() {
    if (is_closing_ || is_connecting_ || failure_) return false;
    if (filter_ != nullptr) {
        if (const Status status = filter_->flush(output_); !status) {
            fail(status.error().code, status.error().what);
            return false;
        }
        if (is_sending_) compact_output();
    }
    if (is_sending_ || in_flight_bytes_ > 0) return false;
    // One comparison finds both rare cases: nothing to send, and a lot.
    if (output_.bytes() - 1 >= ring::zero_copy_bytes_min - 1) [[unlikely]]
        return flush_rare();
    if (!output_.has_one() && output_.bytes() <= merged_bytes_max) [[unlikely]]
        output_.compact(loop_.blocks());
    send_now();
    return awaits_settling();
}

bool Stream::flush_rare() {
    if (output_.empty()) {
        after_progress();
        return false;
    }
    if (try_lend()) return false;
    send_now();
    return awaits_settling();
}

/// Whether more is to be done once the send under way has gone well.
bool Stream::awaits_settling() const {
    return output_.bytes() > in_flight_bytes_ || wants_notice_ || ends_writing_;
}

void Stream::send_now() {
    if (output_.has_one()) [[likely]] {
        in_flight_bytes_ = static_cast<uint32_t>(output_.bytes());
        return loop_.backend().send_now({this, tag_send}, socket_, output_.front().bytes());
    }
    std::array<iovec, ring::send_pieces_max> pieces;
    const size_t count = gather(pieces);
    for (size_t i = 0; i < count; ++i) {
        in_flight_bytes_ += static_cast<uint32_t>(pieces[i].iov_len);
    }
    loop_.backend().send_now({this, tag_send}, socket_, {pieces.data(), count});
}

/// The filter has failed: the other side is told why, if no other send is in the way. It is queued
/// at once, since whoever hears of the failure closes the stream.
void Stream::send_alert() {
    if (is_linked() || is_sending_ || in_flight_bytes_ > 0) return;
    static_cast<void>(filter_->flush(output_));
    if (output_.empty()) return;
    send_now();
    loop_.wants_flush(*this); // so that it is settled
}

/// No completion has come for the send: the kernel took all of it.
void Stream::settle() {
    const uint32_t sent = std::exchange(in_flight_bytes_, 0);
    if (is_closing_) return finish_closing();
    if (sent == 0 || failure_) return;
    output_.consume(sent);
    after_progress();
    if (!output_.empty()) loop_.wants_flush(*this);
}

void Stream::on_sent(int32_t result, bool took_all) {
    is_sending_ = false;
    in_flight_bytes_ = sending_bytes_ = 0;
    if (is_closing_ || failure_) return;
    if (result < 0 && result != -EAGAIN && result != -EINTR) {
        return fail(code_of(-result), "the connection broke", -result);
    }
    if (result > 0) output_.consume(static_cast<size_t>(result));
    if (!output_.empty() && !took_all) {
        compact_output();
        if (!try_lend()) send_rest();
    } else if (!output_.empty()) {
        loop_.wants_flush(*this);
    } else if (filter_ != nullptr && filter_->unsent_bytes() > 0) {
        loop_.wants_flush(*this);
    }
    after_progress();
}

void Stream::send_rest() {
    std::array<iovec, ring::send_pieces_max> pieces;
    const size_t count = gather(pieces);
    is_sending_ = true;
    for (size_t i = 0; i < count; ++i) sending_bytes_ += static_cast<uint32_t>(pieces[i].iov_len);
    loop_.backend().send({this, tag_send}, socket_, {pieces.data(), count});
}

/// Begins a send that lends its memory, if there is much to send and that is worth it.
bool Stream::try_lend() {
    if (!may_lend_ || output_.bytes() < ring::zero_copy_bytes_min) return false;
    if (!loop_.backend().can_send_zero_copy()) return false;
    if (loans_ == nullptr) loans_ = std::make_unique<Loans>();
    unsigned slot = 0;
    while (slot < loans_->slots.size() && loans_->slots[slot].is_out) ++slot;
    if (slot == loans_->slots.size()) return false;
    std::array<iovec, ring::send_pieces_max> pieces;
    const size_t count = gather(pieces, ring::zero_copy_bytes_max);
    size_t bytes = 0;
    for (size_t i = 0; i < count; ++i) bytes += pieces[i].iov_len;
    if (bytes < ring::zero_copy_bytes_min || !loop_.zero_copy().is_worth_trying()) return false;
    Loan& loan = loans_->slots[slot];
    RINGWAY_ASSERT(loan.bytes.empty());
    size_t left = count;
    output_.for_each([&](const ring::Slice& slice) {
        loan.bytes.push_back(slice);
        return --left > 0;
    });
    loan.is_out = true;
    loan.is_taken = loan.is_void = loan.is_refused = false;
    ++loan_count_;
    is_sending_ = true;
    sending_bytes_ = static_cast<uint32_t>(bytes);
    loop_.backend().send_zero_copy({this, tag_loan + slot}, socket_, {pieces.data(), count});
    return true;
}

/// The first completion tells what was taken, the last that the memory is ours again.
void Stream::on_loan(Loan& loan, const ring::Completion& completion) {
    const int32_t result = completion.result;
    if (loan.is_taken) return settle_loan(loan, result < 0);
    loan.is_taken = true;
    loan.is_void = result <= 0;
    loan.is_refused =
        result == -EOPNOTSUPP || result == -EINVAL || result == -ENOMEM || result == -ENOBUFS;
    const bool is_refused = loan.is_refused;
    const bool took_all = result > 0 && static_cast<uint32_t>(result) == sending_bytes_;
    if (completion.is_last) settle_loan(loan, true);
    if (!is_refused || is_closing_ || failure_) return on_sent(result, took_all);
    is_sending_ = false;
    sending_bytes_ = 0;
    send_rest(); // the plain way, which knows whether the socket is well
}

void Stream::settle_loan(Loan& loan, bool is_copied) {
    using Outcome = ring::ZeroCopy::Outcome;
    RINGWAY_ASSERT(loan.is_out && loan_count_ > 0);
    const bool says_nothing = loan.is_void && !loan.is_refused;
    const Outcome known = is_copied || loan.is_refused ? Outcome::copied : Outcome::lent;
    loop_.zero_copy().settle(says_nothing ? Outcome::unsent : known);
    loan.is_out = false;
    --loan_count_;
    loan.bytes.clear();
}

/// The other side is slow: small pieces must not hold whole receive buffers while they wait.
void Stream::compact_output() { output_.compact(loop_.blocks(), sending_bytes_); }

void Stream::notify_when_unsent_at_most(size_t bytes) {
    notify_at_ = static_cast<uint32_t>(std::min<size_t>(bytes, UINT32_MAX));
    wants_notice_ = true;
    if (unsent_bytes() <= bytes) {
        wants_notice_ = false;
        signal_->raise();
    }
}

void Stream::tell_progress() {
    if (wants_notice_ && unsent_bytes() <= notify_at_) {
        wants_notice_ = false;
        signal_->raise();
    }
    const bool is_all_sent = unsent_bytes() == 0 && in_flight_bytes_ == 0 && !is_sending_;
    if (ends_writing_ && is_all_sent && !has_shut_down_) {
        has_shut_down_ = true;
        loop_.backend().shutdown(socket_, SHUT_WR);
    }
}

void Stream::end_writing() {
    if (ends_writing_ || failure_) return;
    ends_writing_ = true;
    if (filter_ != nullptr) filter_->end();
    loop_.wants_flush(*this); // which ends in after_progress() when there is nothing to send
}

// The end --------------------------------------------------------------------------------------

void Stream::fail(Code code, std::string_view what, int sys_errno) {
    if (failure_ || is_closing_) return;
    failure_ = std::make_unique<Error>(code, Blame::upstream, Retry::other_target, sys_errno, what);
    signal_->raise();
}

void Stream::close() {
    is_closing_ = true;
    if (!is_idle_in_kernel()) {
        // The other side hears of it in this turn already; the socket itself is closed when the
        // kernel has let go of all operations.
        loop_.backend().shutdown(socket_, SHUT_RDWR);
        loop_.backend().cancel_all(socket_);
        holds_loop_ = true;
        loop_.hold();
        return;
    }
    finish_closing();
}

void Stream::finish_closing() {
    if (!is_idle_in_kernel()) return;
    if (loan_count_ > 0) return abort();
    if (holds_loop_) loop_.release();
    if (!has_aborted_) loop_.backend().close(socket_);
    delete this;
}

/// The kernel would read from what it was lent until the other side has received it, which may be
/// never: it drops it instead, and says soon that it has.
void Stream::abort() {
    if (has_aborted_) return;
    has_aborted_ = true;
    loop_.backend().abort(socket_);
    if (holds_loop_) return;
    holds_loop_ = true;
    loop_.hold();
}

} // namespace ringway::net
