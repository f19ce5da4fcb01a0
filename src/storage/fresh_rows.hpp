// FreshRows: the newest changes of retained messages, in the order in which they arrive, in the table `fresh`. Updates
// hit topics at random: in the table `retained` each update would rewrite a page of its own, while in `fresh`
// consecutive updates share the last page. When `fresh` has enough rows, a merge moves them all to `retained`, so that
// each page of `retained` takes several updates at once.
//
// The committer's thread changes the rows, the shard's thread asks for them. The shard's thread sees the changes of a
// commit only after the commit is durable.
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
    /// Where `fresh` has the newest state of a retained message.
    struct Place {
        std::uint64_t sequence = 0;
        bool is_dropped = false;  // the newest state is: no retained message
    };

    /// Builds the index from the table; a repeated call builds it again. Returns 0 or a code.
    int load(const Txn& txn, const Tables& tables);

    // Within the write transaction of a commit. Each function returns 0 or a code.
    int put(Txn& txn, const Tables& tables, std::uint64_t number, Bytes body);
    int drop(Txn& txn, const Tables& tables, std::uint64_t number);
    /// Begins the changes of a transaction; call it before the first put() or drop(). Moves all rows to `retained` if
    /// there are enough of them.
    int merge_if_due(Txn& txn, const Tables& tables, BadRows& bad_rows);
    /// The transaction is durable: its changes become visible to find().
    void on_committed();
    /// The transaction was aborted: its changes are forgotten.
    void on_failed() { rows_ = rows_before_; }

    /// The newest state of a retained message; nothing = the table `retained` has it, or there is none.
    std::optional<Place> find(std::uint64_t number) const;
    /// Rows in `fresh`. On the committer's thread, or before that thread runs.
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

    mutable std::mutex mutex_;  // protects places_
    std::unordered_map<std::uint64_t, Place> places_;
    std::vector<Change> changes_;  // of the present transaction
    std::uint64_t next_sequence_ = 1;
    std::size_t rows_ = 0;
    std::size_t rows_before_ = 0;  // rows_ when the present transaction began
    bool has_merged_ = false;      // the present transaction has moved all rows to `retained`
};

/// The publication record of the newest state of a retained message. Error lmdb_not_found: there is no such message.
/// `place`: the result of find() before the transaction began.
Result<Bytes, int> find_retained(const Txn& txn, const Tables& tables, const std::optional<FreshRows::Place>& place,
                                 std::uint64_t number);

}  // namespace ledge::storage
