#include "service_manager.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <cstdint>
#include <cstdlib>

#include "ledge/os/address.hpp"
#include "ledge/os/descriptor.hpp"

namespace ledge::daemon {
namespace {

std::string_view environment_value(const char* name) {
    const char* const value = std::getenv(name);
    return value == nullptr ? std::string_view() : std::string_view(value);
}

/// A whole positive number of the environment; nullopt for anything else.
std::optional<std::int64_t> positive_number(std::string_view text) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size() || number <= 0) return std::nullopt;
    return number;
}

std::string in_us(Duration time) { return std::to_string(time.count()); }

}  // namespace

ServiceManager::ServiceManager() : socket_(environment_value("NOTIFY_SOCKET")) {
    const auto interval_us = positive_number(environment_value("WATCHDOG_USEC"));
    const std::string_view watched = environment_value("WATCHDOG_PID");
    // sd_watchdog_enabled(3): the variable may be meant for another process, whose environment this one has inherited.
    const bool is_for_us = watched.empty() || positive_number(watched) == ::getpid();
    if (interval_us && is_for_us && !socket_.empty()) watchdog_interval_ = Duration(*interval_us) / 2;
}

void ServiceManager::ready(std::string_view status) const { send("READY=1\nSTATUS=" + std::string(status)); }

// NotifyAccess=all in the unit lets a process that is not the main one say so.
void ServiceManager::ready_as_main(std::string_view status) const {
    send("READY=1\nMAINPID=" + std::to_string(::getpid()) + "\nSTATUS=" + std::string(status));
}

// The origin of read_clock() is that of CLOCK_MONOTONIC, which systemd compares.
void ServiceManager::reloading(Instant now) const {
    send("RELOADING=1\nMONOTONIC_USEC=" + in_us(now.time_since_epoch()));
}

void ServiceManager::stopping(Duration time_max) const {
    send("STOPPING=1\nSTATUS=Stopping\nEXTEND_TIMEOUT_USEC=" + in_us(time_max));
}

void ServiceManager::status(std::string_view text) const { send("STATUS=" + std::string(text)); }

void ServiceManager::extend_timeout(Duration time_max) const { send("EXTEND_TIMEOUT_USEC=" + in_us(time_max)); }

void ServiceManager::feed_watchdog() const { send("WATCHDOG=1"); }

void ServiceManager::send(std::string_view state) const {
    // A valid value is "/" or "@", and at least one more character (sd_notify(3)).
    if (socket_.size() < 2) return;
    const std::string_view path = socket_;
    const auto address =
        // "@" stands for the zero byte that begins an abstract name of Linux (unix(7)).
        path.front() == '@' ? os::SocketAddress::of_abstract_name(path.substr(1)) : os::SocketAddress::of_path(path);
    const os::Descriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!address || !socket.is_open()) return;
    // Without waiting: a service manager that does not read must not stop the loop.
    [[maybe_unused]] const ssize_t sent = ::sendto(socket.get(), state.data(), state.size(),
                                                   MSG_NOSIGNAL | MSG_DONTWAIT, address->get(), address->size());
}

}  // namespace ledge::daemon
