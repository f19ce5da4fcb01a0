// Enhanced authentication: passes the messages of an exchange to its method.
#include "ledge/auth/exchange.hpp"

#include "ledge/auth/authenticator.hpp"
#include "ledge/auth/hmac.hpp"
#include "ledge/base/base64.hpp"

namespace ledge::auth {

using wire::ReasonCode;

namespace {

/// A nonce made from 128 bits of `rng`. Nobody can predict the nonce without the key, even if the numbers of `rng` can
/// be predicted.
std::string make_nonce(const Policy& policy, Rng& rng) {
    std::array<Byte, 16> number{};
    for (Byte& byte : number) byte = static_cast<Byte>(rng.next());
    const Digest256 digest = hmac_sha256(policy.nonce_key, number);
    // 18 bytes become exactly 24 characters without padding.
    return encode_base64(Bytes(digest).first(18));
}

}  // namespace

std::optional<Exchange> Exchange::start(const Policy& policy, std::string_view method) {
    if (method == "ANONYMOUS") return Exchange(Anonymous{});
    if (method == ScramExchange::method && policy.passwords) return Exchange(ScramExchange{});
    return std::nullopt;
}

Exchange::Reply Exchange::on_message(const Policy& policy, std::string_view message, bool is_anonymous_allowed,
                                     Rng& rng) {
    if (auto* scram = std::get_if<ScramExchange>(&method_)) return on_scram(*scram, policy, message, rng);
    Reply reply;
    reply.code = answer_anonymous(message, is_anonymous_allowed);
    reply.problem = "anonymous clients are not allowed on this listener, or the trace is not valid text";
    return reply;
}

Exchange::Reply Exchange::on_scram(ScramExchange& scram, const Policy& policy, std::string_view message, Rng& rng) {
    Reply reply;
    reply.problem = "the users have changed during the login";
    if (!policy.passwords) return reply;
    ScramExchange::Reply said = scram.on_message(*policy.passwords, message, make_nonce(policy, rng));
    reply.data = std::move(said.data);
    switch (said.kind) {
        case ScramExchange::Reply::Kind::challenge: reply.code = ReasonCode::continue_authentication; return reply;
        case ScramExchange::Reply::Kind::malformed: reply.problem = said.problem; return reply;
        case ScramExchange::Reply::Kind::wrong:
            reply.code = ReasonCode::bad_user_name_or_password;
            reply.problem = said.problem;
            reply.is_guess = true;
            return reply;
        case ScramExchange::Reply::Kind::success: break;
    }
    // The file may have been read again between the two messages, so check that the user still has these keys.
    reply.identity.user = scram.user();
    reply.identity.proof = Proof::password;
    reply.identity.credential = credential_of(scram.keys());
    if (is_still_proven(policy, reply.identity)) reply.code = ReasonCode::success;
    return reply;
}

std::string_view Exchange::user() const {
    const auto* scram = std::get_if<ScramExchange>(&method_);
    return scram != nullptr ? std::string_view(scram->user()) : std::string_view();
}

}  // namespace ledge::auth
