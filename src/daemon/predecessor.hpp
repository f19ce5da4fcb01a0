// Predecessor: what this process got from the process that has started it: sockets of the service manager (systemd's
// socket activation), or the sockets of the broker that it replaces in an upgrade, and the channel to that broker.
// serve() owns the object; on the main thread.
//
// Environment := LISTEN_FDS=number LISTEN_FDNAMES=name:name:... (LISTEN_PID=own-pid | LEDGEMQ_UPGRADE=parent-pid)
// Descriptors begin with 3, as sd_listen_fds(3) says. In an upgrade, LEDGEMQ_UPGRADE replaces LISTEN_PID, because a
// process learns the number of its child only when the child runs already. The first descriptor is then the channel,
// and each name begins with "+" if the broker has made the file of a Unix socket, and with "-" otherwise.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ledge/base/error.hpp"
#include "ledge/base/result.hpp"
#include "ledge/base/time.hpp"
#include "ledge/os/given_sockets.hpp"
#include "upgrade_channel.hpp"

namespace ledge::daemon {

class Predecessor {
public:
    /// The new broker waits so long until the old one has closed the store: the largest broker.stop_time_max_s, and a
    /// minute for the disk.
    static constexpr Duration store_wait_max = 11min;

    /// Reads the environment, and removes the variables for the programs that the broker starts. The error says what is
    /// wrong with the descriptors.
    static Result<Predecessor, Error> from_environment();

    /// True: this process replaces a running broker.
    bool is_upgrade() const { return channel_.is_open(); }
    /// The sockets. Those that no listener has taken are refused or closed by the caller.
    os::GivenSockets& sockets() { return sockets_; }

    /// In an upgrade: tells the old broker that this one is ready, and waits until the store is closed. False: the old
    /// broker has ended or does not answer, so the store cannot be opened. Without an upgrade true at once.
    bool await_store();
    /// In an upgrade: tells the old broker that this one serves, and forgets the old broker.
    void tell_serving();

private:
    Predecessor() = default;
    Result<bool, Error> take(int count, std::string_view names, bool is_upgrade);

    os::GivenSockets sockets_;
    UpgradeChannel channel_;
};

/// The environment of this process for the new broker of an upgrade, which gets the channel and these sockets in their
/// order.
std::vector<std::string> environment_for_successor(const std::vector<os::GivenSocket>& sockets);

}  // namespace ledge::daemon
