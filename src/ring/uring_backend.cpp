#include "ring/uring_backend.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <deque>
#include <optional>
#include <random>
#include <vector>

#include "ring/uring.h"
#include "ring/uring_compat.h"

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define RINGWAY_CLOSES_BY_CALL 1
#endif
#endif

namespace ringway::ring {
namespace {

constexpr uint16_t shared_group = 1;
constexpr uint16_t flood_group = 2;
/// Numbers of the floods' buffers begin here: a completion tells the number, and not the group.
constexpr uint16_t flood_numbers = 0x8000;
/// What all floods of a worker together bring in a turn, at most: 64 x 4 KiB.
constexpr unsigned flood_buffers = 64;
constexpr uint64_t tag_mask = 7;

uint64_t encode(OpName op) {
    RINGWAY_ASSERT(op.tag <= tag_mask);
    return reinterpret_cast<uint64_t>(op.completer) | op.tag;
}

OpName decode(uint64_t user_data) {
    return {reinterpret_cast<Completer*>(user_data & ~tag_mask),
            static_cast<unsigned>(user_data & tag_mask)};
}

/// The provided buffers: small blocks of the pool, each lent to the kernel under a number.
/// Invariant: a number is either free, or lent_[number] is the block the kernel holds.
class ReceiveBuffers {
public:
    struct Size {
        unsigned min; ///< kept lent
        unsigned max;
        Duration calm; ///< without a shortage before it shrinks
    };
    ReceiveBuffers(Uring& uring, BlockPool& blocks, uint16_t group, uint16_t first_number,
                   Size count)
        : uring_(uring), blocks_(blocks), group_(group), first_number_(first_number),
          count_min_(count.min), entries_(count.max), calm_(count.calm), target_(count.min),
          lent_(count.max, nullptr), ring_(uring.register_buffer_ring(count.max, group, 0)) {
        free_.reserve(entries_);
        for (unsigned number = entries_; number > 0; --number) {
            free_.push_back(static_cast<uint16_t>(number - 1));
        }
    }
    ~ReceiveBuffers() {
        if (ring_ != nullptr) uring_.unregister_buffer_ring(ring_, entries_, group_);
        for (Block* block : lent_) {
            if (block != nullptr) Slice::adopt(*block, 0);
        }
    }
    bool is_registered() const { return ring_ != nullptr; }
    unsigned lent() const { return lent_count_; }

    /// Lends blocks up to the target, as far as the pool gives any.
    void replenish(TimePoint now) {
        if (target_ > count_min_ && now > grew_at_ + calm_) {
            target_ = std::max(target_ / 2, count_min_);
            grew_at_ = now;
        }
        uint16_t added = 0;
        while (lent_count_ < target_) {
            Block* block = blocks_.try_take_small();
            if (block == nullptr) break;
            lend(*block, added++);
        }
        if (added > 0) io_uring_buf_ring_advance(ring_, added);
    }

    /// The kernel filled `bytes` of buffer `number`, and gives it back.
    Slice take(uint16_t number, size_t bytes) {
        number = static_cast<uint16_t>(number - first_number_);
        Block* block = std::exchange(lent_[number], nullptr);
        RINGWAY_ASSERT(block != nullptr);
        free_.push_back(number);
        --lent_count_;
        return Slice::adopt(*block, bytes);
    }

    void grow(TimePoint now) {
        target_ = std::min(target_ * 2, entries_);
        grew_at_ = now;
    }

    /// Takes back the buffers lent last, beyond the target: no receive may ever need them. Only for
    /// a kernel that works for this ring while it is called and at no other time, and only when all
    /// its completions were heard: then what is lent is what it has not come to yet.
    void take_back() {
        const auto mask = static_cast<unsigned>(io_uring_buf_ring_mask(entries_));
        uint16_t taken = 0;
        for (; lent_count_ > target_; --lent_count_) {
            const uint16_t bid = ring_->bufs[(ring_->tail - ++taken) & mask].bid;
            const auto number = static_cast<uint16_t>(bid - first_number_);
            Block* block = std::exchange(lent_[number], nullptr);
            RINGWAY_ASSERT(block != nullptr);
            free_.push_back(number);
            Slice::adopt(*block, 0);
        }
        if (taken > 0) io_uring_buf_ring_advance(ring_, -int{taken});
    }

private:
    void lend(Block& block, int offset) {
        const uint16_t number = free_.back();
        free_.pop_back();
        lent_[number] = &block;
        ++lent_count_;
        io_uring_buf_ring_add(ring_, block.data(), block.capacity,
                              static_cast<uint16_t>(first_number_ + number),
                              io_uring_buf_ring_mask(entries_), offset);
    }

    Uring& uring_;
    BlockPool& blocks_;
    uint16_t group_;
    uint16_t first_number_;
    unsigned count_min_;
    unsigned entries_;
    Duration calm_;
    unsigned target_;
    unsigned lent_count_ = 0;
    TimePoint grew_at_;
    std::vector<Block*> lent_;
    std::vector<uint16_t> free_;
    io_uring_buf_ring* ring_;
};

class RealUringBackend final : public UringBackend, private Completer {
public:
    explicit RealUringBackend(BlockPool& blocks)
        : blocks_(blocks), random_(std::random_device{}()) {}
    ~RealUringBackend() override {
        if (wake_descriptor_ >= 0) ::close(wake_descriptor_);
    }
    Result<void> open(const UringBackendOptions& options, std::string& explanation);

    void accept(OpName op, int listener) override;
    void receive(OpName op, int socket, Inflow inflow) override;
    void receive_into(OpName op, int socket, std::span<char> into) override;
    void send_now(OpName op, int socket, std::span<const iovec> pieces) override;
    void send_now(OpName op, int socket, Bytes bytes) override;
    void send(OpName op, int socket, std::span<const iovec> pieces) override;
    void send_zero_copy(OpName op, int socket, std::span<const iovec> pieces) override;
    bool can_send_zero_copy() const override { return uring_.features().sendmsg_zero_copy; }
    void connect(OpName op, int socket, const sockaddr* address, socklen_t length) override;
    void poll(OpName op, int descriptor, uint32_t events) override;
    void watch(OpName op, int descriptor, uint32_t events) override;
    void cancel(OpName op) override;
    void cancel_all(int socket) override;
    void shutdown(int socket, int how) override;
    void close(int socket) override;
    void abort(int socket) override;

    Result<int> listen(const sockaddr* address, socklen_t length, bool share_port) override;
    Result<int> open_socket(const sockaddr* address) override;
    void delay_acknowledgements(int socket, bool delays) override;

    uint64_t queued() const override { return uring_.queued(); }
    uint64_t started() const override { return uring_.started(); }
    void wait(TimePoint until) override;
    void deliver() override;
    void wake() override;

    TimePoint now() override;
    int64_t wall_clock_s() override { return time(nullptr); }
    uint64_t random() override { return random_(); }

    UringBackendCounters counters() const override {
        return {uring_.enters(), uring_.queued(), uring_.overflows(), buffer_shortages_};
    }
    std::string features() const override { return uring_.features().to_string(); }

private:
    /// A receive that waits for a buffer to be free, or a flood's for its place.
    struct Starved {
        OpName op;
        int socket;
        Inflow inflow;
    };
    struct Posted {
        OpName op;
        int32_t result;
    };

    io_uring_sqe* entry_for(OpName op);
    void start_receive(const Starved& receive);
    void restart_starved();
    msghdr& stage(std::span<const iovec> pieces);
    void deliver(const io_uring_cqe& entry);
    void listen_for_wake();
    void on_completion(unsigned tag, Completion&& completion) override;

    BlockPool& blocks_;
    Uring uring_;
    std::optional<ReceiveBuffers> buffers_;
    std::optional<ReceiveBuffers> flood_buffers_;
    bool has_seen_flood_ = false; ///< before the first, no buffers are kept for floods
    std::deque<Starved> starved_;
    std::vector<Posted> posted_;
    /// Messages of sends with several pieces, and the pieces: the kernel reads them when it
    /// consumes the entry. A message stands under its entry's number.
    std::vector<msghdr> messages_;
    std::vector<iovec> pieces_;
    size_t pieces_used_ = 0;
    uint64_t pieces_until_ = 0; ///< the entry up to which pieces_ is in use
    TimePoint now_;
    int wake_descriptor_ = -1;
    uint64_t wake_count_ = 0;
    uint64_t buffer_shortages_ = 0;
    std::mt19937_64 random_;
};

/// How much an accepted socket takes that it cannot send yet. What was sent does not count, so a
/// fast path is not held up; but with a slow one the kernel would take megabytes of a stream, and
/// its upstream would not be paused until then. Twice what relay() writes in a turn.
constexpr int unsent_bytes_max = 128 * 1024;

/// No completion is wanted for an operation that goes well; one that fails is ignored.
void silence(io_uring_sqe* entry) {
    entry->user_data = 0;
    entry->flags |= IOSQE_CQE_SKIP_SUCCESS;
}

Result<void> RealUringBackend::open(const UringBackendOptions& options, std::string& explanation) {
    const Uring::Options sizes{options.submission_entries, options.completion_entries};
    RINGWAY_RETURN_IF_ERROR(Uring::open(uring_, sizes, explanation));
    messages_.resize(uring_.entries());
    pieces_.resize(4 * send_pieces_max);
    RINGWAY_ASSERT(options.buffers_max <= flood_numbers);
    buffers_.emplace(
        uring_, blocks_, shared_group, uint16_t{0},
        ReceiveBuffers::Size{options.buffers_min, options.buffers_max, options.buffers_calm});
    flood_buffers_.emplace(
        uring_, blocks_, flood_group, flood_numbers,
        ReceiveBuffers::Size{flood_buffers, flood_buffers, options.buffers_calm});
    if (!buffers_->is_registered() || !flood_buffers_->is_registered()) {
        explanation = "io_uring could not register its receive buffers";
        return gateway_error(Code::exhausted, "io_uring buffers");
    }
    wake_descriptor_ = eventfd(0, EFD_CLOEXEC);
    if (wake_descriptor_ < 0) {
        explanation = "no descriptor left for an eventfd";
        return gateway_error(Code::exhausted, "eventfd", errno);
    }
    listen_for_wake();
    now();
    return {};
}

io_uring_sqe* RealUringBackend::entry_for(OpName op) {
    io_uring_sqe& entry = uring_.next_entry();
    entry.user_data = encode(op);
    return &entry;
}

void RealUringBackend::accept(OpName op, int listener) {
    io_uring_prep_multishot_accept(entry_for(op), listener, nullptr, nullptr, SOCK_CLOEXEC);
}

void RealUringBackend::receive(OpName op, int socket, Inflow inflow) {
    const Starved receive{op, socket, inflow};
    if (inflow == Inflow::flood) has_seen_flood_ = true;
    if (inflow == Inflow::flood || buffers_->lent() == 0) {
        starved_.push_back(receive); // floods begin behind all others of this turn
    } else {
        start_receive(receive);
    }
}

void RealUringBackend::start_receive(const Starved& receive) {
    io_uring_sqe* entry = entry_for(receive.op);
    io_uring_prep_recv_multishot(entry, receive.socket, nullptr, 0, 0);
    if (receive.inflow == Inflow::awaited) entry->ioprio |= IORING_RECVSEND_POLL_FIRST;
    entry->flags |= IOSQE_BUFFER_SELECT;
    entry->buf_group = receive.inflow == Inflow::flood ? flood_group : shared_group;
}

/// In order, as many as there are buffers.
void RealUringBackend::restart_starved() {
    unsigned shared = buffers_->lent();
    unsigned flood = flood_buffers_->lent();
    std::erase_if(starved_, [&](const Starved& receive) {
        unsigned& free = receive.inflow == Inflow::flood ? flood : shared;
        if (free == 0) return false;
        --free;
        start_receive(receive);
        return true;
    });
}

void RealUringBackend::receive_into(OpName op, int socket, std::span<char> into) {
    io_uring_prep_recv(entry_for(op), socket, into.data(), into.size(), MSG_WAITALL);
}

/// Keeps a message until its entry, the next one, is consumed.
msghdr& RealUringBackend::stage(std::span<const iovec> pieces) {
    RINGWAY_ASSERT(pieces.size() <= send_pieces_max);
    uring_.ensure_room();
    if (uring_.started() >= pieces_until_) pieces_used_ = 0;
    if (pieces_used_ + pieces.size() > pieces_.size()) {
        uring_.submit();
        pieces_used_ = 0;
    }
    std::copy(pieces.begin(), pieces.end(), pieces_.data() + pieces_used_);
    pieces_until_ = uring_.queued() + 1;
    msghdr& message = messages_[uring_.queued() % messages_.size()];
    message = msghdr{};
    message.msg_iov = pieces_.data() + pieces_used_;
    message.msg_iovlen = pieces.size();
    pieces_used_ += pieces.size();
    return message;
}

/// Takes all that there is room for, and waits for nothing.
constexpr int send_now_flags = MSG_DONTWAIT | MSG_WAITALL | MSG_NOSIGNAL;

void RealUringBackend::send_now(OpName op, int socket, Bytes bytes) {
    io_uring_sqe* entry = entry_for(op);
    io_uring_prep_send(entry, socket, bytes.data(), bytes.size(), send_now_flags);
    entry->flags |= IOSQE_CQE_SKIP_SUCCESS;
}

void RealUringBackend::send_now(OpName op, int socket, std::span<const iovec> pieces) {
    const msghdr& message = stage(pieces);
    io_uring_sqe* entry = entry_for(op);
    io_uring_prep_sendmsg(entry, socket, &message, send_now_flags);
    entry->flags |= IOSQE_CQE_SKIP_SUCCESS;
}

void RealUringBackend::send(OpName op, int socket, std::span<const iovec> pieces) {
    const msghdr& message = stage(pieces);
    io_uring_prep_sendmsg(entry_for(op), socket, &message, MSG_NOSIGNAL);
}

/// A kernel of 6.1 does not know how to report, and refuses: then everything is copied.
void RealUringBackend::send_zero_copy(OpName op, int socket, std::span<const iovec> pieces) {
    const msghdr& message = stage(pieces);
    io_uring_sqe* entry = entry_for(op);
    io_uring_prep_sendmsg_zc(entry, socket, &message, MSG_NOSIGNAL);
    entry->ioprio |= uring_compat::send_zc_report_usage;
}

void RealUringBackend::connect(OpName op, int socket, const sockaddr* address, socklen_t length) {
    io_uring_prep_connect(entry_for(op), socket, address, length);
}

void RealUringBackend::poll(OpName op, int descriptor, uint32_t events) {
    io_uring_prep_poll_add(entry_for(op), descriptor, events);
}

void RealUringBackend::watch(OpName op, int descriptor, uint32_t events) {
    io_uring_prep_poll_multishot(entry_for(op), descriptor, events);
}

void RealUringBackend::cancel(OpName op) {
    for (auto at = starved_.begin(); at != starved_.end(); ++at) {
        if (encode(at->op) != encode(op)) continue;
        starved_.erase(at);
        posted_.push_back({op, -ECANCELED});
        return;
    }
    io_uring_sqe& entry = uring_.next_entry();
    io_uring_prep_cancel64(&entry, encode(op), 0);
    silence(&entry);
}

void RealUringBackend::cancel_all(int socket) {
    std::erase_if(starved_, [&](const Starved& receive) {
        if (receive.socket != socket) return false;
        posted_.push_back({receive.op, -ECANCELED});
        return true;
    });
    io_uring_sqe& entry = uring_.next_entry();
    io_uring_prep_cancel_fd(&entry, socket, IORING_ASYNC_CANCEL_ALL);
    silence(&entry);
}

void RealUringBackend::shutdown(int socket, int how) {
    // Not by the ring: IORING_OP_SHUTDOWN always goes to a kernel thread, which looks up the
    // descriptor when it gets to it. By then that may be closed, and be another connection's.
    if (uring_.queued() != uring_.started()) uring_.submit(); // the sends before it
    ::shutdown(socket, how);
}

void RealUringBackend::close(int socket) {
#if defined(RINGWAY_CLOSES_BY_CALL)
    // ThreadSanitizer follows descriptors by their number, and does not see what the ring closes: a
    // number that another thread gets next would look like a race.
    if (uring_.queued() != uring_.started()) uring_.submit(); // what comes before it
    ::close(socket);
#else
    io_uring_sqe& entry = uring_.next_entry();
    io_uring_prep_close(&entry, socket);
    silence(&entry);
#endif
}

void RealUringBackend::abort(int socket) {
    const linger at_once{1, 0};
    setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(socket);
}

Result<int> RealUringBackend::listen(const sockaddr* address, socklen_t length, bool share_port) {
    const int socket = ::socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (socket < 0) return gateway_error(Code::exhausted, "no socket to listen on", errno);
    const int on = 1;
    if (address->sa_family != AF_UNIX) {
        setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (share_port) setsockopt(socket, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
        // Accepted sockets inherit these.
        setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        setsockopt(socket, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent_bytes_max,
                   sizeof unsent_bytes_max);
    }
    if (address->sa_family == AF_INET6) {
        setsockopt(socket, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    }
    if (bind(socket, address, length) != 0 || ::listen(socket, SOMAXCONN) != 0) {
        const int error = errno;
        ::close(socket);
        return gateway_error(Code::refused, "cannot listen", error);
    }
    return socket;
}

Result<int> RealUringBackend::open_socket(const sockaddr* address) {
    const int socket = ::socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (socket < 0) return gateway_error(Code::exhausted, "no descriptor left", errno);
    const int on = 1;
    if (address->sa_family != AF_UNIX) {
        setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    return socket;
}

void RealUringBackend::delay_acknowledgements(int socket, bool delays) {
    const int at_once = delays ? 0 : 1;
    setsockopt(socket, IPPROTO_TCP, TCP_QUICKACK, &at_once, sizeof at_once); // Unix sockets refuse
}

TimePoint RealUringBackend::now() {
    timespec reading{};
    clock_gettime(CLOCK_MONOTONIC, &reading);
    return now_ = {int64_t{reading.tv_sec} * 1'000'000'000 + reading.tv_nsec};
}

void RealUringBackend::wait(TimePoint until) {
    buffers_->replenish(now_);
    if (has_seen_flood_) flood_buffers_->replenish(now_);
    if (!starved_.empty()) restart_starved();
    const bool must_not_wait = until <= now_ || !posted_.empty() || uring_.has_completions();
    const int64_t timeout_ns = until == TimePoint::never() ? -1 : (until - now_).count();
    uring_.enter(must_not_wait ? 0 : 1, must_not_wait ? 0 : timeout_ns);
}

void RealUringBackend::deliver() {
    uring_.for_each_completion([this](const io_uring_cqe& entry) { deliver(entry); });
    if (!posted_.empty()) [[unlikely]] {
        for (const Posted& posted : std::exchange(posted_, {})) {
            posted.op.completer->on_completion(posted.op.tag, Completion{posted.result, true, {}});
        }
    }
    if (uring_.features().defer_taskrun && !uring_.has_completions()) buffers_->take_back();
}

void RealUringBackend::deliver(const io_uring_cqe& entry) {
    if (entry.user_data == 0) return;
    const OpName op = decode(entry.user_data);
    Completion completion{entry.res, (entry.flags & IORING_CQE_F_MORE) == 0, {}};
    if ((entry.flags & IORING_CQE_F_BUFFER) != 0) {
        const auto number = static_cast<uint16_t>(entry.flags >> IORING_CQE_BUFFER_SHIFT);
        ReceiveBuffers& from = number >= flood_numbers ? *flood_buffers_ : *buffers_;
        completion.received = from.take(number, static_cast<size_t>(std::max(entry.res, 0)));
    } else if (entry.res == -ENOBUFS && buffers_->lent() == 0) { // else a flood's ran out
        ++buffer_shortages_;
        buffers_->grow(now_);
    }
    op.completer->on_completion(op.tag, std::move(completion));
}

void RealUringBackend::listen_for_wake() {
    io_uring_sqe* entry = entry_for({this, 0});
    io_uring_prep_read(entry, wake_descriptor_, &wake_count_, sizeof wake_count_, 0);
}

void RealUringBackend::on_completion(unsigned, Completion&&) { listen_for_wake(); }

void RealUringBackend::wake() {
    const uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(wake_descriptor_, &one, sizeof one);
}

} // namespace

Result<std::unique_ptr<UringBackend>> UringBackend::make(BlockPool& blocks,
                                                         const UringBackendOptions& options,
                                                         std::string& explanation) {
    auto backend = std::make_unique<RealUringBackend>(blocks);
    RINGWAY_RETURN_IF_ERROR(backend->open(options, explanation));
    return backend;
}

} // namespace ringway::ring
