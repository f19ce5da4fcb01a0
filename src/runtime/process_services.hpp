// ProcessServices: the tasks of a running process beside serving clients. It turns signals into calls, has changed
// files with users and rights read again, measures memory, and writes log lines that had to wait for the log's reader.
// A BrokerLoop owns the object and calls it on its thread.
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
    /// `options` and `shard` must outlive this object. `on_signal` gets each signal's number. Throws
    /// boost::system::system_error when the system refuses to report signals.
    ProcessServices(boost::asio::io_context& io, const BrokerLoopOptions& options, broker::Shard& shard,
                    std::function<void(int)> on_signal);
    ProcessServices(const ProcessServices&) = delete;
    ProcessServices& operator=(const ProcessServices&) = delete;

    /// Sets the files to watch. BrokerLoopOptions::on_policy_files is called when one of them has changed.
    void watch_files(std::vector<std::string> files, Instant now);
    const std::vector<std::string>& watched_files() const { return policy_files_.paths(); }
    /// Calls BrokerLoopOptions::on_hang_up, which reads the configuration again. Called after SIGHUP.
    void read_configuration_again();

    /// Does the tasks that are due.
    void on_time(Instant now);
    Instant next_deadline() const;

    /// Called once per turn. Returns true when the memory was measured; the shard may then have disconnected clients to
    /// get memory back.
    bool measure_memory(Instant now);

private:
    void look_at_files(Instant now);
    void settle_log(Instant now);
    bool is_log_behind() const { return options_.log_owes && options_.log_owes(); }

    const BrokerLoopOptions& options_;
    broker::Shard& shard_;
    std::unique_ptr<Signals> signals_;  // nullptr = the embedding program handles the signals
    os::FileWatch policy_files_{{}, Instant{}};
    Instant measure_at_ = Instant::min();     // the next measurement of memory, if there is a budget
    Instant settle_log_at_ = Instant::min();  // the next write of waiting log lines
    bool is_memory_short_ = false;
};

}  // namespace ledge::runtime
