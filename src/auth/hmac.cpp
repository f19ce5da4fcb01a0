// Implements hmac.hpp with mbedTLS. An assertion here can fail only if memory is exhausted or the library lacks
// SHA-256; no input of a peer can make it fail.
#include "ledge/auth/hmac.hpp"

#include <mbedtls/md.h>

#include "ledge/base/assert.hpp"
#include "mbedtls_version.hpp"

namespace ledge::auth {

Digest256 sha256(Bytes text) {
    Digest256 digest{};
    const int error = mbedtls_md(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), text.data(), text.size(), digest.data());
    LEDGE_ASSERT(error == 0);  // an error means: no memory, or a library without SHA-256
    return digest;
}

struct Sha256::State {
    State() { mbedtls_md_init(&context); }
    ~State() { mbedtls_md_free(&context); }
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    mbedtls_md_context_t context;
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
    int error = mbedtls_md_setup(&state_->context, mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), 0);
    if (error == 0) error = mbedtls_md_starts(&state_->context);
    LEDGE_ASSERT(error == 0);
}

Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::add(Bytes piece) {
    const int error = mbedtls_md_update(&state_->context, piece.data(), piece.size());
    LEDGE_ASSERT(error == 0);
}

Digest256 Sha256::end() {
    Digest256 digest{};
    const int error = mbedtls_md_finish(&state_->context, digest.data());
    LEDGE_ASSERT(error == 0);
    return digest;
}

Digest256 hmac_sha256(Bytes key, Bytes text) {
    Digest256 digest{};
    const int error = mbedtls_md_hmac(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), key.data(), key.size(), text.data(),
                                      text.size(), digest.data());
    LEDGE_ASSERT(error == 0);
    return digest;
}

Digest256 pbkdf2_sha256(Bytes password, Bytes salt, std::uint32_t iterations) {
    LEDGE_ASSERT(iterations > 0);
    Digest256 digest{};
    const int error = mbed::pbkdf2(MBEDTLS_MD_SHA256, password, salt, iterations, digest);
    LEDGE_ASSERT(error == 0);
    return digest;
}

}  // namespace ledge::auth
