// ServiceManager: what the broker tells systemd (Type=notify), by datagrams as sd_notify(3) describes them. Without
// NOTIFY_SOCKET nothing is sent. A failure has no remedy: the service manager notices the absence of a datagram.
// serve() owns the object; on the main thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ledge/base/time.hpp"

namespace ledge::daemon {

class ServiceManager {
public:
    /// Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID from the environment.
    ServiceManager();

    /// The broker serves. `status` is one line for people, which `systemctl status` shows.
    void ready(std::string_view status) const;
    /// As above, after an upgrade: from now on this process is the main one of the service.
    void ready_as_main(std::string_view status) const;
    /// The configuration is being read again. ready() or still_ready() must follow.
    void reloading(Instant now) const;
    void still_ready() const { send("READY=1"); }
    /// The broker ends within `time_max`.
    void stopping(Duration time_max) const;
    void status(std::string_view text) const;
    /// The start, the stop or the reload that is under way may take `time_max` from now on, longer than configured.
    void extend_timeout(Duration time_max) const;

    /// The time between two calls of feed_watchdog(): half of WatchdogSec=. nullopt = nobody watches this process.
    std::optional<Duration> watchdog_interval() const { return watchdog_interval_; }
    void feed_watchdog() const;

private:
    void send(std::string_view state) const;

    std::string socket_;  // "" = no service manager
    std::optional<Duration> watchdog_interval_;
};

}  // namespace ledge::daemon
