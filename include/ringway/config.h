#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ringway/time.h"

namespace ringway {

/// A text that must not be seen: it cannot be printed or compared by accident. Get it by reveal().
class Secret {
public:
    Secret() = default;
    explicit Secret(std::string text) : text_(std::move(text)) {}
    const std::string& reveal() const { return text_; }
    bool empty() const { return text_.empty(); }

private:
    std::string text_;
};

/// Where clients connect. The address is "ADDRESS:PORT", ":PORT" or "unix:PATH".
struct ListenConfig {
    std::string address;
    std::string tls_certificate; ///< PEM text of the chain; empty: no TLS
    Secret tls_key;              ///< PEM text
};

enum class ProviderKind : uint8_t { openai, anthropic };

/// An upstream account.
struct ProviderConfig {
    std::string name;
    ProviderKind kind = ProviderKind::openai;
    std::string base_url;
    std::optional<Secret> api_key; ///< none: requests go out without credentials
    /// Models it is known to serve, `*` allowed; none: whatever its kind is known for.
    std::optional<std::vector<std::string>> models;
    std::vector<std::pair<std::string, std::string>> headers; ///< sent with every request
    std::string tls_ca_file;                                  ///< empty: the system's certificates
    bool tls_verify = true;

    Duration connect_time = 5s;
    Duration first_byte_time = 10min; ///< non-streamed reasoning answers are this slow
    Duration idle_time = 2min;        ///< between two reads of an answer
    std::optional<Duration> total_time;

    unsigned pool_idle_max = 256; ///< per worker
    Duration pool_idle_time = 50s;
    unsigned pool_open_max = 0; ///< per worker; 0: no bound
};

/// A public model name: its targets are tried in order.
struct ModelConfig {
    std::string name;
    std::vector<std::string> targets; ///< "provider/model"
};

/// Who may call.
struct KeyConfig {
    std::string name;
    std::string team;
    std::string digest; ///< SHA-256 of the key, 32 bytes
    /// Models it may call, `*` allowed in each; none: all.
    std::optional<std::vector<std::string>> models;
    std::optional<int64_t> expires_at_s; ///< seconds since 1970 UTC
};

/// All of a server's settings. Made by reading a file, or by the program that embeds ringway.
struct Config {
    std::vector<ListenConfig> listen;
    std::string admin_listen = "127.0.0.1:9464"; ///< empty: no admin listener
    std::vector<ProviderConfig> providers;
    std::vector<ModelConfig> models;
    std::vector<KeyConfig> keys;
    std::string passthrough; ///< provider of paths that name no model; empty: the only one there is

    std::optional<unsigned> workers; ///< none: one for each processor it may use
    std::string cpuset;              ///< "0,2-5"; empty: all it may use

    uint64_t head_bytes_max = 65536;
    uint64_t body_bytes_max = uint64_t{32} << 20;  ///< of requests that are read before they go on
    uint64_t upload_bytes_max = uint64_t{1} << 30; ///< of bodies that stream through
    uint64_t stream_buffer_bytes = 65536; ///< kept for a slow client before its upstream is paused
    uint64_t receive_memory_bytes = uint64_t{256}
                                    << 20; ///< of receive buffers and bodies, per worker
    Duration client_idle_time = 75s;
    Duration client_head_time = 10s;
    Duration client_body_grace = 30s;
    Duration drain_delay = 0s;
    Duration drain_time = 10min;
    bool debug_headers = true; ///< x-ringway-* on answers
    std::string log_level = "info";
};

} // namespace ringway
