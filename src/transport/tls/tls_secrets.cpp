#include "tls_secrets.hpp"

#include "mbedtls_version.hpp"

namespace ledge::transport {

TlsSecrets::TlsSecrets() {
    mbedtls_entropy_init(&entropy_);
    mbedtls_ctr_drbg_init(&random_);
    mbedtls_ssl_ticket_init(&tickets_);
}

TlsSecrets::~TlsSecrets() {
    mbedtls_ssl_ticket_free(&tickets_);
    mbedtls_ctr_drbg_free(&random_);
    mbedtls_entropy_free(&entropy_);
}

std::shared_ptr<TlsSecrets> TlsSecrets::create() {
    std::shared_ptr<TlsSecrets> secrets(new TlsSecrets);
    if (mbed::start_library() != 0) return nullptr;
    const int seeded = mbedtls_ctr_drbg_seed(&secrets->random_, mbedtls_entropy_func, &secrets->entropy_, nullptr, 0);
    return seeded == 0 ? secrets : nullptr;
}

bool TlsSecrets::use_tickets(Duration lifetime) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(lifetime).count();
    has_tickets_ = mbedtls_ssl_ticket_setup(&tickets_, mbedtls_ctr_drbg_random, &random_, MBEDTLS_CIPHER_AES_256_GCM,
                                            static_cast<std::uint32_t>(seconds)) == 0;
    return has_tickets_;
}

}  // namespace ledge::transport
