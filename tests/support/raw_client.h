#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace ringway::test {

/// A blocking TCP client that sends and receives bare bytes. Everything it does must be over by one
/// deadline, so that a test that waits in vain fails instead of hanging.
class RawClient {
public:
    /// How reading came to its end.
    enum class End { open, fin, rst, deadline };

    /// Connects to 127.0.0.1; is_connected() tells whether it could.
    explicit RawClient(uint16_t port, std::chrono::milliseconds time = std::chrono::seconds(20))
        : due_(Clock::now() + time), socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        const int on = 1;
        setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        is_connected_ =
            ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    }
    /// Connects to a Unix socket.
    explicit RawClient(const std::string& path,
                       std::chrono::milliseconds time = std::chrono::seconds(20))
        : due_(Clock::now() + time), socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.copy(address.sun_path, sizeof address.sun_path - 1);
        is_connected_ =
            ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    }
    RawClient(const RawClient&) = delete;
    RawClient& operator=(const RawClient&) = delete;
    ~RawClient() { close(); }

    bool is_connected() const { return is_connected_; }
    int socket() const { return socket_; }

    /// Whether all of it could be sent.
    bool send(std::string_view bytes) {
        if (!is_connected_) return false; // such a socket never gets room
        while (!bytes.empty()) {
            if (!wait_for(POLLOUT)) return false;
            const ssize_t sent =
                ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
            if (sent < 0 && errno != EAGAIN && errno != EINTR) return false;
            if (sent > 0) bytes.remove_prefix(static_cast<size_t>(sent));
        }
        return true;
    }
    void end_sending() { ::shutdown(socket_, SHUT_WR); }

    /// Everything that came and was not taken by read_until().
    const std::string& received() const { return received_; }
    End end() const { return end_; }

    /// Reads until `pattern` has come; returns all up to its end, and takes it. Empty when the
    /// stream ends, or the time is over, before.
    std::string read_until(std::string_view pattern) {
        size_t at = received_.find(pattern);
        while (at == std::string::npos) {
            const size_t seen = received_.size();
            if (!receive()) break;
            at = received_.find(pattern, seen - std::min(seen, pattern.size()));
        }
        return at == std::string::npos ? "" : take(at + pattern.size());
    }
    /// Reads `bytes` bytes, or fewer when the stream ends before.
    std::string read_bytes(size_t bytes) {
        while (received_.size() < bytes && receive()) {}
        return take(std::min(bytes, received_.size()));
    }
    /// Reads to the end of the stream; end() tells of which kind it was.
    std::string read_to_end() {
        while (receive()) {}
        return std::exchange(received_, {});
    }

    /// With unread bytes, or after reset_on_close(), the other side sees an RST.
    void close() {
        if (socket_ >= 0) ::close(std::exchange(socket_, -1));
    }
    void reset_on_close() {
        const linger hard{.l_onoff = 1, .l_linger = 0};
        setsockopt(socket_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    }

private:
    using Clock = std::chrono::steady_clock;

    bool wait_for(short events) {
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(due_ - Clock::now()).count();
        pollfd wanted{socket_, events, 0};
        if (left > 0 && ::poll(&wanted, 1, static_cast<int>(left)) > 0) return true;
        end_ = End::deadline;
        return false;
    }

    /// Receives once; false at the end.
    bool receive() {
        if (end_ != End::open || !wait_for(POLLIN)) return false;
        char bytes[16384];
        const ssize_t got = ::recv(socket_, bytes, sizeof bytes, 0);
        if (got > 0) {
            received_.append(bytes, static_cast<size_t>(got));
        } else if (got == 0) {
            end_ = End::fin;
        } else if (errno != EINTR) {
            end_ = End::rst;
        }
        return end_ == End::open;
    }

    std::string take(size_t bytes) {
        std::string taken = received_.substr(0, bytes);
        received_.erase(0, bytes);
        return taken;
    }

    Clock::time_point due_;
    int socket_;
    bool is_connected_ = false;
    End end_ = End::open;
    std::string received_;
};

} // namespace ringway::test
