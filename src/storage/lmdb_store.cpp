// LmdbStore: load, commit with its failures, and the reads of the shard.
#include "lmdb_store.hpp"

#include <sys/mman.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "image.hpp"
#include "ledge/base/assert.hpp"
#include "ledge/storage/commit_report.hpp"
#include "row_seal.hpp"
#include "table_traits.hpp"
#include "thread_io.hpp"

namespace ledge::storage {
namespace {

using journal::Change;
using journal::RecordKind;

constexpr Duration lasting_run = 60s;     // after this time a crash no longer suggests that the file is the cause
constexpr std::size_t ceiling_steps = 8;  // each step above the ceiling adds one eighth of the ceiling
constexpr std::uint64_t broken_write_room = 1024 * 1024;  // bytes; with less free space, a full disk is the cause

constexpr Duration readers_check_interval = 10s;

/// The next size of a map of `size_max` bytes: one step more, at most twice the ceiling.
std::size_t raised_ceiling(std::size_t size_max, std::size_t ceiling) {
    const std::size_t raised = std::min(size_max + ceiling / ceiling_steps, 2 * ceiling);
    return sizeof(std::size_t) > 4 ? raised : std::min<std::size_t>(raised, size_max_32_bit);
}

/// LMDB unmaps the file before it maps the file with the new size. This check comes first, because after the unmapping
/// a lack of address space could not be repaired.
bool has_address_space(std::size_t bytes) {
    void* place = ::mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (place == MAP_FAILED) return false;
    ::munmap(place, bytes);
    return true;
}

/// The removal of a missing row counts as done: a batch may be repeated.
int ignore_missing(int code) { return is_not_found(code) ? lmdb_ok : code; }

std::size_t given_bytes(Table table, const journal::Record& record) { return key_size(table) + record.body_size; }

double fraction_of(const StoreRoom& size) {
    return size.size_max_bytes > 0 ? static_cast<double>(size.used_bytes) / static_cast<double>(size.size_max_bytes)
                                   : 1.0;
}

}  // namespace

LmdbStore::LmdbStore(std::unique_ptr<OpenStore> open, WallClock wall_clock, unsigned short_runs, const Log& log)
    : open_(std::move(open)),
      start_state_(open_->start_state),
      // The size of the open map and not the configured size, because a larger existing file has raised the limit.
      ceiling_(open_->env.facts().size_max),
      wall_clock_(wall_clock),
      log_(log),
      bad_rows_(open_->dir.path(), log),
      meta_(open_->meta),
      is_short_run_noted_(short_runs > 0) {}

Error LmdbStore::error(std::string_view what, int code) const { return {code_of(code), what, open_->dir.data_path()}; }

Result<journal::StoreImage, Error> LmdbStore::load() {
    LEDGE_ASSERT(open_ != nullptr);
    journal::StoreImage image;
    Damage damage{bad_rows_, {}};
    {
        auto txn = Txn::begin(open_->env, true);
        int code = txn ? load_image(*txn, open_->tables, open_->fresh, image, damage) : txn.error();
        if (code != lmdb_ok) return Failure{error("{}: cannot be loaded", code)};
        if (const auto pages = pages_in_use(*txn, open_->tables)) pages_in_use_ = *pages;
        // A number in use must never be assigned again, even if a damaged meta row says so.
        meta_.next_number = std::max(meta_.next_number, highest_number(*txn, open_->tables) + 1);
    }
    // The read transaction has ended above: moving the rows needs a write transaction, and a snapshot that is kept
    // would prevent the reuse of the pages that this transaction frees.
    if (image.bad_rows > 0) move_bad_rows(damage.incomplete);
    image.next_number = meta_.next_number;
    image.now = wall_clock_ != nullptr ? resume_clock(meta_, wall_clock_()) : meta_.logical;
    return image;
}

/// Moves the bad rows out of the tables, and marks the sessions that have lost a row. If this cannot be written, the
/// start continues with the same image, and the next start finds the same rows.
void LmdbStore::move_bad_rows(std::vector<std::uint64_t>& incomplete) {
    log_.error("store_bad_rows", {{"rows", bad_rows_.count()}, {"incomplete", incomplete.size()}});
    int code = lmdb_ok;
    bool is_marked = false;
    // One transaction moves a limited number of rows, because its pages stay in memory until the commit. The marks are
    // in the first transaction: a session must not look complete once one of its rows has left the tables.
    while (code == lmdb_ok && (!is_marked || bad_rows_.has_noted())) {
        auto txn = Txn::begin(open_->env, false);
        code = txn ? lmdb_ok : txn.error();
        if (code == lmdb_ok && !is_marked) code = mark_incomplete(*txn, open_->tables, incomplete);
        if (code == lmdb_ok) code = bad_rows_.move_to_file(*txn, open_->tables);
        if (code == lmdb_ok) code = txn->commit();
        is_marked = true;
    }
    if (code != lmdb_ok) log_.error("store_bad_rows_not_moved", {{"reason", explain(code)}});
}

// ---------------------------------------------------------------------------------------------------------------------
// Commit

Result<CommitReport, Error> LmdbStore::commit(const journal::Batch& batch) {
    // To the core, a failed read looks like a missing row. Decisions that the core bases on such a read must not become
    // durable.
    if (const int code = read_failure_; code != lmdb_ok && !poison_) {
        return Failure{poison("{}: could not be read; nothing more is written until a restart: {}", explain(code))};
    }
    if (poison_) return Failure{*poison_};
    LEDGE_ASSERT(open_ != nullptr);
    // A reader that meets a broken environment waits for this mutex, until this commit has opened the environment
    // again.
    const std::lock_guard committing(commit_mutex_);
    forget_dead_readers(batch.now);
    const std::uint64_t before = thread_written_bytes();
    CommitReport report;
    if (const int code = write(batch, report)) return Failure{on_commit_failed(code)};
    // This check comes last: a commit into a file that is no longer the store's file must not be reported as durable.
    if (const std::string_view displaced = open_->file.displacement(open_->dir.data_path()); !displaced.empty()) {
        return Failure{
            poison("{}: {} while the broker runs; nothing more is written until a restart", std::string(displaced))};
    }
    open_->fresh.on_committed();
    report.last = batch.last;
    // LMDB writes only the changed bytes of the meta page, but the device writes the whole page.
    const std::uint64_t written = thread_written_bytes() - before;
    report.device_bytes = written > 0 ? written + open_->env.facts().page_size : 0;
    report.bad_rows = bad_rows_.count();
    meta_.device_bytes += report.device_bytes;
    note_lasting_run(batch.now);
    return report;
}

// A backup or a check that was killed leaves its slot in LMDB's reader table. Until the slot is freed, no page that
// commits free could be used again.
void LmdbStore::forget_dead_readers(Instant now) {
    if (now - readers_checked_at_ < readers_check_interval) return;
    readers_checked_at_ = now;
    int freed = 0;
    open_->env.check_readers(freed);
}

/// `what` has places for the path of the file and for `detail`.
Error LmdbStore::poison(std::string_view what, std::string detail) {
    LEDGE_ASSERT(!poison_);  // the first error stays
    poison_ = Error{Fault::io, what, open_->dir.data_path(), std::move(detail)};
    return *poison_;
}

// A failed transaction leaves the store unchanged: LMDB first writes and syncs pages that nothing refers to yet, and
// then the meta page that refers to them. So a commit that found no room on the disk may be repeated from its
// beginning.
Error LmdbStore::on_commit_failed(int code) {
    LEDGE_ASSERT(code != lmdb_ok);
    // The transaction is gone, so the places of its rows in `fresh` must not enter the index.
    open_->fresh.on_failed();
    Error postponed = error("{}: cannot be written", code);
    if (code == EIO && is_broken_write()) postponed = broken_write();
    if (!may_retry(postponed)) {
        poison_ = error("{}: a commit failed; nothing more is written until a restart", code);
        return *poison_;
    }
    if (code == lmdb_map_full)
        postponed = {Fault::ceiling, "{}: cannot be written: {}", open_->dir.data_path(), raise_ceiling()};
    // Even a full disk can make the environment unusable, namely when the write of the meta page fails.
    if (const int broken = reopen_if_broken()) {
        poison_ = error("{}: cannot be opened again after a failed write", broken);
        return *poison_;
    }
    return postponed;
}

// LMDB returns EIO both for a write that was cut short (the disk is full) and for a failed sync. Linux reports a failed
// write-back once to each descriptor of the file. Our second descriptor has not seen it yet, so its sync() tells the
// two cases apart: success means that only a write was cut short.
bool LmdbStore::is_broken_write() const { return open_->file.sync() == 0; }

Error LmdbStore::broken_write() const {
    struct statvfs disk {};
    const bool is_known = ::statvfs(open_->dir.path().c_str(), &disk) == 0;
    const bool has_room = is_known && std::uint64_t{disk.f_bavail} * disk.f_frsize >= broken_write_room;
    return {Fault::full,
            has_room ? "{}: cannot be written: a write failed before anything was changed: Input/output error"
                     : "{}: cannot be written: a write was cut short: No space left on device",
            open_->dir.data_path()};
}

// Removals need pages too: a store that reaches its ceiling exactly could never be emptied again. For this reason the
// map may grow to twice the ceiling. Publications are refused long before, from a fraction of the configured ceiling
// on.
std::string LmdbStore::raise_ceiling() {
    const std::size_t size_max = open_->env.facts().size_max;
    const std::size_t raised = raised_ceiling(size_max, ceiling_);
    std::string text = "store.size_max_bytes (" + std::to_string(ceiling_) + ") is used up";
    if (raised <= size_max) return text + ", and the file has reached twice that size";
    if (!has_address_space(raised)) return text + ", and this process has no address space for a larger file";
    // LMDB moves the map when its size changes. No transaction may be open meanwhile, on either thread.
    const std::lock_guard lock(env_mutex_);
    read_txn_.reset();
    if (open_->env.set_size_max(raised) != lmdb_ok) return text;
    return text + "; the file may grow to " + std::to_string(raised) + " bytes, so that messages can be removed";
}

// When LMDB cannot write the meta page, it makes the environment unusable (MDB_PANIC). The disk has the old or the new
// meta page, and both are consistent stores. The batch may be repeated on either: putting or removing a row twice is
// harmless.
int LmdbStore::reopen_if_broken() {
    {
        // LMDB has no query for this state; beginning a write transaction shows whether the environment is unusable.
        const auto probe = Txn::begin(open_->env, false);
        if (probe || probe.error() != lmdb_panic) return lmdb_ok;
    }
    // The present limit may be above the ceiling. The file must keep the room that it was given for removals.
    const std::size_t size_max = open_->env.facts().size_max;
    const std::lock_guard lock(env_mutex_);
    read_txn_.reset();
    open_->env.close();
    auto env = Env::open({.path = open_->dir.data_path(), .size_max = size_max});
    if (!env) return env.error();
    open_->env = std::move(*env);
    auto txn = Txn::begin(open_->env, true);
    if (!txn) return txn.error();
    auto tables = Tables::open(*txn, false);
    if (!tables) return tables.error();
    open_->tables = *tables;
    // The old meta page may be the valid one, so the index is built again from the rows that are on the disk.
    const int code = open_->fresh.load(*txn, open_->tables);
    return code != lmdb_ok ? code : txn->commit();  // a commit keeps the handles of the tables open
}

int LmdbStore::write(const journal::Batch& batch, CommitReport& report) {
    auto begun = Txn::begin(open_->env, false);
    if (!begun) return begun.error();
    Txn& txn = *begun;
    // Before the records of the batch: a record may write a sound row under the key of a bad one.
    int code = bad_rows_.move_to_file(txn, open_->tables);
    if (code == lmdb_ok) code = open_->fresh.merge_if_due(txn, open_->tables, bad_rows_);
    for (const journal::Record& record : batch.records) {
        if (code != lmdb_ok) return code;
        code = apply(txn, record, batch.body(record));
        const Table table = table_of(record.kind);
        report.given[static_cast<std::size_t>(traits_of(table).write_class)] += given_bytes(table, record);
    }
    // meta_ changes only after the commit: a failed batch must leave the numbers and the clock as they were. Both only
    // increase, so a repeated batch cannot set them back.
    Meta meta = meta_;
    meta.next_number = std::max(meta.next_number, batch.next_number);
    meta.logical = std::max(meta.logical, batch.now);
    if (wall_clock_ != nullptr) meta.wall = wall_clock_();
    if (code == lmdb_ok) code = write_meta(txn, meta);
    if (code != lmdb_ok) return code;
    // Counted inside the transaction, because after the commit another transaction would be needed.
    const auto pages = pages_in_use(txn, open_->tables);
    if (!pages) return pages.error();
    code = txn.commit();
    if (code != lmdb_ok) return code;
    LEDGE_ASSERT(meta.next_number >= batch.next_number);
    meta_ = meta;
    pages_in_use_ = *pages;
    const StoreRoom size = room();
    report.used_fraction = fraction_of(size);
    report.used_bytes = size.used_bytes;
    report.size_max_bytes = size.size_max_bytes;
    return lmdb_ok;
}

int LmdbStore::apply(Txn& txn, const journal::Record& record, Bytes body) {
    const Tables& tables = open_->tables;
    const bool is_put = record.change == Change::put;
    // The journal has one record for the end of a session, without a record for each of its rows.
    if (record.kind == RecordKind::session && !is_put) return drop_session(txn, record.session);
    if (record.kind == RecordKind::retained) {
        return is_put ? open_->fresh.put(txn, tables, record.number, body)
                      : open_->fresh.drop(txn, tables, record.number);
    }
    LEDGE_ASSERT(record.kind != RecordKind::retained);
    const Table table = table_of(record.kind);
    const Key key = key_of(record);
    if (is_put) return put_row(txn, tables, table, key.bytes(), body);
    return ignore_missing(txn.erase(tables[table], key.bytes()));
}

// Messages stay, because the queues of other sessions may share them. The journal removes a message with a record of
// its own.
int LmdbStore::drop_session(Txn& txn, SessionNumber session) {
    int code = ignore_missing(txn.erase(open_->tables[Table::session], Key::of(session.value()).bytes()));
    for (const Table table : {Table::subscription, Table::received, Table::queued}) {
        if (code == lmdb_ok) code = erase_rows_of(txn, open_->tables[table], session.value());
    }
    return code;
}

double LmdbStore::used_fraction() const { return fraction_of(room()); }

// The limit is the configured ceiling, or the present size plus the free space of the disk, if that is smaller.
StoreRoom LmdbStore::room() const {
    LEDGE_ASSERT(open_ != nullptr);
    const EnvFacts facts = open_->env.facts();
    StoreRoom size{pages_in_use_ * facts.page_size, ceiling_};
    struct statvfs disk {};
    if (::statvfs(open_->dir.path().c_str(), &disk) == 0) {
        const std::uint64_t free_bytes = std::uint64_t{disk.f_bavail} * disk.f_frsize;
        size.size_max_bytes = std::min<std::uint64_t>(ceiling_, facts.pages_used * facts.page_size + free_bytes);
    }
    return size;
}

void LmdbStore::note_lasting_run(Instant now) {
    // The state file is written once per run, not with each commit.
    if (!is_short_run_noted_) return;
    if (!first_commit_) first_commit_ = now;
    if (now - *first_commit_ < lasting_run) return;
    is_short_run_noted_ = false;
    open_->dir.mark_running(0);
}

void LmdbStore::close(Instant now) {
    if (open_ == nullptr) return;
    read_txn_.reset();
    journal::Batch clock;
    clock.now = now;
    // The empty batch only writes the clock into the meta row; it is needed only if time has passed since the last
    // commit.
    const bool is_clean = !poison_ && (meta_.logical == now || commit(clock).ok());
    StoreDir dir = std::move(open_->dir);
    open_.reset();
    // After the environment is closed: the mark contains size and time of the file, and no write may follow.
    if (is_clean) dir.mark_clean();
    // A commit after the close gets this error and does not touch the file, which another process may use now.
    poison_ = Error{Fault::access, "{}: is closed", dir.data_path()};
}

// ---------------------------------------------------------------------------------------------------------------------
// Reads

/// Calls f(transaction) -> code on the newest snapshot. The snapshot is released before the call returns: a snapshot
/// that is kept would prevent the reuse of every page that later commits free.
template <class F>
bool LmdbStore::read(F&& f) {
    if (open_ == nullptr) return false;
    int code = read_once(f);
    if (code == lmdb_panic) {  // a commit failed on the other thread, which now opens the environment again
        const std::lock_guard wait(commit_mutex_);
        code = read_once(f);
    }
    if (code != lmdb_ok && !is_not_found(code) && read_failure_ == lmdb_ok) {
        read_failure_ = code;
        log_.error("store_read_failed", {{"reason", text_of(error("{}: cannot be read", code))}});
    }
    return code == lmdb_ok;
}

template <class F>
int LmdbStore::read_once(F&& f) {
    const std::lock_guard lock(env_mutex_);
    int code = lmdb_ok;
    // The transaction object is kept between reads: renewing it costs no slot search in LMDB's reader table.
    if (read_txn_) {
        code = read_txn_->renew();
    } else {
        auto txn = Txn::begin(open_->env, true);
        if (txn) read_txn_.emplace(std::move(*txn));
        code = txn ? lmdb_ok : txn.error();
    }
    if (code == lmdb_ok) {
        code = f(*read_txn_);
        read_txn_->reset();
    } else {
        // A transaction that could not be renewed is of no further use. The next read begins a new one.
        read_txn_.reset();
    }
    return code;
}

void LmdbStore::queued(SessionNumber session, QueueRow from, std::size_t rows_max, std::size_t bytes_max,
                       std::vector<journal::StoredDelivery>& out) {
    read([&](const Txn& txn) {
        auto rows = Cursor::open(txn, open_->tables[Table::queued]);
        if (!rows) return rows.error();
        auto messages = Cursor::open(txn, open_->tables[Table::message]);
        if (!messages) return messages.error();
        std::size_t bytes = 0;
        int code = rows->seek(Key::of(session.value(), from.value()).bytes());
        // The byte limit is checked before each row, so at least one row is returned even if it exceeds the limit
        // alone. Otherwise a large message would block its queue forever.
        for (; code == lmdb_ok && rows_max > 0 && bytes <= bytes_max; --rows_max) {
            const Bytes key = rows->key();
            if (key.size() != key_size(Table::queued) || read_u64(key.data()) != session.value()) break;
            const Bytes body = opened(Table::queued, key, rows->value());
            journal::StoredDelivery& delivery = out.emplace_back();
            delivery.row = {read_u64(key.data() + 8), {body.begin(), body.end()}};
            // A queued record begins with the number of its message. A row or a message that is damaged or missing is
            // returned empty, and the core drops such a delivery.
            const Bytes message = body.size() >= 8 ? body.first(8) : Bytes();
            code = message.empty() ? lmdb_not_found : messages->seek(message);
            if (code == lmdb_ok && std::ranges::equal(messages->key(), message)) {
                const Bytes found = opened(Table::message, message, messages->value());
                delivery.publication.assign(found.begin(), found.end());
            } else if (code != lmdb_ok && !is_not_found(code)) {
                return code;
            }
            bytes += delivery.row.body.size() + delivery.publication.size();
            code = rows->next();
        }
        // The end of the table is no error: the session has no more rows.
        return ignore_missing(code);
    });
}

bool LmdbStore::read_row(Table table, std::uint64_t number, std::vector<Byte>& out) {
    // Looked up before the snapshot: find_retained() expects a snapshot that is not older than `place`.
    const auto place = table == Table::retained && open_ != nullptr ? open_->fresh.find(number) : std::nullopt;
    return read([&](const Txn& txn) {
        const auto row = table == Table::retained ? find_retained(txn, open_->tables, place, number)
                                                  : get_row(txn, open_->tables, table, Key::of(number).bytes());
        // A damaged row counts as missing and does not poison the store: the damage concerns one message only.
        if (!row && row.error() == row_damaged) {
            note_if_bad(txn, table, Key::of(number));
            if (place) note_if_bad(txn, Table::fresh, Key::of(place->sequence, number));
            return lmdb_not_found;
        }
        if (!row) return row.error();
        out.assign(row.value().begin(), row.value().end());
        return lmdb_ok;
    });
}

/// The body of a row. When the seal is wrong, the body is empty, and the next commit moves the row to the file of bad
/// rows.
Bytes LmdbStore::opened(Table table, Bytes key, Bytes value) {
    const auto body = open_row(table, key, value);
    if (!body) bad_rows_.note(table, key, value, wrong_seal);
    return body.value_or(Bytes());
}

void LmdbStore::note_if_bad(const Txn& txn, Table table, const Key& key) {
    if (const auto value = txn.get(open_->tables[table], key.bytes())) opened(table, key.bytes(), value.value());
}

}  // namespace ledge::storage
