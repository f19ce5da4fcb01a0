// Salvage: a child process reads the damaged file and sends its rows to the parent, which writes them into a new store.
//   message := state:u8 key_size:u8 body_size:u64 key body
// A sound row is sent in the format of the present version, a bad row with its original bytes. The state `missing` has
// neither key nor body; it says that any row of the table may be missing.
#include "salvage.hpp"

#include <algorithm>
#include <vector>

#include "bulk_writer.hpp"
#include "guarded.hpp"
#include "image.hpp"
#include "ledge/base/assert.hpp"
#include "ledge/journal/records.hpp"
#include "loss_finder.hpp"
#include "row_reader.hpp"
#include "row_seal.hpp"
#include "table_traits.hpp"

namespace ledge::storage {
namespace {

constexpr int salvage_silence_max_ms = 60'000;
constexpr std::size_t row_head_size = 10;
constexpr std::size_t row_bytes_max = 300 * 1024 * 1024;  // larger than any packet, so a larger size must be wrong

// LMDB cannot walk past a damaged page. Walks from both ends reach all rows except those between the first and the last
// damaged page.
enum class Direction : std::uint8_t { forward, backward };

/// The first byte of a message from the child.
enum class RowState : std::uint8_t { sound, bad, missing };

void send_row(GuardedOut& out, RowState state, Bytes key, Bytes body) {
    std::array<Byte, row_head_size> head{static_cast<Byte>(state), static_cast<Byte>(key.size())};
    write_u64(&head[2], body.size());
    out.send(head);
    out.send(key);
    out.send(body);
    out.flush();  // the next read may end this process, and the row would be lost
}

/// In the child: sends the rows of one table. A backward walk ends at the key `stop`, which is not sent. False = the
/// table could not be read completely.
bool send_rows(GuardedOut& out, const std::string& path, std::uint32_t version, Table table, Direction direction,
               Bytes stop) {
    // `is_alone`: the parent holds the lock of the directory, so no lock file is needed next to the damaged file.
    auto env = Env::open({.path = path, .is_read_only = true, .is_alone = true});
    if (!env) return false;
    auto txn = Txn::begin(*env, true);
    if (!txn) return false;
    auto db = txn->open_db(traits_of(table).name, false);
    if (!db) return false;
    auto cursor = Cursor::open(*txn, *db);
    if (!cursor) return false;
    const bool is_forward = direction == Direction::forward;
    const auto facts = txn->facts(*db);
    std::uint64_t rows = 0;
    std::vector<Byte> before;
    RowReader reader(version);
    int code = is_forward ? cursor->first() : cursor->last();
    for (; code == lmdb_ok; code = is_forward ? cursor->next() : cursor->previous()) {
        const Bytes key = cursor->key();
        const auto is_less = [](Bytes a, Bytes b) { return std::ranges::lexicographical_compare(a, b); };
        // The forward walk has sent this row and all rows before it.
        if (!is_forward && !is_less(stop, key)) return true;
        const bool is_in_order = before.empty() || (is_forward ? is_less(before, key) : is_less(key, before));
        if (!is_in_order) return false;  // the tree is a cycle, or contains rows of another table
        before.assign(key.begin(), key.end());
        ++rows;
        const ReadRow row = reader.read(table, key, cursor->value());
        // The parent rejects a longer key and everything after it. No table has such keys, so the row is left out here.
        if (key.size() <= Key::size_max) send_row(out, row.fault ? RowState::bad : RowState::sound, row.key, row.body);
    }
    // An old page may stand in the place of a newer one. All keys are in order then, but rows are missing.
    if (is_forward && is_not_found(code) && facts && facts.value().entries != rows)
        send_row(out, RowState::missing, {}, {});
    return is_not_found(code);
}

/// The meta row of a damaged file, as the child sends it: is_found:u8 version:u8 meta (in the present format).
struct FoundMeta {
    bool is_found = false;
    std::uint32_t version = schema_version;
    Meta meta;
};

void send(GuardedOut& out, const FoundMeta& found) {
    out.send(std::array<Byte, 2>{static_cast<Byte>(found.is_found ? 1 : 0), static_cast<Byte>(found.version)});
    // The row is encoded in the present format, so its version field must agree. The version that the rows have stands
    // in its own byte.
    Meta meta = found.meta;
    meta.version = schema_version;
    out.send(encode(meta));
}

/// Returns "not found" for anything that is not a complete meta row: the child may have ended at any byte.
FoundMeta parse_found(Bytes words) {
    const auto meta = words.size() > 2 ? parse_meta(words.subspan(2)) : std::nullopt;
    return meta ? FoundMeta{words[0] != 0, words[1], *meta} : FoundMeta{};
}

/// In the child: sends the meta row. If the meta row cannot be read, sends the schema version that the rows have.
bool send_meta(GuardedOut& out, const std::string& path) {
    auto env = Env::open({.path = path, .is_read_only = true, .is_alone = true});
    if (!env) return false;
    auto txn = Txn::begin(*env, true);
    if (!txn) return false;
    // This broker does not know the fields of a later version, so such a row counts as unreadable.
    const auto meta = read_meta(*txn);
    if (meta && meta->version <= schema_version) {
        send(out, {true, meta->version, *meta});
        return true;
    }
    auto tables = Tables::open(*txn, false);
    if (!tables) return false;
    send(out, {false, version_of_rows(*txn, *tables), {}});
    return true;
}

/// In the parent: parses the messages of the child, writes the sound rows into the new store, and reports bad and
/// missing rows to the LossFinder.
class RowReceiver {
public:
    RowReceiver(BulkWriter& writer, Table table, LossFinder& losses)
        : writer_(writer), table_(table), losses_(losses) {}

    void on_bytes(Bytes bytes) {
        pending_.insert(pending_.end(), bytes.begin(), bytes.end());
        std::size_t used = 0;
        while (code_ == lmdb_ok && is_sane_) {
            const Bytes rest = Bytes(pending_).subspan(used);
            if (rest.size() < row_head_size) break;
            const std::size_t key_bytes = rest[1];
            const std::uint64_t body_bytes = read_u64(&rest[2]);
            // A child that has read damaged pages may send anything. After an impossible size nothing more is accepted.
            is_sane_ = key_bytes <= Key::size_max && body_bytes <= row_bytes_max;
            if (!is_sane_ || rest.size() - row_head_size < key_bytes + body_bytes) break;
            on_row(static_cast<RowState>(rest[0]), rest.subspan(row_head_size, key_bytes),
                   rest.subspan(row_head_size + key_bytes, static_cast<std::size_t>(body_bytes)));
            used += row_head_size + key_bytes + static_cast<std::size_t>(body_bytes);
        }
        // Once per call and not once per row, because each removal moves the rest of the buffer.
        pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(used));
    }

    /// The following rows come from the backward walk. Rows between the two walks are missing.
    void start_backward() {
        is_backward_ = true;
        // The forward child may have ended in the middle of a message.
        pending_.clear();
    }

    int finish() {
        if (LossFinder::is_about(table_)) {
            // The LossFinder expects the rows in the order of their keys: the forward walk, the gap, the first row
            // behind the gap.
            if (is_backward_) losses_.on_gap();
            if (!lowest_.empty()) losses_.on_sound(lowest_);
            losses_.on_end();
        }
        return code_ == lmdb_ok ? writer_.finish() : code_;
    }

    std::uint64_t rows() const { return rows_; }
    std::uint64_t bad_rows() const { return bad_rows_; }
    const std::vector<Byte>& highest() const { return highest_; }

private:
    void on_row(RowState state, Bytes key, Bytes body) {
        switch (state) {
            case RowState::missing: losses_.mark_all(); break;
            case RowState::bad: on_bad(key, body); break;
            case RowState::sound: write(key, body); break;
        }
    }

    void write(Bytes key, Bytes body) {
        code_ = writer_.put(table_, key, body);
        ++rows_;
        // The gap between the walks ends at the last row of the backward walk before its first bad row.
        if (is_backward_ && !has_bad_behind_) lowest_.assign(key.begin(), key.end());
        if (is_backward_) return;
        highest_.assign(key.begin(), key.end());
        if (LossFinder::is_about(table_)) losses_.on_sound(key);
    }

    void on_bad(Bytes key, Bytes value) {
        ++bad_rows_;
        // The key of a bad row is not to be trusted, so the gap reaches up to the sound row with the next higher key.
        has_bad_behind_ = has_bad_behind_ || is_backward_;
        if (!is_backward_ && LossFinder::is_about(table_)) losses_.on_bad(key, value);
    }

    BulkWriter& writer_;
    Table table_;
    LossFinder& losses_;
    std::vector<Byte> pending_;  // the beginning of a message
    std::vector<Byte> highest_;  // key of the last row of the forward walk
    std::vector<Byte> lowest_;   // key where the gap ends
    std::uint64_t rows_ = 0;
    std::uint64_t bad_rows_ = 0;
    int code_ = lmdb_ok;
    bool is_sane_ = true;
    bool is_backward_ = false;
    bool has_bad_behind_ = false;
};

/// The sessions in the new store. Losses in the other tables can only concern these.
std::vector<std::uint64_t> sessions_in(const Env& env, const Tables& tables) {
    auto txn = Txn::begin(env, true);
    return txn ? numbers_in(*txn, tables, Table::session) : std::vector<std::uint64_t>();
}

int salvage_table(const std::string& damaged, std::uint32_t version, const Env& env, const Tables& tables, Table table,
                  std::vector<std::uint64_t>& incomplete, Salvaged& salvaged) {
    BulkWriter writer(env, tables);
    // The table of sessions is salvaged before the tables that refer to it, so the new store contains all sessions
    // here.
    const std::vector<std::uint64_t> sessions = sessions_in(env, tables);
    LossFinder losses(table, sessions, incomplete);
    RowReceiver receiver(writer, table, losses);
    const auto read = [&](Direction direction, Bytes stop) {
        const auto work = [&](GuardedOut& out) { return send_rows(out, damaged, version, table, direction, stop); };
        return run_guarded(
            work, [&](Bytes bytes) { receiver.on_bytes(bytes); }, salvage_silence_max_ms);
    };
    // A damaged page ends the forward walk. The backward walk gets the rows behind that page.
    if (read(Direction::forward, {}) != GuardedEnd::fine) {
        receiver.start_backward();
        read(Direction::backward, receiver.highest());
    }
    salvaged.rows[index_of(table)] = receiver.rows();
    salvaged.bad_rows += receiver.bad_rows();
    return receiver.finish();
}

// ---------------------------------------------------------------------------------------------------------------------
// The rows in the new store must fit together: the core cannot send a queued message whose publication is lost.

bool contains_number(const std::vector<std::uint64_t>& sorted, std::uint64_t number) {
    return std::binary_search(sorted.begin(), sorted.end(), number);
}

class Pruner {
public:
    Pruner(Txn& txn, const Tables& tables, std::vector<std::uint64_t>& incomplete, Salvaged& salvaged)
        : txn_(txn), tables_(tables), incomplete_(incomplete), salvaged_(salvaged) {}

    // The order matters: queue rows are removed first, because the messages that are kept are those with a queue row.
    int prune() {
        const std::vector<std::uint64_t> sessions = numbers_in(txn_, tables_, Table::session);
        const std::vector<std::uint64_t> messages = numbers_in(txn_, tables_, Table::message);
        std::vector<std::uint64_t> wanted;
        for (const Table table : {Table::subscription, Table::received}) {
            erase_unless(table, [&](Bytes key, Bytes) { return contains_number(sessions, read_u64(key.data())); });
        }
        erase_unless(Table::queued, [&](Bytes key, Bytes body) {
            const auto record = journal::parse_queued(body);
            // The session loses a message, although its own row may be sound. Its client must be told that no session
            // is present.
            if (!record || !contains_number(messages, record->message.value()))
                incomplete_.push_back(read_u64(key.data()));
            if (!record || !contains_number(sessions, read_u64(key.data())) ||
                !contains_number(messages, record->message.value()))
                return false;
            wanted.push_back(record->message.value());
            return true;
        });
        // contains_number() requires sorted numbers. Duplicates, from messages in several queues, do no harm.
        std::sort(wanted.begin(), wanted.end());
        erase_unless(Table::message, [&](Bytes key, Bytes) { return contains_number(wanted, read_u64(key.data())); });
        return code_;
    }

private:
    template <class Keep>
    void erase_unless(Table table, Keep&& keep) {
        if (code_ != lmdb_ok) return;
        // Collected first: erasing during the walk would move the cursor.
        std::vector<std::vector<Byte>> misfits;
        code_ = for_each_row(txn_, tables_[table], [&](Bytes key, Bytes value) {
            const auto body = open_row(table, key, value);
            if (!body || !keep(key, *body)) misfits.emplace_back(key.begin(), key.end());
            return true;
        });
        for (const auto& key : misfits) {
            if (code_ == lmdb_ok) code_ = txn_.erase(tables_[table], key);
        }
        LEDGE_ASSERT(salvaged_.rows[index_of(table)] >= misfits.size());
        salvaged_.misfits += misfits.size();
        salvaged_.rows[index_of(table)] -= misfits.size();
    }

    Txn& txn_;
    const Tables& tables_;
    std::vector<std::uint64_t>& incomplete_;
    Salvaged& salvaged_;
    int code_ = lmdb_ok;
};

}  // namespace

int salvage(const std::string& damaged, const Env& env, const Tables& tables, Salvaged& salvaged) {
    std::vector<Byte> words;
    run_guarded([&](GuardedOut& out) { return send_meta(out, damaged); },
                [&](Bytes bytes) { words.insert(words.end(), bytes.begin(), bytes.end()); }, salvage_silence_max_ms);
    // The result of the child is of no interest: without a complete meta row, the default values apply.
    const FoundMeta found = parse_found(words);
    salvaged.has_meta = found.is_found;
    std::vector<std::uint64_t> incomplete;
    for (const Table table : all_tables) {
        const int code = salvage_table(damaged, found.version, env, tables, table, incomplete, salvaged);
        if (code != lmdb_ok) return code;
    }
    auto txn = Txn::begin(env, false);
    if (!txn) return txn.error();
    int code = Pruner(*txn, tables, incomplete, salvaged).prune();
    if (code == lmdb_ok) code = mark_incomplete(*txn, tables, incomplete);
    salvaged.sessions_incomplete = incomplete.size();
    // Without the meta row, next number and clock come from the other rows.
    const Meta recovered = recover_meta(*txn, tables);
    Meta meta = found.is_found ? found.meta : recovered;
    // The meta row may come from an older page than the rows. A number in use must never be assigned again.
    meta.next_number = std::max(meta.next_number, recovered.next_number);
    meta.version = schema_version;
    if (code == lmdb_ok) code = write_meta(*txn, meta);
    return code == lmdb_ok ? txn->commit() : code;
}

}  // namespace ledge::storage
