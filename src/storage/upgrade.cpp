// The upgrade from schema version 1, row by row.
#include "upgrade.hpp"

#include "bulk_writer.hpp"
#include "image.hpp"
#include "ledge/base/assert.hpp"
#include "loss_finder.hpp"
#include "row_reader.hpp"

namespace ledge::storage {
namespace {

// Fixed copies of the old values: the present format may change, version 1 may not.
constexpr std::uint8_t v1_flag_will = 2;
constexpr std::uint8_t v1_flag_owner = 4;
constexpr std::size_t v1_queued_head_size = 8 + 4 + 4 + 2 + 1 + 1;

void append(std::vector<Byte>& out, Bytes bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }

/// Size of a text16 with its length field. With too few bytes left, returns a size that fails the caller's check.
std::size_t text_size(Bytes bytes, std::size_t at) {
    return bytes.size() < at + 2 ? bytes.size() : std::size_t{2} + (std::size_t{bytes[at]} << 8U | bytes[at + 1]);
}

// In version 1 the will was the rest of the record. In version 2 its size comes before the will.
bool upgrade_session_of_v1(Bytes value, std::vector<Byte>& body) {
    // client_id:text16 expiry_interval:u32 expires_at:u64 flags:u8
    const std::size_t flags_at = text_size(value, 0) + 4 + 8;
    if (value.size() <= flags_at) return false;
    const std::uint8_t flags = value[flags_at];
    std::size_t will_at = flags_at + 1;
    if ((flags & v1_flag_owner) != 0) will_at += text_size(value, will_at);
    if (value.size() < will_at) return false;
    append(body, value.first(will_at));
    if ((flags & v1_flag_will) == 0) return value.size() == will_at;
    const std::size_t will_size = value.size() - will_at;
    for (int shift = 24; shift >= 0; shift -= 8) body.push_back(static_cast<Byte>(will_size >> unsigned(shift)));
    append(body, value.subspan(will_at));
    return true;
}

// In version 1 the subscription identifiers were the rest of a queued record. In version 2 their size comes before
// them.
bool upgrade_queued_of_v1(Bytes value, std::vector<Byte>& body) {
    if (value.size() < v1_queued_head_size) return false;
    append(body, value.first(v1_queued_head_size));
    std::size_t ids_size = value.size() - v1_queued_head_size;
    do {  // the size is a variable byte integer
        const unsigned more = ids_size > 127 ? 128U : 0U;
        body.push_back(static_cast<Byte>((ids_size & 127U) | more));
        ids_size >>= 7U;
    } while (ids_size > 0);
    append(body, value.subspan(v1_queued_head_size));
    return true;
}

}  // namespace

bool upgrade_row_of_v1(Table table, Bytes key, Bytes value, std::vector<Byte>& new_key, std::vector<Byte>& body) {
    new_key.assign(key.begin(), key.end());
    body.clear();
    switch (table) {
        case Table::session: return upgrade_session_of_v1(value, body);
        case Table::queued: return upgrade_queued_of_v1(value, body);
        case Table::fresh:
            // In version 1 the sequence was the beginning of the value; in version 2 it is the beginning of the key.
            if (value.size() < 9) return false;
            append(new_key, value.first(8));
            append(body, value.subspan(8));
            return true;
        case Table::subscription:
        case Table::received:
        case Table::retained:
        case Table::message: break;
    }
    append(body, value);
    return true;
}

namespace {

/// Copies one table. `incomplete` receives the sessions that lose a row.
int copy_table(const Txn& txn, DbId from, Table table, RowReader& reader, BulkWriter& writer, BadRows& bad_rows,
               const std::vector<std::uint64_t>& sessions, std::vector<std::uint64_t>& incomplete,
               std::uint64_t& rows) {
    LossFinder losses(table, sessions, incomplete);
    int code = lmdb_ok;
    const int walk = for_each_row(txn, from, [&](Bytes key, Bytes value) {
        const ReadRow row = reader.read(table, key, value);
        if (row.fault != nullptr) {
            // The upgrade goes on without the row. One bad row must not keep the broker from starting.
            bad_rows.collect(table, key, value, row.fault);
            losses.on_bad(key, value);
            return true;
        }
        losses.on_sound(key);
        ++rows;
        code = writer.put(table, row.key, row.body);
        return code == lmdb_ok;
    });
    if (LossFinder::is_about(table)) losses.on_end();
    if (code == lmdb_ok) code = walk;
    return code == lmdb_ok ? writer.finish() : code;
}

}  // namespace

int copy_upgraded(const Env& from, const Meta& meta, const Env& to, const Tables& tables, BadRows& bad_rows,
                  Upgraded& upgraded) {
    LEDGE_ASSERT(meta.version < schema_version);
    auto txn = Txn::begin(from, true);
    if (!txn) return txn.error();
    auto old_tables = Tables::open(*txn, false);
    if (!old_tables) return old_tables.error();
    const std::vector<std::uint64_t> sessions = numbers_in(*txn, *old_tables, Table::session);
    std::vector<std::uint64_t> incomplete;
    RowReader reader(meta.version);
    BulkWriter writer(to, tables);
    for (const Table table : all_tables) {
        const int code = copy_table(*txn, (*old_tables)[table], table, reader, writer, bad_rows, sessions, incomplete,
                                    upgraded.rows);
        if (code != lmdb_ok) return code;
    }
    // The caller replaces the old file next, so the bad rows must be durable in their own file now.
    if (const int code = bad_rows.write_collected()) return code;
    auto last = Txn::begin(to, false);
    if (!last) return last.error();
    int code = mark_incomplete(*last, tables, incomplete);
    upgraded.sessions_incomplete = incomplete.size();
    Meta upgraded_meta = meta;
    upgraded_meta.version = schema_version;
    if (code == lmdb_ok) code = write_meta(*last, upgraded_meta);
    return code == lmdb_ok ? last->commit() : code;
}

}  // namespace ledge::storage
