// ProcessServices: the tasks of a running process beside serving clients. It turns signals into calls, measures memory,
// and writes log lines that had to wait for the log's reader. A BrokerLoop owns the object and calls it on its thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>

#include "ledge/base/time.hpp"
#include "signals.hpp"

namespace ledge::broker {
class Shard;
}

namespace ledge::runtime {

class ProcessServices {
public:
    struct Options {
        std::uint64_t memory_budget_bytes = 0;    // 0 = unlimited
        std::function<bool()> has_unwritten_log;  // see BrokerLoopOptions
        std::function<void()> write_log;          // required if has_unwritten_log is set
        Duration heartbeat_interval{};            // see BrokerLoopOptions
        std::function<void()> on_heartbeat;       // required with heartbeat_interval
        std::function<void(int)> on_signal;       // gets each signal's number; empty = signals are not handled
    };
    /// Throws boost::system::system_error when the system refuses to report signals.
    ProcessServices(boost::asio::io_context& io, broker::Shard& shard, Options options);
    ProcessServices(const ProcessServices&) = delete;
    ProcessServices& operator=(const ProcessServices&) = delete;

    /// Does the tasks that are due.
    void on_time(Instant now);
    Instant next_deadline() const;

    /// Called once per turn. Returns true when the memory was measured; the shard may then have disconnected clients to
    /// get memory back.
    bool measure_memory(Instant now);

private:
    void write_log(Instant now);
    void beat(Instant now);
    bool is_log_behind() const { return options_.has_unwritten_log && options_.has_unwritten_log(); }

    Options options_;
    broker::Shard& shard_;
    std::unique_ptr<Signals> signals_;       // nullptr = the embedding program handles the signals
    Instant measure_at_ = Instant::min();    // the next measurement of memory, if there is a budget
    Instant write_log_at_ = Instant::min();  // the next write of waiting log lines
    Instant heartbeat_at_ = never;           // the next heartbeat, if there are any
    bool is_memory_short_ = false;
};

}  // namespace ledge::runtime
