#include "ledge/auth/password_hash.hpp"

#include <mbedtls/base64.h>
#include <mbedtls/md.h>
#include <mbedtls/platform_util.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "ledge/base/assert.hpp"
#include "mbedtls_version.hpp"

namespace ledge::auth {
namespace {

using Digest = std::array<Byte, PasswordHash::digest_bytes>;

/// "rest" of "first$rest"; the text itself becomes "first".
std::string_view cut_at_dollar(std::string_view& text) {
    const std::size_t dollar = text.find('$');
    if (dollar == std::string_view::npos) return {};
    const std::string_view rest = text.substr(dollar + 1);
    text = text.substr(0, dollar);
    return rest;
}

template <std::size_t size>
std::optional<std::size_t> decode_base64(std::string_view text, std::array<Byte, size>& out) {
    std::size_t written = 0;
    const Bytes from = as_bytes(text);
    if (mbedtls_base64_decode(out.data(), out.size(), &written, from.data(), from.size()) != 0) return std::nullopt;
    return written;
}

std::string encode_base64(Bytes bytes) {
    std::array<Byte, 4 * (PasswordHash::digest_bytes + 2) / 3 + 1> text{};
    std::size_t written = 0;
    const int error = mbedtls_base64_encode(text.data(), text.size(), &written, bytes.data(), bytes.size());
    LEDGE_ASSERT(error == 0);
    return std::string(as_text({text.data(), written}));
}

/// A context for SHA-512, freed with its content wiped.
class Sha512 {
public:
    Sha512() {
        mbedtls_md_init(&context_);
        const int error = mbedtls_md_setup(&context_, mbedtls_md_info_from_type(MBEDTLS_MD_SHA512), 0);
        LEDGE_ASSERT(error == 0);  // memory, or a library without SHA-512
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

bool are_equal(const Digest& a, const Digest& b) {
    volatile Byte difference = 0;
    for (std::size_t i = 0; i < a.size(); ++i) difference = static_cast<Byte>(difference | (a[i] ^ b[i]));
    return difference == 0;
}

}  // namespace

void wipe(void* bytes, std::size_t size) {
    if (size > 0) mbedtls_platform_zeroize(bytes, size);
}

std::optional<PasswordHash> parse_password_hash(std::string_view text) {
    PasswordHash hash;
    const bool is_pbkdf2 = text.starts_with("$7$");
    if (!is_pbkdf2 && !text.starts_with("$6$")) return std::nullopt;
    hash.scheme = is_pbkdf2 ? PasswordHash::Scheme::pbkdf2_sha512 : PasswordHash::Scheme::salted_sha512;
    text.remove_prefix(3);
    if (is_pbkdf2) {
        const std::string_view rest = cut_at_dollar(text);
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), hash.iterations);
        if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
        if (hash.iterations == 0 || hash.iterations > PasswordHash::iterations_max) return std::nullopt;
        text = rest;
    }
    const std::string_view digest = cut_at_dollar(text);
    const auto salt_size = decode_base64(text, hash.salt);
    const auto digest_size = decode_base64(digest, hash.digest);
    if (!salt_size || *salt_size == 0 || digest_size != hash.digest.size()) return std::nullopt;
    hash.salt_size = static_cast<std::uint32_t>(*salt_size);
    return hash;
}

std::string to_text(const PasswordHash& hash) {
    const bool is_pbkdf2 = hash.scheme == PasswordHash::Scheme::pbkdf2_sha512;
    std::string text = is_pbkdf2 ? "$7$" + std::to_string(hash.iterations) + "$" : "$6$";
    text += encode_base64({hash.salt.data(), hash.salt_size});
    text += '$';
    return text + encode_base64({hash.digest.data(), hash.digest.size()});
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

bool is_right(const PasswordHash& hash, Bytes password) {
    const Bytes salt(hash.salt.data(), hash.salt_size);
    Digest digest = hash.scheme == PasswordHash::Scheme::pbkdf2_sha512 ? pbkdf2(password, salt, hash.iterations)
                                                                       : salted_sha512(password, salt);
    const bool is_equal = are_equal(digest, hash.digest);
    wipe(digest.data(), digest.size());
    return is_equal;
}

}  // namespace ledge::auth
