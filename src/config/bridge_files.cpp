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

/// Makes a complaint about a file that the key names. Its place is where the key was set.
Complaint complaint(const Places& places, const std::string& key, const std::string& text) {
    const auto place = places.find(key);
    return {place != places.end() ? place->second : std::string(), "key '" + key + "': " + text};
}

/// The first line of a secret file, without its line end. `bytes_max` of the line.
Result<Secret, std::string> read_secret_line(const std::string& path, std::size_t bytes_max, std::string_view what) {
    auto file = os::read_regular_file(path, bytes_max + 2);  // with CR LF
    if (!file) return Failure{text_of(file.error())};
    const std::string_view text = file->text;
    std::string_view line = text.substr(0, text.find('\n'));
    if (line.ends_with('\r')) line.remove_suffix(1);
    std::string problem = problem_of_mode(path, file->mode);
    if (problem.empty() && line.empty())
        problem = path + " has an empty first line; write the " + std::string(what) + " into it";
    if (problem.empty() && line.size() > bytes_max)
        problem = path + " has a first line of more than " + std::to_string(bytes_max) +
                  " bytes, which is too long for a " + std::string(what);
    Secret secret(as_bytes(problem.empty() ? line : std::string_view()));
    wipe(file->text.data(), file->text.size());
    if (!problem.empty()) return Failure{std::move(problem)};
    return secret;
}

}  // namespace

Result<Secret, std::string> read_bridge_password(const std::string& path) {
    return read_secret_line(path, bridge_password_bytes_max, "password");
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

Result<BridgePsk, std::string> read_bridge_psk(const std::string& path) {
    constexpr std::size_t line_bytes_max = 1024;
    constexpr std::size_t digits_min = 32;
    constexpr std::size_t digits_max = 64;
    const auto line = read_secret_line(path, line_bytes_max, "key");
    if (!line) return Failure{line.error()};
    const std::string_view text = as_text(line->bytes());
    const std::size_t colon = text.rfind(':');
    const std::string_view hex = colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1);
    const bool is_hex = hex.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
    if (colon == 0 || !is_hex || hex.size() < digits_min || hex.size() > digits_max || hex.size() % 2 != 0)
        return Failure{path + " must hold one line IDENTITY:HEX, with 32 to 64 hexadecimal digits"};
    return BridgePsk{std::string(text.substr(0, colon)), Secret(as_bytes(hex))};
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
        const std::string psk_key = prefix + "tls.psk_file";
        const auto key = read_bridge_psk(settings.tls.psk_file);
        if (!key) complaints.push_back(complaint(places, psk_key, key.error()));
    }
}

}  // namespace ledge::config
