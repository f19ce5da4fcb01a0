// The parts of TlsSecrets. Private to the source files that call mbedTLS.
#pragma once

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/ssl_ticket.h>

#include "ledge/net/tls_secrets.hpp"

namespace ledge::net {

struct TlsSecrets::Parts {
    Parts();
    ~Parts();
    Parts(const Parts&) = delete;
    Parts& operator=(const Parts&) = delete;

    mbedtls_entropy_context entropy;
    mbedtls_ctr_drbg_context random;
    mbedtls_ssl_ticket_context tickets;
};

}  // namespace ledge::net
