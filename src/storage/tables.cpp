#include "tables.hpp"

namespace ledge::storage {

Result<Tables, int> Tables::open(Txn& txn, bool creates) {
    Tables tables;
    for (const Table table : all_tables) {
        auto id = txn.open_db(table_names[index_of(table)], creates);
        if (!id) return Failure{id.error()};
        tables.ids_[index_of(table)] = *id;
    }
    return tables;
}

std::optional<Meta> read_meta(const Txn& txn) {
    const auto row = txn.get(main_db, as_bytes(meta_key));
    return row ? parse_meta(row.value()) : std::nullopt;
}

int write_meta(Txn& txn, const Meta& meta) { return txn.put(main_db, as_bytes(meta_key), encode(meta)); }

Result<std::size_t, int> pages_in_use(const Txn& txn, const Tables& tables) {
    std::size_t pages = 2;  // the two meta pages
    const auto add = [&](DbId db) {
        const auto facts = txn.facts(db);
        if (facts) pages += facts.value().pages;
        return facts ? lmdb_ok : facts.error();
    };
    int code = add(free_list_db);
    if (code == lmdb_ok) code = add(main_db);
    for (const Table table : all_tables) {
        if (code == lmdb_ok) code = add(tables[table]);
    }
    if (code != lmdb_ok) return Failure{code};
    return pages;
}

int erase_rows_of(Txn& txn, DbId db, std::uint64_t session) {
    const Key prefix = Key::of(session);
    int code = lmdb_ok;
    const int walk = for_each_row_of(txn, db, prefix.bytes(), [&](Cursor& cursor) {
        code = cursor.erase();
        return code == lmdb_ok;
    });
    return code != lmdb_ok ? code : walk;
}

}  // namespace ledge::storage
