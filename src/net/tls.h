#pragma once

#include <memory>
#include <string>
#include <vector>

#include "net/stream.h"

struct ssl_ctx_st;
struct ssl_session_st;

namespace ringway::net {

/// A certificate chain and its key, as PEM texts.
struct TlsIdentity {
    std::string certificate_pem;
    std::string key_pem;
};

/// Keys that encrypt session tickets. All workers share one set, so that a client may resume its
/// session at any of them.
struct TlsTicketKeys {
    std::string bytes;
    static TlsTicketKeys random();
};

/// TLS of accepted connections, on one worker. TLS 1.2 and 1.3, ALPN http/1.1.
class TlsServer {
public:
    /// The error is a sentence: what is wrong with the certificate or key.
    static std::expected<std::unique_ptr<TlsServer>, std::string> make(const TlsIdentity& identity,
                                                                       const TlsTicketKeys& keys);
    ~TlsServer();
    std::unique_ptr<Filter> accept(ring::Loop& loop);

private:
    explicit TlsServer(ssl_ctx_st* context) : context_(context) {}
    ssl_ctx_st* context_;
};

struct TlsClientOptions {
    std::string ca_file;     ///< empty: the system's certificates
    bool is_verified = true; ///< whether the upstream's certificate and name are checked
    bool resumes_sessions = true;
};

/// TLS of connections to one upstream host, on one worker: checks certificate and name, sends SNI,
/// and resumes sessions.
class TlsClient {
public:
    static std::expected<std::unique_ptr<TlsClient>, std::string>
    make(std::string host, const TlsClientOptions& options);
    ~TlsClient();
    std::unique_ptr<Filter> connect(ring::Loop& loop);

    struct Counters {
        uint64_t handshakes = 0;
        uint64_t resumed = 0;
    };
    const Counters& counters() const { return counters_; }

private:
    friend class TlsFilter;
    TlsClient(ssl_ctx_st* context, std::string host) : context_(context), host_(std::move(host)) {}
    void keep_session(ssl_session_st* session);

    ssl_ctx_st* context_;
    std::string host_;
    static constexpr size_t sessions_max =
        8;                                  ///< connections that begin at once may each resume one
    std::vector<ssl_session_st*> sessions_; ///< the newest last; TLS 1.3 tickets are used once
    Counters counters_;
};

/// OpenSSL's own name and version.
std::string tls_library_version();

} // namespace ringway::net
