// Parses the keys of tokens. Each error text is a sentence without its subject, the file or the key.
#include "ledge/auth/jwks.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "base64url.hpp"
#include "ledge/base/assert.hpp"
#include "ledge/base/json_reader.hpp"
#include "signature.hpp"

namespace ledge::auth {
namespace {

constexpr std::size_t id_bytes_max = 256;

std::optional<std::vector<Byte>> bytes_of(const JsonObject& jwk, std::string_view name) {
    const auto text = jwk.text(name);
    return text ? decode_base64url(*text) : std::nullopt;
}

/// Removes leading zeros. Numbers should have none (RFC 7518 section 6.3.1.1), but some programs write them.
std::vector<Byte> without_zeros(std::vector<Byte> number) {
    const auto first = std::find_if(number.begin(), number.end(), [](Byte byte) { return byte != 0; });
    number.erase(number.begin(), first);
    return number;
}

/// Reads the secret of a key. Returns an empty text, or why the key cannot be used. The other read functions return the
/// same.
std::string read_secret(const JsonObject& jwk, TokenKey& key) {
    auto secret = bytes_of(jwk, "k");
    if (!secret) return "has no \"k\" in base64url";
    key.algorithm = TokenAlgorithm::hs256;
    key.material = Secret(*secret);
    wipe(secret->data(), secret->size());  // the key has its own copy
    return {};
}

std::string read_rsa(const JsonObject& jwk, TokenKey& key) {
    auto n = bytes_of(jwk, "n");
    auto e = bytes_of(jwk, "e");
    if (!n || !e) return "has no \"n\" and \"e\" in base64url";
    key.algorithm = TokenAlgorithm::rs256;
    key.material = Secret(without_zeros(std::move(*n)));
    key.exponent = without_zeros(std::move(*e));
    return {};
}

std::string read_ec(const JsonObject& jwk, TokenKey& key) {
    if (jwk.text("crv") != "P-256") return "uses a curve (\"crv\") other than P-256";
    auto x = bytes_of(jwk, "x");
    const auto y = bytes_of(jwk, "y");
    if (!x || !y || x->size() != 32 || y->size() != 32) return "has no \"x\" and \"y\" of 32 bytes in base64url";
    x->insert(x->end(), y->begin(), y->end());  // the point is x, then y
    LEDGE_ASSERT(x->size() == TokenKey::point_bytes);
    key.algorithm = TokenAlgorithm::es256;
    key.material = Secret(*x);
    return {};
}

std::string_view name_of(TokenAlgorithm algorithm) {
    switch (algorithm) {
        case TokenAlgorithm::hs256: return "HS256";
        case TokenAlgorithm::rs256: return "RS256";
        case TokenAlgorithm::es256: return "ES256";
    }
    return {};
}

std::string read_numbers(const JsonObject& jwk, TokenKey& key) {
    const std::string_view type = jwk.text("kty").value_or("");
    if (type == "oct") return read_secret(jwk, key);
    if (type == "RSA") return read_rsa(jwk, key);
    if (type == "EC") return read_ec(jwk, key);
    return "is of an unsupported kind (\"kty\"); supported are oct, RSA and EC";
}

/// Reads one key. Checks first the numbers, then the members that limit the use of the key.
std::string read_jwk(const JsonObject& jwk, TokenKey& key) {
    std::string fault = read_numbers(jwk, key);
    if (fault.empty()) fault = fault_of(key);
    if (!fault.empty()) return fault;
    if (jwk.has("alg") && jwk.text("alg") != name_of(key.algorithm))
        return "names another algorithm (\"alg\") than " + std::string(name_of(key.algorithm));
    if (jwk.has("use") && jwk.text("use") != "sig") return "is not for signatures (\"use\")";
    key.id = jwk.text("kid").value_or("");
    return key.id.size() > id_bytes_max ? "has a \"kid\" of more than 256 bytes" : "";
}

std::string_view without_line_end(std::string_view text) {
    if (text.ends_with('\n')) text.remove_suffix(1);
    if (text.ends_with('\r')) text.remove_suffix(1);
    return text;
}

}  // namespace

Result<TokenKeys, std::string> parse_jwks(std::string_view text) {
    if (text.size() > TokenKeys::text_bytes_max)
        return Failure{"is larger than " + std::to_string(TokenKeys::text_bytes_max) + " bytes"};
    const auto document = JsonDocument::parse(text);
    const auto keys = document ? document->root().objects("keys") : std::nullopt;
    if (!keys) return Failure{std::string("is not a JWK Set, {\"keys\": [...]}")};
    TokenKeys result;
    for (std::size_t i = 0; i < keys->size(); ++i) {
        TokenKey key;
        const std::string fault = read_jwk((*keys)[i], key);
        if (!fault.empty()) {  // an unusable key is ignored with a note; the number of notes is limited
            if (result.notes.size() < TokenKeys::keys_max)
                result.notes.push_back("key " + std::to_string(i + 1) + " " + fault);
            continue;
        }
        if (result.keys.size() == TokenKeys::keys_max)
            return Failure{"has more than " + std::to_string(TokenKeys::keys_max) + " keys"};
        result.has_secrets = result.has_secrets || key.algorithm == TokenAlgorithm::hs256;
        result.keys.push_back(std::move(key));
    }
    if (result.keys.empty())
        return Failure{"has no usable key" + (result.notes.empty() ? "" : ": " + result.notes.front())};
    return result;
}

Result<TokenKeys, std::string> parse_key_file(std::string_view text) {
    TokenKeys result;
    if (text.find("PRIVATE KEY-----") != std::string_view::npos)
        return Failure{std::string("has a private key; use the public key: openssl pkey -in FILE -pubout")};
    if (text.find("-----BEGIN ") != std::string_view::npos) {
        auto key = parse_public_key(text);
        if (!key) return Failure{key.error()};
        result.keys.push_back(std::move(*key));
    } else {
        TokenKey secret;  // its default algorithm is HS256
        secret.material = Secret(as_bytes(without_line_end(text)));
        result.keys.push_back(std::move(secret));
        result.has_secrets = true;
    }
    if (const std::string fault = fault_of(result.keys.front()); !fault.empty()) return Failure{fault};
    return result;
}

}  // namespace ledge::auth
