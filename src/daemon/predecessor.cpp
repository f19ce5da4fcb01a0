#include "predecessor.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/os/child_program.hpp"

namespace ledge::daemon {
namespace {

constexpr int descriptors_max = 1024;  // more sockets are a mistake
constexpr const char* upgrade_variable = "LEDGEMQ_UPGRADE";
// Variables that are meant for one process only, and not for the processes that it starts.
constexpr std::array own_variables{"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "WATCHDOG_PID", upgrade_variable};

std::string variable_text(const char* name) {
    const char* const value = std::getenv(name);
    return value == nullptr ? "" : value;
}

int number_or_zero(std::string_view text) {
    int number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc() && end == text.data() + text.size() ? number : 0;
}

/// Removes and returns the name before the next ':'.
std::string next_name(std::string_view& names) {
    const std::size_t end = std::min(names.find(':'), names.size());
    std::string name(names.substr(0, end));
    names.remove_prefix(std::min(end + 1, names.size()));
    return name;
}

/// The option of a socket; -1 if the descriptor is no socket.
int socket_option(int descriptor, int name) {
    int value = 0;
    socklen_t size = sizeof value;
    return ::getsockopt(descriptor, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
}

/// Why a descriptor of the service manager cannot be used; an empty error = it can.
Error problem_of(int descriptor) {
    const std::string number = std::to_string(descriptor);
    const int type = socket_option(descriptor, SO_TYPE);
    if (type != SOCK_STREAM && type != SOCK_DGRAM)
        return {{},
                "descriptor {} of LISTEN_FDS is no socket of connections or datagrams: the socket unit may have only "
                "ListenStream= and ListenDatagram=",
                number};
    if (type == SOCK_STREAM && socket_option(descriptor, SO_ACCEPTCONN) != 1)
        return {{}, "descriptor {} of LISTEN_FDS is a connection: the socket unit needs Accept=no", number};
    return {};
}

/// The system loses these flags when a program starts another one.
bool set_flags(int descriptor) {
    const int flags = ::fcntl(descriptor, F_GETFL);
    return flags >= 0 && ::fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) == 0 &&
           ::fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0;
}

}  // namespace

Result<Predecessor, Error> Predecessor::from_environment() {
    const std::string count = variable_text("LISTEN_FDS");
    const std::string names = variable_text("LISTEN_FDNAMES");
    const std::string former = variable_text(upgrade_variable);
    const int reader = number_or_zero(variable_text("LISTEN_PID"));
    for (const char* name : own_variables) ::unsetenv(name);
    Predecessor predecessor;
    const bool is_upgrade = !former.empty();
    if (is_upgrade && number_or_zero(former) != ::getppid())
        return Failure{Error{{}, "the broker that has started this one for an upgrade has ended"}};
    // sd_listen_fds(3): with another number the descriptors are meant for another process.
    if (!is_upgrade && (count.empty() || reader != ::getpid())) return predecessor;
    if (auto taken = predecessor.take(number_or_zero(count), names, is_upgrade); !taken)
        return Failure{std::move(taken.error())};
    return predecessor;
}

Result<bool, Error> Predecessor::take(int count, std::string_view names, bool is_upgrade) {
    if (count < 1 || count > descriptors_max) return Failure{Error{{}, "LISTEN_FDS must be 1 to 1024"}};
    sockets_ =
        os::GivenSockets(is_upgrade ? os::GivenSockets::From::former_broker : os::GivenSockets::From::service_manager);
    for (int i = 0; i < count; ++i) {
        const int number = os::ChildProgram::first_descriptor + i;
        std::string name = next_name(names);
        if (!set_flags(number))
            return Failure{Error{system_code(errno), "descriptor {} of LISTEN_FDS", std::to_string(number)}};
        os::Descriptor socket(number);
        if (is_upgrade && i == 0) {
            channel_ = UpgradeChannel(std::move(socket));
            continue;
        }
        if (Error problem = problem_of(number); !problem.operation.empty()) return Failure{std::move(problem)};
        const bool is_file_ours = is_upgrade && name.starts_with('+');
        if (is_upgrade && !name.empty()) name.erase(0, 1);
        sockets_.add({std::move(name), std::move(socket), is_file_ours});
    }
    return true;
}

bool Predecessor::await_store() {
    if (!is_upgrade()) return true;
    return channel_.say(UpgradeChannel::Word::prepared) && channel_.wait(store_wait_max) == UpgradeChannel::Word::open;
}

void Predecessor::tell_serving() {
    // The old broker may have ended by itself meanwhile. This one serves in any case.
    if (is_upgrade()) channel_.say(UpgradeChannel::Word::serving);
    channel_.close();
}

std::vector<std::string> environment_for_successor(const std::vector<os::GivenSocket>& sockets) {
    std::vector<std::string> environment;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string_view text = *entry;
        const bool is_own = std::ranges::any_of(own_variables, [&](std::string_view name) {
            return text.starts_with(name) && text.substr(name.size()).starts_with('=');
        });
        if (!is_own) environment.emplace_back(text);
    }
    std::string names = "channel";
    for (const os::GivenSocket& one : sockets) {
        std::string name = one.name;
        std::ranges::replace(name, ':', '_');  // separates names
        names += std::string(one.is_file_ours ? ":+" : ":-") + name;
    }
    environment.push_back(std::string(upgrade_variable) + "=" + std::to_string(::getpid()));
    environment.push_back("LISTEN_FDS=" + std::to_string(sockets.size() + 1));
    environment.push_back("LISTEN_FDNAMES=" + names);
    return environment;
}

}  // namespace ledge::daemon
