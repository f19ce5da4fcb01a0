// The names in certificates: user names, host names and addresses. Any thread.
#include <mbedtls/error.h>
#include <mbedtls/md.h>
#include <mbedtls/oid.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "ledge/base/lower_case.hpp"
#include "ledge/base/quote.hpp"
#include "tls_context_parts.hpp"

namespace ledge::net {
namespace {

// GeneralName := [1] e-mail address | [2] host name | [6] URI | [7] IP address | ...   (RFC 5280, 4.2.1.6)
constexpr int tag_bits = 0x1F;
constexpr int email_tag = 1;
constexpr int host_tag = 2;
constexpr int uri_tag = 6;
constexpr int address_tag = 7;

std::string text_of(const mbedtls_x509_buf& buffer) {
    return std::string(reinterpret_cast<const char*>(buffer.p), buffer.len);
}

/// True when a name has no control character. A zero byte in a name has deceived programs that compare C strings.
bool is_clean(std::string_view text) {
    return std::none_of(text.begin(), text.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte < 0x20 || byte == 0x7F;
    });
}

std::string common_name(const mbedtls_x509_crt& certificate) {
    // A subject may have several common names; the first one counts.
    for (const mbedtls_x509_name* part = &certificate.subject; part != nullptr; part = part->next) {
        if (MBEDTLS_OID_CMP(MBEDTLS_OID_AT_CN, &part->oid) == 0) return text_of(part->val);
    }
    return {};
}

template <class Use>
void for_each_alternative(const mbedtls_x509_crt& certificate, Use use) {
    for (const auto* entry = &certificate.subject_alt_names; entry != nullptr; entry = entry->next) {
        // The first element is part of the certificate and empty when there are no alternative names.
        if (entry->buf.p != nullptr) use(entry->buf.tag & tag_bits, text_of(entry->buf));
    }
}

/// The subject alternative name that becomes the user name: the first host name, else the first URI, else the first
/// e-mail address.
std::string alternative_name(const mbedtls_x509_crt& certificate) {
    std::array<std::optional<std::string>, 3> best;
    for_each_alternative(certificate, [&best](int tag, const std::string& text) {
        const std::size_t rank = tag == host_tag ? 0 : tag == uri_tag ? 1 : tag == email_tag ? 2 : best.size();
        // The kind of a name decides first; the order in the certificate decides among names of one kind.
        if (rank < best.size() && !best[rank]) best[rank] = text;
    });
    for (const auto& name : best) {
        if (name) return *name;
    }
    return {};
}

/// The SHA-256 digest of the whole certificate, as `openssl x509 -fingerprint -sha256` shows it, without colons and in
/// lower case; "" when mbedTLS cannot compute the digest.
std::string fingerprint(const mbedtls_x509_crt& certificate) {
    std::array<std::uint8_t, 32> digest{};
    const mbedtls_md_info_t* sha256 = mbedtls_md_info_from_type(MBEDTLS_MD_SHA256);
    if (mbedtls_md(sha256, certificate.raw.p, certificate.raw.len, digest.data()) != 0) return {};
    std::string text;
    for (const std::uint8_t byte : digest) append_hex(byte, 2, text);
    return text;
}

}  // namespace

std::string name_in(const mbedtls_x509_crt& certificate, TlsOptions::UserName from) {
    std::string name;
    if (from == TlsOptions::UserName::common_name) name = common_name(certificate);
    if (from == TlsOptions::UserName::subject_alternative_name) name = alternative_name(certificate);
    if (from == TlsOptions::UserName::fingerprint) name = fingerprint(certificate);
    return is_clean(name) ? name : std::string();
}

std::vector<std::string> host_names_in(const mbedtls_x509_crt& certificate) {
    std::vector<std::string> names;
    for_each_alternative(certificate, [&names](int tag, const std::string& text) {
        if (tag == host_tag && is_clean(text)) names.push_back(lower_case(text));
    });
    if (names.empty())
        names.push_back(lower_case(common_name(certificate)));  // an old certificate names its host there
    return names;
}

bool is_for_address(const mbedtls_x509_crt& certificate, const IpAddress& address) {
    bool is_named = false;
    for_each_alternative(certificate, [&](int tag, const std::string& bytes) {
        IpAddress named{};
        // RFC 5280 section 4.2.1.6: 4 bytes for IPv4, 16 bytes for IPv6.
        if (tag != address_tag || (bytes.size() != 4 && bytes.size() != named.size())) return;
        std::array<std::uint8_t, 4> four{};
        std::memcpy(bytes.size() == 4 ? four.data() : named.data(), bytes.data(), bytes.size());
        if (bytes.size() == 4) named = mapped_ipv4(four);
        is_named = is_named || named == address;
    });
    return is_named;
}

bool TlsIdentity::is_for(std::string_view name) const {
    const std::string wanted = lower_case(std::string(name));
    return std::any_of(names.begin(), names.end(), [&wanted](const std::string& known) {
        if (known == wanted) return true;
        if (!known.starts_with("*.")) return false;
        // The wildcard stands for exactly one label, so the rest of the name behind the first dot must be equal.
        const std::size_t dot = wanted.find('.');
        return dot != std::string::npos && dot > 0 && wanted.compare(dot, std::string::npos, known, 1) == 0;
    });
}

std::string tls_error_text(int result) {
    std::array<char, 160> text{};
    mbedtls_strerror(result, text.data(), text.size());
    return text.data();
}

namespace {

class TlsCategory final : public std::error_category {
public:
    const char* name() const noexcept override { return "mbedTLS"; }
    std::string message(int result) const override { return tls_error_text(result); }
};

}  // namespace

std::error_code tls_code(int result) {
    static const TlsCategory category;
    return {result, category};
}

}  // namespace ledge::net
