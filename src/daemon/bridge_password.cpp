#include "bridge_password.hpp"

#include <algorithm>
#include <array>
#include <ctime>
#include <string_view>
#include <utility>

#include "ledge/auth/token_maker.hpp"
#include "ledge/base/bytes.hpp"
#include "ledge/base/wipe.hpp"
#include "ledge/config/bridge_settings.hpp"
#include "ledge/os/program.hpp"
#include "process.hpp"

namespace ledge::daemon {
namespace {

using bridge::RetryClass;
using uplink::Password;
using uplink::PasswordProblem;
using uplink::PasswordResult;

constexpr std::size_t remark_bytes_max = 200;  // of a program's standard error in a log line

PasswordResult from_file(const std::string& path) {
    auto password = config::read_bridge_password(path);
    if (!password) return Failure{PasswordProblem{password.error(), RetryClass::operator_needed}};
    return Password{std::move(*password), {}, "read from " + path, {}};
}

/// The first line that is not empty, without its line end.
std::string first_words(std::string_view text) {
    text.remove_prefix(std::min(text.find_first_not_of("\r\n\t "), text.size()));
    return std::string(text.substr(0, std::min(text.find_first_of("\r\n"), remark_bytes_max)));
}

/// The first line of the output, without its line end. Programs need a network, so each mistake may be gone next time.
PasswordResult from_program(const std::vector<std::string>& command, const os::ProgramStop& stop) {
    const std::string& path = command.front();
    const os::ProgramResult result = os::run_program(command, {}, stop);
    const std::string remark = first_words(result.errors);
    const auto failure = [&](const std::string& what) {
        return Failure{PasswordProblem{"the password command " + path + " " + what, RetryClass::network, remark}};
    };
    if (!result.problem.empty()) return failure(result.problem);
    const std::string_view output = as_text(result.output.bytes());
    std::string_view line = output.substr(0, output.find('\n'));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) return failure("has printed no password");
    if (line.size() > config::bridge_password_bytes_max) return failure("has printed too long a password");
    return Password{Secret(as_bytes(line)), {}, "made by " + path, remark};
}

/// "2026-05-01T12:00:00Z".
std::string utc_text(auth::WallTime time) {
    const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    std::array<char, 32> text{};
    return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

auth::TokenContent content_of(const config::BridgeTokenSettings& settings) {
    auth::TokenContent content;
    content.key_id = settings.key_id;
    content.issuer = settings.issuer;
    content.subject = settings.subject;
    content.audience = settings.audience;
    content.others = settings.claims;
    return content;
}

/// The text of a token that is valid from `now` on.
Result<std::string, std::string> signed_token(const config::BridgeTokenSettings& settings, const auth::SigningKey& key,
                                              auth::WallTime now) {
    const auto lifetime = std::chrono::duration_cast<std::chrono::seconds>(settings.lifetime);
    if (settings.kind == config::BridgeTokenSettings::Kind::sas)
        return auth::make_sas(key, settings.resource, settings.policy, now + lifetime);
    return auth::make_token(key, content_of(settings), now, lifetime, random_seed());
}

PasswordResult from_token(const config::BridgeTokenSettings& settings, WallClock clock) {
    const auto now = std::chrono::floor<std::chrono::seconds>(clock());
    // Time servers are asked as soon as there is a network, so the next attempts come soon.
    if (now < auth::earliest_plausible_time)
        return Failure{PasswordProblem{"the clock of this machine is not set (it says " + utc_text(now) +
                                           "), so a token would have wrong dates; the bridge waits for the right time",
                                       RetryClass::network}};
    const auto key = config::read_bridge_token_key(settings);
    if (!key) return Failure{PasswordProblem{key.error(), RetryClass::operator_needed}};
    auto token = signed_token(settings, *key, now);
    if (!token) return Failure{PasswordProblem{"the token cannot be made: " + token.error()}};
    if (token->size() > config::bridge_password_bytes_max)
        return Failure{PasswordProblem{"the token is too long for MQTT; remove some of its claims"}};
    const std::string end = utc_text(now + std::chrono::duration_cast<std::chrono::seconds>(settings.lifetime));
    Password password{Secret(as_bytes(*token)), settings.lifetime, "a token that is valid until " + end, {}};
    wipe(token->data(), token->size());
    return password;
}

/// True: a signature with this key takes some milliseconds on a small machine, or more.
bool is_slow(const config::BridgeTokenSettings& settings) {
    return settings.kind == config::BridgeTokenSettings::Kind::jwt && settings.algorithm != auth::TokenAlgorithm::hs256;
}

}  // namespace

uplink::PasswordHook password_hook(const config::BridgeSettings& settings, WallClock clock) {
    if (settings.token.is_used())
        return {[token = settings.token, clock](const os::ProgramStop&) { return from_token(token, clock); },
                is_slow(settings.token)};
    if (!settings.password_file.empty())
        return {[path = settings.password_file](const os::ProgramStop&) { return from_file(path); }, false};
    if (!settings.password_command.empty())
        return {
            [command = settings.password_command](const os::ProgramStop& stop) { return from_program(command, stop); },
            true};
    return {};
}

}  // namespace ledge::daemon
