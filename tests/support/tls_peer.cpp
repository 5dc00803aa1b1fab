#include "support/tls_peer.h"

#include <doctest/doctest.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <array>

namespace ringway::tests {

TlsPeer::TlsPeer(ring::SimPeer peer, SSL_CTX* context, Role role)
    : peer_(std::move(peer)), context_(context), ssl_(SSL_new(context)),
      incoming_(BIO_new(BIO_s_mem())), outgoing_(BIO_new(BIO_s_mem())) {
    SSL_set_bio(ssl_, incoming_, outgoing_);
    SSL_set_app_data(ssl_, this);
    SSL_set_info_callback(ssl_, &TlsPeer::on_info);
    if (role == Role::client) {
        SSL_set_connect_state(ssl_);
    } else {
        SSL_set_accept_state(ssl_);
    }
}

TlsPeer::~TlsPeer() {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
}

void TlsPeer::on_info(const SSL* ssl, int where, int value) {
    if ((where & SSL_CB_READ_ALERT) != SSL_CB_READ_ALERT) return;
    auto* const self = static_cast<TlsPeer*>(SSL_get_app_data(ssl));
    self->alert_ = SSL_alert_desc_string_long(value);
}

bool TlsPeer::is_ready() const { return SSL_is_init_finished(ssl_) == 1; }

void TlsPeer::flush() {
    std::array<char, 4096> bytes{};
    for (int size = 0; (size = BIO_read(outgoing_, bytes.data(), bytes.size())) > 0;) {
        peer_.send({bytes.data(), static_cast<size_t>(size)});
    }
}

void TlsPeer::pump() {
    const std::string wire = peer_.take();
    BIO_write(incoming_, wire.data(), static_cast<int>(wire.size()));
    if (!is_ready()) SSL_do_handshake(ssl_);
    std::array<char, 4096> bytes{};
    while (is_ready()) {
        const int size = SSL_read(ssl_, bytes.data(), bytes.size());
        if (size <= 0) break;
        received_.append(bytes.data(), static_cast<size_t>(size));
    }
    has_ended_ = (SSL_get_shutdown(ssl_) & SSL_RECEIVED_SHUTDOWN) != 0 && alert_ == "close notify";
    ERR_clear_error();
    flush();
}

void TlsPeer::send(Bytes plain) {
    size_t written = 0;
    REQUIRE(SSL_write_ex(ssl_, plain.data(), plain.size(), &written) == 1);
    REQUIRE(written == plain.size());
    flush();
}

void TlsPeer::say_end() {
    SSL_shutdown(ssl_);
    flush();
}

SSL_CTX* server_context(const std::string& certificate_pem, const std::string& key_pem) {
    SSL_CTX* context = SSL_CTX_new(TLS_server_method());
    BIO* text = BIO_new_mem_buf(certificate_pem.data(), static_cast<int>(certificate_pem.size()));
    X509* certificate = PEM_read_bio_X509(text, nullptr, nullptr, nullptr);
    REQUIRE(SSL_CTX_use_certificate(context, certificate) == 1);
    X509_free(certificate);
    BIO_free(text);
    text = BIO_new_mem_buf(key_pem.data(), static_cast<int>(key_pem.size()));
    EVP_PKEY* key = PEM_read_bio_PrivateKey(text, nullptr, nullptr, nullptr);
    REQUIRE(SSL_CTX_use_PrivateKey(context, key) == 1);
    EVP_PKEY_free(key);
    BIO_free(text);
    return context;
}

SSL_CTX* client_context() { return SSL_CTX_new(TLS_client_method()); }

SSL_CTX* at_most_tls12(SSL_CTX* context) {
    SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
    return context;
}

} // namespace ringway::tests
