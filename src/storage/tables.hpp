// Tables: the named databases of an open environment, the meta row, and walks over the rows. The functions work in the
// transaction that they get.
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
    /// `creates`: missing tables are created; without it a missing table is an error.
    static Result<Tables, int> open(Txn& txn, bool creates);

    DbId operator[](Table table) const { return ids_[index_of(table)]; }

private:
    std::array<DbId, table_count> ids_{};
};

/// The content of the meta row and its copy.
struct MetaRows {
    std::optional<Meta> meta;     // from the row, or from the copy if the row is damaged
    bool is_ours = false;         // the row or the copy begins like a meta row of LedgeMQ
    const char* fault = nullptr;  // a sentence if the row or the copy is missing or damaged
};
MetaRows read_meta_rows(const Txn& txn);
/// The content of the meta row or of its copy; nothing when neither can be read.
std::optional<Meta> read_meta(const Txn& txn);
/// Writes the meta row and its copy. Returns 0 or a code.
int write_meta(Txn& txn, const Meta& meta);

/// Writes a row with its seal; the body is `head` followed by `rest`. Returns 0 or a code.
int put_row(Txn& txn, const Tables& tables, Table table, Bytes key, Bytes head, Bytes rest = {});
/// The body of a row. Error: lmdb_not_found, row_damaged (the seal is wrong), or another code of LMDB.
Result<Bytes, int> get_row(const Txn& txn, const Tables& tables, Table table, Bytes key);

/// The numbers of all rows, sorted, for a table whose key is one number.
std::vector<std::uint64_t> numbers_in(const Txn& txn, const Tables& tables, Table table);

/// The highest number of a session, a message or a retained message; 0 = the store is empty.
std::uint64_t highest_number(const Txn& txn, const Tables& tables);
/// The schema version that the rows have, found out from their seals. For a store without a readable meta row.
std::uint32_t version_of_rows(const Txn& txn, const Tables& tables);
/// Makes a meta row from the other rows. The next number is the highest number plus one. The logical time is the latest
/// moment in a session record, which is not later than the last commit. So some sessions and messages live a little
/// longer, but none expires too early.
Meta recover_meta(const Txn& txn, const Tables& tables);

/// The number of pages in use, without free pages.
Result<std::size_t, int> pages_in_use(const Txn& txn, const Tables& tables);

/// Calls f(key, value) for each row in order, until f returns false. Returns 0, or the code that ended the walk.
template <class F>
int for_each_row(const Txn& txn, DbId db, F&& f) {
    auto cursor = Cursor::open(txn, db);
    if (!cursor) return cursor.error();
    int code = cursor->first();
    while (code == lmdb_ok && f(cursor->key(), cursor->value())) code = cursor->next();
    return is_not_found(code) ? lmdb_ok : code;
}

/// Calls f(cursor) for each row whose key begins with `prefix`, until f returns false. Returns 0 or a code.
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

/// Removes every row of a session from a table whose keys begin with the session. Returns 0 or a code.
int erase_rows_of(Txn& txn, DbId db, std::uint64_t session);

}  // namespace ledge::storage
