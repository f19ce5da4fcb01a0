// TlsSecrets: what all contexts of one listener share, also after its certificates have changed: randomness and the
// keys of session tickets. A ticket of one listener is of no use at another, which may ask for more. mbedTLS locks its
// objects, so any thread may use them.
#pragma once

#include <memory>

#include "ledge/base/time.hpp"

namespace ledge::net {

class TlsSecrets {
public:
    /// nullptr: the system gives no randomness.
    static std::shared_ptr<TlsSecrets> create();
    ~TlsSecrets();
    TlsSecrets(const TlsSecrets&) = delete;
    TlsSecrets& operator=(const TlsSecrets&) = delete;

    /// Makes keys for tickets, once, before a context uses them. false: no randomness. Earlier tickets end with another
    /// TlsSecrets.
    bool use_tickets(Duration lifetime);
    bool has_tickets() const { return has_tickets_; }

    /// mbedTLS's own objects, for the files that speak to mbedTLS.
    struct Parts;
    Parts& parts() { return *parts_; }

private:
    explicit TlsSecrets(std::unique_ptr<Parts> parts);

    std::unique_ptr<Parts> parts_;
    bool has_tickets_ = false;
};

}  // namespace ledge::net
