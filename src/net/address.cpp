#include "net/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "base/text.h"

namespace ringway::net {
namespace {

template <class T>
T read_as(const sockaddr* address) {
    T value;
    std::memcpy(&value, address, sizeof value);
    return value;
}

std::optional<uint16_t> parse_port(Bytes text) {
    const auto number = base::parse_decimal(text);
    if (!number || *number > 65535) return std::nullopt;
    return static_cast<uint16_t>(*number);
}

template <class T>
Address made_of(const T& address) {
    return {reinterpret_cast<const sockaddr*>(&address), sizeof address};
}

} // namespace

Address::Address(const sockaddr* address, socklen_t length)
    : length_(std::min(length, socklen_t{sizeof storage_})) {
    std::memcpy(&storage_, address, length_);
}

bool Address::is_loopback() const {
    if (is_unix()) return true;
    if (storage_.ss_family == AF_INET) {
        return (ntohl(read_as<sockaddr_in>(get()).sin_addr.s_addr) >> 24) == 127;
    }
    const in6_addr address = read_as<sockaddr_in6>(get()).sin6_addr;
    return IN6_IS_ADDR_LOOPBACK(&address) ||
           (IN6_IS_ADDR_V4MAPPED(&address) && address.s6_addr[12] == 127);
}

uint16_t Address::port() const {
    if (storage_.ss_family == AF_INET) return ntohs(read_as<sockaddr_in>(get()).sin_port);
    if (storage_.ss_family == AF_INET6) return ntohs(read_as<sockaddr_in6>(get()).sin6_port);
    return 0;
}

void Address::set_port(uint16_t port) {
    // The port stands at the same place in both families.
    static_assert(offsetof(sockaddr_in, sin_port) == offsetof(sockaddr_in6, sin6_port));
    const uint16_t in_network_order = htons(port);
    std::memcpy(reinterpret_cast<char*>(&storage_) + offsetof(sockaddr_in, sin_port),
                &in_network_order, sizeof in_network_order);
}

std::string Address::to_string() const {
    char text[INET6_ADDRSTRLEN] = {};
    if (is_unix()) {
        const auto path = read_as<sockaddr_un>(get());
        return std::string("unix:") + path.sun_path;
    }
    if (storage_.ss_family == AF_INET) {
        const auto v4 = read_as<sockaddr_in>(get());
        inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
        return std::string(text) + ":" + std::to_string(port());
    }
    const auto v6 = read_as<sockaddr_in6>(get());
    inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
    return "[" + std::string(text) + "]:" + std::to_string(port());
}

std::expected<Address, std::string> parse_numeric(Bytes host, uint16_t port) {
    const std::string text(host);
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    if (inet_pton(AF_INET, text.c_str(), &v4.sin_addr) == 1) return made_of(v4);
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    if (inet_pton(AF_INET6, text.c_str(), &v6.sin6_addr) == 1) return made_of(v6);
    return std::unexpected("\"" + text + "\" is no IPv4 or IPv6 address");
}

std::expected<Address, std::string> parse_address(Bytes text) {
    if (text.starts_with("unix:")) {
        const Bytes path = text.substr(5);
        sockaddr_un local{};
        local.sun_family = AF_UNIX;
        if (path.empty() || path.size() >= sizeof local.sun_path) {
            return std::unexpected("a Unix socket's path has 1 to 107 bytes");
        }
        std::memcpy(local.sun_path, path.data(), path.size());
        return made_of(local);
    }
    const size_t colon = text.rfind(':');
    const auto port = colon == Bytes::npos ? std::nullopt : parse_port(text.substr(colon + 1));
    if (!port) return std::unexpected("expected ADDRESS:PORT, :PORT or unix:PATH");
    Bytes host = text.substr(0, colon);
    if (host.empty()) host = "0.0.0.0";
    if (host == "localhost") host = "127.0.0.1";
    const bool has_brackets = host.starts_with('[') && host.ends_with(']');
    if (has_brackets) host = host.substr(1, host.size() - 2);
    // Without brackets nobody can tell an IPv6 address from its port.
    if (has_brackets != (host.find(':') != Bytes::npos)) {
        return std::unexpected("an IPv6 address, and nothing else, stands in brackets: [::1]:8080");
    }
    return parse_numeric(host, *port);
}

} // namespace ringway::net
