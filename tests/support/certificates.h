#pragma once

#include <memory>
#include <string>
#include <vector>

#include "net/tls.h"

typedef struct x509_st X509;
typedef struct evp_pkey_st EVP_PKEY;

namespace ringway::tests {

/// What a certificate says.
struct CertificateWish {
    std::vector<std::string> names = {"upstream.test"}; ///< "DNS" names, or "IP:127.0.0.1"
    long valid_from_s = -3600;                          ///< from now
    long valid_to_s = 3600;                             ///< from now
};

/// Signs certificates for tests, made anew at each run.
class CertificateAuthority {
public:
    explicit CertificateAuthority(const std::string& name = "Test Authority");
    ~CertificateAuthority();
    CertificateAuthority(const CertificateAuthority&) = delete;

    /// Its own certificate.
    std::string pem() const;
    net::TlsIdentity issue(const CertificateWish& wish = {}) const;

private:
    EVP_PKEY* key_;
    X509* certificate_;
};

/// A file that is gone when this is.
class TemporaryFile {
public:
    explicit TemporaryFile(const std::string& content);
    ~TemporaryFile();
    TemporaryFile(const TemporaryFile&) = delete;
    const std::string& path() const { return path_; }

private:
    std::string path_;
};

} // namespace ringway::tests
