#include "lmdb_store.hpp"

#include <sys/statvfs.h>

#include <algorithm>
#include <utility>

#include "image.hpp"
#include "ledge/base/assert.hpp"
#include "row_seal.hpp"
#include "thread_io.hpp"

namespace ledge::storage {
namespace {

using session::RecordKind;

constexpr Duration lasting_run = 60s;  // a start that lived as long was no failure of the file

/// A removal of what is not there any more is done.
int ignore_missing(int code) { return is_not_found(code) ? lmdb_ok : code; }

std::size_t given_bytes(Table table, const session::Record& record) { return key_size(table) + record.body_size; }

}  // namespace

LmdbStore::LmdbStore(std::unique_ptr<OpenStore> open, WallClock wall_clock, unsigned short_runs, const Log& log)
    : open_(std::move(open)),
      wall_clock_(wall_clock),
      log_(log),
      meta_(open_->meta),
      is_short_run_noted_(short_runs > 0) {}

StoreError LmdbStore::error(const char* what, int code) const {
    return {fault_of(code), open_->dir.data_path() + ": " + what + ": " + explain(code)};
}

Result<broker::StoreImage, StoreError> LmdbStore::load() {
    broker::StoreImage image;
    Strays strays;
    auto txn = Txn::begin(open_->env, true);
    int code = txn ? load_image(*txn, open_->tables, open_->fresh, image, strays) : txn.error();
    if (code != lmdb_ok) return Failure{error("cannot be loaded", code)};
    if (strays.rows > 0) log_.warning("store_rows_without_session", {{"rows", strays.rows}});
    if (strays.bad_rows > 0) log_.error("store_bad_rows", {{"rows", strays.bad_rows}});
    image.next_number = meta_.next_number;
    image.now = wall_clock_ != nullptr ? resume_clock(meta_, wall_clock_()) : meta_.logical;
    return image;
}

// ---------------------------------------------------------------------------------------------------------------------
// Commit

Result<CommitReport, StoreError> LmdbStore::commit(const session::Batch& batch) {
    if (const int code = read_failure_; code != lmdb_ok && !poison_) {
        poison_ = error("could not be read, nothing more is written until a restart", code);
    }
    if (poison_) return Failure{*poison_};
    LEDGE_ASSERT(open_ != nullptr);
    const std::uint64_t before = thread_written_bytes();
    CommitReport report;
    if (const int code = write(batch, report)) {
        poison_ = error("commit failed, nothing more is written until a restart", code);
        return Failure{*poison_};
    }
    open_->fresh.on_committed();
    report.last = batch.last;
    // The meta page is written as the few bytes that change; the device takes the page.
    const std::uint64_t written = thread_written_bytes() - before;
    report.device_bytes = written > 0 ? written + open_->env.facts().page_size : 0;
    meta_.device_bytes += report.device_bytes;
    note_lasting_run(batch.now);
    return report;
}

int LmdbStore::write(const session::Batch& batch, CommitReport& report) {
    auto begun = Txn::begin(open_->env, false);
    if (!begun) return begun.error();
    Txn& txn = *begun;
    int code = open_->fresh.merge_if_due(txn, open_->tables);
    for (const session::Record& record : batch.records) {
        if (code != lmdb_ok) return code;
        code = apply(txn, record, batch.body(record));
        const Table table = table_of(record.kind);
        report.given[static_cast<std::size_t>(class_of(table))] += given_bytes(table, record);
    }
    meta_.next_number = std::max(meta_.next_number, batch.next_number);
    meta_.logical = std::max(meta_.logical, batch.now);
    if (wall_clock_ != nullptr) meta_.wall = wall_clock_();
    if (code == lmdb_ok) code = write_meta(txn, meta_);
    if (code != lmdb_ok) return code;
    const auto pages = pages_in_use(txn, open_->tables);
    if (!pages) return pages.error();
    code = txn.commit();
    if (code == lmdb_ok) report.used_fraction = used_fraction(*pages);
    return code;
}

int LmdbStore::apply(Txn& txn, const session::Record& record, Bytes body) {
    const Tables& tables = open_->tables;
    const Table table = table_of(record.kind);
    switch (record.kind) {
        case RecordKind::cancelled: return lmdb_ok;
        case RecordKind::drop_session: return drop_session(txn, record.session);
        case RecordKind::put_retained: return open_->fresh.put(txn, tables, record.number, body);
        case RecordKind::drop_retained: return open_->fresh.drop(txn, tables, record.number);
        default: break;
    }
    const Key key = key_of(record);
    if (is_put(record.kind)) return put_row(txn, tables, table, key.bytes(), body);
    return ignore_missing(txn.erase(tables[table], key.bytes()));
}

int LmdbStore::drop_session(Txn& txn, std::uint64_t session) {
    int code = ignore_missing(txn.erase(open_->tables[Table::session], Key::of(session).bytes()));
    for (const Table table : {Table::sub, Table::in2, Table::q}) {
        if (code == lmdb_ok) code = erase_rows_of(txn, open_->tables[table], session);
    }
    return code;
}

// The ceiling is what the file may become, or what the disk lets it become.
double LmdbStore::used_fraction(std::size_t pages) const {
    const EnvFacts facts = open_->env.facts();
    double ceiling = static_cast<double>(facts.size_max);
    struct statvfs disk {};
    if (::statvfs(open_->dir.path().c_str(), &disk) == 0) {
        const double free_bytes = static_cast<double>(disk.f_bavail) * static_cast<double>(disk.f_frsize);
        ceiling = std::min(ceiling, static_cast<double>(facts.pages_used * facts.page_size) + free_bytes);
    }
    return ceiling > 0 ? static_cast<double>(pages * facts.page_size) / ceiling : 1.0;
}

void LmdbStore::note_lasting_run(Instant now) {
    if (!is_short_run_noted_) return;
    if (!first_commit_) first_commit_ = now;
    if (now - *first_commit_ < lasting_run) return;
    is_short_run_noted_ = false;
    open_->dir.mark_running(0);
}

void LmdbStore::close(Instant now) {
    if (open_ == nullptr) return;
    read_txn_.reset();
    session::Batch clock;
    clock.now = now;
    const bool is_clean = !poison_ && commit(clock).ok();
    StoreDir dir = std::move(open_->dir);
    open_.reset();
    if (is_clean) dir.mark_clean();
    poison_ = StoreError{Fault::access, dir.data_path() + ": is closed"};
}

// ---------------------------------------------------------------------------------------------------------------------
// Reads

session::StoreReader LmdbStore::reader() {
    session::StoreReader reader;
    reader.context = this;
    reader.queued = [](void* self, std::uint64_t session, std::uint64_t from, std::size_t rows_max,
                       std::size_t bytes_max, std::vector<session::StoredDelivery>& out) {
        static_cast<LmdbStore*>(self)->read_queued(session, from, rows_max, bytes_max, out);
    };
    reader.retained = [](void* self, std::uint64_t number, std::vector<Byte>& out) {
        return static_cast<LmdbStore*>(self)->read_row(Table::retained, number, out);
    };
    reader.message = [](void* self, std::uint64_t number, std::vector<Byte>& out) {
        return static_cast<LmdbStore*>(self)->read_row(Table::msg, number, out);
    };
    return reader;
}

/// Calls f(transaction) -> code on the newest snapshot, which is given back at once: one that is kept would pin every
/// page that commits free meanwhile.
template <class F>
bool LmdbStore::read(F&& f) {
    if (open_ == nullptr) return false;
    int code = lmdb_ok;
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
        read_txn_.reset();
    }
    if (code != lmdb_ok && !is_not_found(code) && read_failure_ == lmdb_ok) {
        read_failure_ = code;
        log_.error("store_read_failed", {{"reason", error("cannot be read", code).text}});
    }
    return code == lmdb_ok;
}

bool LmdbStore::read_queued(std::uint64_t session, std::uint64_t from, std::size_t rows_max, std::size_t bytes_max,
                            std::vector<session::StoredDelivery>& out) {
    return read([&](const Txn& txn) {
        auto rows = Cursor::open(txn, open_->tables[Table::q]);
        if (!rows) return rows.error();
        auto messages = Cursor::open(txn, open_->tables[Table::msg]);
        if (!messages) return messages.error();
        std::size_t bytes = 0;
        int code = rows->seek(Key::of(session, from).bytes());
        for (; code == lmdb_ok && rows_max > 0 && bytes <= bytes_max; --rows_max) {
            const Bytes key = rows->key();
            if (key.size() != key_size(Table::q) || read_u64(key.data()) != session) break;
            const Bytes body = open_row(Table::q, key, rows->value()).value_or(Bytes());
            session::StoredDelivery& delivery = out.emplace_back();
            delivery.row = {read_u64(key.data() + 8), {body.begin(), body.end()}};
            // The number of its message comes first in a queued record. A row or a message that is damaged or not there
            // is left empty: the core lets go of such a row.
            const Bytes message = body.size() >= 8 ? body.first(8) : Bytes();
            code = message.empty() ? lmdb_not_found : messages->seek(message);
            if (code == lmdb_ok && std::ranges::equal(messages->key(), message)) {
                const Bytes found = open_row(Table::msg, message, messages->value()).value_or(Bytes());
                delivery.publication.assign(found.begin(), found.end());
            } else if (code != lmdb_ok && !is_not_found(code)) {
                return code;
            }
            bytes += delivery.row.body.size() + delivery.publication.size();
            code = rows->next();
        }
        return ignore_missing(code);
    });
}

bool LmdbStore::read_row(Table table, std::uint64_t number, std::vector<Byte>& out) {
    const auto place = table == Table::retained && open_ != nullptr ? open_->fresh.find(number) : std::nullopt;
    return read([&](const Txn& txn) {
        const auto row = table == Table::retained ? find_retained(txn, open_->tables, place, number)
                                                  : get_row(txn, open_->tables, table, Key::of(number).bytes());
        if (!row) return row.error() == row_damaged ? lmdb_not_found : row.error();
        out.assign(row.value().begin(), row.value().end());
        return lmdb_ok;
    });
}

}  // namespace ledge::storage
