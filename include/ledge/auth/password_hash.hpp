// Password hashes in the format of mosquitto_passwd, SCRAM keys in the format of PostgreSQL, and their computation. The
// functions are stateless, and any thread may call them.
//
//   hash := "$7$" iterations "$" salt "$" digest      PBKDF2-HMAC-SHA-512, 64 bytes (RFC 8018 section 5.2)
//         | "$6$" salt "$" digest                     SHA-512(password salt), as older versions wrote it
//         | "SCRAM-SHA-256$" iterations ":" salt "$" stored ":" server      keys of RFC 5802, 32 bytes each
//   salt, digest and keys are base64
//
// A user with SCRAM keys can log in with the password or with a SCRAM exchange. A user with a hash of another kind can
// log in with the password only.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "ledge/base/bytes.hpp"

namespace ledge::auth {

struct PasswordHash {
    enum class Scheme : std::uint8_t { salted_sha512, pbkdf2_sha512, scram_sha256 };
    static constexpr std::size_t digest_bytes = 64;
    static constexpr std::size_t scram_key_bytes = 32;  // the digest of SCRAM keys is StoredKey, then ServerKey
    static constexpr std::size_t salt_bytes_max = 64;
    // A new password gets iterations_new, and a salt of 12 bytes, because mosquitto 2.0 reads no other size. A small
    // board with hundreds of clients needs fewer iterations: `ledgemq passwd --iterations`. Rejected: argon2id, which
    // mosquitto cannot read.
    static constexpr std::uint32_t iterations_max = 10'000'000;  // 20 s on a fast machine
    static constexpr std::uint32_t iterations_new = 100'000;     // 0.2 s on a fast machine
    static constexpr std::uint32_t scram_iterations_new = 4096;  // RFC 7677 section 4; the client computes them too

    static constexpr std::uint32_t scram_salt_bytes_new = 16;

    Scheme scheme = Scheme::pbkdf2_sha512;
    std::uint32_t iterations = 0;  // unused by salted_sha512
    std::uint32_t salt_size = 0;   // 1 to salt_bytes_max
    std::array<Byte, salt_bytes_max> salt{};
    std::array<Byte, digest_bytes> digest{};

    friend bool operator==(const PasswordHash&, const PasswordHash&) = default;
};

/// Parses a hash. nullopt = the text has none of the three forms above, or its base64 is wrong, or its salt does not
/// have 1 to 64 bytes.
std::optional<PasswordHash> parse_password_hash(std::string_view text);
std::string to_text(const PasswordHash& hash);

/// Computes a PBKDF2 hash. This is slow: 2 us per iteration on a fast machine. `salt` has 1 to 64 random bytes, and
/// `iterations` is above 0.
PasswordHash hash_password(Bytes password, Bytes salt, std::uint32_t iterations);

/// Computes keys for SCRAM-SHA-256. The password must be printable ASCII. SASLprep (RFC 4013) would change other texts,
/// and needs Unicode's normal form KC. Keys that another program has made work for any password. Rejected: hashing
/// unprepared text, because other programs would compute other keys. `salt` and `iterations` as for hash_password().
PasswordHash make_scram_keys(Bytes password, Bytes salt, std::uint32_t iterations);
/// True if the password is printable ASCII.
bool is_scram_password(Bytes password);

/// True if `password` has this hash. This is slow. The comparison takes the same time for every wrong password.
bool is_right(const PasswordHash& hash, Bytes password);

}  // namespace ledge::auth
