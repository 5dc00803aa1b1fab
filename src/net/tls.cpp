#include "net/tls.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cstring>

namespace ringway::net {
namespace {

constexpr size_t ticket_key_bytes = 80; // OpenSSL 3: name 16, HMAC 32, AES 32
constexpr size_t record_bytes_max = 16384;

/// OpenSSL's own words for its newest error.
std::string last_error() {
    char text[256] = "unknown error";
    if (const unsigned long code = ERR_peek_last_error(); code != 0) {
        ERR_error_string_n(code, text, sizeof text);
    }
    ERR_clear_error();
    return text;
}

/// Index under which an SSL_CTX of a client knows its TlsClient.
int client_index() {
    static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
    return index;
}

BIO_METHOD* bio_method();

} // namespace

/// One connection's TLS. OpenSSL reads from and writes to this object by a BIO of our own: received
/// slices are read in place, records are written straight into blocks.
class TlsFilter final : public Filter {
public:
    TlsFilter(ring::Loop& loop, SSL* ssl, TlsClient* client)
        : loop_(loop), ssl_(ssl), client_(client) {
        BIO* bio = BIO_new(bio_method());
        BIO_set_data(bio, this);
        SSL_set_bio(ssl_, bio, bio);
        SSL_set_mode(ssl_, SSL_MODE_RELEASE_BUFFERS);
        if (client_ != nullptr) {
            SSL_set_connect_state(ssl_);
        } else {
            SSL_set_accept_state(ssl_);
        }
    }
    ~TlsFilter() override {
        // A session whose connection ends without a goodbye would not be resumed any more.
        if (is_ready_) SSL_set_shutdown(ssl_, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
        SSL_free(ssl_);
    }

    Status receive(ring::Slice wire, ring::SliceQueue& plain) override {
        incoming_.push_back(std::move(wire));
        RINGWAY_RETURN_IF_ERROR(handshake());
        if (!is_ready_) return {};
        return read_records(plain);
    }

    void write(ring::Slice plain) override { unsent_.push_back(std::move(plain)); }

    Status flush(ring::SliceQueue& wire) override {
        const Status status = prepare_records();
        while (!outgoing_.empty()) wire.push_back(outgoing_.pop_front());
        return status;
    }

    void end() override { ends_ = true; }
    bool is_ready() const override { return is_ready_; }
    bool has_ended() const override { return has_ended_; }
    size_t unsent_bytes() const override { return unsent_.bytes() + outgoing_.bytes(); }

    /// OpenSSL wants wire bytes.
    size_t give(char* into, size_t size) {
        if (incoming_.empty()) return 0;
        const size_t given = std::min(size, incoming_.front().size());
        std::memcpy(into, incoming_.front().data(), given);
        incoming_.consume(given);
        return given;
    }

    /// OpenSSL has wire bytes.
    void take(Bytes bytes) {
        while (!bytes.empty()) {
            const size_t room = outgoing_.empty() ? 0 : outgoing_.back().room();
            size_t taken = std::min(bytes.size(), room);
            if (taken == 0 || !outgoing_.try_append_to_back(bytes.substr(0, taken))) {
                ring::Block& block = loop_.blocks().take_small();
                taken = std::min<size_t>(bytes.size(), block.capacity);
                std::memcpy(block.data(), bytes.data(), taken);
                outgoing_.push_back(ring::Slice::adopt(block, taken));
            }
            bytes.remove_prefix(taken);
        }
    }

private:
    Status prepare_records() {
        RINGWAY_RETURN_IF_ERROR(handshake());
        if (is_ready_) RINGWAY_RETURN_IF_ERROR(write_records());
        if (ends_ && is_ready_ && !has_said_end_) {
            has_said_end_ = true;
            SSL_shutdown(ssl_);
            ERR_clear_error();
        }
        return {};
    }

    Status handshake() {
        if (is_ready_) return {};
        const int result = SSL_do_handshake(ssl_);
        if (result == 1) {
            is_ready_ = true;
            if (client_ != nullptr) {
                ++client_->counters_.handshakes;
                if (SSL_session_reused(ssl_) == 1) ++client_->counters_.resumed;
            }
            return {};
        }
        return check(result, "the TLS handshake failed");
    }

    Status check(int result, std::string_view what) {
        const int error = SSL_get_error(ssl_, result);
        if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return {};
        if (error == SSL_ERROR_ZERO_RETURN) {
            has_ended_ = true;
            return {};
        }
        if (const long verified = SSL_get_verify_result(ssl_);
            client_ != nullptr && verified != X509_V_OK) {
            what = X509_verify_cert_error_string(verified); // a static text of OpenSSL
        }
        ERR_clear_error();
        return upstream_error(Code::tls_failed, what);
    }

    /// Records are read into blocks; small ones share a block.
    Status read_records(ring::SliceQueue& plain) {
        for (;;) {
            ring::Block& block = loop_.blocks().take_small();
            ring::Slice into = ring::Slice::adopt(block, block.capacity);
            size_t filled = 0;
            int result = 1;
            while (result == 1 && filled < into.size()) {
                size_t read = 0;
                result = SSL_read_ex(ssl_, block.data() + filled, into.size() - filled, &read);
                filled += read;
            }
            into.truncate(filled);
            if (filled > 0) plain.push_back(std::move(into));
            if (result != 1) return check(result, "a TLS record is malformed");
        }
    }

    /// What was written in a turn goes out in as few records as it fits.
    Status write_records() {
        while (!unsent_.empty()) {
            const ring::Slice first = unsent_.front();
            size_t written = 0;
            if (first.size() >= record_bytes_max || first.size() == unsent_.bytes()) {
                const int result = SSL_write_ex(ssl_, first.data(), first.size(), &written);
                if (result != 1) return check(result, "a TLS record cannot be written");
            } else {
                char record[record_bytes_max];
                size_t size = 0;
                unsent_.for_each([&](const ring::Slice& slice) {
                    const size_t taken = std::min(slice.size(), record_bytes_max - size);
                    std::memcpy(record + size, slice.data(), taken);
                    size += taken;
                    return size < record_bytes_max;
                });
                const int result = SSL_write_ex(ssl_, record, size, &written);
                if (result != 1) return check(result, "a TLS record cannot be written");
            }
            unsent_.consume(written);
        }
        return {};
    }

    ring::Loop& loop_;
    SSL* ssl_;
    TlsClient* client_; ///< null for accepted connections
    ring::SliceQueue incoming_;
    ring::SliceQueue outgoing_;
    ring::SliceQueue unsent_;
    bool is_ready_ = false;
    bool has_ended_ = false;
    bool ends_ = false;
    bool has_said_end_ = false;
};

namespace {

int bio_read(BIO* bio, char* into, size_t size, size_t* read) {
    BIO_clear_retry_flags(bio);
    *read = static_cast<TlsFilter*>(BIO_get_data(bio))->give(into, size);
    if (*read > 0) return 1;
    BIO_set_retry_read(bio);
    return 0;
}

int bio_write(BIO* bio, const char* from, size_t size, size_t* written) {
    BIO_clear_retry_flags(bio);
    static_cast<TlsFilter*>(BIO_get_data(bio))->take({from, size});
    *written = size;
    return 1;
}

long bio_control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

int bio_create(BIO* bio) {
    BIO_set_init(bio, 1);
    return 1;
}

BIO_METHOD* bio_method() {
    static BIO_METHOD* const method = [] {
        BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "ringway");
        BIO_meth_set_read_ex(made, bio_read);
        BIO_meth_set_write_ex(made, bio_write);
        BIO_meth_set_ctrl(made, bio_control);
        BIO_meth_set_create(made, bio_create);
        return made;
    }();
    return method;
}

constexpr Bytes alpn_http11("\x08http/1.1", 9);

int select_alpn(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in,
                unsigned in_size, void*) {
    unsigned char* selected = nullptr;
    const auto* ours = reinterpret_cast<const unsigned char*>(alpn_http11.data());
    if (SSL_select_next_proto(&selected, out_size, ours, alpn_http11.size(), in, in_size) !=
        OPENSSL_NPN_NEGOTIATED) {
        return SSL_TLSEXT_ERR_NOACK;
    }
    *out = selected;
    return SSL_TLSEXT_ERR_OK;
}

SSL_CTX* new_context(const SSL_METHOD* method) {
    SSL_CTX* context = SSL_CTX_new(method);
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_read_ahead(context, 1);
    return context;
}

std::string use_identity(SSL_CTX* context, const TlsIdentity& identity) {
    BIO* chain = BIO_new_mem_buf(identity.certificate_pem.data(),
                                 static_cast<int>(identity.certificate_pem.size()));
    X509* leaf = PEM_read_bio_X509_AUX(chain, nullptr, nullptr, nullptr);
    std::string problem;
    if (leaf == nullptr || SSL_CTX_use_certificate(context, leaf) != 1) {
        problem = "no usable certificate: " + last_error();
    }
    X509_free(leaf);
    while (problem.empty()) {
        X509* issuer = PEM_read_bio_X509(chain, nullptr, nullptr, nullptr);
        if (issuer == nullptr) break;
        SSL_CTX_add0_chain_cert(context, issuer);
    }
    ERR_clear_error(); // the chain's end is reported as an error
    BIO_free(chain);
    BIO* key_text =
        BIO_new_mem_buf(identity.key_pem.data(), static_cast<int>(identity.key_pem.size()));
    EVP_PKEY* key = PEM_read_bio_PrivateKey(key_text, nullptr, nullptr, nullptr);
    if (problem.empty() && (key == nullptr || SSL_CTX_use_PrivateKey(context, key) != 1)) {
        problem = "no usable private key: " + last_error();
    }
    if (problem.empty() && SSL_CTX_check_private_key(context) != 1) {
        problem = "the private key does not belong to the certificate";
        ERR_clear_error();
    }
    EVP_PKEY_free(key);
    BIO_free(key_text);
    return problem;
}

} // namespace

TlsTicketKeys TlsTicketKeys::random() {
    TlsTicketKeys keys;
    keys.bytes.resize(ticket_key_bytes);
    RAND_bytes(reinterpret_cast<unsigned char*>(keys.bytes.data()), ticket_key_bytes);
    return keys;
}

std::expected<std::unique_ptr<TlsServer>, std::string> TlsServer::make(const TlsIdentity& identity,
                                                                       const TlsTicketKeys& keys) {
    std::unique_ptr<TlsServer> server(new TlsServer(new_context(TLS_server_method())));
    if (std::string problem = use_identity(server->context_, identity); !problem.empty()) {
        return std::unexpected(std::move(problem));
    }
    SSL_CTX_set_alpn_select_cb(server->context_, select_alpn, nullptr);
    SSL_CTX_set_session_cache_mode(server->context_, SSL_SESS_CACHE_OFF); // tickets only
    SSL_CTX_set_num_tickets(server->context_, 1);
    std::string copy = keys.bytes;
    SSL_CTX_set_tlsext_ticket_keys(server->context_, copy.data(), static_cast<long>(copy.size()));
    return server;
}

TlsServer::~TlsServer() { SSL_CTX_free(context_); }

std::unique_ptr<Filter> TlsServer::accept(ring::Loop& loop) {
    return std::make_unique<TlsFilter>(loop, SSL_new(context_), nullptr);
}

std::expected<std::unique_ptr<TlsClient>, std::string>
TlsClient::make(std::string host, const TlsClientOptions& options) {
    std::unique_ptr<TlsClient> client(
        new TlsClient(new_context(TLS_client_method()), std::move(host)));
    SSL_CTX* const context = client->context_;
    if (options.is_verified) {
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
        const int loaded = options.ca_file.empty()
                               ? SSL_CTX_set_default_verify_paths(context)
                               : SSL_CTX_load_verify_file(context, options.ca_file.c_str());
        if (loaded != 1) {
            return std::unexpected("cannot read certificates from " + options.ca_file + ": " +
                                   last_error());
        }
    }
    SSL_CTX_set_alpn_protos(context, reinterpret_cast<const unsigned char*>(alpn_http11.data()),
                            alpn_http11.size());
    SSL_CTX_set_ex_data(context, client_index(), client.get());
    if (!options.resumes_sessions) {
        SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
        return client;
    }
    SSL_CTX_set_session_cache_mode(context,
                                   SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
    SSL_CTX_sess_set_new_cb(context, [](SSL* ssl, SSL_SESSION* session) {
        void* self = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), client_index());
        static_cast<TlsClient*>(self)->keep_session(session);
        return 1; // the session is ours now
    });
    return client;
}

TlsClient::~TlsClient() {
    for (SSL_SESSION* const session : sessions_) SSL_SESSION_free(session);
    SSL_CTX_free(context_);
}

void TlsClient::keep_session(ssl_session_st* session) {
    if (sessions_.size() == sessions_max) {
        SSL_SESSION_free(sessions_.front());
        sessions_.erase(sessions_.begin());
    }
    sessions_.push_back(session);
}

std::unique_ptr<Filter> TlsClient::connect(ring::Loop& loop) {
    SSL* const ssl = SSL_new(context_);
    in6_addr numeric{};
    const bool is_numeric = inet_pton(AF_INET, host_.c_str(), &numeric) == 1 ||
                            inet_pton(AF_INET6, host_.c_str(), &numeric) == 1;
    if (is_numeric) {
        X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host_.c_str());
    } else {
        SSL_set_tlsext_host_name(ssl, host_.c_str());
        SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
        SSL_set1_host(ssl, host_.c_str());
    }
    if (!sessions_.empty()) {
        SSL_SESSION* const session = sessions_.back();
        SSL_set_session(ssl, session);
        if (SSL_SESSION_get_protocol_version(session) == TLS1_3_VERSION) {
            SSL_SESSION_free(session); // a ticket is used once (RFC 8446, C.4)
            sessions_.pop_back();
        }
    }
    return std::make_unique<TlsFilter>(loop, ssl, this);
}

std::string tls_library_version() { return OpenSSL_version(OPENSSL_VERSION); }

} // namespace ringway::net
