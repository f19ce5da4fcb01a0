// Memory budget: what the core holds for its clients as one running sum, which the owners keep, and how near the
// process is to its budget. What is not summed (tables, TLS, the allocator's gaps) is known from time to time, when
// somebody outside measures the resident memory: the difference then counts as constant until the next measurement.
//
// Under pressure things go in an order, each step with the earlier ones:
//     slow_readers    no QoS 0 for a client that has more than its share unsent
//     new_clients     CONNECT is refused with server busy, new subscriptions with quota exceeded
//     slowest         those for whom most is kept are disconnected, until relief_percent is reached; queues that only
//                     memory has are dropped, and nothing more is kept there for who is away or slow
// What has a place in the store goes there in every case.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

namespace ledge::session {

enum class Pressure : std::uint8_t { none, slow_readers, new_clients, slowest };

/// "none", "slow_readers", "new_clients", "slowest".
std::string_view name_of(Pressure pressure);

class MemoryBudget {
public:
    // Of the budget, from where on a step is taken. What is between the last one and the whole is for what happens
    // until somebody looks, and for what is not summed.
    static constexpr unsigned slow_readers_percent = 60;
    static constexpr unsigned new_clients_percent = 70;
    static constexpr unsigned slowest_percent = 80;
    static constexpr unsigned relief_percent = 70;     // so much is left when the slowest have gone
    static constexpr unsigned hysteresis_percent = 5;  // a step ends so far below where it began

    static constexpr std::uint64_t share_bytes_min = 2048;
    static constexpr std::uint64_t share_bytes_max = 256 * 1024;

    // Blocks of the allocator that are not worth a sum of their own, in bytes.
    static constexpr std::uint64_t block_overhead = 16;
    static constexpr std::uint64_t connection_bytes = 900;  // with its link and its place in the tables
    static constexpr std::uint64_t session_bytes = 600;

    /// `budget`: in bytes; 0: there is none, and no pressure.
    explicit MemoryBudget(std::uint64_t budget = 0) : budget_(budget) { set_attention(); }
    MemoryBudget(const MemoryBudget&) = delete;
    MemoryBudget& operator=(const MemoryBudget&) = delete;

    // For the owners
    void add(std::uint64_t bytes) { held_ += bytes; }
    void remove(std::uint64_t bytes) { held_ -= bytes; }
    /// For those that keep the sum themselves (Blob, BufferPool); they do not outlive it.
    std::uint64_t* account() { return &held_; }

    // For the shard
    bool is_set() const { return budget_ != 0; }
    std::uint64_t budget() const { return budget_; }
    std::uint64_t held() const { return held_; }
    /// What has come since the last measurement counts half as much again: the gaps that it leaves in the allocator are
    /// resident too, and nobody has seen them yet.
    std::uint64_t used() const { return held_ + other_ + (held_ > measured_ ? (held_ - measured_) / 2 : 0); }
    Pressure pressure() const { return pressure_; }
    /// Time to judge: a step may have to be taken. One comparison, for each message.
    bool wants_attention() const { return held_ >= attention_; }
    /// The process has so many bytes resident. Then judge.
    void note_resident(std::uint64_t bytes) {
        other_ = bytes > held_ ? bytes - held_ : 0;
        measured_ = held_;
    }
    /// Decides about the pressure. `clients`: among how many the memory is shared.
    Pressure judge(std::size_t clients);
    /// Bytes that have to go when the slowest are disconnected.
    std::uint64_t excess() const;

    // For those who act
    /// Unsent bytes from where on a client is a slow reader; `limit` without pressure.
    std::uint64_t outbox_bytes_max(std::uint64_t limit) const { return std::min(limit, share_); }
    bool refuses_clients() const { return pressure_ >= Pressure::new_clients; }
    /// Nothing more is kept in memory only for those who are away.
    bool refuses_to_keep() const { return pressure_ == Pressure::slowest; }

private:
    static constexpr std::uint64_t no_limit = std::numeric_limits<std::uint64_t>::max();

    std::uint64_t percent(unsigned share) const { return budget_ / 100 * share; }
    void set_attention();

    std::uint64_t held_ = 0;
    std::uint64_t attention_ = no_limit;  // of held_
    std::uint64_t share_ = no_limit;
    std::uint64_t budget_;
    std::uint64_t other_ = 0;     // resident beyond held_, as of the last measurement
    std::uint64_t measured_ = 0;  // held_ then
    Pressure pressure_ = Pressure::none;
};

}  // namespace ledge::session
