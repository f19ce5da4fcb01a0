// TlsSecrets: what one listener's contexts share and keep when certificates change: randomness and the keys of session
// tickets. Tickets of one listener are worth nothing at another, which may ask for more. Its functions lock; any thread.
#pragma once

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/ssl_ticket.h>

#include <memory>

#include "ledge/base/time.hpp"

namespace ledge::transport {

class TlsSecrets {
public:
    /// nullptr: the system gives no randomness.
    static std::shared_ptr<TlsSecrets> create();
    ~TlsSecrets();
    TlsSecrets(const TlsSecrets&) = delete;
    TlsSecrets& operator=(const TlsSecrets&) = delete;

    /// New keys: earlier tickets are worth nothing any more. false: no randomness. Not while a context uses the old ones:
    /// a context keeps its TlsSecrets, so renewing means creating another one.
    bool use_tickets(Duration lifetime);
    bool has_tickets() const { return has_tickets_; }

    mbedtls_ctr_drbg_context* random() { return &random_; }
    mbedtls_ssl_ticket_context* tickets() { return &tickets_; }

private:
    TlsSecrets();

    mbedtls_entropy_context entropy_;
    mbedtls_ctr_drbg_context random_;
    mbedtls_ssl_ticket_context tickets_;
    bool has_tickets_ = false;
};

}  // namespace ledge::transport
