#include "bridge_password.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "ledge/base/bytes.hpp"
#include "ledge/config/bridge_settings.hpp"
#include "ledge/os/program.hpp"

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
        return Failure{PasswordProblem{"the password command " + path + " " + what +
                                           (remark.empty() ? "" : ", and says: " + remark),
                                       RetryClass::network}};
    };
    if (!result.problem.empty()) return failure(result.problem);
    const std::string_view output = as_text(result.output.bytes());
    std::string_view line = output.substr(0, output.find('\n'));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) return failure("has printed no password");
    if (line.size() > config::bridge_password_bytes_max) return failure("has printed too long a password");
    return Password{Secret(as_bytes(line)), {}, "made by " + path, remark};
}

}  // namespace

uplink::PasswordHook password_hook(const config::BridgeSettings& settings) {
    if (!settings.password_file.empty())
        return {[path = settings.password_file](const os::ProgramStop&) { return from_file(path); }, false};
    if (!settings.password_command.empty())
        return {[command = settings.password_command](const os::ProgramStop& stop) {
                    return from_program(command, stop);
                },
                true};
    return {};
}

}  // namespace ledge::daemon
