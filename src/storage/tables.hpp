// Tables: the named databases of an open environment, and walks over their rows.
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <vector>

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

/// What stands in the meta row and its copy.
struct MetaRows {
    std::optional<Meta> meta;     // of the row, or of its copy when the row is damaged
    bool is_ours = false;         // one of them begins as ours do, or can be read
    const char* fault = nullptr;  // a sentence when one of them is not what was written
};
MetaRows read_meta_rows(const Txn& txn);
/// Nothing when neither can be read.
std::optional<Meta> read_meta(const Txn& txn);
/// Both of them. 0 or a code.
int write_meta(Txn& txn, const Meta& meta);

/// Writes a row, whose body is `head` and `rest` in one, with its seal. 0 or a code.
int put_row(Txn& txn, const Tables& tables, Table table, Bytes key, Bytes head, Bytes rest = {});
/// The body of a row. A code: lmdb_not_found, row_damaged (its seal is wrong), or one of LMDB's.
Result<Bytes, int> get_row(const Txn& txn, const Tables& tables, Table table, Bytes key);

/// The numbers of a table whose keys are one number, in order.
std::vector<std::uint64_t> numbers_in(const Txn& txn, const Tables& tables, Table table);

/// The highest number that sessions, messages and retained messages have; 0 without any.
std::uint64_t highest_number(const Txn& txn, const Tables& tables);
/// The version that the rows are of, when no meta row says so.
std::uint32_t version_of_rows(const Txn& txn, const Tables& tables);
/// A meta row from what the rows say: the number after the highest, and the latest moment that a session remembers,
/// which is not after the last commit. What had an expiry lives a little longer, and nothing expires too early.
Meta recover_meta(const Txn& txn, const Tables& tables);

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
