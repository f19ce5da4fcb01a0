// Checks a token: first its signature, then its claims.
#include "ledge/auth/jwt.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include "base64url.hpp"
#include "ledge/auth/hmac.hpp"
#include "ledge/auth/login_check.hpp"
#include "ledge/base/assert.hpp"
#include "ledge/base/json_reader.hpp"
#include "ledge/topic/name.hpp"
#include "ledge/wire/utf8.hpp"
#include "signature.hpp"

namespace ledge::auth {
namespace {

using std::chrono::seconds;
using wire::ReasonCode;

constexpr std::size_t name_bytes_max = 1024;  // of a user or a role

/// What is wrong with the token; empty = nothing. Every step of check_token returns a fault.
using Fault = std::string;

/// The three parts of a token, still in base64url.
struct Parts {
    std::string_view header;
    std::string_view claims;
    std::string_view signature;
    std::string_view signed_text;  // "header.claims"
};

/// token := header "." claims "." signature, each in base64url (RFC 7515 section 7.1). nullopt: there are not exactly
/// two dots.
std::optional<Parts> split(std::string_view token) {
    const std::size_t first = token.find('.');
    const std::size_t last = token.rfind('.');
    if (first == last) return std::nullopt;
    const Parts parts{token.substr(0, first), token.substr(first + 1, last - first - 1), token.substr(last + 1),
                      token.substr(0, last)};
    if (parts.claims.find('.') != std::string_view::npos) return std::nullopt;
    return parts;
}

std::optional<JsonDocument> decode_object(std::string_view base64url) {
    const auto bytes = decode_base64url(base64url);
    return bytes ? JsonDocument::parse(as_text(*bytes)) : std::nullopt;
}

std::optional<TokenAlgorithm> algorithm_of(std::string_view name) {
    if (name == "HS256") return TokenAlgorithm::hs256;
    if (name == "RS256") return TokenAlgorithm::rs256;
    if (name == "ES256") return TokenAlgorithm::es256;
    return std::nullopt;  // including "none"
}

/// Finds the key that has signed the token. Nothing has proven the header yet. The header can only choose among the
/// keys of the operator, and each key has its own algorithm. Keys in the header itself ("jwk", "jku", "x5c") are
/// ignored.
Fault find_signer(const TokenRules& rules, const Parts& parts, const TokenKey*& signer) {
    const auto header = decode_object(parts.header);
    const auto signature = decode_base64url(parts.signature);
    if (!header || !signature) return "the password is not a token";
    if (header->root().has("crit"))
        return "the token requires an extension that the broker does not support (crit)";  // RFC 7515 4.1.11
    const auto algorithm = algorithm_of(header->root().text("alg").value_or(""));
    if (!algorithm) return "the token uses an unsupported algorithm; supported are HS256, RS256 and ES256";
    // Without "kid" in the token or in the key, every key with the algorithm is tried.
    const auto id = header->root().text("kid");
    bool is_key_known = false;
    for (const TokenKey& key : rules.keys) {
        const bool is_meant = key.algorithm == *algorithm && (!id || key.id.empty() || key.id == *id);
        if (!is_meant) continue;
        is_key_known = true;
        if (!is_signed_with(key, parts.signed_text, *signature)) continue;
        signer = &key;
        return {};
    }
    return is_key_known ? "the signature of the token is wrong" : "the broker does not know the key of the token";
}

/// Checks exp and nbf (RFC 7519 sections 4.1.4 and 4.1.5).
Fault check_times(const TokenRules& rules, const JsonObject& claims, WallTime now, LoginOutcome& outcome) {
    constexpr std::int64_t latest_s = 253'402'300'799;  // the end of the year 9999; later times could overflow sums
    const auto expiry = claims.integer("exp");
    if (!expiry) return "the token has no expiry time (exp)";
    const WallTime end = WallTime(seconds(std::clamp<std::int64_t>(*expiry, 0, latest_s))) + rules.leeway;
    if (now >= end) return "the token has expired";
    if (claims.has("nbf")) {
        const auto not_before = claims.integer("nbf");
        if (!not_before) return "the token has a start time that is not a number (nbf)";
        const WallTime begin(seconds(std::clamp<std::int64_t>(*not_before, 0, latest_s)));
        if (now + rules.leeway < begin) return "the token is not valid yet (nbf)";
    }
    LEDGE_ASSERT(end > now);
    outcome.valid_for = end - now;
    return {};
}

/// Checks iss and aud (RFC 7519 sections 4.1.1 and 4.1.3). A broker without a configured audience must refuse a token
/// with "aud".
Fault check_parties(const TokenRules& rules, const JsonObject& claims) {
    if (!rules.issuer.empty() && claims.text("iss") != rules.issuer) return "the token is from another issuer (iss)";
    // "aud" is one text or a list of texts.
    std::vector<std::string_view> audiences;
    if (const auto one = claims.text("aud")) audiences = {*one};
    if (auto several = claims.texts("aud")) audiences = std::move(*several);
    if (rules.audience.empty())
        return claims.has("aud") ? "the token is for an audience (aud), but the broker has no audience configured" : "";
    const bool is_meant = std::ranges::find(audiences, rules.audience) != audiences.end();
    return is_meant ? "" : "the token is for another audience (aud)";
}

/// True for a text that may be the name of a user or a role.
bool is_name(std::string_view name) {
    const auto is_control = [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) == 0x7F;
    };
    return !name.empty() && name.size() <= name_bytes_max && wire::is_valid_utf8(name) &&
           std::ranges::none_of(name, is_control);
}

Fault read_user(const TokenRules& rules, const JsonObject& claims, const std::optional<std::string>& user_name,
                Identity& identity) {
    const auto user = claims.text(rules.user_claim);
    if (!user || !is_name(*user)) return "the token names no user (" + rules.user_claim + ")";
    if (rules.must_match_user_name && user_name && !user_name->empty() && *user_name != *user)
        return "the user name is not that of the token";
    identity.user = std::string(*user);
    return {};
}

Fault read_roles(const TokenRules& rules, const JsonObject& claims, Identity& identity) {
    if (!claims.has(rules.roles_claim)) return {};
    std::vector<std::string_view> roles;
    if (const auto one = claims.text(rules.roles_claim)) {
        roles = {*one};
    } else {
        auto several = claims.texts(rules.roles_claim);
        if (!several) return "the roles of the token are not a list of texts (" + rules.roles_claim + ")";
        roles = std::move(*several);
    }
    if (roles.size() > TokenRules::roles_max || !std::ranges::all_of(roles, is_name))
        return "the token has too many roles, or a role with an invalid name (" + rules.roles_claim + ")";
    identity.roles.assign(roles.begin(), roles.end());
    return {};
}

struct GrantList {
    std::string_view name;
    Access access;
};
constexpr GrantList grant_lists[] = {{"pub", Access::write}, {"sub", Access::read}, {"all", Access::read_write}};

/// Reads the claim acl. A claim that the broker does not understand could be meant as a restriction, so such a token is
/// refused.
Fault read_grants(const JsonObject& claims, Identity& identity) {
    if (!claims.has("acl")) return {};
    const auto acl = claims.object("acl");
    if (!acl) return "the token has an acl that is not {\"pub\": [], \"sub\": [], \"all\": []}";
    for (const std::string_view name : acl->names()) {
        if (std::ranges::find(grant_lists, name, &GrantList::name) == std::end(grant_lists))
            return "the token has an acl with a list other than pub, sub and all";
    }
    AclBuilder builder("acl of the token", Acl::Form::token);
    std::uint32_t number = 0;
    for (const auto& [name, access] : grant_lists) {
        if (!acl->has(name)) continue;
        const auto filters = acl->texts(name);
        if (!filters) return "the token has an acl with a list that does not consist of texts";
        for (const std::string_view filter : *filters) {
            AclRule rule;
            rule.filter = std::string(filter);
            rule.line = ++number;
            rule.access = access;
            if (number > TokenRules::filters_max || !builder.add(AclBuilder::everybody, std::move(rule)).empty())
                return "the token has an acl with too many filters, or with an invalid filter";
        }
    }
    identity.granted = builder.finish();
    return {};
}

Fault check_claims(const TokenRules& rules, const JsonObject& claims, const std::optional<std::string>& user_name,
                   WallTime now, LoginOutcome& outcome) {
    Fault fault = check_times(rules, claims, now, outcome);
    if (fault.empty()) fault = check_parties(rules, claims);
    if (fault.empty()) fault = read_user(rules, claims, user_name, outcome.identity);
    if (fault.empty()) fault = read_roles(rules, claims, outcome.identity);
    if (fault.empty()) fault = read_grants(claims, outcome.identity);
    return fault;
}

LoginOutcome refusal(ReasonCode code, std::string reason) {
    LoginOutcome outcome;
    outcome.code = code;
    outcome.reason = std::move(reason);
    return outcome;
}

}  // namespace

bool looks_like_token(Bytes password) {
    // The header of a token begins with {" which is "ey" in base64url.
    const std::string_view text = as_text(password);
    return text.starts_with("ey") && std::ranges::count(text, '.') == 2;
}

LoginOutcome check_token(const TokenRules& rules, Bytes token, const std::optional<std::string>& user_name,
                         WallTime now) {
    // Until the signature is found correct, every refusal counts as a wrong password. Afterwards no refusal does.
    constexpr ReasonCode refused = ReasonCode::bad_user_name_or_password;
    if (token.size() > TokenRules::token_bytes_max) return refusal(refused, "the token is too long");
    const auto parts = split(as_text(token));
    if (!parts) return refusal(refused, "the password is not a token");
    const TokenKey* signer = nullptr;
    if (Fault fault = find_signer(rules, *parts, signer); !fault.empty()) return refusal(refused, std::move(fault));
    if (now < earliest_plausible_time)
        return refusal(ReasonCode::server_unavailable,
                       "the clock of the broker's machine is not set, so the broker cannot check the dates of tokens");
    const auto claims = decode_object(parts->claims);
    if (!claims) return refusal(ReasonCode::not_authorized, "the claims of the token are not a JSON object");
    LEDGE_ASSERT(signer != nullptr);
    LoginOutcome outcome;
    if (Fault fault = check_claims(rules, claims->root(), user_name, now, outcome); !fault.empty())
        return refusal(ReasonCode::not_authorized, std::move(fault));
    outcome.code = ReasonCode::success;
    outcome.identity.proof = Proof::token;
    outcome.identity.credential = credential_of(rules, *signer);
    return outcome;
}

std::uint64_t credential_of(const TokenRules& rules, const TokenKey& key) {
    // Each part begins with its length, so that two different sets of parts never give the same text.
    std::string text;
    const auto add = [&text](std::string_view part) {
        text.append(std::to_string(part.size())).append(":").append(part);
    };
    for (const std::string_view part : {std::string_view(rules.issuer), std::string_view(rules.audience),
                                        std::string_view(rules.user_claim), std::string_view(rules.roles_claim)})
        add(part);
    text += static_cast<char>('0' + static_cast<int>(key.algorithm));
    add(as_text(key.exponent));
    add(as_text(key.material.bytes()));
    const Digest256 digest = sha256(as_bytes(text));
    wipe(text.data(), text.size());
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < sizeof value; ++i) value = (value << 8U) | digest[i];
    return value | 1U;  // never 0, which means "no credential"
}

}  // namespace ledge::auth
