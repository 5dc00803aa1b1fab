#include "ring/sim_backend.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace ringway::ring {
namespace {

std::string name_of(const sockaddr* address) {
    if (address->sa_family == AF_INET6) {
        sockaddr_in6 v6{};
        std::memcpy(&v6, address, sizeof v6);
        char text[INET6_ADDRSTRLEN] = {};
        inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
        return "[" + std::string(text) + "]:" + std::to_string(ntohs(v6.sin6_port));
    }
    sockaddr_in v4{};
    std::memcpy(&v4, address, sizeof v4);
    char text[INET_ADDRSTRLEN] = {};
    inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
    return std::string(text) + ":" + std::to_string(ntohs(v4.sin_port));
}

std::string join(std::span<const iovec> pieces) {
    std::string bytes;
    for (const iovec& piece : pieces) {
        bytes.append(static_cast<const char*>(piece.iov_base), piece.iov_len);
    }
    return bytes;
}

bool is_same(const OpName& a, const OpName& b) {
    return a.completer == b.completer && a.tag == b.tag;
}

} // namespace

// The network ----------------------------------------------------------------------------------

void SimNetwork::listen(const std::string& address) { listeners_[address]; }
void SimNetwork::stop_listening(const std::string& address) { listeners_.erase(address); }

std::deque<SimNetwork::Socket>* SimNetwork::backlog(const std::string& address) {
    const auto found = listeners_.find(address);
    return found != listeners_.end() ? &found->second : nullptr;
}

std::optional<SimNetwork::Socket> SimNetwork::connect(const std::string& address) {
    auto* const waiting = backlog(address);
    if (waiting == nullptr) return std::nullopt;
    auto [near, far] = make_pair();
    waiting->push_back(std::move(far));
    return near;
}

std::pair<SimNetwork::Socket, SimNetwork::Socket> SimNetwork::make_pair() {
    const Socket near{std::make_shared<Pipe>(), std::make_shared<Pipe>()};
    return {near, {near.out, near.in}};
}

std::string SimPeer::take(size_t bytes_max) {
    std::string& bytes = socket_.in->bytes;
    std::string taken = bytes.substr(0, bytes_max);
    bytes.erase(0, taken.size());
    return taken;
}

// Operations -----------------------------------------------------------------------------------

void SimBackend::queue(std::function<void()> start) {
    ++queued_count_;
    starting_.push_back(std::move(start));
}

void SimBackend::post(OpName op, int32_t result, bool is_last, Slice received) {
    posted_.push_back({op, Completion{result, is_last, std::move(received)}});
}

void SimBackend::accept(OpName op, int listener) {
    queue([this, op, listener] { sockets_[listener].accept = Waiting{op, {}, 0, {}}; });
}

void SimBackend::receive(OpName op, int socket, Inflow) {
    queue([this, op, socket] { sockets_[socket].receive = Waiting{op, {}, 0, {}}; });
}

void SimBackend::receive_into(OpName op, int socket, std::span<char> into) {
    queue([this, op, socket, into] { sockets_[socket].direct = Waiting{op, into, 0, {}}; });
}

/// How much of `bytes` the other side's socket takes.
size_t SimBackend::put(Entry& entry, Bytes bytes) {
    SimNetwork::Pipe& out = *entry.socket.out;
    if (out.has_no_reader) { // the kernel takes it, and the answer is a reset
        out.is_broken = entry.socket.in->is_broken = true;
        return bytes.size();
    }
    const size_t limit = network_.faults.socket_bytes;
    size_t room = out.bytes.size() < limit ? limit - out.bytes.size() : 0;
    if (network_.happens(network_.faults.short_send)) room = network_.random() % (room + 1);
    const size_t taken = std::min(room, bytes.size());
    out.bytes += bytes.substr(0, taken);
    return taken;
}

void SimBackend::send_now(OpName op, int socket, std::span<const iovec> pieces) {
    // The bytes stay put for the turn, so they are read when the operation starts.
    std::vector<iovec> kept(pieces.begin(), pieces.end());
    queue([this, op, socket, kept = std::move(kept)] {
        ++sends_;
        Entry& entry = sockets_[socket];
        if (entry.socket.out->is_broken) return post(op, -ECONNRESET, true);
        if (entry.socket.out->has_ended) return post(op, -EPIPE, true);
        const std::string bytes = join(kept);
        const size_t taken = put(entry, bytes);
        if (taken == bytes.size()) return;
        post(op, taken == 0 ? -EAGAIN : static_cast<int32_t>(taken), true);
    });
}

void SimBackend::send_now(OpName op, int socket, Bytes bytes) {
    const iovec piece{const_cast<char*>(bytes.data()), bytes.size()};
    send_now(op, socket, std::span(&piece, 1));
}

void SimBackend::send(OpName op, int socket, std::span<const iovec> pieces) {
    // As a kernel that waits for room, it reads the bytes late: they have to stay put until then.
    std::vector<iovec> kept(pieces.begin(), pieces.end());
    queue([this, op, socket, kept = std::move(kept)] {
        ++sends_;
        sockets_[socket].send = Waiting{op, {}, 0, kept};
    });
}

void SimBackend::send_zero_copy(OpName op, int socket, std::span<const iovec> pieces) {
    std::vector<iovec> kept(pieces.begin(), pieces.end());
    queue([this, op, socket, kept = std::move(kept)] {
        ++sends_;
        Entry& entry = sockets_[socket];
        entry.lend = Waiting{op, {}, 0, kept};
        if (network_.happens(network_.faults.no_zero_copy)) {
            end_lend(socket, entry, network_.happens(50) ? -EOPNOTSUPP : -ENOBUFS);
        }
    });
}

void SimBackend::connect(OpName op, int socket, const sockaddr* address, socklen_t) {
    queue([this, op, socket, name = name_of(address)] {
        if (network_.is_stalled(name)) {
            sockets_[socket].connect = Waiting{op, {}, 0, {}};
            return;
        }
        auto connected = network_.connect(name);
        if (connected) sockets_[socket].socket = *connected;
        post(op, connected ? 0 : -ECONNREFUSED, true);
    });
}

void SimBackend::poll(OpName op, int descriptor, uint32_t) {
    queue([this, op, descriptor] { sockets_[descriptor].hangup = Waiting{op, {}, 0, {}}; });
}

void SimBackend::watch(OpName op, int descriptor, uint32_t) {
    queue([this, op, descriptor] {
        Entry& entry = sockets_[descriptor];
        entry.hangup = Waiting{op, {}, 0, {}};
        if (entry.socket.in->has_ended) post(op, POLLRDHUP, false);
    });
}

template <class Matches>
void SimBackend::end_matching(Matches matches) {
    for (auto& [number, entry] : sockets_) {
        if (entry.lend && matches(number, entry.lend->op)) end_lend(number, entry, -ECANCELED);
        for (auto* waiting : {&entry.accept, &entry.receive, &entry.direct, &entry.send,
                              &entry.hangup, &entry.connect}) {
            if (!waiting->has_value() || !matches(number, (*waiting)->op)) continue;
            const int32_t result =
                (*waiting)->filled > 0 ? static_cast<int32_t>((*waiting)->filled) : -ECANCELED;
            post((*waiting)->op, result, true);
            waiting->reset();
        }
    }
}

void SimBackend::cancel(OpName op) {
    queue(
        [this, op] { end_matching([&](int, const OpName& other) { return is_same(op, other); }); });
}

void SimBackend::cancel_all(int socket) {
    queue([this, socket] {
        end_matching([&](int number, const OpName&) { return number == socket; });
    });
}

void SimBackend::shutdown(int socket, int how) {
    queue([this, socket, how] {
        Entry& entry = sockets_[socket];
        if (entry.socket.out == nullptr) return;
        entry.socket.out->has_ended = true;
        if (how == SHUT_RDWR) entry.socket.in->bytes.clear();
    });
}

void SimBackend::close(int socket) {
    queue([this, socket] {
        Entry& entry = sockets_[socket];
        RINGWAY_ASSERT(!entry.receive && !entry.direct && !entry.send && !entry.hangup);
        RINGWAY_ASSERT(!entry.accept && !entry.connect && !entry.lend);
        for (const Loan& loan : loans_) RINGWAY_ASSERT(loan.socket != socket);
        if (entry.socket.out != nullptr) {
            entry.socket.out->has_ended = true;
            entry.socket.in->has_no_reader = true;
            if (!entry.socket.in->bytes.empty()) { // as TCP does with bytes nobody has read
                entry.socket.out->is_broken = true;
                entry.socket.in->is_broken = true;
            }
        }
        if (!entry.listens_at.empty()) network_.stop_listening(entry.listens_at);
        sockets_.erase(socket);
    });
}

void SimBackend::abort(int socket) {
    queue([this, socket] {
        Entry& entry = sockets_[socket];
        if (entry.socket.out != nullptr) {
            entry.socket.out->is_broken = entry.socket.in->is_broken = true;
            entry.socket.out->bytes.clear();
        }
        for (Loan& loan : loans_) {
            if (loan.socket == socket) loan.socket = -1;
        }
    });
    close(socket);
}

// Sockets --------------------------------------------------------------------------------------

int SimBackend::add(Entry entry) {
    const int number = next_socket_++;
    sockets_[number] = std::move(entry);
    return number;
}

Result<int> SimBackend::listen(const sockaddr* address, socklen_t, bool) {
    Entry entry;
    entry.listens_at = name_of(address);
    network_.listen(entry.listens_at);
    return add(std::move(entry));
}

Result<int> SimBackend::open_socket(const sockaddr*) { return add({}); }

void SimBackend::delay_acknowledgements(int socket, bool delays) {
    sockets_.at(socket).delays_acknowledgements = delays;
}

size_t SimBackend::delaying_sockets() const {
    return static_cast<size_t>(std::count_if(sockets_.begin(), sockets_.end(), [](const auto& at) {
        return at.second.delays_acknowledgements;
    }));
}

int SimBackend::adopt(SimNetwork::Socket socket) {
    Entry entry;
    entry.socket = std::move(socket);
    return add(std::move(entry));
}

// The turn -------------------------------------------------------------------------------------

void SimBackend::progress_accept(Entry& entry) {
    auto* const backlog = network_.backlog(entry.listens_at);
    while (backlog != nullptr && !backlog->empty()) {
        Entry accepted;
        accepted.socket = backlog->front();
        backlog->pop_front();
        post(entry.accept->op, add(std::move(accepted)), false);
    }
}

void SimBackend::progress_receive(Entry& entry) {
    SimNetwork::Pipe& in = *entry.socket.in;
    const OpName op = entry.receive->op;
    if (in.is_broken) {
        post(op, -ECONNRESET, true);
        entry.receive.reset();
        return;
    }
    while (!in.bytes.empty()) {
        const bool is_refused = network_.happens(network_.faults.no_buffers);
        Block* const block = is_refused ? nullptr : blocks_.try_take_small();
        if (block == nullptr) {
            if (entry.is_starved && !is_refused) return;
            entry.is_starved = !is_refused;
            post(op, -ENOBUFS, true);
            entry.receive.reset();
            return;
        }
        entry.is_starved = false;
        size_t size = std::min<size_t>(in.bytes.size(), block->capacity);
        if (network_.happens(network_.faults.split)) size = 1 + network_.random() % size;
        std::memcpy(block->data(), in.bytes.data(), size);
        in.bytes.erase(0, size);
        const bool ends = network_.happens(network_.faults.early_end);
        post(op, static_cast<int32_t>(size), ends, Slice::adopt(*block, size));
        if (ends) {
            entry.receive.reset();
            return;
        }
        if (network_.happens(network_.faults.split)) return; // the rest comes in a later turn
    }
    if (in.has_ended) {
        post(op, 0, true);
        entry.receive.reset();
    }
}

void SimBackend::progress_direct(Entry& entry) {
    SimNetwork::Pipe& in = *entry.socket.in;
    Waiting& waiting = *entry.direct;
    const size_t size = std::min(in.bytes.size(), waiting.into.size() - waiting.filled);
    std::memcpy(waiting.into.data() + waiting.filled, in.bytes.data(), size);
    in.bytes.erase(0, size);
    waiting.filled += size;
    const bool is_done = waiting.filled == waiting.into.size() || in.has_ended || in.is_broken;
    if (!is_done) return;
    const bool is_error = in.is_broken && waiting.filled == 0;
    post(waiting.op, is_error ? -ECONNRESET : static_cast<int32_t>(waiting.filled), true);
    entry.direct.reset();
}

void SimBackend::progress_send(Entry& entry) {
    Waiting& waiting = *entry.send;
    if (entry.socket.out->is_broken) {
        post(waiting.op, -ECONNRESET, true);
        entry.send.reset();
        return;
    }
    const size_t taken = put(entry, join(waiting.pieces));
    if (taken == 0) return;
    post(waiting.op, static_cast<int32_t>(taken), true);
    entry.send.reset();
}

/// An end without bytes gives the memory back at once, or with a second completion.
void SimBackend::end_lend(int number, Entry& entry, int32_t result) {
    const bool is_last = network_.happens(50);
    post(entry.lend->op, result, is_last);
    if (!is_last) loans_.push_back({entry.lend->op, number, {}, {}});
    entry.lend.reset();
}

void SimBackend::progress_lend(int number, Entry& entry) {
    if (entry.socket.out->is_broken) return end_lend(number, entry, -ECONNRESET);
    if (entry.socket.out->has_ended) return end_lend(number, entry, -EPIPE);
    std::string bytes = join(entry.lend->pieces);
    bytes.resize(put(entry, bytes));
    if (bytes.empty()) return;
    post(entry.lend->op, static_cast<int32_t>(bytes.size()), false);
    loans_.push_back({entry.lend->op, number, std::move(entry.lend->pieces), std::move(bytes)});
    entry.lend.reset();
}

/// In any order but that of the sends. What was lent must not have changed.
void SimBackend::return_loans() {
    for (size_t i = loans_.size(); i-- > 0;) {
        const bool was_aborted = loans_[i].socket < 0;
        if (!was_aborted && network_.happens(network_.faults.late_return)) continue;
        const Loan loan = std::move(loans_[i]);
        loans_.erase(loans_.begin() + static_cast<std::ptrdiff_t>(i));
        RINGWAY_ASSERT(join(loan.pieces).starts_with(loan.bytes));
        const bool is_copied = loan.bytes.empty() || network_.happens(network_.faults.copied);
        post(loan.op, is_copied ? INT32_MIN : 0, true);
    }
}

void SimBackend::progress(int number, Entry& entry) {
    if (entry.accept) progress_accept(entry);
    if (entry.socket.in == nullptr) return;
    if (entry.receive) progress_receive(entry);
    if (entry.direct) progress_direct(entry);
    if (entry.send) progress_send(entry);
    if (entry.lend) progress_lend(number, entry);
    if (entry.hangup && entry.socket.out->is_broken) {
        post(entry.hangup->op, POLLHUP, true);
        entry.hangup.reset();
    }
}

void SimBackend::wait(TimePoint until) {
    for (auto& start : std::exchange(starting_, {})) {
        start();
        ++started_count_;
    }
    std::vector<int> numbers;
    for (const auto& [number, entry] : sockets_) numbers.push_back(number);
    for (const int number : numbers) progress(number, sockets_[number]);
    return_loans();
    has_slept_ = until > now() && posted_.empty();
}

void SimBackend::deliver() {
    for (Posted& posted : std::exchange(posted_, {})) {
        ++delivered_;
        posted.op.completer->on_completion(posted.op.tag, std::move(posted.completion));
    }
}

} // namespace ringway::ring
