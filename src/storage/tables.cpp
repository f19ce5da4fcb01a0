// Tables: opening, the meta row, sealed rows, and what can be recovered from the rows.
#include "tables.hpp"

#include <algorithm>

#include "ledge/journal/records.hpp"
#include "row_reader.hpp"
#include "row_seal.hpp"
#include "table_traits.hpp"

namespace ledge::storage {

Result<Tables, int> Tables::open(Txn& txn, bool creates) {
    Tables tables;
    for (const Table table : all_tables) {
        auto id = txn.open_db(traits_of(table).name, creates);
        if (!id) return Failure{id.error()};
        tables.ids_[index_of(table)] = *id;
    }
    return tables;
}

MetaRows read_meta_rows(const Txn& txn) {
    MetaRows rows;
    const auto read_copy = [&](std::string_view key, const char* fault) {
        const auto row = txn.get(main_db, as_bytes(key));
        // The first sound copy counts. Both are written in one transaction, so they differ only after damage.
        const auto meta = row ? parse_meta(row.value()) : std::nullopt;
        rows.is_ours = rows.is_ours || (row && is_meta_of_ours(row.value()));
        if (!meta && rows.fault == nullptr) rows.fault = fault;
        if (!rows.meta) rows.meta = meta;
    };
    read_copy(meta_key, "the meta row is damaged");
    // A store of version 1 has no copy of the meta row.
    if (!rows.meta || rows.meta->version > 1) read_copy(meta_copy_key, "the copy of the meta row is damaged");
    return rows;
}

std::optional<Meta> read_meta(const Txn& txn) { return read_meta_rows(txn).meta; }

int write_meta(Txn& txn, const Meta& meta) {
    const auto row = encode(meta);
    const int code = txn.put(main_db, as_bytes(meta_key), row);
    return code == lmdb_ok ? txn.put(main_db, as_bytes(meta_copy_key), row) : code;
}

int put_row(Txn& txn, const Tables& tables, Table table, Bytes key, Bytes head, Bytes rest) {
    // Head and rest are separate, so that the caller needs no buffer to join them.
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

std::vector<std::uint64_t> numbers_in(const Txn& txn, const Tables& tables, Table table) {
    std::vector<std::uint64_t> numbers;
    for_each_row(txn, tables[table], [&](Bytes key, Bytes) {
        // A malformed key may be shorter than 8 bytes.
        if (is_key(table, key)) numbers.push_back(read_u64(key.data()));
        return true;
    });
    return numbers;
}

std::uint64_t highest_number(const Txn& txn, const Tables& tables) {
    std::uint64_t highest = 0;
    for (const Table table : {Table::session, Table::message, Table::retained}) {
        // Keys are sorted, so the last valid key has the highest number.
        auto cursor = Cursor::open(txn, tables[table]);
        int code = cursor ? cursor->last() : cursor.error();
        while (code == lmdb_ok && !is_key(table, cursor->key())) code = cursor->previous();
        if (code == lmdb_ok) highest = std::max(highest, read_u64(cursor->key().data()));
    }
    // The keys of `fresh` begin with the sequence and not with the number, so the whole table is read.
    for_each_row(txn, tables[Table::fresh], [&](Bytes key, Bytes) {
        if (is_key(Table::fresh, key)) highest = std::max(highest, read_u64(key.data() + 8));
        return true;
    });
    return highest;
}

std::uint32_t version_of_rows(const Txn& txn, const Tables& tables) {
    // One row with a correct seal proves version 2: a row of version 1 passes by chance once in 2^32.
    constexpr int rows_tried = 100;  // of each table
    bool is_sealed = false;
    bool has_rows = false;
    for (const Table table : all_tables) {
        int rows = 0;
        for_each_row(txn, tables[table], [&](Bytes key, Bytes value) {
            has_rows = true;
            is_sealed = is_sealed || open_row(table, key, value);
            // A damaged table may have no sound row, so every table gets its tries.
            return !is_sealed && ++rows < rows_tried;
        });
    }
    // An empty store is the same in every version.
    return is_sealed || !has_rows ? schema_version : 1;
}

Meta recover_meta(const Txn& txn, const Tables& tables) {
    Meta meta;
    meta.version = version_of_rows(txn, tables);
    // Bounded, so that a damaged key cannot make the number overflow.
    meta.next_number = std::min(highest_number(txn, tables), number_max - 1) + 1;
    RowReader reader(meta.version);
    for_each_row(txn, tables[Table::session], [&](Bytes key, Bytes value) {
        const ReadRow row = reader.read(Table::session, key, value);
        const auto record = row.fault == nullptr ? journal::parse_session(row.body) : std::nullopt;
        if (!record || record->expires_at == never) return true;
        // expires_at is the moment when the client left, plus the expiry interval.
        meta.logical = std::max(meta.logical, record->expires_at - std::chrono::seconds(record->expiry_interval_s));
        return true;
    });
    return meta;
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
    int code = lmdb_ok;  // the code of the last erase; the walk has its own
    const int walk = for_each_row_of(txn, db, prefix.bytes(), [&](Cursor& cursor) {
        code = cursor.erase();
        return code == lmdb_ok;
    });
    return code != lmdb_ok ? code : walk;
}

}  // namespace ledge::storage
