#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <expected>
#include <string>

#include "base/bytes.h"

namespace ringway::net {

/// Where a socket listens or connects: an IPv4 or IPv6 address with a port, or a Unix socket.
class Address {
public:
    Address() = default;
    Address(const sockaddr* address, socklen_t length);

    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage_); }
    socklen_t length() const { return length_; }
    bool is_unix() const { return storage_.ss_family == AF_UNIX; }
    /// Reachable from this host only.
    bool is_loopback() const;
    uint16_t port() const;
    void set_port(uint16_t port);
    /// "127.0.0.1:8080", "[::1]:8080", "unix:/run/x.sock".
    std::string to_string() const;

private:
    sockaddr_storage storage_{};
    socklen_t length_ = 0;
};

/// "127.0.0.1:8080", "[::1]:8080", ":8080" (all addresses), "unix:/run/x.sock". Names are not
/// resolved here. The error is a sentence for the author of a configuration.
std::expected<Address, std::string> parse_address(Bytes text);

/// The address that `host` spells in numbers, with `port`; an error when it is a name.
std::expected<Address, std::string> parse_numeric(Bytes host, uint16_t port);

} // namespace ringway::net
