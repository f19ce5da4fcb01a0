// The child's words: for each row  key_size:u8 body_size:u64 key body, as rows of the present version.
#include "salvage.hpp"

#include <algorithm>
#include <vector>

#include "bulk_writer.hpp"
#include "guarded.hpp"
#include "ledge/session/records.hpp"
#include "row_reader.hpp"
#include "row_seal.hpp"

namespace ledge::storage {
namespace {

constexpr int silence_max_ms = 60'000;
constexpr std::size_t row_head_size = 9;
constexpr std::size_t row_bytes_max = 300 * 1024 * 1024;  // beyond the largest packet: a wrong size, not a row

enum class Direction : std::uint8_t { forward, backward };

void send_row(GuardedOut& out, Bytes key, Bytes body) {
    std::array<Byte, row_head_size> head{};
    head[0] = static_cast<Byte>(key.size());
    write_u64(&head[1], body.size());
    out.send(head);
    out.send(key);
    out.send(body);
}

/// In the child: sends the rows of one table that look right; backward until `stop` (exclusive).
bool send_rows(GuardedOut& out, const std::string& path, std::uint32_t version, Table table, Direction direction,
               Bytes stop) {
    auto env = Env::open({.path = path, .is_read_only = true, .is_alone = true});
    if (!env) return false;
    auto txn = Txn::begin(*env, true);
    if (!txn) return false;
    auto db = txn->open_db(table_names[index_of(table)], false);
    if (!db) return false;
    auto cursor = Cursor::open(*txn, *db);
    if (!cursor) return false;
    const bool is_forward = direction == Direction::forward;
    std::vector<Byte> before;
    RowReader reader(version);
    int code = is_forward ? cursor->first() : cursor->last();
    for (; code == lmdb_ok; code = is_forward ? cursor->next() : cursor->previous()) {
        const Bytes key = cursor->key();
        const auto is_less = [](Bytes a, Bytes b) { return std::ranges::lexicographical_compare(a, b); };
        if (!is_forward && !is_less(stop, key)) return true;
        const bool is_in_order = before.empty() || (is_forward ? is_less(before, key) : is_less(key, before));
        if (!is_in_order) return false;  // a circle, or rows of something else
        before.assign(key.begin(), key.end());
        const ReadRow row = reader.read(table, key, cursor->value());
        if (row.fault != nullptr) continue;
        send_row(out, row.key, row.body);
        out.flush();  // the next step may be the last
    }
    return is_not_found(code);
}

bool send_meta(GuardedOut& out, const std::string& path) {
    auto env = Env::open({.path = path, .is_read_only = true, .is_alone = true});
    if (!env) return false;
    auto txn = Txn::begin(*env, true);
    if (!txn) return false;
    for (const std::string_view key : {meta_key, meta_copy_key}) {
        const auto row = txn->get(main_db, as_bytes(key));
        if (!row || !parse_meta(row.value())) continue;
        out.send(row.value());
        return true;
    }
    return false;
}

/// In the parent: takes the rows apart and writes them, some at a time.
class RowTaker {
public:
    RowTaker(BulkWriter& writer, Table table) : writer_(writer), table_(table) {}

    void take(Bytes bytes) {
        pending_.insert(pending_.end(), bytes.begin(), bytes.end());
        std::size_t used = 0;
        while (code_ == lmdb_ok && is_sane_) {
            const Bytes rest = Bytes(pending_).subspan(used);
            if (rest.size() < row_head_size) break;
            const std::size_t key_bytes = rest[0];
            const std::uint64_t body_bytes = read_u64(&rest[1]);
            is_sane_ = key_bytes <= Key::size_max && body_bytes <= row_bytes_max;
            if (!is_sane_ || rest.size() - row_head_size < key_bytes + body_bytes) break;
            write(rest.subspan(row_head_size, key_bytes),
                  rest.subspan(row_head_size + key_bytes, static_cast<std::size_t>(body_bytes)));
            used += row_head_size + key_bytes + static_cast<std::size_t>(body_bytes);
        }
        pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(used));
    }

    /// The child has ended, perhaps within a row.
    int finish() {
        pending_.clear();
        return code_ == lmdb_ok ? writer_.finish() : code_;
    }

    std::uint64_t rows() const { return rows_; }
    const std::vector<Byte>& highest() const { return highest_; }

private:
    void write(Bytes key, Bytes body) {
        code_ = writer_.put(table_, key, body);
        ++rows_;
        if (std::ranges::lexicographical_compare(highest_, key)) highest_.assign(key.begin(), key.end());
    }

    BulkWriter& writer_;
    Table table_;
    std::vector<Byte> pending_;
    std::vector<Byte> highest_;
    std::uint64_t rows_ = 0;
    int code_ = lmdb_ok;
    bool is_sane_ = true;
};

int salvage_table(const std::string& damaged, std::uint32_t version, const Env& env, const Tables& tables, Table table,
                  Salvaged& salvaged) {
    BulkWriter writer(env, tables);
    RowTaker taker(writer, table);
    const auto read = [&](Direction direction, Bytes stop) {
        const auto work = [&](GuardedOut& out) { return send_rows(out, damaged, version, table, direction, stop); };
        return run_guarded(
            work, [&](Bytes bytes) { taker.take(bytes); }, silence_max_ms);
    };
    const GuardedEnd end = read(Direction::forward, {});
    int code = taker.finish();
    if (end != GuardedEnd::fine && code == lmdb_ok) {
        const std::vector<Byte> stop = taker.highest();
        read(Direction::backward, stop);
        code = taker.finish();
    }
    salvaged.rows[index_of(table)] = taker.rows();
    return code;
}

// ---------------------------------------------------------------------------------------------------------------------
// What was read must fit together: a core that finds a queued message without its bytes has nothing to send.

std::vector<std::uint64_t> numbers_in(const Txn& txn, DbId db) {
    std::vector<std::uint64_t> numbers;
    for_each_row(txn, db, [&](Bytes key, Bytes) {
        numbers.push_back(read_u64(key.data()));
        return true;
    });
    return numbers;
}

bool holds(const std::vector<std::uint64_t>& sorted, std::uint64_t number) {
    return std::binary_search(sorted.begin(), sorted.end(), number);
}

class Pruner {
public:
    Pruner(Txn& txn, const Tables& tables, Salvaged& salvaged) : txn_(txn), tables_(tables), salvaged_(salvaged) {}

    int prune() {
        const std::vector<std::uint64_t> sessions = numbers_in(txn_, tables_[Table::session]);
        const std::vector<std::uint64_t> messages = numbers_in(txn_, tables_[Table::msg]);
        std::vector<std::uint64_t> wanted;
        for (const Table table : {Table::sub, Table::in2}) {
            erase_unless(table, [&](Bytes key, Bytes) { return holds(sessions, read_u64(key.data())); });
        }
        erase_unless(Table::q, [&](Bytes key, Bytes body) {
            const auto record = session::parse_queued(body);
            if (!record || !holds(sessions, read_u64(key.data())) || !holds(messages, record->message)) return false;
            wanted.push_back(record->message);
            return true;
        });
        std::sort(wanted.begin(), wanted.end());
        erase_unless(Table::msg, [&](Bytes key, Bytes) { return holds(wanted, read_u64(key.data())); });
        return code_;
    }

private:
    template <class Keep>
    void erase_unless(Table table, Keep&& keep) {
        if (code_ != lmdb_ok) return;
        std::vector<std::vector<Byte>> misfits;
        code_ = for_each_row(txn_, tables_[table], [&](Bytes key, Bytes value) {
            const auto body = open_row(table, key, value);
            if (!body || !keep(key, *body)) misfits.emplace_back(key.begin(), key.end());
            return true;
        });
        for (const auto& key : misfits) {
            if (code_ == lmdb_ok) code_ = txn_.erase(tables_[table], key);
        }
        salvaged_.misfits += misfits.size();
        salvaged_.rows[index_of(table)] -= misfits.size();
    }

    Txn& txn_;
    const Tables& tables_;
    Salvaged& salvaged_;
    int code_ = lmdb_ok;
};

/// The highest number in use, whatever the meta row says.
std::uint64_t highest_number(const Txn& txn, const Tables& tables) {
    std::uint64_t highest = 0;
    for (const Table table : {Table::session, Table::msg, Table::retained}) {
        auto cursor = Cursor::open(txn, tables[table]);
        if (cursor && cursor->last() == lmdb_ok) highest = std::max(highest, read_u64(cursor->key().data()));
    }
    for_each_row(txn, tables[Table::fresh], [&](Bytes key, Bytes) {
        highest = std::max(highest, read_u64(key.data() + 8));
        return true;
    });
    return highest;
}

}  // namespace

int salvage(const std::string& damaged, const Env& env, const Tables& tables, Salvaged& salvaged) {
    std::vector<Byte> meta_row;
    run_guarded([&](GuardedOut& out) { return send_meta(out, damaged); },
                [&](Bytes bytes) { meta_row.insert(meta_row.end(), bytes.begin(), bytes.end()); }, silence_max_ms);
    const auto found = parse_meta(meta_row);
    salvaged.has_meta = found && found->version <= schema_version;
    const std::uint32_t version = salvaged.has_meta ? found->version : schema_version;
    for (const Table table : all_tables) {
        if (const int code = salvage_table(damaged, version, env, tables, table, salvaged)) return code;
    }
    auto txn = Txn::begin(env, false);
    if (!txn) return txn.error();
    int code = Pruner(*txn, tables, salvaged).prune();
    Meta meta = salvaged.has_meta ? *found : Meta{};
    meta.version = schema_version;
    meta.next_number = std::max(meta.next_number, highest_number(*txn, tables) + 1);
    if (code == lmdb_ok) code = write_meta(*txn, meta);
    return code == lmdb_ok ? txn->commit() : code;
}

}  // namespace ledge::storage
