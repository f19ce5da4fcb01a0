#include "process_services.hpp"

#include <malloc.h>

#include <algorithm>
#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/broker/shard.hpp"
#include "ledge/runtime/memory.hpp"
#include "ledge/session/memory_budget.hpp"

namespace ledge::runtime {
namespace {

constexpr Duration settle_interval = 1s;  // between two attempts to write log lines that wait for the reader
constexpr Duration measure_interval = 1s;
constexpr Duration measure_interval_short = 100ms;  // while memory is short

}  // namespace

ProcessServices::ProcessServices(boost::asio::io_context& io, broker::Shard& shard, Options options)
    : options_(std::move(options)), shard_(shard) {
    LEDGE_ASSERT(!options_.has_unwritten_log || options_.write_log);
    LEDGE_ASSERT(options_.heartbeat_interval == Duration::zero() || options_.on_heartbeat);
    if (options_.heartbeat_interval > Duration::zero()) heartbeat_at_ = Instant::min();
    if (options_.on_signal) signals_ = std::make_unique<Signals>(io, options_.on_signal);
}

// ---------------------------------------------------------------------------------------------------------------------
// Memory and log

/// Memory is measured in turns that happen for other reasons, because an idle broker does not grow and need not wake up
/// for the measurement. Near the budget the allocator first returns the memory that it keeps for later use: the system
/// counts that memory as the process's, but nothing uses it.
bool ProcessServices::measure_memory(Instant now) {
    using session::MemoryBudget;
    const std::uint64_t budget = options_.memory_budget_bytes;
    if (budget == 0 || measure_at_ > now) return false;
    constexpr unsigned trim_percent = MemoryBudget::slow_readers_percent - MemoryBudget::hysteresis_percent;
    std::uint64_t used = anonymous_bytes();
    if (used >= budget / 100 * trim_percent) {
        ::malloc_trim(0);
        used = anonymous_bytes();
    }
    is_memory_short_ = shard_.note_anonymous_memory(used) != session::Pressure::none;
    measure_at_ = now + (is_memory_short_ ? measure_interval_short : measure_interval);
    return true;
}

void ProcessServices::write_log(Instant now) {
    if (write_log_at_ > now || !is_log_behind()) return;
    write_log_at_ = now + settle_interval;
    options_.write_log();
}

/// Called by a turn only, so a loop that hangs beats no more.
void ProcessServices::beat(Instant now) {
    if (heartbeat_at_ > now) return;
    heartbeat_at_ = now + options_.heartbeat_interval;
    options_.on_heartbeat();
}

// ---------------------------------------------------------------------------------------------------------------------
// Time

void ProcessServices::on_time(Instant now) {
    write_log(now);
    beat(now);
}

Instant ProcessServices::next_deadline() const {
    Instant earliest = heartbeat_at_;
    if (is_memory_short_) earliest = std::min(earliest, measure_at_);
    if (is_log_behind()) earliest = std::min(earliest, write_log_at_);
    return earliest;
}

}  // namespace ledge::runtime
