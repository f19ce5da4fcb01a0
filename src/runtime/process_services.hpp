// ProcessServices: what a running process owes its operator beside serving clients. It turns signals into calls, has
// files with users and rights read again, measures memory, and lets the log catch up with its reader. Owned by a
// BrokerLoop, on its thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "ledge/base/time.hpp"
#include "ledge/os/file_watch.hpp"
#include "ledge/runtime/broker_loop.hpp"
#include "signals.hpp"

namespace ledge::broker {
class Shard;
}

namespace ledge::runtime {

class ProcessServices {
public:
    /// `options` and `shard` outlive this. `on_signal` gets each signal's number. Throws boost::system::system_error
    /// when the system refuses to report signals.
    ProcessServices(boost::asio::io_context& io, const BrokerLoopOptions& options, broker::Shard& shard,
                    std::function<void(int)> on_signal);
    ProcessServices(const ProcessServices&) = delete;
    ProcessServices& operator=(const ProcessServices&) = delete;

    /// The files whose change makes on_policy_files be called.
    void watch_files(std::vector<std::string> files, Instant now);
    const std::vector<std::string>& watched_files() const { return policy_files_.paths(); }
    /// SIGHUP: has the configuration read again.
    void read_configuration_again();

    /// Does what is due; then next_deadline() is later than now.
    void on_time(Instant now);
    Instant next_deadline() const;

    /// Once a turn. True: the memory was measured, and the shard may have disconnected clients to get memory back.
    bool measure_memory(Instant now);

private:
    void look_at_files(Instant now);
    void settle_log(Instant now);
    bool is_log_behind() const { return options_.log_owes && options_.log_owes(); }

    const BrokerLoopOptions& options_;
    broker::Shard& shard_;
    std::unique_ptr<Signals> signals_;  // nullptr: somebody else handles them
    os::FileWatch policy_files_{{}, Instant{}};
    Instant measure_at_ = Instant::min();  // the memory, if there is a budget
    Instant settle_log_at_ = Instant::min();
    bool is_memory_short_ = false;
};

}  // namespace ledge::runtime
