#pragma once

#include <string>

#include "ring/sim_backend.h"

typedef struct ssl_st SSL;
typedef struct ssl_ctx_st SSL_CTX;
typedef struct bio_st BIO;

namespace ringway::tests {

/// The far end of a simulated connection that speaks TLS straight through OpenSSL, and so can be
/// told to do what ringway's own TLS never would.
class TlsPeer {
public:
    enum class Role { client, server };
    /// Takes over `context`.
    TlsPeer(ring::SimPeer peer, SSL_CTX* context, Role role);
    ~TlsPeer();
    TlsPeer(const TlsPeer&) = delete;

    /// Reads what has come, and sends what is to be said.
    void pump();
    bool is_ready() const;
    const std::string& received() const { return received_; }
    void send(Bytes plain);
    /// Says that no more comes (close_notify).
    void say_end();
    ring::SimPeer& wire() { return peer_; }
    /// The last alert that came, such as "unknown CA"; empty for none.
    const std::string& alert() const { return alert_; }
    bool has_ended() const { return has_ended_; } ///< the other side sent close_notify
    SSL* ssl() { return ssl_; }

private:
    void flush();
    static void on_info(const SSL* ssl, int where, int value);
    ring::SimPeer peer_;
    SSL_CTX* context_;
    SSL* ssl_;
    BIO* incoming_;
    BIO* outgoing_;
    std::string received_;
    std::string alert_;
    bool has_ended_ = false;
};

/// A context of a server with this identity.
SSL_CTX* server_context(const std::string& certificate_pem, const std::string& key_pem);
/// A context of a client that verifies nothing.
SSL_CTX* client_context();
/// Nothing newer than TLS 1.2.
SSL_CTX* at_most_tls12(SSL_CTX* context);

} // namespace ringway::tests
