// StopSignals: SIGINT and SIGTERM end a command in order instead of at once. The owner makes the object before any
// thread is started, because a thread of the process that does not block the signals would die of them. On the main
// thread.
#pragma once

#include <csignal>

#include "ledge/net/poller.hpp"
#include "ledge/os/descriptor.hpp"

namespace ledge::cli {

class StopSignals final : private net::Pollable {
public:
    /// From now on both signals only become readable. `poller` and `is_stopped` must outlive the object; a signal sets
    /// `is_stopped` while the poller runs. If the system refuses a descriptor, the signals keep their usual effect.
    StopSignals(net::Poller& poller, bool& is_stopped);
    ~StopSignals();
    StopSignals(const StopSignals&) = delete;
    StopSignals& operator=(const StopSignals&) = delete;

private:
    void on_ready(std::uint32_t events) override;

    net::Poller& poller_;
    bool& is_stopped_;
    sigset_t before_{};  // the blocked signals of the thread before
    os::Descriptor signals_;
};

}  // namespace ledge::cli
