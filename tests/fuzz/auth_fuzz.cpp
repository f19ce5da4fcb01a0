// Any bytes as a password file, an ACL, a file of keys, a token, the claims of a token that is signed, an answer of the
// authentication hook, and the messages of SCRAM (the second one behind a line end). What is accepted keeps its
// promises, for any user and topic.
#include <algorithm>
#include <memory>
#include <string>

#include "base64url_text.hpp"
#include "ledge/auth/authenticator.hpp"
#include "ledge/auth/hmac.hpp"
#include "ledge/auth/scram.hpp"
#include "ledge/auth/text_file.hpp"
#include "ledge/topic/name.hpp"
#include "require.hpp"
#include "signature.hpp"

namespace {

using namespace ledge;
using auth::test::to_base64url;
using fuzz::require;

void bounded(const std::vector<auth::Problem>& problems) {
    require(!problems.empty() && problems.size() <= auth::problems_max, "problems are not bounded");
    for (const auth::Problem& problem : problems) require(problem.text.size() < 1000, "a problem is not bounded");
}

void read_passwords(std::string_view text, std::string_view user) {
    const auto file = auth::PasswordFile::parse(text);
    if (!file) return bounded(file.error());
    require((file->decoy(user) == nullptr) == (file->size() == 0), "an unknown user costs nothing");
    if (const auth::PasswordFile::Entry* entry = file->find(user)) {
        require(entry->user == user && auth::is_user_name(user), "another user was found");
        const auto again = auth::parse_password_hash(auth::to_text(entry->hash));
        require(again && *again == entry->hash, "a hash does not go through its text");
    }
    if (!auth::is_user_name(user)) return;
    auth::PasswordHash hash;
    hash.iterations = 1;
    hash.salt_size = 4;
    const auto edited = auth::PasswordFile::parse(auth::with_password(text, user, hash));
    if (!edited) return;  // the text was near the limit of its size
    require(edited->find(user) != nullptr && edited->find(user)->hash == hash, "an edited entry is lost");
    const auto removed = auth::PasswordFile::parse(auth::without_user(text, user));
    require(removed.ok() && removed->find(user) == nullptr, "a removed user is there");
}

void read_acl(std::string_view text, std::string_view user, std::string_view client, std::string_view topic) {
    const auto acl = auth::Acl::parse(text, "f");
    if (!acl) return bounded(acl.error());
    const auth::Rights rights(*acl, user.empty() ? std::nullopt : std::optional(user), client);
    if (!topic::is_valid_filter(topic, topic::levels_hard_max)) return;
    const auth::Verdict subscription = rights.judge_subscription(topic);
    require(rights.explain(subscription).size() < 5000, "an explanation is not bounded");
    if (topic::has_wildcards(topic) || topic::is_shared(topic)) return;
    const bool may_receive = rights.may_receive(topic);
    require(subscription.is_allowed == may_receive, "a subscription to one topic is judged otherwise than the topic");
    const auth::Verdict verdict = rights.judge(topic, auth::Access::write);
    require(!verdict.is_allowed || (verdict.rule != nullptr && !verdict.rule->is_denial), "allowed without a rule");
    if (acl->size() == 0) require(!may_receive && !verdict.is_allowed, "an empty file grants something");
}

const std::string secret(32, 's');

void read_keys(std::string_view text) {
    for (const bool is_set : {false, true}) {
        const auto keys = is_set ? auth::parse_jwks(text) : auth::parse_key_file(text);
        if (!keys) {
            require(keys.error().size() < 1000, "a complaint is not bounded");
            continue;
        }
        require(!keys.value().keys.empty() && keys.value().keys.size() <= auth::TokenKeys::keys_max, "number of keys");
        for (const auth::TokenKey& key : keys.value().keys) {
            require(auth::fault_of(key).empty(), "a key is of no use");
            require(!auth::is_signed_with(key, "x", as_bytes(text.substr(0, 64))), "any bytes are a signature");
        }
    }
}

void check_outcome(const auth::LoginOutcome& outcome) {
    const bool is_yes = outcome.code == wire::ReasonCode::success;
    require(is_yes == outcome.reason.empty() && outcome.reason.size() < 1000,
            "a refusal without a reason, or too long");
    if (!is_yes) return;
    require(!outcome.valid_for || *outcome.valid_for > Duration::zero(), "valid for no time");
    require(outcome.identity.proof != auth::Proof::none, "nothing was proven");
    const auto rights = auth::rights_of(std::make_shared<const auth::Policy>(), outcome.identity, "c");
    if (rights && outcome.identity.granted->size() == 0) require(!rights->may_receive("a"), "nothing grants something");
}

void read_token(std::string_view text, std::string_view user) {
    auth::TokenRules rules;
    rules.keys = auth::parse_key_file(secret).value().keys;
    const auto check = [&](std::string_view token) {
        const auto outcome =
            auth::check_token(rules, as_bytes(token), std::string(user), auth::earliest_plausible_time);
        check_outcome(outcome);
        return outcome.code;
    };
    require(check(text) != wire::ReasonCode::success, "a token without a signature");
    const std::string body = to_base64url(R"({"alg":"HS256"})") + "." + to_base64url(text);
    check(body + "." + to_base64url(as_text(auth::hmac_sha256(as_bytes(secret), as_bytes(body)))));
}

void read_answer(std::string_view text) {
    for (const unsigned status : {200U, 403U, 500U}) {
        const auto outcome = auth::read_hook_answer({}, {}, status, text);
        check_outcome(outcome);
        if (status != 200) require(outcome.code != wire::ReasonCode::success, "a no is a yes");
    }
}

void read_scram(std::string_view text, std::string_view user) {
    static const auth::PasswordFile users = [] {
        const auto keys = auth::make_scram_keys(as_bytes(secret), as_bytes("salt"), 1);
        return std::move(*auth::PasswordFile::parse(auth::with_password("", "u", keys)));
    }();
    using Kind = auth::ScramExchange::Reply::Kind;
    const std::string_view first = text.substr(0, text.find('\n'));
    auth::ScramExchange exchange;
    const auto challenge = exchange.on_message(users, first, "server");
    require(challenge.kind == Kind::challenge || challenge.kind == Kind::malformed, "a first message is a verdict");
    require(challenge.data.size() < 1000, "a challenge is not bounded");
    if (challenge.kind != Kind::challenge) return;
    require(auth::is_user_name(exchange.user()), "SCRAM takes a name that is none");
    const std::string nonce = challenge.data.substr(0, challenge.data.find(','));
    for (const std::string& final : {std::string(text.substr(std::min(first.size() + 1, text.size()))),
                                     "c=biws," + nonce + ",p=" + std::string(user)}) {
        auth::ScramExchange next = exchange;
        require(next.on_message(users, final, "").kind != Kind::success, "a proof without the password");
    }
}

}  // namespace

// user 0 client 0 topic 0 text
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view rest = as_text({data, size});
    std::string_view parts[3];
    for (std::string_view& part : parts) {
        part = rest.substr(0, rest.find('\0'));
        rest.remove_prefix(std::min(part.size() + 1, rest.size()));
    }
    read_passwords(rest, parts[0]);
    read_acl(rest, parts[0], parts[1], parts[2]);
    read_keys(rest);
    read_token(rest, parts[0]);
    read_answer(rest);
    read_scram(rest, parts[0]);
    return 0;
}
