// SHA-256, HMAC-SHA-256 (RFC 2104), and PBKDF2 with HMAC-SHA-256. Stateless.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "ledge/base/bytes.hpp"

namespace ledge::auth {

using Digest256 = std::array<Byte, 32>;

Digest256 sha256(Bytes text);

/// SHA-256 of a text that comes in pieces.
class Sha256 {
public:
    Sha256();
    ~Sha256();
    Sha256(Sha256&&) noexcept;
    Sha256& operator=(Sha256&&) noexcept;

    void add(Bytes piece);
    /// Call once; afterwards the object must not be used.
    Digest256 end();

private:
    struct State;
    std::unique_ptr<State> state_;
};

Digest256 hmac_sha256(Bytes key, Bytes text);
/// Returns the first block of PBKDF2-HMAC-SHA-256 (RFC 8018 section 5.2), which is Hi() of RFC 5802. `iterations` must
/// be above 0.
Digest256 pbkdf2_sha256(Bytes password, Bytes salt, std::uint32_t iterations);

}  // namespace ledge::auth
