// Parses, writes and computes password hashes.
#include "ledge/auth/password_hash.hpp"

#include <mbedtls/md.h>
#include <mbedtls/platform_util.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "ledge/auth/hmac.hpp"
#include "ledge/base/assert.hpp"
#include "ledge/base/base64.hpp"
#include "ledge/base/constant_time.hpp"
#include "mbedtls_version.hpp"

#include "ledge/base/wipe.hpp"

namespace ledge::auth {
namespace {

using Digest = std::array<Byte, PasswordHash::digest_bytes>;

/// Splits "first$rest": returns "rest", and sets `text` to "first".
std::string_view split_at(std::string_view& text, char separator) {
    const std::size_t at = text.find(separator);
    if (at == std::string_view::npos) return {};
    const std::string_view rest = text.substr(at + 1);
    text = text.substr(0, at);
    return rest;
}

/// Decodes base64 into `out`, and returns the number of bytes. nullopt = wrong base64, or too many bytes.
template <std::size_t size>
std::optional<std::size_t> decode_into(std::string_view text, std::array<Byte, size>& out) {
    const auto bytes = decode_base64(text);
    if (!bytes || bytes->size() > out.size()) return std::nullopt;
    std::copy(bytes->begin(), bytes->end(), out.begin());
    return bytes->size();
}

/// A context for SHA-512. mbedtls_md_free() overwrites the context.
class Sha512 {
public:
    Sha512() {
        mbedtls_md_init(&context_);
        const int error = mbedtls_md_setup(&context_, mbedtls_md_info_from_type(MBEDTLS_MD_SHA512), 0);
        LEDGE_ASSERT(error == 0);  // an error means: no memory, or a library without SHA-512
    }
    ~Sha512() { mbedtls_md_free(&context_); }
    Sha512(const Sha512&) = delete;
    Sha512& operator=(const Sha512&) = delete;
    mbedtls_md_context_t* get() { return &context_; }

private:
    mbedtls_md_context_t context_{};
};

Digest pbkdf2(Bytes password, Bytes salt, std::uint32_t iterations) {
    Digest digest{};
    const int error = mbed::pbkdf2(MBEDTLS_MD_SHA512, password, salt, iterations, digest);
    LEDGE_ASSERT(error == 0);
    return digest;
}

Digest salted_sha512(Bytes password, Bytes salt) {
    Digest digest{};
    Sha512 hash;
    int error = mbedtls_md_starts(hash.get());
    if (!password.empty()) error |= mbedtls_md_update(hash.get(), password.data(), password.size());
    error |= mbedtls_md_update(hash.get(), salt.data(), salt.size());
    error |= mbedtls_md_finish(hash.get(), digest.data());
    LEDGE_ASSERT(error == 0);
    return digest;
}

/// Computes StoredKey and ServerKey (RFC 5802 section 3), by way of SaltedPassword and ClientKey.
Digest scram_keys(Bytes password, Bytes salt, std::uint32_t iterations) {
    Digest256 salted = pbkdf2_sha256(password, salt, iterations);
    Digest256 client_key = hmac_sha256(salted, as_bytes("Client Key"));
    const Digest256 stored_key = sha256(client_key);
    const Digest256 server_key = hmac_sha256(salted, as_bytes("Server Key"));
    Digest keys{};
    std::copy(stored_key.begin(), stored_key.end(), keys.begin());
    std::copy(server_key.begin(), server_key.end(), keys.begin() + stored_key.size());
    // Whoever knows SaltedPassword or ClientKey can log in, so wipe both.
    wipe(salted.data(), salted.size());
    wipe(client_key.data(), client_key.size());
    return keys;
}

Digest digest_of(const PasswordHash& hash, Bytes password) {
    LEDGE_ASSERT(hash.salt_size <= hash.salt.size());
    const Bytes salt(hash.salt.data(), hash.salt_size);
    switch (hash.scheme) {
        case PasswordHash::Scheme::salted_sha512: return salted_sha512(password, salt);
        case PasswordHash::Scheme::pbkdf2_sha512: return pbkdf2(password, salt, hash.iterations);
        case PasswordHash::Scheme::scram_sha256: return scram_keys(password, salt, hash.iterations);
    }
    return {};
}

/// False = the text is not a number from 1 to iterations_max.
bool read_iterations(std::string_view text, std::uint32_t& iterations) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), iterations);
    if (error != std::errc() || end != text.data() + text.size()) return false;
    return iterations > 0 && iterations <= PasswordHash::iterations_max;
}

constexpr std::string_view scram_prefix = "SCRAM-SHA-256$";

/// Parses "iterations:salt$stored:server".
std::optional<PasswordHash> parse_scram_keys(std::string_view text) {
    PasswordHash hash;
    hash.scheme = PasswordHash::Scheme::scram_sha256;
    std::string_view keys = split_at(text, '$');
    std::string_view iterations = text;
    const std::string_view salt = split_at(iterations, ':');
    const std::string_view server = split_at(keys, ':');
    const auto salt_size = decode_into(salt, hash.salt);
    const auto stored_bytes = decode_base64(keys);
    const auto server_bytes = decode_base64(server);
    if (!read_iterations(iterations, hash.iterations) || !salt_size || *salt_size == 0) return std::nullopt;
    if (!stored_bytes || stored_bytes->size() != PasswordHash::scram_key_bytes) return std::nullopt;
    if (!server_bytes || server_bytes->size() != PasswordHash::scram_key_bytes) return std::nullopt;
    hash.salt_size = static_cast<std::uint32_t>(*salt_size);
    std::copy(stored_bytes->begin(), stored_bytes->end(), hash.digest.begin());
    std::copy(server_bytes->begin(), server_bytes->end(), hash.digest.begin() + PasswordHash::scram_key_bytes);
    return hash;
}

}  // namespace

std::optional<PasswordHash> parse_password_hash(std::string_view text) {
    if (text.starts_with(scram_prefix)) return parse_scram_keys(text.substr(scram_prefix.size()));
    PasswordHash hash;
    const bool is_pbkdf2 = text.starts_with("$7$");
    if (!is_pbkdf2 && !text.starts_with("$6$")) return std::nullopt;
    hash.scheme = is_pbkdf2 ? PasswordHash::Scheme::pbkdf2_sha512 : PasswordHash::Scheme::salted_sha512;
    text.remove_prefix(3);  // "$7$" or "$6$"
    if (is_pbkdf2) {
        const std::string_view rest = split_at(text, '$');
        if (!read_iterations(text, hash.iterations)) return std::nullopt;
        text = rest;
    }
    const std::string_view digest = split_at(text, '$');
    const auto salt_size = decode_into(text, hash.salt);
    const auto digest_size = decode_into(digest, hash.digest);
    if (!salt_size || *salt_size == 0 || digest_size != hash.digest.size()) return std::nullopt;
    hash.salt_size = static_cast<std::uint32_t>(*salt_size);
    return hash;
}

std::string to_text(const PasswordHash& hash) {
    LEDGE_ASSERT(hash.salt_size <= hash.salt.size());
    const Bytes salt(hash.salt.data(), hash.salt_size);
    if (hash.scheme == PasswordHash::Scheme::scram_sha256) {
        const Bytes keys(hash.digest);
        return std::string(scram_prefix) + std::to_string(hash.iterations) + ":" + encode_base64(salt) + "$" +
               encode_base64(keys.first(PasswordHash::scram_key_bytes)) + ":" +
               encode_base64(keys.last(PasswordHash::scram_key_bytes));
    }
    const bool is_pbkdf2 = hash.scheme == PasswordHash::Scheme::pbkdf2_sha512;
    std::string text = is_pbkdf2 ? "$7$" + std::to_string(hash.iterations) + "$" : "$6$";
    return text + encode_base64(salt) + "$" + encode_base64(hash.digest);
}

PasswordHash hash_password(Bytes password, Bytes salt, std::uint32_t iterations) {
    LEDGE_ASSERT(!salt.empty() && salt.size() <= PasswordHash::salt_bytes_max && iterations > 0);
    PasswordHash hash;
    hash.iterations = iterations;
    hash.salt_size = static_cast<std::uint32_t>(salt.size());
    std::copy(salt.begin(), salt.end(), hash.salt.begin());
    hash.digest = pbkdf2(password, salt, iterations);
    return hash;
}

PasswordHash make_scram_keys(Bytes password, Bytes salt, std::uint32_t iterations) {
    LEDGE_ASSERT(!salt.empty() && salt.size() <= PasswordHash::salt_bytes_max && iterations > 0);
    PasswordHash hash;
    hash.scheme = PasswordHash::Scheme::scram_sha256;
    hash.iterations = iterations;
    hash.salt_size = static_cast<std::uint32_t>(salt.size());
    std::copy(salt.begin(), salt.end(), hash.salt.begin());
    hash.digest = scram_keys(password, salt, iterations);
    return hash;
}

bool is_scram_password(Bytes password) {
    return std::ranges::all_of(password, [](Byte byte) { return byte >= 0x20 && byte < 0x7F; });
}

bool is_right(const PasswordHash& hash, Bytes password) {
    Digest digest = digest_of(hash, password);
    const bool is_equal = are_equal_in_constant_time(digest, hash.digest);  // the time must not help a guesser
    wipe(digest.data(), digest.size());
    return is_equal;
}

}  // namespace ledge::auth
