// TlsSecrets: the random generator and the keys of session tickets, which all contexts of one listener share, also
// after its certificates have changed. A ticket of one listener is invalid at another listener, because the other one
// may have stricter rules. mbedTLS locks these objects, so any thread may use them.
#pragma once

#include <memory>

#include "ledge/base/time.hpp"

namespace ledge::net {

class TlsSecrets {
public:
    /// Returns nullptr when the system provides no random bytes.
    static std::shared_ptr<TlsSecrets> create();
    ~TlsSecrets();
    TlsSecrets(const TlsSecrets&) = delete;
    TlsSecrets& operator=(const TlsSecrets&) = delete;

    /// Makes the keys for tickets. Call this at most once, before a context uses the object. Returns false when mbedTLS
    /// cannot make the keys. Tickets that were given with another TlsSecrets are invalid.
    bool use_tickets(Duration lifetime);
    bool has_tickets() const { return has_tickets_; }

    /// The objects of mbedTLS, for the source files that call mbedTLS.
    struct Parts;
    Parts& parts() { return *parts_; }

private:
    explicit TlsSecrets(std::unique_ptr<Parts> parts);

    std::unique_ptr<Parts> parts_;
    bool has_tickets_ = false;
};

}  // namespace ledge::net
