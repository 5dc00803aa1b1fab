// SHA256_Init and its kin are deprecated since OpenSSL 3.0 and still there. What replaces them,
// EVP, allocates at every EVP_DigestInit_ex2(), and each request takes the digest of its key.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "base/digest.h"

#include <openssl/sha.h>

#include "base/assert.h"

namespace ringway::base {

Sha256 sha256(Bytes bytes) {
    static_assert(sizeof(Sha256) == SHA256_DIGEST_LENGTH);
    SHA256_CTX context;
    Sha256 digest;
    const bool is_done =
        SHA256_Init(&context) == 1 && SHA256_Update(&context, bytes.data(), bytes.size()) == 1 &&
        SHA256_Final(reinterpret_cast<unsigned char*>(digest.data()), &context) == 1;
    RINGWAY_ASSERT(is_done);
    return digest;
}

} // namespace ringway::base
