// The child's words: for each row  key_size:u8 value_size:u64 key value.
#include "salvage.hpp"

#include <algorithm>
#include <vector>

#include "guarded.hpp"
#include "ledge/session/records.hpp"

namespace ledge::storage {
namespace {

constexpr int silence_max_ms = 60'000;
constexpr std::size_t row_head_size = 9;
constexpr std::size_t transaction_bytes_max = 4 * 1024 * 1024;
constexpr std::size_t row_bytes_max = 300 * 1024 * 1024;  // beyond the largest packet: a wrong size, not a row

enum class Direction : std::uint8_t { forward, backward };

void send_row(GuardedOut& out, Bytes key, Bytes value) {
    std::array<Byte, row_head_size> head{};
    head[0] = static_cast<Byte>(key.size());
    write_u64(&head[1], value.size());
    out.send(head);
    out.send(key);
    out.send(value);
}

/// In the child: sends the rows of one table that look right; backward until `stop` (exclusive).
bool send_rows(GuardedOut& out, const std::string& path, Table table, Direction direction, Bytes stop) {
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
    int code = is_forward ? cursor->first() : cursor->last();
    for (; code == lmdb_ok; code = is_forward ? cursor->next() : cursor->previous()) {
        const Bytes key = cursor->key();
        const auto is_less = [](Bytes a, Bytes b) { return std::ranges::lexicographical_compare(a, b); };
        if (!is_forward && !is_less(stop, key)) return true;
        const bool is_in_order = before.empty() || (is_forward ? is_less(before, key) : is_less(key, before));
        if (!is_in_order) return false;  // a circle, or rows of something else
        before.assign(key.begin(), key.end());
        if (!is_well_formed(table, key, cursor->value())) continue;
        send_row(out, key, cursor->value());
        out.flush();  // the next step may be the last
    }
    return is_not_found(code);
}

bool send_meta(GuardedOut& out, const std::string& path) {
    auto env = Env::open({.path = path, .is_read_only = true, .is_alone = true});
    if (!env) return false;
    auto txn = Txn::begin(*env, true);
    if (!txn) return false;
    const auto row = txn->get(main_db, as_bytes(meta_key));
    if (row) out.send(row.value());
    return row.ok();
}

/// In the parent: takes the rows apart and writes them, some at a time.
class RowWriter {
public:
    RowWriter(const Env& env, DbId db) : env_(env), db_(db) {}

    void take(Bytes bytes) {
        pending_.insert(pending_.end(), bytes.begin(), bytes.end());
        std::size_t used = 0;
        while (code_ == lmdb_ok && is_sane_) {
            const Bytes rest = Bytes(pending_).subspan(used);
            if (rest.size() < row_head_size) break;
            const std::size_t key_bytes = rest[0];
            const std::uint64_t value_bytes = read_u64(&rest[1]);
            is_sane_ = key_bytes <= Key::size_max && value_bytes <= row_bytes_max;
            if (!is_sane_ || rest.size() - row_head_size < key_bytes + value_bytes) break;
            write(rest.subspan(row_head_size, key_bytes),
                  rest.subspan(row_head_size + key_bytes, static_cast<std::size_t>(value_bytes)));
            used += row_head_size + key_bytes + static_cast<std::size_t>(value_bytes);
        }
        pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(used));
    }

    int finish() {
        if (txn_ && code_ == lmdb_ok) code_ = txn_->commit();
        txn_.reset();
        pending_.clear();
        return code_;
    }

    std::uint64_t rows() const { return rows_; }
    const std::vector<Byte>& highest() const { return highest_; }

private:
    void write(Bytes key, Bytes value) {
        if (!txn_) {
            auto txn = Txn::begin(env_, false);
            if (!txn) {
                code_ = txn.error();
                return;
            }
            txn_.emplace(std::move(*txn));
            transaction_bytes_ = 0;
        }
        code_ = txn_->put(db_, key, value);
        transaction_bytes_ += key.size() + value.size();
        ++rows_;
        if (std::ranges::lexicographical_compare(highest_, key)) highest_.assign(key.begin(), key.end());
        if (code_ == lmdb_ok && transaction_bytes_ > transaction_bytes_max) {
            code_ = txn_->commit();
            txn_.reset();
        }
    }

    const Env& env_;
    DbId db_;
    std::optional<Txn> txn_;
    std::vector<Byte> pending_;
    std::vector<Byte> highest_;
    std::size_t transaction_bytes_ = 0;
    std::uint64_t rows_ = 0;
    int code_ = lmdb_ok;
    bool is_sane_ = true;
};

int salvage_table(const std::string& damaged, const Env& env, const Tables& tables, Table table, Salvaged& salvaged) {
    RowWriter writer(env, tables[table]);
    const auto read = [&](Direction direction, Bytes stop) {
        const auto work = [&](GuardedOut& out) { return send_rows(out, damaged, table, direction, stop); };
        return run_guarded(
            work, [&](Bytes bytes) { writer.take(bytes); }, silence_max_ms);
    };
    const GuardedEnd end = read(Direction::forward, {});
    int code = writer.finish();
    if (end != GuardedEnd::fine && code == lmdb_ok) {
        const std::vector<Byte> stop = writer.highest();
        read(Direction::backward, stop);
        code = writer.finish();
    }
    salvaged.rows[index_of(table)] = writer.rows();
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
        erase_unless(Table::q, [&](Bytes key, Bytes value) {
            const auto record = session::parse_queued(value);
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
            if (!keep(key, value)) misfits.emplace_back(key.begin(), key.end());
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
    for_each_row(txn, tables[Table::fresh], [&](Bytes, Bytes value) {
        if (const auto row = parse_fresh(value)) highest = std::max(highest, row->number);
        return true;
    });
    return highest;
}

}  // namespace

int salvage(const std::string& damaged, const Env& env, const Tables& tables, Salvaged& salvaged) {
    std::vector<Byte> meta_row;
    run_guarded([&](GuardedOut& out) { return send_meta(out, damaged); },
                [&](Bytes bytes) { meta_row.insert(meta_row.end(), bytes.begin(), bytes.end()); }, silence_max_ms);
    for (const Table table : all_tables) {
        if (const int code = salvage_table(damaged, env, tables, table, salvaged)) return code;
    }
    auto txn = Txn::begin(env, false);
    if (!txn) return txn.error();
    int code = Pruner(*txn, tables, salvaged).prune();
    const auto found = parse_meta(meta_row);
    salvaged.has_meta = found && found->version == schema_version;
    Meta meta = salvaged.has_meta ? *found : Meta{};
    meta.next_number = std::max(meta.next_number, highest_number(*txn, tables) + 1);
    if (code == lmdb_ok) code = write_meta(*txn, meta);
    return code == lmdb_ok ? txn->commit() : code;
}

}  // namespace ledge::storage
