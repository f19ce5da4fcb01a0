// Password hashes as mosquitto_passwd writes them, SCRAM keys as PostgreSQL does, and the arithmetic on them.
//
//   hash := "$7$" iterations "$" salt "$" digest      PBKDF2-HMAC-SHA-512, 64 bytes (RFC 8018 section 5.2)
//         | "$6$" salt "$" digest                     SHA-512(password salt), as older versions wrote it
//         | "SCRAM-SHA-256$" iterations ":" salt "$" stored ":" server      keys of RFC 5802, 32 bytes each
//   salt, digest and keys are base64
//
// SCRAM keys serve both ways of logging in, with the password and with the exchange; the others the first one only.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/base/bytes.hpp"

namespace ledge::auth {

/// Overwrites bytes in a way no optimizer leaves out.
void wipe(void* bytes, std::size_t size);

/// Bytes that are wiped when they are no longer needed, and so is every copy.
class Secret {
public:
    Secret() = default;
    explicit Secret(Bytes bytes) : bytes_(bytes.begin(), bytes.end()) {}
    Secret(Secret&& other) noexcept : bytes_(std::move(other.bytes_)) {}
    Secret& operator=(Secret&& other) noexcept {
        if (this != &other) {
            clear();
            bytes_.swap(other.bytes_);
        }
        return *this;
    }
    Secret(const Secret& other) : Secret(other.bytes()) {}
    Secret& operator=(const Secret& other) { return *this = Secret(other.bytes()); }
    ~Secret() { clear(); }

    Bytes bytes() const { return {bytes_.data(), bytes_.size()}; }
    void clear() {
        wipe(bytes_.data(), bytes_.size());
        bytes_.clear();
    }

private:
    std::vector<Byte> bytes_;
};

struct PasswordHash {
    enum class Scheme : std::uint8_t { salted_sha512, pbkdf2_sha512, scram_sha256 };
    static constexpr std::size_t digest_bytes = 64;
    static constexpr std::size_t scram_key_bytes = 32;  // StoredKey, then ServerKey: both halves of the digest
    static constexpr std::size_t salt_bytes_max = 64;
    static constexpr std::uint32_t iterations_max = 10'000'000;  // 20 s on a fast machine
    static constexpr std::uint32_t iterations_new = 100'000;     // 0.2 s there
    static constexpr std::uint32_t scram_iterations_new = 4096;  // RFC 7677 section 4; the client has to do them

    static constexpr std::uint32_t scram_salt_bytes_new = 16;

    Scheme scheme = Scheme::pbkdf2_sha512;
    std::uint32_t iterations = 0;  // not of salted_sha512
    std::uint32_t salt_size = 0;   // 1 to salt_bytes_max
    std::array<Byte, salt_bytes_max> salt{};
    std::array<Byte, digest_bytes> digest{};

    friend bool operator==(const PasswordHash&, const PasswordHash&) = default;
};

/// Nothing when the text is not a hash of a kind above, with whole base64 and a salt of 1 to 64 bytes.
std::optional<PasswordHash> parse_password_hash(std::string_view text);
std::string to_text(const PasswordHash& hash);

/// PBKDF2. Takes its time: 2 us per iteration on a fast machine. `salt`: 1 to 64 bytes of real chance.
PasswordHash hash_password(Bytes password, Bytes salt, std::uint32_t iterations);

/// Keys for SCRAM-SHA-256. The password is printable ASCII: of other texts, SASLprep (RFC 4013) would make others.
PasswordHash make_scram_keys(Bytes password, Bytes salt, std::uint32_t iterations);
bool is_scram_password(Bytes password);

/// Whether the password is the one. Takes its time; the comparison takes the same for every wrong one.
bool is_right(const PasswordHash& hash, Bytes password);

}  // namespace ledge::auth
