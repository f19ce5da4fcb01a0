// How a bridge logs in at its upstream: which of the keys for the password fit together, and the program that makes it.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <system_error>
#include <utility>

#include "bridges.hpp"
#include "ledge/base/quote.hpp"
#include "ledge/bridge/upstream.hpp"

namespace ledge::config {
namespace {

/// The keys that give the bridge a password, of those that are set.
std::vector<std::string_view> password_keys(const BridgeSettings& settings) {
    std::vector<std::string_view> keys;
    if (!settings.password_file.empty()) keys.push_back("password_file");
    if (!settings.password_command.empty()) keys.push_back("password_command");
    if (settings.token.is_used()) keys.push_back("token");
    return keys;
}

/// Complains about each of the keys that is set although the kind of token does not use it.
void check_unused(const std::vector<std::pair<std::string_view, bool>>& keys, std::string_view kind,
                  std::vector<BridgeProblem>& problems) {
    for (const auto& [key, is_set] : keys) {
        if (is_set) problems.push_back({key, "the key has no effect with kind = " + quoted(kind) + "; remove it"});
    }
}

/// The two kinds of token share a section but few keys. A key of the other kind would be ignored in silence, so it is
/// refused.
void check_token(const BridgeTokenSettings& token, std::vector<BridgeProblem>& problems) {
    using Kind = BridgeTokenSettings::Kind;
    const BridgeTokenSettings none;
    if (token.kind == Kind::none) {
        if (token != none)
            problems.push_back({"token", "the section has no effect without a kind; write kind = \"jwt\" or \"sas\""});
        return;
    }
    if (token.key_file.empty()) problems.push_back({"token", "a token is signed with a key; add key_file"});
    if (token.kind == Kind::jwt) {
        check_unused({{"token.resource", !token.resource.empty()}, {"token.policy", !token.policy.empty()}}, "jwt",
                     problems);
        return;
    }
    if (token.resource.empty())
        problems.push_back({"token",
                            "a shared access signature is for a resource; add resource = "
                            "\"HUB/devices/DEVICE\""});
    check_unused({{"token.algorithm", token.algorithm != none.algorithm},
                  {"token.key_id", !token.key_id.empty()},
                  {"token.issuer", !token.issuer.empty()},
                  {"token.subject", !token.subject.empty()},
                  {"token.audience", !token.audience.empty()},
                  {"token.claims", !token.claims.empty()}},
                 "sas", problems);
}

std::string_view name_of(auth::TokenAlgorithm algorithm) {
    switch (algorithm) {
        case auth::TokenAlgorithm::hs256: return "HS256";
        case auth::TokenAlgorithm::rs256: return "RS256";
        case auth::TokenAlgorithm::es256: return "ES256";
    }
    return {};
}

/// For `ledgemq check`: an operator sees which password the upstream will get, without seeing the password.
std::string explain_token(const BridgeTokenSettings& token) {
    const bool is_jwt = token.kind == BridgeTokenSettings::Kind::jwt;
    const std::string what = is_jwt ? "JSON Web Token (" + std::string(name_of(token.algorithm)) + ")"
                                    : "shared access signature for " + token.resource;
    const auto lifetime_s = std::chrono::duration_cast<std::chrono::seconds>(token.lifetime).count();
    return "The password is a " + what + " that the bridge signs with " + token.key_file + ". It is valid for " +
           std::to_string(lifetime_s) + " s, and shortly before its end the bridge connects again with a new one.";
}

}  // namespace

bool BridgeSettings::has_password() const { return !password_keys(*this).empty(); }

std::vector<BridgeProblem> check_login(const BridgeSettings& settings) {
    std::vector<BridgeProblem> problems;
    const std::vector<std::string_view> keys = password_keys(settings);
    if (keys.size() > 1)
        problems.push_back({keys[1], "the bridge has " + std::string(keys[0]) +
                                         " too, and CONNECT has one password; remove one of the two"});
    // [MQTT-3.1.2-22] of 3.1.1: without a user name there is no password. "auto" may come to 3.1.1.
    if (!keys.empty() && settings.user.empty() && settings.protocol != bridge::ProtocolChoice::v5)
        problems.push_back(
            {keys[0], "MQTT 3.1.1 has no password without a user name; add user, or write protocol = \"5\""});
    // The service's PATH is not that of the operator's shell, so a bare name might find another program.
    if (!settings.password_command.empty() && !settings.password_command.front().starts_with('/'))
        problems.push_back({"password_command", quoted(settings.password_command.front()) +
                                                    " is not the whole path of a program; write [\"/usr/bin/PROGRAM\", "
                                                    "\"ARGUMENT\"]"});
    check_token(settings.token, problems);
    return problems;
}

std::string explain_login(const BridgeSettings& settings) {
    if (settings.token.is_used()) return explain_token(settings.token);
    if (!settings.password_file.empty())
        return "The password is the first line of " + settings.password_file +
               ", which is read before each connection.";
    return "The password is what " + settings.password_command.front() + " prints; it is run before each connection.";
}

/// Looked at when the configuration is read: at night nobody sees the first failed connection.
std::string problem_of_program(const std::string& path) {
    struct stat file {};
    const bool is_there = ::stat(path.c_str(), &file) == 0;
    // AT_EACCESS: the rights that the process has now, which may be those of process.user.
    if (!is_there || ::faccessat(AT_FDCWD, path.c_str(), X_OK, AT_EACCESS) != 0)
        return path + " cannot be run: " + std::generic_category().message(errno);
    if (!S_ISREG(file.st_mode)) return path + " is not a program";
    // Whoever can change the program can read the password, and more.
    if ((file.st_mode & S_IWOTH) != 0)
        return "every user of this machine can write " + path + "; run chmod o-w " + path;
    return {};
}

}  // namespace ledge::config
