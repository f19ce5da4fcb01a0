#include "ledge/uplink/queue_figures.hpp"

#include <algorithm>
#include <optional>

namespace ledge::uplink {

namespace {

template <class Numbers, std::size_t Count>
void add_members(Numbers& sum, const Numbers& other, std::uint64_t Numbers::*const (&members)[Count]) {
    for (const auto member : members) sum.*member += other.*member;
}

/// 0 = unlimited, and so is the sum.
std::uint64_t sum_of_limits(std::uint64_t a, std::uint64_t b) { return a == 0 || b == 0 ? 0 : a + b; }

/// nullopt = this queue does not become full.
std::optional<Duration> sooner(const std::optional<Duration>& a, const std::optional<Duration>& b) {
    return a && b ? std::min(*a, *b) : (a ? a : b);
}

/// nullopt = one of the queues does not become empty, or both are empty.
std::optional<Duration> later_of_queues(const QueueFigures& a, const QueueFigures& b) {
    const std::optional<Duration>& of_a = a.flow.time_to_empty;
    const std::optional<Duration>& of_b = b.flow.time_to_empty;
    if ((!of_a && a.now.messages > 0) || (!of_b && b.now.messages > 0)) return {};
    return of_a && of_b ? std::max(*of_a, *of_b) : (of_a ? of_a : of_b);
}

}  // namespace

void add_losses(broker::QueueLosses& sum, const broker::QueueLosses& other) {
    using Losses = broker::QueueLosses;
    static constexpr std::uint64_t Losses::*of_losses[] = {
        &Losses::queue_full, &Losses::refused,    &Losses::memory,  &Losses::slow_reader,      &Losses::expired,
        &Losses::replaced,   &Losses::unreadable, &Losses::cleared, &Losses::removed_messages, &Losses::removed_bytes,
    };
    static_assert(sizeof of_losses / sizeof *of_losses == sizeof(Losses) / sizeof(std::uint64_t));
    add_members(sum, other, of_losses);
}

void QueueFigures::add(const QueueFigures& other) {
    using Reading = bridge::FlowReading;
    static constexpr std::uint64_t Reading::*of_reading[] = {
        &Reading::arrived_messages,
        &Reading::arrived_bytes,
        &Reading::removed_messages,
        &Reading::removed_bytes,
        &Reading::overflows,
        &Reading::messages,
        &Reading::bytes,
        &Reading::waiting_messages,
        &Reading::waiting_bytes,
    };
    flow.time_to_full = sooner(flow.time_to_full, other.flow.time_to_full);
    flow.time_to_empty = later_of_queues(*this, other);
    flow.arrival_messages_per_s += other.flow.arrival_messages_per_s;
    flow.arrival_bytes_per_s += other.flow.arrival_bytes_per_s;
    flow.service_messages_per_s += other.flow.service_messages_per_s;
    flow.service_bytes_per_s += other.flow.service_bytes_per_s;
    flow.is_judged = flow.is_judged && other.flow.is_judged;
    capacity.messages = sum_of_limits(capacity.messages, other.capacity.messages);
    capacity.bytes = sum_of_limits(capacity.bytes, other.capacity.bytes);
    add_members(now, other.now, of_reading);
    now.is_connected = now.is_connected && other.now.is_connected;
    if (other.age.age > age.age) age = other.age;
    add_losses(losses, other.losses);
    is_filling = is_filling || other.is_filling;
}

}  // namespace ledge::uplink
