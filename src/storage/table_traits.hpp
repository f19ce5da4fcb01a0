// TableTraits: everything that is special about each table of the store, in one place: its name in the file, the kind
// of its records, its key, the class of its writes, its parser and its dump. The compiler checks that the list is
// complete.
#pragma once

#include <array>
#include <optional>

#include "ledge/journal/record.hpp"
#include "ledge/journal/write_class.hpp"
#include "schema.hpp"

namespace ledge {
class JsonWriter;
}  // namespace ledge

namespace ledge::storage {

/// The parts of a key, each big endian. `store dump` prints the parts under these names.
enum class KeyShape : std::uint8_t {
    number,             // number:u64
    session,            // session:u64
    session_number,     // session:u64 number:u64
    session_packet_id,  // session:u64 packet_id:u16
    sequence_number,    // sequence:u64 number:u64
};

namespace rows {

// Each function writes the fields of a body into a line of JSON. False = the bytes are not a body of the table.
bool dump_session(JsonWriter& line, Bytes body);
bool dump_subscription(JsonWriter& line, Bytes body);
bool dump_received(JsonWriter& line, Bytes body);
bool dump_publication(JsonWriter& line, Bytes body);
bool dump_fresh(JsonWriter& line, Bytes body);
bool dump_queued(JsonWriter& line, Bytes body);

// Each function says whether the bytes are a body of the table. Only then can the core rely on the parsed record.
bool is_session(Bytes body);
bool is_subscription(Bytes body);
bool is_received(Bytes body);
bool is_publication(Bytes body);
bool is_fresh(Bytes body);
bool is_queued(Bytes body);

}  // namespace rows

struct TableTraits {
    Table table;
    const char* name;  // of the LMDB database; it must never change, because old stores have it
    journal::RecordKind kind;
    KeyShape key;
    journal::WriteClass write_class;
    std::uint64_t last_key_part_max;  // the largest value of the key's last part that the core can represent
    bool (*is_body)(Bytes body);
    bool (*dump)(JsonWriter& line, Bytes body);
};

inline constexpr std::uint64_t subscription_number_max = 0xFFFF'FFFF;  // Session counts subscriptions with 32 bits
inline constexpr std::uint64_t packet_id_max = 0xFFFF;

inline constexpr std::array<TableTraits, table_count> table_traits{{
    {Table::session, "session", journal::RecordKind::session, KeyShape::session, journal::WriteClass::sessions,
     number_max, rows::is_session, rows::dump_session},
    {Table::subscription, "sub", journal::RecordKind::subscription, KeyShape::session_number,
     journal::WriteClass::sessions, subscription_number_max, rows::is_subscription, rows::dump_subscription},
    {Table::received, "in2", journal::RecordKind::received, KeyShape::session_packet_id, journal::WriteClass::sessions,
     packet_id_max, rows::is_received, rows::dump_received},
    {Table::retained, "retained", journal::RecordKind::retained, KeyShape::number, journal::WriteClass::retained,
     number_max, rows::is_publication, rows::dump_publication},
    {Table::fresh, "fresh", journal::RecordKind::retained, KeyShape::sequence_number, journal::WriteClass::retained,
     number_max, rows::is_fresh, rows::dump_fresh},
    {Table::queued, "q", journal::RecordKind::queued, KeyShape::session_number, journal::WriteClass::queues, number_max,
     rows::is_queued, rows::dump_queued},
    {Table::message, "msg", journal::RecordKind::message, KeyShape::number, journal::WriteClass::messages, number_max,
     rows::is_publication, rows::dump_publication},
}};

constexpr const TableTraits& traits_of(Table table) { return table_traits[index_of(table)]; }

/// The table of the records of a kind. New retained messages go to `fresh` first (fresh_rows.hpp).
constexpr Table table_of(journal::RecordKind kind) {
    for (const TableTraits& traits : table_traits)
        if (traits.kind == kind) return traits.table;
    return Table::message;  // not reached: each_kind_has_a_table() below checks every kind
}

constexpr std::size_t size_of(KeyShape shape) {
    switch (shape) {
        case KeyShape::number:
        case KeyShape::session: return 8;
        case KeyShape::session_packet_id: return 10;
        case KeyShape::session_number:
        case KeyShape::sequence_number: break;
    }
    return 16;
}

/// The size of every key of the table, in bytes.
constexpr std::size_t key_size(Table table) { return size_of(traits_of(table).key); }

/// The key of a row of the table. `session` and `number` as in journal::Record; for `fresh`, `session` is the sequence.
Key key_of(Table table, std::uint64_t session, std::uint64_t number);
inline Key key_of(const journal::Record& record) {
    return key_of(table_of(record.kind), record.session.value(), record.number);
}

/// Whether the bytes have the size of a key of the table and all parts are within their limits.
bool is_key(Table table, Bytes key);

/// Checks key and body of a row whose seal was checked before. Returns the fault, or nullptr for a sound row.
const char* fault_in_row(Table table, Bytes key, Bytes body);

namespace checks {

constexpr bool each_table_stands_at_its_number() {
    for (std::size_t i = 0; i < table_count; ++i)
        if (index_of(table_traits[i].table) != i) return false;
    return true;
}

constexpr bool each_kind_has_a_table() {
    for (std::size_t i = 0; i < journal::record_kinds; ++i)
        if (traits_of(table_of(static_cast<journal::RecordKind>(i))).kind != static_cast<journal::RecordKind>(i))
            return false;
    return true;
}

static_assert(each_table_stands_at_its_number());
static_assert(each_kind_has_a_table());

}  // namespace checks

}  // namespace ledge::storage
