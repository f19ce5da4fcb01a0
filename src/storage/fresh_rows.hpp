// FreshRows: the newest changes of retained messages, in the order they came, until there are enough of them for the
// table of all. Updates hit topics at random: each would cost a page of its own in `retained`, while here they share
// the last page. When a run of them is moved over, each page of `retained` takes several at once.
//
// Changed by the committer, asked by the shard's thread; what a commit changes shows when it is durable.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "bad_rows.hpp"
#include "tables.hpp"

namespace ledge::storage {

class FreshRows {
public:
    /// Where the newest state of a retained message stands, if not in `retained`.
    struct Place {
        std::uint64_t sequence = 0;
        bool is_dropped = false;
    };

    /// Reads the index, also anew. 0 or a code.
    int load(const Txn& txn, const Tables& tables);

    // Within the write transaction of a commit
    int put(Txn& txn, const Tables& tables, std::uint64_t number, Bytes body);
    int drop(Txn& txn, const Tables& tables, std::uint64_t number);
    /// Before the first put or drop of a transaction: moves everything to `retained` if that is due.
    int merge_if_due(Txn& txn, const Tables& tables, BadRows& bad_rows);
    /// The transaction is durable.
    void on_committed();
    /// The transaction has left no trace.
    void on_failed() { rows_ = rows_before_; }

    std::optional<Place> find(std::uint64_t number) const;
    /// Changes waiting here. On the committer's thread or before it runs.
    std::size_t rows() const { return rows_; }
    const std::unordered_map<std::uint64_t, Place>& places() const { return places_; }

private:
    struct Change {
        std::uint64_t number = 0;
        FreshKind kind = FreshKind::message;
        std::uint64_t sequence = 0;
    };

    int append(Txn& txn, const Tables& tables, std::uint64_t number, FreshKind kind, Bytes body);
    void apply(const Change& change);
    static int merge(Txn& txn, const Tables& tables, std::uint64_t number, const Place& place, BadRows& bad_rows);

    mutable std::mutex mutex_;  // of places_
    std::unordered_map<std::uint64_t, Place> places_;
    std::vector<Change> changes_;  // of this transaction
    std::uint64_t next_sequence_ = 1;
    std::size_t rows_ = 0;
    std::size_t rows_before_ = 0;  // when this transaction began
    bool has_merged_ = false;      // in this transaction
};

/// The newest state of a retained message, its publication record. lmdb_not_found: there is none. `place`: what find()
/// said before the transaction began.
Result<Bytes, int> find_retained(const Txn& txn, const Tables& tables, const std::optional<FreshRows::Place>& place,
                                 std::uint64_t number);

}  // namespace ledge::storage
