#include "ledge/session/memory_budget.hpp"

#include <array>

namespace ledge::session {

namespace {

constexpr std::array<unsigned, 4> begins_at = {0, MemoryBudget::slow_readers_percent, MemoryBudget::new_clients_percent,
                                               MemoryBudget::slowest_percent};
constexpr std::array<std::string_view, 4> names = {"none", "slow_readers", "new_clients", "slowest"};

Pressure next(Pressure pressure) { return static_cast<Pressure>(static_cast<std::uint8_t>(pressure) + 1); }
Pressure previous(Pressure pressure) { return static_cast<Pressure>(static_cast<std::uint8_t>(pressure) - 1); }
unsigned begin_of(Pressure pressure) { return begins_at[static_cast<std::size_t>(pressure)]; }

}  // namespace

std::string_view name_of(Pressure pressure) { return names[static_cast<std::size_t>(pressure)]; }

Pressure MemoryBudget::judge(std::size_t clients) {
    if (!is_set()) return pressure_;
    while (pressure_ != Pressure::slowest && used() >= percent(begin_of(next(pressure_)))) pressure_ = next(pressure_);
    while (pressure_ != Pressure::none && used() < percent(begin_of(pressure_) - hysteresis_percent))
        pressure_ = previous(pressure_);
    // All clients together share an eighth of the budget for their unsent bytes.
    const std::uint64_t fair = budget_ / 8 / std::max<std::size_t>(clients, 1);
    share_ = pressure_ == Pressure::none ? no_limit : std::clamp(fair, share_bytes_min, share_bytes_max);
    set_judge_at();
    return pressure_;
}

std::uint64_t MemoryBudget::excess() const {
    if (pressure_ != Pressure::slowest || used() < percent(slowest_percent)) return 0;
    return used() - percent(slowest_end_percent);
}

// The next call of judge() is needed when the next step is reached. At the last step: whenever another hundredth of the
// budget has been used nevertheless.
void MemoryBudget::set_judge_at() {
    if (!is_set()) return;
    const std::uint64_t used_then = pressure_ == Pressure::slowest
                                        ? std::max(used() + percent(1), percent(slowest_percent))
                                        : percent(begin_of(next(pressure_)));
    const std::uint64_t held_then = used_then > other_ ? used_then - other_ : held_ + percent(1);
    // used() counts memory above `measured_` one and a half times, so two thirds of the way there are enough.
    judge_at_ = held_then > measured_ ? measured_ + (held_then - measured_) / 3 * 2 : held_then;
}

// Blobs count into the one sum alone, because a second one would cost each message. So their sum is what the other
// kinds leave.
MemoryByKind MemoryBudget::by_kind(std::uint64_t outboxes) const {
    MemoryByKind result = by_kind_;
    result[static_cast<std::size_t>(MemoryKind::outboxes)] = outboxes;
    std::uint64_t known = 0;
    for (const std::uint64_t bytes : result) known += bytes;
    result[static_cast<std::size_t>(MemoryKind::messages)] = held_ - std::min(held_, known);
    result[static_cast<std::size_t>(MemoryKind::elsewhere)] = used() - held_;
    return result;
}

}  // namespace ledge::session
