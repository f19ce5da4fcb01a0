// TlsSecrets: the random generator and the ticket keys that all contexts of a listener share. They survive a reload of
// the certificates, so tickets stay valid.
#include "ledge/net/tls_secrets.hpp"

#include <utility>

#include "ledge/base/assert.hpp"
#include "mbedtls_version.hpp"
#include "tls_secrets_parts.hpp"

namespace ledge::net {

TlsSecrets::Parts::Parts() {
    mbedtls_entropy_init(&entropy);
    mbedtls_ctr_drbg_init(&random);
    mbedtls_ssl_ticket_init(&tickets);
}

TlsSecrets::Parts::~Parts() {
    // In the reverse order of creation: the tickets use the generator, and the generator uses the entropy source.
    mbedtls_ssl_ticket_free(&tickets);
    mbedtls_ctr_drbg_free(&random);
    mbedtls_entropy_free(&entropy);
}

TlsSecrets::TlsSecrets(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
TlsSecrets::~TlsSecrets() = default;

std::shared_ptr<TlsSecrets> TlsSecrets::create() {
    if (mbed::start_library() != 0) return nullptr;
    auto parts = std::make_unique<Parts>();
    // Without a seed, keys could be guessed; TLS is then refused completely.
    const int seeded = mbedtls_ctr_drbg_seed(&parts->random, mbedtls_entropy_func, &parts->entropy, nullptr, 0);
    return seeded == 0 ? std::shared_ptr<TlsSecrets>(new TlsSecrets(std::move(parts))) : nullptr;
}

bool TlsSecrets::use_tickets(Duration lifetime) {
    LEDGE_ASSERT(!has_tickets_);
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(lifetime).count();
    has_tickets_ = mbedtls_ssl_ticket_setup(&parts_->tickets, mbedtls_ctr_drbg_random, &parts_->random,
                                            MBEDTLS_CIPHER_AES_256_GCM, static_cast<std::uint32_t>(seconds)) == 0;
    return has_tickets_;
}

}  // namespace ledge::net
