#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "ring/backend.h"

namespace ringway::ring {

/// What a simulated network does to those who use it. Chances are in percent.
struct SimFaults {
    unsigned split = 0;          ///< a read brings only part of what is there
    unsigned short_send = 0;     ///< a send takes only part, or nothing
    unsigned early_end = 0;      ///< a multishot receive ends after data, without a reason
    unsigned no_buffers = 0;     ///< a receive finds no buffer
    unsigned no_zero_copy = 0;   ///< a zero-copy send is refused
    unsigned copied = 100;       ///< one copies all the same, as those over loopback do
    unsigned late_return = 0;    ///< what was lent is not given back in this turn
    size_t socket_bytes = 65536; ///< what a socket takes before its reader has read
};

/// A network of sockets in memory, with a clock that moves only when told to, and randomness from a
/// seed: the same calls with the same seed do the same things.
class SimNetwork {
public:
    explicit SimNetwork(uint64_t seed) : random_(seed) {}

    SimFaults faults;

    TimePoint now() const { return now_; }
    void advance(Duration by) { now_ = now_ + by; }
    int64_t wall_clock_s = 1'800'000'000;

    /// One direction's bytes, and what its writer did at their end.
    struct Pipe {
        std::string bytes;
        bool has_ended = false;
        bool is_broken = false;     ///< reset
        bool has_no_reader = false; ///< its reader has closed: writing to it breaks it
    };
    /// One end of a connection.
    struct Socket {
        std::shared_ptr<Pipe> in;
        std::shared_ptr<Pipe> out;
    };
    /// Connects to whoever listens at `address` ("127.0.0.1:80"); nothing when nobody does.
    std::optional<Socket> connect(const std::string& address);
    void listen(const std::string& address);
    void stop_listening(const std::string& address);
    std::deque<Socket>* backlog(const std::string& address);
    /// Who connects to `address` from now on waits until they give up.
    void stall(const std::string& address) { stalled_.insert(address); }
    bool is_stalled(const std::string& address) const { return stalled_.contains(address); }
    /// The two ends of a connection.
    static std::pair<Socket, Socket> make_pair();

    uint64_t random() { return random_(); }
    bool happens(unsigned percent) { return percent != 0 && random_() % 100 < percent; }

private:
    TimePoint now_{1'000'000'000};
    std::mt19937_64 random_;
    std::map<std::string, std::deque<Socket>> listeners_;
    std::set<std::string> stalled_;
};

/// The far end of a simulated connection, for a test to play client or upstream.
class SimPeer {
public:
    explicit SimPeer(SimNetwork::Socket socket) : socket_(std::move(socket)) {}
    void send(Bytes bytes) { socket_.out->bytes += bytes; }
    /// Sends no more, and still reads.
    void end() { socket_.out->has_ended = true; }
    /// Sends no more and reads no more.
    void close() {
        end();
        socket_.in->has_no_reader = true;
    }
    void reset() {
        socket_.out->is_broken = socket_.in->is_broken = true;
        socket_.in->bytes.clear();
    }
    /// What has arrived and was not taken yet.
    const std::string& received() const { return socket_.in->bytes; }
    std::string take(size_t bytes_max = std::string::npos);
    /// The other side sends no more.
    bool has_ended() const { return socket_.in->has_ended || socket_.in->is_broken; }

private:
    SimNetwork::Socket socket_;
};

/// A backend on a simulated network: whole workers run in one thread, without a system call.
class SimBackend final : public Backend {
public:
    SimBackend(SimNetwork& network, BlockPool& blocks) : network_(network), blocks_(blocks) {}

    void accept(OpName op, int listener) override;
    void receive(OpName op, int socket, Inflow inflow) override;
    void receive_into(OpName op, int socket, std::span<char> into) override;
    void send_now(OpName op, int socket, std::span<const iovec> pieces) override;
    void send_now(OpName op, int socket, Bytes bytes) override;
    void send(OpName op, int socket, std::span<const iovec> pieces) override;
    void send_zero_copy(OpName op, int socket, std::span<const iovec> pieces) override;
    bool can_send_zero_copy() const override { return true; }
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

    uint64_t queued() const override { return queued_count_; }
    uint64_t started() const override { return started_count_; }
    /// Never waits: time moves only by SimNetwork::advance().
    void wait(TimePoint until) override;
    void deliver() override;
    void wake() override {}

    TimePoint now() override { return network_.now(); }
    int64_t wall_clock_s() override { return network_.wall_clock_s; }
    uint64_t random() override { return network_.random(); }

    /// Completions delivered so far: a test turns until this stays the same.
    uint64_t delivered() const { return delivered_; }
    size_t open_sockets() const { return sockets_.size(); }
    /// Sockets whose acknowledgements may wait.
    size_t delaying_sockets() const;
    /// Sends started so far, of all kinds.
    uint64_t sends() const { return sends_; }
    /// Zero-copy sends whose memory has not been given back.
    size_t loans() const { return loans_.size(); }
    /// Whether the last turn would have slept: it was told to wait, and nothing happened.
    bool has_slept() const { return has_slept_; }
    /// A socket that is connected already, such as one end of SimNetwork::make_pair().
    int adopt(SimNetwork::Socket socket);

private:
    struct Waiting {
        OpName op;
        std::span<char> into; ///< of receive_into
        size_t filled = 0;
        std::vector<iovec> pieces; ///< of a send that waits: read when there is room
    };
    struct Entry {
        SimNetwork::Socket socket;
        std::string listens_at;
        std::optional<Waiting> accept;
        std::optional<Waiting> receive;
        std::optional<Waiting> direct;
        std::optional<Waiting> send;
        std::optional<Waiting> lend; ///< a zero-copy send that waits for room
        std::optional<Waiting> hangup;
        std::optional<Waiting> connect; ///< to nobody who answers
        bool is_starved = false;        ///< told that there is no buffer: now it waits for one
        bool delays_acknowledgements = false;
    };
    struct Posted {
        OpName op;
        Completion completion;
    };

    /// Memory lent for a zero-copy send, which is to stay as it was.
    struct Loan {
        OpName op;
        int socket;
        std::vector<iovec> pieces;
        std::string bytes; ///< their first ones, which were taken
    };

    void queue(std::function<void()> start);
    void post(OpName op, int32_t result, bool is_last, Slice received = {});
    void progress(int number, Entry& entry);
    void progress_accept(Entry& entry);
    void progress_receive(Entry& entry);
    void progress_direct(Entry& entry);
    void progress_send(Entry& entry);
    void progress_lend(int number, Entry& entry);
    void end_lend(int number, Entry& entry, int32_t result);
    void return_loans();
    size_t put(Entry& entry, Bytes bytes);
    template <class Matches>
    void end_matching(Matches matches);
    int add(Entry entry);

    SimNetwork& network_;
    BlockPool& blocks_;
    std::map<int, Entry> sockets_;
    std::vector<std::function<void()>> starting_;
    std::deque<Posted> posted_;
    std::vector<Loan> loans_;
    uint64_t queued_count_ = 0;
    uint64_t started_count_ = 0;
    uint64_t delivered_ = 0;
    bool has_slept_ = false;
    uint64_t sends_ = 0;
    int next_socket_ = 1000;
};

} // namespace ringway::ring
