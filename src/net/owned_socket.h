#pragma once

#include <unistd.h>

#include <utility>

namespace ringway::net {

/// A connected socket that no stream has taken over yet, such as one on its way from the worker
/// that accepted it to the one that serves it. Closes it, unless released. It may be destroyed on a
/// thread without a ring, so it does not close through a backend.
class OwnedSocket {
public:
    explicit OwnedSocket(int socket) : socket_(socket) {}
    OwnedSocket(OwnedSocket&& other) noexcept : socket_(other.release()) {}
    OwnedSocket& operator=(OwnedSocket other) noexcept {
        std::swap(socket_, other.socket_);
        return *this;
    }
    ~OwnedSocket() {
        if (socket_ >= 0) ::close(socket_);
    }

    int release() { return std::exchange(socket_, -1); }

private:
    int socket_;
};

} // namespace ringway::net
