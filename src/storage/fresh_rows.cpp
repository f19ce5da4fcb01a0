// FreshRows: writes the newest changes of retained messages to `fresh`, and merges them into `retained`.
#include "fresh_rows.hpp"

#include <algorithm>

#include "ledge/base/assert.hpp"
#include "row_seal.hpp"
#include "table_traits.hpp"

namespace ledge::storage {
namespace {

constexpr std::size_t body_bytes_max = 1024;  // a larger body fills pages anyway, so it goes straight to `retained`
constexpr std::size_t rows_min = 256;         // fewer rows are never merged
constexpr std::size_t rows_max = 16'384;      // the merge is due at this number of rows at the latest
constexpr std::size_t rows_per_page = 8;      // the merge is due at this many rows for each page of `retained`

}  // namespace

int FreshRows::load(const Txn& txn, const Tables& tables) {
    const std::lock_guard lock(mutex_);
    places_.clear();
    rows_ = 0;
    return for_each_row(txn, tables[Table::fresh], [&](Bytes key, Bytes value) {
        ++rows_;
        if (!is_key(Table::fresh, key)) return true;
        const std::uint64_t sequence = read_u64(key.data());
        next_sequence_ = sequence + 1;
        const auto body = open_row(Table::fresh, key, value);
        const auto row = body ? parse_fresh_body(*body) : std::nullopt;
        // The row cannot be read, but it is newer than the state in `retained`. The message counts as removed; an old
        // state must not come back.
        const FreshKind kind = row ? row->kind : FreshKind::dropped;
        apply({read_u64(key.data() + 8), kind, sequence});
        return true;
    });
}

void FreshRows::apply(const Change& change) {
    if (change.kind == FreshKind::settled) {
        places_.erase(change.number);
    } else {
        places_[change.number] = {change.sequence, change.kind == FreshKind::dropped};
    }
}

int FreshRows::append(Txn& txn, const Tables& tables, std::uint64_t number, FreshKind kind, Bytes body) {
    LEDGE_ASSERT(kind == FreshKind::message || body.empty());
    const std::uint64_t sequence = next_sequence_++;
    const auto head = encode_fresh_head(kind);
    const int code = put_row(txn, tables, Table::fresh, Key::of(sequence, number).bytes(), head, body);
    if (code != lmdb_ok) return code;
    changes_.push_back({number, kind, sequence});
    ++rows_;
    return lmdb_ok;
}

int FreshRows::put(Txn& txn, const Tables& tables, std::uint64_t number, Bytes body) {
    if (body.size() <= body_bytes_max) return append(txn, tables, number, FreshKind::message, body);
    // An older state in `fresh` would hide the new row in `retained`, so a row `settled` replaces that state.
    const int code = put_row(txn, tables, Table::retained, Key::of(number).bytes(), body);
    return code != lmdb_ok ? code : append(txn, tables, number, FreshKind::settled, {});
}

int FreshRows::drop(Txn& txn, const Tables& tables, std::uint64_t number) {
    return append(txn, tables, number, FreshKind::dropped, {});
}

int FreshRows::merge_if_due(Txn& txn, const Tables& tables, BadRows& bad_rows) {
    changes_.clear();
    has_merged_ = false;
    rows_before_ = rows_;
    if (rows_ < rows_min) return lmdb_ok;
    const auto facts = txn.facts(tables[Table::retained]);
    if (!facts) return facts.error();
    if (rows_ < std::clamp(facts.value().pages * rows_per_page, rows_min, rows_max)) return lmdb_ok;

    // In the order of `retained`, so that the merge visits each page once.
    std::vector<std::pair<std::uint64_t, Place>> ordered(places_.begin(), places_.end());
    std::sort(ordered.begin(), ordered.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    int code = lmdb_ok;
    for (const auto& [number, place] : ordered) {
        if (code == lmdb_ok) code = merge(txn, tables, number, place, bad_rows);
    }
    if (code == lmdb_ok) code = bad_rows.move_to_file(txn, tables);
    if (code != lmdb_ok) return code;
    has_merged_ = true;
    rows_ = 0;
    return txn.clear(tables[Table::fresh]);
}

/// Moves one message from `fresh` to `retained`. A message whose newest state cannot be read is removed; its older
/// state must not come back.
int FreshRows::merge(Txn& txn, const Tables& tables, std::uint64_t number, const Place& place, BadRows& bad_rows) {
    const Key key = Key::of(number);
    const Key fresh_key = Key::of(place.sequence, number);
    const auto row = get_row(txn, tables, Table::fresh, fresh_key.bytes());
    if (!row && row.error() == row_damaged) {
        const auto value = txn.get(tables[Table::fresh], fresh_key.bytes());
        if (value) bad_rows.note(Table::fresh, fresh_key.bytes(), value.value(), wrong_seal);
    } else if (!row && !place.is_dropped) {
        return row.error();
    }
    if (place.is_dropped || !row || row.value().size() <= fresh_head_size) {
        const int code = txn.erase(tables[Table::retained], key.bytes());
        return is_not_found(code) ? lmdb_ok : code;
    }
    // A copy of the body, because LMDB may move its page while the other table is written.
    const std::vector<Byte> body(row.value().begin() + fresh_head_size, row.value().end());
    return put_row(txn, tables, Table::retained, key.bytes(), body);
}

void FreshRows::on_committed() {
    if (changes_.empty() && !has_merged_) return;
    const std::lock_guard lock(mutex_);
    // The merge came first in the transaction, so the changes are newer than the merged rows.
    if (has_merged_) places_.clear();
    for (const Change& change : changes_) apply(change);
}

std::optional<FreshRows::Place> FreshRows::find(std::uint64_t number) const {
    const std::lock_guard lock(mutex_);
    const auto found = places_.find(number);
    return found != places_.end() ? std::optional(found->second) : std::nullopt;
}

// The snapshot of `txn` may be newer than `place`, because a commit may be durable but not reported yet. If that commit
// has merged the row, the message is found in `retained`. In all other cases the result is the state before that
// commit.
Result<Bytes, int> find_retained(const Txn& txn, const Tables& tables, const std::optional<FreshRows::Place>& place,
                                 std::uint64_t number) {
    if (place) {
        const auto row = get_row(txn, tables, Table::fresh, Key::of(place->sequence, number).bytes());
        const bool is_there = row.ok() || row.error() == row_damaged;
        if (is_there && place->is_dropped) return Failure{lmdb_not_found};
        if (row) return row.value().subspan(std::min(fresh_head_size, row.value().size()));
        if (!is_not_found(row.error())) return row;
    }
    return get_row(txn, tables, Table::retained, Key::of(number).bytes());
}

}  // namespace ledge::storage
