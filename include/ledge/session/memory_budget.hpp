// Memory budget: how much memory the core holds for its clients, and how near the process is to its budget. The parts
// of the core add up what they allocate, in one running sum. Memory outside the sum (tables, TLS, the allocator's gaps)
// is found by measuring the resident anonymous memory of the process from time to time: the difference counts as
// constant until the next measurement. Pages of mapped files (the store's) are not counted. The kernel reclaims them by
// itself when it needs memory, so no client has to give way for them. Owned by the shard; used on the shard's thread.
//
// Under pressure the broker takes these steps. Each step includes the earlier ones:
//     slow_readers    no QoS 0 message is sent to a client whose unsent bytes exceed its share
//     new_clients     an owner with more than table_share() gets a new session only in place of an old one, and no new
//                     subscriptions; other owners are not restricted (broker/session_room.cpp)
//     slowest         the clients that hold most give way until the use has fallen to slowest_end_percent
//                     (broker/overload.hpp); and a message for an offline or slow client is kept only in the store
// Messages that have a place in the store go there in every case.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

#include "ledge/base/assert.hpp"
#include "ledge/session/memory_kinds.hpp"
#include "ledge/session/pressure.hpp"

namespace ledge::session {

class MemoryBudget {
public:
    // Percent of the budget at which each step begins. The rest above the last step is for memory that grows before the
    // next check, and for memory that the sum does not contain.
    static constexpr unsigned slow_readers_percent = 60;
    static constexpr unsigned new_clients_percent = 70;
    static constexpr unsigned slowest_percent = 80;
    static constexpr unsigned slowest_end_percent = 70;  // step `slowest`: clients give way until the use is down here
    static constexpr unsigned exhausted_percent = 95;    // new sessions are refused, unless another session gives way
    static constexpr unsigned hysteresis_percent = 5;    // a step ends this far below the use at which it began

    // Limits of one client's share of unsent bytes under pressure.
    static constexpr std::uint64_t share_bytes_min = 2048;
    static constexpr std::uint64_t share_bytes_max = 256 * 1024;

    // Fixed estimates in bytes, for objects that are not measured one by one.
    static constexpr std::uint64_t block_overhead = 16;      // of the allocator, for each block
    static constexpr std::uint64_t connection_bytes = 900;   // with its link and its entries in tables
    static constexpr std::uint64_t session_bytes = 600;      // without client id, will, subscriptions and messages
    static constexpr std::uint64_t subscription_bytes = 96;  // without the text of the filter

    // The budget is divided by these numbers.
    static constexpr std::uint64_t unauthenticated_part = 8;  // for packets of peers whose CONNECT is not accepted
    static constexpr std::uint64_t tables_part = 16;  // for the tables of one owner before its sessions give way

    /// `budget` = bytes; 0 = no budget, and never any pressure.
    explicit MemoryBudget(std::uint64_t budget = 0) : budget_(budget) { set_judge_at(); }
    MemoryBudget(const MemoryBudget&) = delete;
    MemoryBudget& operator=(const MemoryBudget&) = delete;

    // For the parts of the core that allocate memory. `kind` is not `messages`: Blob counts those by account().
    void add(MemoryKind kind, std::uint64_t bytes) {
        held_ += bytes;
        by_kind_[static_cast<std::size_t>(kind)] += bytes;
    }
    void remove(MemoryKind kind, std::uint64_t bytes) {
        std::uint64_t& of_kind = by_kind_[static_cast<std::size_t>(kind)];
        LEDGE_ASSERT(bytes <= held_ && bytes <= of_kind);
        held_ -= bytes;
        of_kind -= bytes;
    }
    /// For classes that change the sum by themselves (Blob, BufferPool). Their objects must not outlive the budget.
    std::uint64_t* account() { return &held_; }

    // Unauthenticated peers are those whose CONNECT was not accepted yet. Their bytes are part of held().
    void add_unauthenticated(std::uint64_t bytes) { unauthenticated_ += bytes; }
    void remove_unauthenticated(std::uint64_t bytes) {
        LEDGE_ASSERT(bytes <= unauthenticated_);
        unauthenticated_ -= bytes;
    }
    std::uint64_t unauthenticated() const { return unauthenticated_; }
    std::uint64_t unauthenticated_max() const { return is_set() ? budget_ / unauthenticated_part : no_limit; }
    bool unauthenticated_exceed() const { return unauthenticated_ > unauthenticated_max(); }
    /// Bytes to free when the unauthenticated peers exceed their limit. Three quarters of the limit remain in use, so
    /// that the next packets do not exceed it again at once. Requires unauthenticated_exceed().
    std::uint64_t unauthenticated_excess() const {
        LEDGE_ASSERT(unauthenticated_exceed());
        return unauthenticated_ - unauthenticated_max() / 4 * 3;
    }

    // For the shard.
    bool is_set() const { return budget_ != 0; }
    std::uint64_t budget() const { return budget_; }
    std::uint64_t held() const { return held_; }
    /// held() by kind, and what the last measurement found in addition. `outboxes` = the memory of the buffer pool,
    /// which is a part of held().
    MemoryByKind by_kind(std::uint64_t outboxes) const;
    /// Bytes in use, as an estimate. Memory allocated since the last measurement counts one and a half times, because
    /// the allocator's gaps between the new blocks are resident too, and were not measured yet.
    std::uint64_t used() const { return held_ + other_ + (held_ > measured_ ? (held_ - measured_) / 2 : 0); }
    Pressure pressure() const { return pressure_; }
    /// True when a step may have to be taken, so that judge() must be called. One comparison, because it runs for each
    /// message.
    bool must_judge() const { return held_ >= judge_at_; }
    /// The process has `bytes` of resident anonymous memory. judge() must follow.
    void note_anonymous_memory(std::uint64_t bytes) {
        other_ = bytes > held_ ? bytes - held_ : 0;
        measured_ = held_;
    }
    /// Decides which step the pressure has reached. `clients` = the number of clients that share the memory.
    Pressure judge(std::size_t clients);
    /// Bytes to free at step `slowest`; 0 at the other steps.
    std::uint64_t excess() const;

    // For the parts of the broker that restrict clients.
    /// A client with more unsent bytes than this is a slow reader. Without pressure this is `limit`.
    std::uint64_t outbox_bytes_max(std::uint64_t limit) const { return std::min(limit, share_); }
    /// True when an owner with more than table_share() gets no more sessions and subscriptions.
    bool is_tight() const { return pressure_ >= Pressure::new_clients; }
    std::uint64_t table_share() const { return is_set() ? budget_ / tables_part : no_limit; }
    /// True when no memory is left for a new session of any owner.
    bool is_exhausted() const { return is_set() && used() >= percent(exhausted_percent); }
    /// True when messages for offline and slow clients are no longer kept in memory only.
    bool refuses_to_keep() const { return pressure_ == Pressure::slowest; }

private:
    static constexpr std::uint64_t no_limit = std::numeric_limits<std::uint64_t>::max();

    std::uint64_t percent(unsigned share) const { return budget_ / 100 * share; }
    void set_judge_at();

    std::uint64_t held_ = 0;
    MemoryByKind by_kind_{};             // of held_, as far as add() knows the kind
    std::uint64_t judge_at_ = no_limit;  // value of held_ at which judge() must be called
    std::uint64_t share_ = no_limit;     // unsent bytes that one client may have
    std::uint64_t budget_;
    std::uint64_t unauthenticated_ = 0;  // the part of held_ that unauthenticated peers have sent
    std::uint64_t other_ = 0;            // bytes that the last measurement found in addition to held_
    std::uint64_t measured_ = 0;         // held_ at the last measurement
    Pressure pressure_ = Pressure::none;
};

}  // namespace ledge::session
