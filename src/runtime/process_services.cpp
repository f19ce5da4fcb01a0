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

ProcessServices::ProcessServices(boost::asio::io_context& io, const BrokerLoopOptions& options, broker::Shard& shard,
                                 std::function<void(int)> on_signal)
    : options_(options), shard_(shard) {
    if (options_.handles_signals) signals_ = std::make_unique<Signals>(io, std::move(on_signal));
}

// ---------------------------------------------------------------------------------------------------------------------
// Files

void ProcessServices::watch_files(std::vector<std::string> files, Instant now) {
    policy_files_ = os::FileWatch(std::move(files), now);
}

/// The files' dates are noted before the files are read, so that a change during the reading is noticed later. If the
/// configuration is refused, the former dates are restored: the files still differ from the policy in force.
void ProcessServices::read_configuration_again() {
    if (!options_.on_hang_up) return;
    const os::FileWatch before = policy_files_;
    policy_files_.accept();
    if (options_.on_hang_up() == Reloaded::in_force) return;
    policy_files_ = before;
    shard_.note_reload(false);
}

void ProcessServices::look_at_files(Instant now) {
    if (!policy_files_.on_time(now) || !options_.on_policy_files) return;
    if (options_.on_policy_files() == Reloaded::refused) shard_.note_reload(false);
}

// ---------------------------------------------------------------------------------------------------------------------
// Memory and log

/// Memory is measured in turns that happen for other reasons, because an idle broker does not grow and need not wake up
/// for the measurement. Near the budget the allocator first returns the memory that it keeps for later use: the system
/// counts that memory as the process's, but nothing uses it.
bool ProcessServices::measure_memory(Instant now) {
    using session::MemoryBudget;
    const std::uint64_t budget = options_.shard.memory_budget_bytes;
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

void ProcessServices::settle_log(Instant now) {
    if (settle_log_at_ > now || !is_log_behind()) return;
    LEDGE_ASSERT(options_.settle_log);  // whoever sets log_owes sets settle_log too
    settle_log_at_ = now + settle_interval;
    options_.settle_log();
}

// ---------------------------------------------------------------------------------------------------------------------
// Time

void ProcessServices::on_time(Instant now) {
    look_at_files(now);
    settle_log(now);
}

Instant ProcessServices::next_deadline() const {
    Instant earliest = policy_files_.next_deadline();
    if (is_memory_short_) earliest = std::min(earliest, measure_at_);
    if (is_log_behind()) earliest = std::min(earliest, settle_log_at_);
    return earliest;
}

}  // namespace ledge::runtime
