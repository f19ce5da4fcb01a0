// Memory budget: what the core holds for its clients as one running sum, which the owners keep, and how near the
// process is to its budget. What is not summed (tables, TLS, the allocator's gaps) is known from time to time, when
// somebody outside measures the process's resident anonymous memory: the difference then counts as constant until the
// next measurement. Pages of mapped files (the store's) are not in it: the kernel drops them by itself when it needs
// memory, so nothing has to give way for them.
//
// Under pressure things go in an order, each step with the earlier ones:
//     slow_readers    no QoS 0 for a client that has more than its share unsent
//     new_clients     an owner with more than table_share() gets new sessions only in place of its old ones, and no new
//                     subscriptions; others get in (broker/session_room.cpp)
//     slowest         those who hold most give way until relief_percent is reached (broker/overload.hpp), and nothing
//                     more is kept that only memory would keep for a client that is away or slow
// What has a place in the store goes there in every case.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

#include "ledge/session/pressure.hpp"

namespace ledge::session {

class MemoryBudget {
public:
    // Of the budget, from where on a step is taken. What is between the last one and the whole is for what happens
    // until somebody looks, and for what is not summed.
    static constexpr unsigned slow_readers_percent = 60;
    static constexpr unsigned new_clients_percent = 70;
    static constexpr unsigned slowest_percent = 80;
    static constexpr unsigned relief_percent = 70;     // so much is left when the slowest have gone
    static constexpr unsigned exhausted_percent = 95;  // from here on new sessions are refused, if nobody gives way
    static constexpr unsigned hysteresis_percent = 5;  // a step ends so far below where it began

    static constexpr std::uint64_t share_bytes_min = 2048;
    static constexpr std::uint64_t share_bytes_max = 256 * 1024;

    // Blocks of the allocator that are not worth a sum of their own, in bytes.
    static constexpr std::uint64_t block_overhead = 16;
    static constexpr std::uint64_t connection_bytes = 900;  // with its link and its place in the tables
    static constexpr std::uint64_t session_bytes = 600;
    static constexpr std::uint64_t subscription_bytes = 96;  // beside the text of its filter

    // Parts of the budget.
    static constexpr std::uint64_t strangers_part = 8;  // for packets of peers whose CONNECT is not accepted
    static constexpr std::uint64_t tables_part = 16;    // of one owner, before it is asked to give way

    /// `budget`: in bytes; 0: there is none, and no pressure.
    explicit MemoryBudget(std::uint64_t budget = 0) : budget_(budget) { set_attention(); }
    MemoryBudget(const MemoryBudget&) = delete;
    MemoryBudget& operator=(const MemoryBudget&) = delete;

    // For the owners
    void add(std::uint64_t bytes) { held_ += bytes; }
    void remove(std::uint64_t bytes) { held_ -= bytes; }
    /// For those that keep the sum themselves (Blob, BufferPool); they do not outlive it.
    std::uint64_t* account() { return &held_; }

    // Strangers: peers whose CONNECT is not accepted (yet). What they have sent is part of held().
    void add_of_strangers(std::uint64_t bytes) { strangers_ += bytes; }
    void remove_of_strangers(std::uint64_t bytes) { strangers_ -= bytes; }
    std::uint64_t strangers() const { return strangers_; }
    std::uint64_t strangers_max() const { return is_set() ? budget_ / strangers_part : no_limit; }
    bool strangers_exceed() const { return strangers_ > strangers_max(); }
    /// What has to go when they exceed: a quarter more than that, so that it does not come to it with each packet.
    std::uint64_t excess_of_strangers() const { return strangers_ - strangers_max() / 4 * 3; }

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
    /// The process has `bytes` of resident anonymous memory. Then judge.
    void note_anonymous_memory(std::uint64_t bytes) {
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
    /// Sessions and subscriptions of an owner with more than table_share() of them do not grow any more.
    bool is_tight() const { return pressure_ >= Pressure::new_clients; }
    std::uint64_t table_share() const { return is_set() ? budget_ / tables_part : no_limit; }
    /// Nothing is left for new sessions, whoever wants them.
    bool is_exhausted() const { return is_set() && used() >= percent(exhausted_percent); }
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
    std::uint64_t strangers_ = 0;  // of held_: packets of peers whose CONNECT is not accepted
    std::uint64_t other_ = 0;      // measured beyond held_, at the last measurement
    std::uint64_t measured_ = 0;   // held_ then
    Pressure pressure_ = Pressure::none;
};

}  // namespace ledge::session
