#include "net/listener.h"

#include <unistd.h>

#include <cerrno>
#include <utility>

namespace ringway::net {
namespace {

/// Before accepting again after an error that may last: no descriptor or memory is left, or
/// whatever else ails the listening socket.
constexpr Duration error_pause = 50ms;

/// The error of one connection that went away, or the end of one accept: the next may go well.
/// Source: accept(2), "Error handling".
bool is_momentary(int error) {
    switch (error) {
    case EAGAIN:
    case EINTR:
    case ECONNABORTED:
    case EPROTO:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case ENETUNREACH: return true;
    default: return false;
    }
}

} // namespace

Listener::Listener(ring::Loop& loop, const Address& address, int socket, OnAccept on_accept)
    : loop_(loop), address_(address), on_accept_(std::move(on_accept)),
      pause_(&Listener::on_pause_over, this), socket_(socket) {}

Listener::~Listener() { RINGWAY_ASSERT(is_stopped()); }

Result<std::unique_ptr<Listener>> Listener::open(ring::Loop& loop, const Address& address,
                                                 OnAccept on_accept) {
    if (address.is_unix()) {
        const std::string path = address.to_string().substr(5);
        unlink(path.c_str()); // what a process that was killed left behind
    }
    constexpr bool share_port = true; // each worker has a listener of its own
    RINGWAY_TRY(const int socket,
                loop.backend().listen(address.get(), address.length(), share_port));
    Address actual = address;
    if (!address.is_unix() && address.port() == 0) {
        sockaddr_storage bound{};
        socklen_t length = sizeof bound;
        getsockname(socket, reinterpret_cast<sockaddr*>(&bound), &length);
        actual = Address(reinterpret_cast<sockaddr*>(&bound), length);
    }
    std::unique_ptr<Listener> listener(new Listener(loop, actual, socket, std::move(on_accept)));
    listener->accept();
    return listener;
}

void Listener::accept() {
    is_accepting_ = true;
    loop_.backend().accept({this, 0}, socket_);
}

void Listener::on_completion(unsigned, ring::Completion&& completion) {
    if (completion.is_last) is_accepting_ = false;
    if (completion.result >= 0) {
        if (stopped_ != nullptr) {
            loop_.backend().close(completion.result); // came while the accept was being cancelled
        } else {
            ++accepted_;
            on_accept_(completion.result);
        }
    }
    if (is_accepting_) return;
    if (stopped_ != nullptr) return finish_stopping();
    if (completion.result >= 0 || is_momentary(-completion.result)) {
        accept();
    } else {
        loop_.timers().arm(pause_, loop_.now() + error_pause);
    }
}

void Listener::on_pause_over(void* self) { static_cast<Listener*>(self)->accept(); }

void Listener::stop(ring::Signal& stopped) {
    if (stopped_ != nullptr || is_stopped()) return;
    stopped_ = &stopped;
    loop_.timers().disarm(pause_);
    if (is_accepting_) {
        loop_.backend().cancel({this, 0});
    } else {
        finish_stopping();
    }
}

void Listener::finish_stopping() {
    loop_.backend().close(std::exchange(socket_, -1));
    if (address_.is_unix()) unlink(address_.to_string().substr(5).c_str());
    stopped_->raise();
}

} // namespace ringway::net
