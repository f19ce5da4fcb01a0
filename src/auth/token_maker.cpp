#include "ledge/auth/token_maker.hpp"

#include <algorithm>
#include <array>

#include "base64url.hpp"
#include "ledge/auth/hmac.hpp"
#include "ledge/base/assert.hpp"
#include "ledge/base/base64.hpp"
#include "ledge/base/json.hpp"
#include "ledge/base/percent.hpp"
#include "ledge/base/wipe.hpp"
#include "signature.hpp"

namespace ledge::auth {
namespace {

std::string_view without_last_line_end(std::string_view text) {
    if (text.ends_with('\n')) text.remove_suffix(1);
    if (text.ends_with('\r')) text.remove_suffix(1);
    return text;
}

std::string_view algorithm_name(TokenAlgorithm algorithm) {
    switch (algorithm) {
        case TokenAlgorithm::hs256: return "HS256";
        case TokenAlgorithm::rs256: return "RS256";
        case TokenAlgorithm::es256: return "ES256";
    }
    return {};
}

void write_claim(JsonWriter& json, const std::string& name, const ClaimValue& value) {
    if (const auto* boolean = std::get_if<bool>(&value)) return json.boolean(name, *boolean);
    if (const auto* number = std::get_if<std::int64_t>(&value)) return json.number(name, *number);
    if (const auto* text = std::get_if<std::string>(&value)) return json.text(name, *text);
    json.begin_list(name);
    for (const std::string& text : std::get<std::vector<std::string>>(value)) json.element(text);
    json.end_list();
}

std::string header_of(const SigningKey& key, const TokenContent& content) {
    JsonWriter json;
    json.text("alg", algorithm_name(key.algorithm));
    json.text("typ", "JWT");
    if (!content.key_id.empty()) json.text("kid", content.key_id);
    return json.finish(false);
}

std::string claims_of(const TokenContent& content, WallTime now, std::chrono::seconds lifetime) {
    JsonWriter json;
    if (!content.issuer.empty()) json.text("iss", content.issuer);
    if (!content.subject.empty()) json.text("sub", content.subject);
    if (!content.audience.empty()) json.text("aud", content.audience);
    json.number("iat", static_cast<std::int64_t>(now.time_since_epoch().count()));
    json.number("exp", static_cast<std::int64_t>((now + lifetime).time_since_epoch().count()));
    for (const auto& [name, value] : content.others) {
        LEDGE_ASSERT(!is_reserved_claim(name));
        write_claim(json, name, value);
    }
    return json.finish(false);
}

}  // namespace

bool is_reserved_claim(std::string_view name) {
    constexpr std::array<std::string_view, 5> names{"iss", "sub", "aud", "iat", "exp"};
    return std::ranges::find(names, name) != names.end();
}

Result<SigningKey, std::string> parse_signing_key(TokenAlgorithm algorithm, std::string_view text) {
    if (algorithm != TokenAlgorithm::hs256) return parse_private_key(algorithm, text);
    if (text.find("-----BEGIN ") != std::string_view::npos)
        return Failure{std::string("has a key in PEM; HS256 needs a shared secret")};
    TokenKey secret;  // for its limits
    secret.material = Secret(as_bytes(without_last_line_end(text)));
    if (const std::string fault = fault_of(secret); !fault.empty()) return Failure{fault};
    return SigningKey{algorithm, std::move(secret.material)};
}

Result<SigningKey, std::string> parse_sas_key(std::string_view text) {
    auto bytes = decode_base64(without_last_line_end(text));
    if (!bytes || bytes->empty() || bytes->size() > TokenKey::secret_bytes_max)
        return Failure{std::string("has no key in base64, as the portal of Azure shows it")};
    SigningKey key{TokenAlgorithm::hs256, Secret(as_bytes(*bytes))};
    wipe(bytes->data(), bytes->size());
    return key;
}

Result<std::string, std::string> make_token(const SigningKey& key, const TokenContent& content, WallTime now,
                                            std::chrono::seconds lifetime, std::uint64_t seed) {
    const std::string text = encode_base64url(as_bytes(header_of(key, content))) + "." +
                             encode_base64url(as_bytes(claims_of(content, now, lifetime)));
    auto signature = sign(key, text, seed);
    if (!signature) return Failure{signature.error()};
    // With its signature the token is a password, so no copy of the signature stays behind.
    std::string encoded = encode_base64url(*signature);
    wipe(signature->data(), signature->size());
    std::string token;
    token.reserve(text.size() + 1 + encoded.size());
    token.append(text).append(".").append(encoded);
    wipe(encoded.data(), encoded.size());
    return token;
}

std::string make_sas(const SigningKey& key, std::string_view resource, std::string_view policy, WallTime expiry) {
    LEDGE_ASSERT(key.algorithm == TokenAlgorithm::hs256);
    const std::string encoded = percent_encoded(resource);
    const std::string end = std::to_string(expiry.time_since_epoch().count());
    auto digest = hmac_sha256(key.material.bytes(), as_bytes(encoded + "\n" + end));
    std::string signature = encode_base64(digest);
    wipe(digest.data(), digest.size());
    std::string value = percent_encoded(signature);
    wipe(signature.data(), signature.size());
    const std::string begin = "SharedAccessSignature sr=" + encoded + "&sig=";
    const std::string rest = "&se=" + end + (policy.empty() ? "" : "&skn=" + percent_encoded(policy));
    std::string token;
    token.reserve(begin.size() + value.size() + rest.size());
    token.append(begin).append(value).append(rest);
    wipe(value.data(), value.size());
    return token;
}

}  // namespace ledge::auth
