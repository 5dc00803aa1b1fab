#pragma once

#include <functional>
#include <memory>

#include "net/address.h"
#include "ring/loop.h"

namespace ringway::net {

/// Accepts connections of one listening socket on one worker. Running out of descriptors, or
/// another error that may last, stops it for 50 ms instead of spinning.
class Listener final : private ring::Completer {
public:
    /// Takes over the accepted socket.
    using OnAccept = std::function<void(int socket)>;

    /// Error: why the address cannot be listened on, in Error::sys_errno.
    static Result<std::unique_ptr<Listener>> open(ring::Loop& loop, const Address& address,
                                                  OnAccept on_accept);
    /// stop() must have come to its end.
    ~Listener();

    /// Where it really listens: with the port that port 0 became.
    const Address& address() const { return address_; }
    /// Accepts no more. is_stopped() holds some turns later; then the signal is raised.
    void stop(ring::Signal& stopped);
    bool is_stopped() const { return socket_ < 0; }
    uint64_t accepted() const { return accepted_; }

private:
    Listener(ring::Loop& loop, const Address& address, int socket, OnAccept on_accept);
    void on_completion(unsigned tag, ring::Completion&& completion) override;
    void accept();
    void finish_stopping();
    static void on_pause_over(void* self);

    ring::Loop& loop_;
    Address address_;
    OnAccept on_accept_;
    ring::Timer pause_;
    ring::Signal* stopped_ = nullptr;
    uint64_t accepted_ = 0;
    int socket_;
    bool is_accepting_ = false;
};

} // namespace ringway::net
