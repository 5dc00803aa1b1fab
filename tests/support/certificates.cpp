#include "support/certificates.h"

#include <doctest/doctest.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <cstdlib>

namespace ringway::tests {
namespace {

std::string text_of(BIO* bio) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    std::string text(data, static_cast<size_t>(size));
    BIO_free(bio);
    return text;
}

std::string pem_of(X509* certificate) {
    BIO* bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(bio, certificate);
    return text_of(bio);
}

std::string pem_of(EVP_PKEY* key) {
    BIO* bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr);
    return text_of(bio);
}

void extend(X509* certificate, int what, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, what, value.c_str());
    REQUIRE(extension != nullptr);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

X509* make(const std::string& name, const CertificateWish& wish, EVP_PKEY* key, X509* issuer) {
    static long serial = 0;
    X509* made = X509_new();
    X509_set_version(made, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(made), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(made), wish.valid_from_s);
    X509_gmtime_adj(X509_getm_notAfter(made), wish.valid_to_s);
    X509_set_pubkey(made, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(made), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    X509_set_issuer_name(made, X509_get_subject_name(issuer != nullptr ? issuer : made));
    return made;
}

} // namespace

CertificateAuthority::CertificateAuthority(const std::string& name)
    : key_(EVP_EC_gen("P-256")), certificate_(make(name, {}, key_, nullptr)) {
    extend(certificate_, NID_basic_constraints, "critical,CA:TRUE");
    extend(certificate_, NID_key_usage, "critical,keyCertSign,cRLSign");
    REQUIRE(X509_sign(certificate_, key_, EVP_sha256()) != 0);
}

CertificateAuthority::~CertificateAuthority() {
    X509_free(certificate_);
    EVP_PKEY_free(key_);
}

std::string CertificateAuthority::pem() const { return pem_of(certificate_); }

net::TlsIdentity CertificateAuthority::issue(const CertificateWish& wish) const {
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* made = make("leaf", wish, key, certificate_);
    std::string names;
    for (const std::string& name : wish.names) {
        if (!names.empty()) names += ",";
        names += name.starts_with("IP:") ? name : "DNS:" + name;
    }
    extend(made, NID_subject_alt_name, names);
    REQUIRE(X509_sign(made, key_, EVP_sha256()) != 0);
    net::TlsIdentity identity{pem_of(made), pem_of(key)};
    X509_free(made);
    EVP_PKEY_free(key);
    return identity;
}

TemporaryFile::TemporaryFile(const std::string& content) {
    const char* const directory = std::getenv("TMPDIR");
    path_ = std::string(directory != nullptr ? directory : "/tmp") + "/ringway-test-XXXXXX";
    const int file = mkstemp(path_.data());
    REQUIRE(file >= 0);
    REQUIRE(::write(file, content.data(), content.size()) == static_cast<ssize_t>(content.size()));
    ::close(file);
}

TemporaryFile::~TemporaryFile() { unlink(path_.c_str()); }

} // namespace ringway::tests
