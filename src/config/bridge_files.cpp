// The files of bridges: passwords, keys, and programs that print passwords. A secret that others can read is none, and
// a file that others can write lets them choose it, so both are mistakes.
#include <sys/stat.h>

#include <utility>

#include "bridges.hpp"
#include "ledge/auth/token_maker.hpp"
#include "ledge/base/bytes.hpp"
#include "ledge/base/wipe.hpp"
#include "ledge/os/file.hpp"

namespace ledge::config {
namespace {

/// The mistake in the rights of a secret file, "" = none.
std::string problem_of_mode(const std::string& path, std::uint32_t mode) {
    if ((mode & S_IWOTH) != 0) return "every user of this machine can write " + path + "; run chmod o-rwx " + path;
    if ((mode & S_IROTH) != 0) return "every user of this machine can read " + path + "; run chmod o-r " + path;
    return {};
}

/// The mistake that keeps a secret file from being used at all, "" = none. Whoever uses the file checks its content.
std::string problem_of_secret_file(const std::string& path) {
    constexpr std::size_t bytes_max = 64 * 1024;
    auto file = os::read_regular_file(path, bytes_max);
    if (!file) return text_of(file.error());
    wipe(file->text.data(), file->text.size());
    return problem_of_mode(path, file->mode);
}

/// Makes a complaint about a file that the key names. Its place is where the key was set.
Complaint complaint(const Places& places, const std::string& key, const std::string& text) {
    const auto place = places.find(key);
    return {place != places.end() ? place->second : std::string(), "key '" + key + "': " + text};
}

}  // namespace

Result<Secret, std::string> read_bridge_password(const std::string& path) {
    auto file = os::read_regular_file(path, bridge_password_bytes_max + 2);  // with CR LF
    if (!file) return Failure{text_of(file.error())};
    const std::string_view text = file->text;
    std::string_view line = text.substr(0, text.find('\n'));
    if (line.ends_with('\r')) line.remove_suffix(1);
    std::string problem = problem_of_mode(path, file->mode);
    if (problem.empty() && line.empty()) problem = path + " has an empty first line; write the password into it";
    if (problem.empty() && line.size() > bridge_password_bytes_max)
        problem = path + " has a first line of more than " + std::to_string(bridge_password_bytes_max) +
                  " bytes, which is too long for a password";
    Secret secret(as_bytes(problem.empty() ? line : std::string_view()));
    wipe(file->text.data(), file->text.size());
    if (!problem.empty()) return Failure{std::move(problem)};
    return secret;
}

Result<auth::SigningKey, std::string> read_bridge_token_key(const BridgeTokenSettings& settings) {
    constexpr std::size_t file_bytes_max_of_key = 64 * 1024;
    auto file = os::read_regular_file(settings.key_file, file_bytes_max_of_key);
    if (!file) return Failure{text_of(file.error())};
    std::string problem = problem_of_mode(settings.key_file, file->mode);
    if (problem.empty() && file->text.size() > file_bytes_max_of_key) problem = settings.key_file + " is no key file";
    if (!problem.empty()) {
        wipe(file->text.data(), file->text.size());
        return Failure{std::move(problem)};
    }
    auto key = settings.kind == BridgeTokenSettings::Kind::sas
                   ? auth::parse_sas_key(file->text)
                   : auth::parse_signing_key(settings.algorithm, file->text);
    wipe(file->text.data(), file->text.size());
    if (!key) return Failure{settings.key_file + " " + key.error()};
    return key;
}

void check_bridge_files(const std::vector<BridgeSettings>& bridges, const Places& places,
                        std::vector<Complaint>& complaints) {
    for (const BridgeSettings& settings : bridges) {
        const std::string prefix = "bridges." + settings.name + ".";
        if (!settings.password_file.empty()) {
            const auto password = read_bridge_password(settings.password_file);
            if (!password) complaints.push_back(complaint(places, prefix + "password_file", password.error()));
        }
        // A path that is not whole has its complaint already.
        if (!settings.password_command.empty() && settings.password_command.front().starts_with('/')) {
            const std::string problem = problem_of_program(settings.password_command.front());
            if (!problem.empty()) complaints.push_back(complaint(places, prefix + "password_command", problem));
        }
        if (settings.token.is_used() && !settings.token.key_file.empty()) {
            const auto key = read_bridge_token_key(settings.token);
            if (!key) complaints.push_back(complaint(places, prefix + "token.key_file", key.error()));
        }
        if (settings.tls.psk_file.empty()) continue;
        const std::string problem = problem_of_secret_file(settings.tls.psk_file);
        if (!problem.empty()) complaints.push_back(complaint(places, prefix + "tls.psk_file", problem));
    }
}

}  // namespace ledge::config
