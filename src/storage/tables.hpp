// Tables: the named databases of an open environment, and walks over their rows.
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "lmdb_env.hpp"
#include "schema.hpp"

namespace ledge::storage {

class Tables {
public:
    /// Creates what is missing when `creates`; otherwise a missing one is an error.
    static Result<Tables, int> open(Txn& txn, bool creates);

    DbId operator[](Table table) const { return ids_[index_of(table)]; }

private:
    std::array<DbId, table_count> ids_{};
};

/// Nothing when there is no meta row, or one that is not ours.
std::optional<Meta> read_meta(const Txn& txn);
int write_meta(Txn& txn, const Meta& meta);

/// Pages in use, free ones not counted.
Result<std::size_t, int> pages_in_use(const Txn& txn, const Tables& tables);

/// Calls f(key, value) for each row in order, while it returns true. 0, or the code that ended the walk.
template <class F>
int for_each_row(const Txn& txn, DbId db, F&& f) {
    auto cursor = Cursor::open(txn, db);
    if (!cursor) return cursor.error();
    int code = cursor->first();
    while (code == lmdb_ok && f(cursor->key(), cursor->value())) code = cursor->next();
    return is_not_found(code) ? lmdb_ok : code;
}

/// The same for the rows whose keys begin with `prefix`.
template <class F>
int for_each_row_of(const Txn& txn, DbId db, Bytes prefix, F&& f) {
    auto cursor = Cursor::open(txn, db);
    if (!cursor) return cursor.error();
    int code = cursor->seek(prefix);
    while (code == lmdb_ok && cursor->key().size() >= prefix.size() &&
           std::equal(prefix.begin(), prefix.end(), cursor->key().begin()) && f(*cursor)) {
        code = cursor->next();
    }
    return is_not_found(code) ? lmdb_ok : code;
}

/// Removes every row of a session from a table whose keys begin with it.
int erase_rows_of(Txn& txn, DbId db, std::uint64_t session);

}  // namespace ledge::storage
