#include "tables.hpp"

#include <algorithm>

#include "row_seal.hpp"

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
    for (const std::string_view key : {meta_key, meta_copy_key}) {
        const auto row = txn.get(main_db, as_bytes(key));
        const auto meta = row ? parse_meta(row.value()) : std::nullopt;
        if (meta) return meta;
    }
    return std::nullopt;
}

int write_meta(Txn& txn, const Meta& meta) {
    const auto row = encode(meta);
    const int code = txn.put(main_db, as_bytes(meta_key), row);
    return code == lmdb_ok ? txn.put(main_db, as_bytes(meta_copy_key), row) : code;
}

int put_row(Txn& txn, const Tables& tables, Table table, Bytes key, Bytes head, Bytes rest) {
    const auto place = txn.reserve(tables[table], key, head.size() + rest.size() + seal_size);
    if (!place) return place.error();
    Byte* const end = std::copy(rest.begin(), rest.end(), std::copy(head.begin(), head.end(), place.value()));
    write_seal(end, seal_of(table, key, head, rest));
    return lmdb_ok;
}

Result<Bytes, int> get_row(const Txn& txn, const Tables& tables, Table table, Bytes key) {
    const auto row = txn.get(tables[table], key);
    if (!row) return row;
    const auto body = open_row(table, key, row.value());
    return body ? Result<Bytes, int>(*body) : Result<Bytes, int>(Failure{row_damaged});
}

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
