#include "access_rules.hpp"

#include <utility>

#include "ledge/base/constant_time.hpp"
#include "ledge/base/network.hpp"

namespace ledge::admin {
namespace {

/// True: the Host header names an address or localhost, and no other name.
/// A browser sends the name that it has looked up. A web page of a stranger whose name points at 127.0.0.1 (DNS
/// rebinding) therefore fails here.
bool is_address_or_localhost(std::string_view host) {
    if (host == "localhost" || host.find(':') != std::string_view::npos) return true;  // only IPv6 has colons
    // The last label of a host name is alphabetic (RFC 1123 section 2.1), so digits and dots alone are an IPv4 address.
    return !host.empty() && host.find_first_not_of("0123456789.") == std::string_view::npos;
}

/// True: a page of another origin has made the browser send the request. A browser names the origin of the page in each
/// request that is no GET or HEAD (Fetch standard, section 3.1), and other clients send no Origin.
bool is_of_another_origin(const transport::HttpRequest& request) {
    const std::string own = "://" + std::string(request.authority);
    return !request.origin.empty() && !request.origin.ends_with(own);
}

Failure<Problem> refusal(std::uint16_t status, std::string detail) {
    return Failure{Problem{status, std::move(detail), {}}};
}

}  // namespace

Result<Actor, Problem> AccessRules::judge(const transport::HttpRequest& request, Right wants, Instant now) {
    auto actor = find_actor(request, now);
    if (!actor || wants == Right::read) return actor;
    // A browser shows its client certificate also for pages of strangers, and some actions have no body. Such a page
    // cannot send a token.
    if (request.bearer_token.empty() && is_of_another_origin(request))
        return refusal(403, "a page of another origin may not send this action");
    if (actor->right == Right::act) return actor;
    if (request.bearer_token.empty())
        return refusal(401, "this action requires a token with the right act, or the Unix socket admin.socket");
    log_.info("admin_action", {{"actor", actor->name},
                               {"address", actor->address},
                               {"action", std::string(name_of(request.method)) + " " + std::string(request.path)},
                               {"subject", ""},
                               {"outcome", "refused: the token has only the right to read"}});
    return refusal(403, "the token has only the right to read; this action requires the right act");
}

Result<Actor, Problem> AccessRules::find_actor(const transport::HttpRequest& request, Instant now) {
    std::string address(request.address);
    // The permissions of the socket's file have decided who may connect.
    if (request.is_admin && request.process) {
        return Actor{"socket uid=" + std::to_string(request.process->user_id) +
                         " pid=" + std::to_string(request.process->process_id),
                     std::move(address), Right::act};
    }
    // On a WebSocket listener a certificate belongs to a device, so it gives no right there.
    if (request.is_admin && request.has_certificate) return Actor{"certificate", std::move(address), Right::act};
    if (!tokens_.empty()) return judge_token(request, now);
    // Without a token and without required certificates, the configuration allows the admin listener only on addresses
    // of this machine, so whoever reaches the listener may read. A page of another origin can make a browser send a
    // request, but cannot read the answer; and it cannot send an action, which requires a token.
    if (request.is_admin && is_address_or_localhost(request.host))
        return Actor{"loopback", std::move(address), Right::read};
    return refusal(403, "use the admin listener, with its address or localhost in the URL");
}

Result<Actor, Problem> AccessRules::judge_token(const transport::HttpRequest& request, Instant now) {
    // A request without a token is no guess, so it is not counted as a failure.
    if (request.bearer_token.empty()) return refusal(401, "a token is required");
    // The guard counts failures per name and network. All tokens count as one name, as a guess names none of them.
    const auth::LoginSource source = guard_.source_of(network_of(request.address), "token");
    // Even for a right token: guesses get no answer.
    if (guard_.is_blocked(source, now)) return refusal(429, "too many wrong tokens from this address; try again later");
    if (const AdminToken* token = find_token(request.bearer_token)) {
        guard_.on_success(source);
        return Actor{"token " + token->name, std::string(request.address), token->right};
    }
    // An address that has sent a right token before is not blocked; its wrong token is only logged.
    const bool is_known = guard_.standing_of(source, now) == auth::Standing::known;
    const bool is_blocked = !is_known && guard_.on_failure(source, now);
    log_.write(is_blocked ? LogLevel::warning : LogLevel::info, "admin_token_wrong",
               {{"address", request.address}, {"path", request.path}, {"blocked", is_blocked ? "yes" : "no"}});
    return refusal(401, "the token is wrong");
}

/// The time of the search must not tell how many bytes of a guess are right, so every token is compared.
const AdminToken* AccessRules::find_token(std::string_view secret) const {
    const AdminToken* found = nullptr;
    for (const AdminToken& token : tokens_) {
        if (are_equal_in_constant_time(as_bytes(secret), as_bytes(token.secret))) found = &token;
    }
    return found;
}

}  // namespace ledge::admin
