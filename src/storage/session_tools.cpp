// list_sessions and remove_session: sessions in a store that no broker uses.
#include <unordered_map>

#include "guarded.hpp"
#include "ledge/base/json.hpp"
#include "ledge/journal/image.hpp"
#include "ledge/journal/record.hpp"
#include "ledge/journal/records.hpp"
#include "ledge/os/file.hpp"
#include "ledge/storage/commit_report.hpp"
#include "ledge/storage/lmdb_store.hpp"
#include "ledge/storage/tools.hpp"
#include "row_seal.hpp"
#include "store_dir.hpp"
#include "table_traits.hpp"
#include "tables.hpp"

namespace ledge::storage {
namespace {

constexpr int list_silence_max_ms = 60'000;

/// Counts the rows of each session, in a table whose keys begin with the session. Returns 0 or a code.
int count_rows(const Txn& txn, const Tables& tables, Table table,
               std::unordered_map<std::uint64_t, std::uint64_t>& rows) {
    return for_each_row(txn, tables[table], [&](Bytes key, Bytes) {
        // Malformed keys are skipped, because this tool lists what it can read; store verify reports them.
        if (key.size() == key_size(table)) ++rows[read_u64(key.data())];
        return true;
    });
}

std::string line_of(const journal::SessionRecord& record, std::uint64_t subscriptions, std::uint64_t messages,
                    Instant now) {
    JsonWriter line;
    line.bytes("client_id", as_bytes(record.client_id));
    line.bytes("user", as_bytes(record.owner));
    // No broker runs, so no client is connected. The field exists because the list of a running broker has it.
    line.boolean("connected", false);
    line.number("subscriptions", subscriptions);
    line.number("messages", messages);
    if (record.expires_at != never) {
        const auto left = std::chrono::duration_cast<std::chrono::seconds>(record.expires_at - now);
        line.number("expires_in_s", std::int64_t{left.count()});
    }
    return line.finish();
}

/// In the child: sends one line for each session. Returns 0 or a code.
int send_sessions(const std::string& file, GuardedOut& out) {
    auto env = Env::open({.path = file, .is_read_only = true, .is_alone = true});
    if (!env) return env.error();
    auto txn = Txn::begin(*env, true);
    if (!txn) return txn.error();
    auto tables = Tables::open(*txn, false);
    if (!tables) return tables.error();
    const auto meta = read_meta(*txn);
    std::unordered_map<std::uint64_t, std::uint64_t> subscriptions;
    std::unordered_map<std::uint64_t, std::uint64_t> messages;
    int code = count_rows(*txn, *tables, Table::subscription, subscriptions);
    if (code == lmdb_ok) code = count_rows(*txn, *tables, Table::queued, messages);
    if (code != lmdb_ok) return code;
    return for_each_row(*txn, (*tables)[Table::session], [&](Bytes key, Bytes value) {
        const auto body = open_row(Table::session, key, value);
        const auto record = body ? journal::parse_session(*body) : std::nullopt;
        // An ended session only waits for the removal of its queue.
        if (!record || record->is_ended) return true;
        const std::uint64_t number = read_u64(key.data());
        out.send(as_bytes(line_of(*record, subscriptions[number], messages[number], meta ? meta->logical : Instant{})));
        return true;
    });
}

/// Adds what to do when a broker uses the store.
Failure<Error> add_advice(const Error& error) {
    if (fault_of(error.code) != Fault::in_use) return Failure{error};
    return Failure{in_context("{}; ask that broker with ledgemq ctl, or stop it first", "", error)};
}

}  // namespace

Result<bool, Error> list_sessions(const std::string& path, const Print& print) {
    auto dir = StoreDir::open(path, false);
    if (!dir) return add_advice(dir.error());
    if (os::file_size(dir->data_path()) == 0) return Failure{no_store_in(path)};
    const auto work = [&](GuardedOut& out) {
        const int code = send_sessions(dir->data_path(), out);
        if (code != lmdb_ok) out.send(as_bytes(explain(code)));
        return code == lmdb_ok;
    };
    const auto on_bytes = [&](Bytes bytes) { print(as_text(bytes)); };
    if (run_guarded(work, on_bytes, list_silence_max_ms) == GuardedEnd::fine) return true;
    return Failure{Error{Fault::damaged, "{}: cannot be read completely; run: ledgemq store verify", dir->data_path()}};
}

Result<bool, Error> remove_session(const std::string& path, std::string_view client_id) {
    {
        auto dir = StoreDir::open(path, false);
        if (!dir) return add_advice(dir.error());
        if (os::file_size(dir->data_path()) == 0) return Failure{no_store_in(path)};
    }
    // The usual start, with its checks and repairs. The block above ends first, because the store takes the lock
    // itself.
    auto store = open_lmdb_store({.path = path}, {});
    if (!store) return add_advice(store.error());
    auto image = (*store)->load();
    if (!image) return Failure{image.error()};
    for (const journal::StoredSession& stored : image->sessions) {
        const auto record = journal::parse_session({stored.record.data(), stored.record.size()});
        if (!record || record->is_ended || record->client_id != client_id) continue;
        // The record says that the session has ended. The next start of the broker removes its queue in portions.
        journal::Batch batch;
        const Blob ended = encode(journal::SessionRecord{record->client_id, 0, never, true, std::nullopt});
        const Bytes body = ended.bytes();
        batch.bodies.assign(body.begin(), body.end());
        batch.records.push_back({journal::RecordKind::session, journal::Change::put, 0,
                                 static_cast<std::uint32_t>(body.size()), stored.number, 0});
        // Any ticket: nobody waits for this commit's report.
        batch.last = Ticket(1);
        batch.next_number = image->next_number;
        batch.now = image->now;
        if (auto done = (*store)->commit(batch); !done) return Failure{done.error()};
        // Logical time stands still: the tool must not make other sessions expire.
        (*store)->close(image->now);
        return true;
    }
    (*store)->close(image->now);
    return Failure{Error{Fault::access, "{}: has no session of the client {}", path, std::string(client_id)}};
}

}  // namespace ledge::storage
