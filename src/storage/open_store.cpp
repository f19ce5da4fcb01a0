// open_lmdb_store: from a directory in any state to an open store. Runs before other threads exist; only LaterOpener
// runs on the committer's thread.
//
//   data.mdb       last run                        check
//   missing        -                               none: a new file is made under another name, then renamed
//   exists         ended cleanly, file untouched   none: size and time are those of the clean end
//   exists         did not end cleanly             a child process reads all that a start reads; a file of up to
//                                                  32 MiB is read completely
//   exists         crashed soon after its start,   a child process reads everything (a damaged message may be
//                  three times in a row            the cause)
//
// The check looks for damage of the file. Single bad rows are not damage in this sense: the store loads without them
// and moves them to a file (bad_rows.hpp).
#include <algorithm>
#include <cerrno>
#include <utility>

#include "inspect.hpp"
#include "ledge/base/assert.hpp"
#include "ledge/broker/store_figures.hpp"
#include "ledge/os/file.hpp"
#include "ledge/storage/lmdb_store.hpp"
#include "lmdb_store.hpp"
#include "pending_store.hpp"
#include "salvage.hpp"
#include "upgrade.hpp"

namespace ledge::storage {
namespace {

// Short runs in a row. A single crash may have another cause, and a complete check delays the start.
constexpr unsigned short_runs_suspicious = 3;
// A slow card needs about a second to read a file of this size.
constexpr std::uint64_t bytes_checked_always = 32 * 1024 * 1024;
constexpr std::uint64_t size_granule = 1024 * 1024;  // a multiple of every page size; the map size is rounded to it
constexpr std::uint64_t size_smallest = size_granule;

/// The size of the map in bytes. LMDB cannot open a file that is larger than its map, so an existing file raises the
/// limit.
std::size_t ceiling_of(std::uint64_t wanted, std::uint64_t file_bytes) {
    std::uint64_t size = std::max({wanted, file_bytes, size_smallest});
    size = (size + size_granule - 1) / size_granule * size_granule;
    if constexpr (sizeof(std::size_t) == 4) size = std::min(size, size_max_32_bit);
    LEDGE_ASSERT(size >= size_smallest && size % size_granule == 0);
    return static_cast<std::size_t>(size);
}

/// One try to open the store of a directory.
class Opener {
public:
    // A copy of the options: a LaterOpener outlives the call of open_lmdb_store().
    Opener(const LmdbStoreOptions& options, const Log& log) : options_(options), log_(log) {}

    StartState start_state() const { return start_state_; }

    Result<std::unique_ptr<Store>, Error> open() {
        auto dir = StoreDir::open(options_.path, true);
        if (!dir) return Failure{dir.error()};
        return open(std::move(*dir));
    }

    /// Opens the store in a directory that this process has locked.
    Result<std::unique_ptr<Store>, Error> open(StoreDir dir) {
        warn_of_group(dir);
        // First of all, because an earlier start may have ended between two renames. data.mdb may then exist under
        // another name.
        int code = dir.finish_interrupted();
        const bool is_new = os::file_size(dir.data_path()) == 0;
        // The broker starts all the same: publishers must not stop because old data is gone. The operator must learn
        // about the loss, so the log, /healthz and the metrics report it.
        if (dir.has_lost_data()) {
            start_state_ = StartState::lost;
            log_loss(dir);
        }
        if (code == lmdb_ok && is_new) code = create(dir);
        if (code != lmdb_ok) return failure(dir, "{}: cannot be created", code);
        // A file that this start has just made needs no check.
        const StoreDir::Past past = is_new ? StoreDir::Past{.is_clean = true} : dir.past();
        std::string reason = check_file(dir, past);
        if (reason.empty()) {
            auto store = open_file(dir, past, reason);
            // Either the store is open, or the error is not a damage of the file. A missing right, for example, must
            // not cause a quarantine.
            if (reason.empty()) return store;
        }
        return replace(std::move(dir), reason);
    }

private:
    using Opened = Result<std::unique_ptr<Store>, Error>;

    // Shared volumes often have such a mode, so the broker warns and starts.
    void warn_of_group(const StoreDir& dir) const {
        if (!dir.is_group_writable()) return;
        log_.warning("store_folder_group_writable",
                     {{"path", dir.path()},
                      {"outcome", "every member of the folder's group can replace or delete the store"},
                      {"fix", "remove the group's right to write: chmod g-w"}});
    }

    void log_loss(const StoreDir& dir) const {
        log_.error("store_lost", {{"path", dir.data_path()},
                                  {"reason", "the file is missing or empty, although a broker has used this folder"},
                                  {"outcome",
                                   "the broker starts with an empty store: sessions, queued and retained "
                                   "messages are gone"},
                                  {"fix", "stop the broker and restore a backup: ledgemq store restore"}});
    }

    /// Inspects the file if the last run did not end cleanly. Returns why the file cannot be trusted; "" = it can.
    std::string check_file(const StoreDir& dir, const StoreDir::Past& past) const {
        if (past.is_clean) return {};
        // A start reads no messages. If a damaged message has crashed the last runs, only the check of everything finds
        // it.
        const bool is_suspicious = past.short_runs >= short_runs_suspicious;
        const bool is_small = os::file_size(dir.data_path()) <= bytes_checked_always;
        const Depth depth = is_suspicious || is_small ? Depth::everything : Depth::heads;
        const Inspection inspection = inspect(dir.data_path(), true, depth);
        // An unfinished check is no proof of damage (a slow disk, a missing right): the start goes on with a warning.
        if (!inspection.is_complete() && !inspection.is_damaged()) {
            log_.warning("store_check_unfinished", {{"path", dir.data_path()}, {"reason", inspection.summary()}});
        }
        return inspection.is_damaged() ? inspection.summary() : std::string();
    }

    /// Opens data.mdb. Sets `reason` when the file is damaged or not a store of this broker.
    Opened open_file(StoreDir& dir, const StoreDir::Past& past, std::string& reason) {
        auto env = open_env(dir);
        if (!env) {
            if (fault_of(env.error()) == Fault::damaged) reason = explain(env.error());
            return failure(dir, "{}: cannot be opened", env.error());
        }
        // A tool that was killed leaves its slot in the reader table, and the slot prevents the reuse of free pages.
        int freed = 0;
        env->check_readers(freed);
        Meta meta;
        if (auto known = check_meta(dir, *env, meta, reason); !known) return Failure{known.error()};
        // Counts this run as short until it has lasted long enough (LmdbStore::note_lasting_run).
        const unsigned short_runs = past.is_clean ? 1 : past.short_runs + 1;
        if (meta.version < schema_version) {
            const int code = upgrade(dir, *env, meta);
            if (code != lmdb_ok) return failure(dir, "{}: cannot be upgraded to the schema of this broker", code);
            // The upgrade has replaced data.mdb; the environment from before still refers to the old file.
            env = open_env(dir);
            if (!env) return failure(dir, "{}: cannot be opened", env.error());
        }
        return finish(std::move(dir), std::move(*env), meta, short_runs, start_state_);
    }

    void log_bad_rows(std::uint64_t rows, std::uint64_t sessions_incomplete) const {
        log_.error("store_bad_rows", {{"rows", rows}, {"incomplete", sessions_incomplete}});
    }

    void log_meta_damage(const StoreDir& dir, const MetaRows& rows, const Meta& meta) const {
        const auto clock = std::chrono::duration_cast<std::chrono::seconds>(meta.logical.time_since_epoch());
        log_.error("store_meta_damaged",
                   {{"path", dir.data_path()},
                    {"reason", rows.fault},
                    {"recovered_from", rows.meta ? "the other copy of the meta row" : "the other rows"},
                    {"next_number", meta.next_number},
                    {"clock_s", std::int64_t{clock.count()}}});
    }

    /// Replaces the file with an upgraded copy.
    int upgrade(const StoreDir& dir, const Env& env, Meta& meta) const {
        LEDGE_ASSERT(meta.version < schema_version);
        Upgraded upgraded;
        BadRows bad_rows(dir.path(), log_);
        {
            const std::uint64_t bytes = os::file_size(dir.data_path());
            // Rows are longer in the new version, so the limit leaves room for twice the old size.
            auto copy = Env::open(
                {.path = dir.new_path(), .size_max = ceiling_of(options_.size_max_bytes, 2 * bytes), .is_alone = true});
            if (!copy) return copy.error();
            auto tables = create_tables(*copy);
            if (!tables) return tables.error();
            if (const int code = copy_upgraded(env, meta, *copy, *tables, bad_rows, upgraded)) return code;
        }
        // The inner block has closed the copy. From the rename on, a start finds the upgraded store.
        if (const int code = dir.adopt(dir.new_path())) return code;
        log_.info("store_upgraded", {{"path", dir.data_path()},
                                     {"from_version", meta.version},
                                     {"to_version", schema_version},
                                     {"rows", upgraded.rows}});
        if (bad_rows.count() > 0) log_bad_rows(bad_rows.count(), upgraded.sessions_incomplete);
        meta.version = schema_version;
        return lmdb_ok;
    }

    Result<Env, int> open_env(const StoreDir& dir) const {
        return Env::open(
            {.path = dir.data_path(), .size_max = ceiling_of(options_.size_max_bytes, os::file_size(dir.data_path()))});
    }

    /// Makes a new file under another name first: LMDB writes the first pages of a file without a sync, so a crash
    /// could leave a torn file under the name of the store.
    int create(const StoreDir& dir) const {
        {
            auto env = open_apart(dir, dir.new_path());
            if (!env) return env.error();
            Meta meta;
            if (auto tables = prepare(*env, meta); !tables) return tables.error();
        }
        return dir.adopt(dir.new_path());
    }

    /// Opens a file that no other process knows.
    Result<Env, int> open_apart(const StoreDir& dir, const std::string& path) const {
        const std::size_t size_max = ceiling_of(options_.size_max_bytes, os::file_size(dir.data_path()));
        return Env::open({.path = path, .size_max = size_max, .is_alone = true});
    }

    /// Reads the meta row into `meta`. An empty file gets the default values. Fails for a store of a later version, and
    /// for a file that is not a store, whose `reason` is set.
    Result<bool, Error> check_meta(const StoreDir& dir, const Env& env, Meta& meta, std::string& reason) const {
        auto txn = Txn::begin(env, true);
        if (!txn) return failure_of(dir, "{}: cannot be read", txn.error());
        const MetaRows meta_rows = read_meta_rows(*txn);
        std::optional<Meta> found = meta_rows.meta;
        const auto rows = txn->facts(main_db);
        if (!meta_rows.is_ours && rows && rows.value().entries > 0) {
            reason = "not a store of this broker";
            return failure_of(dir, "{}: is not a store of this broker", Fault::damaged);
        }
        // Both copies of the meta row are lost, but one of them has the magic bytes, so the file is a store.
        if (meta_rows.is_ours && !found) {
            auto tables = Tables::open(*txn, false);
            if (!tables) return failure_of(dir, "{}: cannot be read", tables.error());
            found = recover_meta(*txn, *tables);
        }
        if (meta_rows.is_ours && meta_rows.fault != nullptr) log_meta_damage(dir, meta_rows, *found);
        if (found && found->version > schema_version) {
            return Failure{
                Error{Fault::newer, "{}: has schema version {}; start the newer broker again, or choose another store",
                      dir.data_path(),
                      std::to_string(found->version) + ", this broker knows up to " + std::to_string(schema_version)}};
        }
        meta = found.value_or(Meta{});
        return true;
    }

    Opened finish(StoreDir dir, Env env, Meta meta, unsigned short_runs, StartState start_state) const {
        // Before the first write to the file: if this process crashes, the next start must know.
        if (!dir.mark_running(short_runs))
            return failure(dir, "{}: cannot be used, because its directory cannot be written", errno);
        auto tables = prepare(env, meta);
        if (!tables) return failure(dir, "{}: cannot be prepared", tables.error());
        // Makes the names of the files durable. A commit syncs only the content of data.mdb.
        if (const int code = dir.sync()) return failure(dir, "{}: cannot be synced", code);
        // The second descriptor of the file; each commit uses it to see whether data.mdb still names this file.
        auto file = HeldFile::open(dir.data_path());
        if (!file) return failure(dir, "{}: cannot be opened", file.error());
        std::unique_ptr<OpenStore> open(
            new OpenStore{std::move(dir), std::move(*file), std::move(env), *tables, meta, {}, start_state});
        if (const int code = load_fresh(*open)) return failure(open->dir, "{}: cannot be read", code);
        const EnvFacts facts = open->env.facts();
        log_.info("store_open", {{"path", open->dir.data_path()},
                                 {"bytes", facts.pages_used * facts.page_size},
                                 {"bytes_max", facts.size_max}});
        return std::unique_ptr<Store>(
            std::make_unique<LmdbStore>(std::move(open), options_.wall_clock, short_runs, log_));
    }

    /// Creates the missing tables, and writes the meta row if it or its copy is missing or damaged.
    Result<Tables, int> prepare(const Env& env, const Meta& meta) const {
        auto txn = Txn::begin(env, false);
        if (!txn) return Failure{txn.error()};
        const bool needs_meta = read_meta_rows(*txn).fault != nullptr;  // or the meta row or its copy is damaged
        // LMDB makes the handles of the tables valid for later transactions only if the transaction that opens them
        // commits.
        auto tables = Tables::open(*txn, true);
        if (!tables) return tables;
        int code = needs_meta ? write_meta(*txn, meta) : lmdb_ok;
        if (code == lmdb_ok) code = txn->commit();
        if (code != lmdb_ok) return Failure{code};
        return tables;
    }

    static Result<Tables, int> create_tables(const Env& env) {
        auto txn = Txn::begin(env, false);
        if (!txn) return Failure{txn.error()};
        auto tables = Tables::open(*txn, true);
        const int code = tables ? txn->commit() : tables.error();
        if (code != lmdb_ok) return Failure{code};
        return tables;
    }

    static int load_fresh(OpenStore& open) {
        auto txn = Txn::begin(open.env, true);
        return txn ? open.fresh.load(*txn, open.tables) : txn.error();
    }

    /// Renames the damaged file, and replaces it with a new file that has all readable rows. The damaged file keeps its
    /// name until the new file is complete: if this process ends before, the next start finds the damaged file again.
    Opened replace(StoreDir dir, const std::string& reason) const {
        LEDGE_ASSERT(!reason.empty());
        // The salvaged file is new, so the short runs of the damaged file do not count against it.
        dir.mark_running(0);
        Salvaged salvaged;
        if (const int code = make_salvaged(dir, salvaged)) {
            return Failure{Error{code_of(code), "{}: is damaged ({}), and its readable rows cannot be copied",
                                 dir.data_path(), reason}};
        }
        auto aside = dir.set_aside("corrupt");
        if (!aside) return Failure{aside.error()};
        if (const int code = dir.adopt(dir.salvaged_path())) return failure(dir, "{}: cannot be created", code);
        log_.error("store_quarantined", {{"path", dir.data_path()}, {"kept_as", *aside}, {"reason", reason}});
        report(salvaged);
        auto env = open_env(dir);
        if (!env) return failure(dir, "{}: cannot be opened", env.error());
        Meta meta;
        std::string second_reason;
        // A second quarantine is not tried. A new file that cannot be read shows a fault of the disk or of this
        // program.
        if (auto known = check_meta(dir, *env, meta, second_reason); !known) return Failure{known.error()};
        return finish(std::move(dir), std::move(*env), meta, 0, StartState::salvaged);
    }

    int make_salvaged(const StoreDir& dir, Salvaged& salvaged) const {
        auto env = open_apart(dir, dir.salvaged_path());
        if (!env) return env.error();
        Meta meta;
        auto tables = prepare(*env, meta);
        return tables ? salvage(dir.data_path(), *env, *tables, salvaged) : tables.error();
    }

    void report(const Salvaged& salvaged) const {
        const auto rows = [&](Table table) { return salvaged.rows[index_of(table)]; };
        log_.error("store_salvaged", {{"sessions", rows(Table::session)},
                                      {"subscriptions", rows(Table::subscription)},
                                      {"queued", rows(Table::queued)},
                                      {"messages", rows(Table::message)},
                                      {"retained", rows(Table::retained) + rows(Table::fresh)},
                                      {"bad_rows", salvaged.bad_rows},
                                      {"misfits", salvaged.misfits},
                                      {"incomplete", salvaged.sessions_incomplete},
                                      {"clock", salvaged.has_meta ? "kept" : "recovered"}});
    }

    static Failure<Error> failure_of(const StoreDir& dir, std::string_view what, std::error_code code) {
        return Failure{Error{code, what, dir.data_path()}};
    }
    static Failure<Error> failure_of(const StoreDir& dir, std::string_view what, int code) {
        return failure_of(dir, what, code_of(code));
    }
    static Opened failure(const StoreDir& dir, std::string_view what, int code) { return failure_of(dir, what, code); }

    const LmdbStoreOptions options_;
    const Log log_;
    StartState start_state_ = StartState::whole;
};

/// Makes the file of a new store later, on the committer's thread, with one try for each commit. Between the tries the
/// directory stays locked. A file that another program puts there meanwhile is never treated as our empty store.
class LaterOpener {
public:
    explicit LaterOpener(const LmdbStoreOptions& options) : options_(options) { lock_directory(); }

    Result<std::unique_ptr<Store>, Error> operator()() {
        // The lock can fail while the disk is full, because the file `lock` may have to be created.
        if (!*held_) lock_directory();
        if (!*held_) return Failure{held_->error()};
        const std::string data = (*held_)->data_path();
        if (os::file_size(data) > 0 && !is_file_ours_)
            return Failure{Error{Fault::io,
                                 "{}: has come from elsewhere while the broker ran without a file; nothing is written "
                                 "until a restart",
                                 data}};
        // There is no old file to inspect, so nothing forks here. The log belongs to another thread, so this try has
        // none.
        auto opened = Opener(options_, Log()).open(std::move(**held_));
        if (opened) return opened;
        // A file that exists now was made by this try, and the disk was full before the store was ready.
        is_file_ours_ = os::file_size(data) > 0;
        lock_directory();
        return opened;
    }

private:
    void lock_directory() { held_ = std::make_shared<Result<StoreDir, Error>>(StoreDir::open(options_.path, true)); }

    LmdbStoreOptions options_;
    std::shared_ptr<Result<StoreDir, Error>> held_;  // shared, because a std::function must be copyable
    bool is_file_ours_ = false;
};

}  // namespace

Result<std::unique_ptr<Store>, Error> open_lmdb_store(const LmdbStoreOptions& options, const Log& log) {
    Opener opener(options, log);
    auto opened = opener.open();
    // Only an empty store may be postponed. With an existing file, a broker without its store would lose what the file
    // contains.
    const bool is_new = os::file_size(options.path + "/data.mdb") == 0;
    if (opened || !may_retry(opened.error()) || !is_new) return opened;
    log.error("store_postponed",
              {{"reason", text_of(opened.error())},
               {"outcome", "the broker serves clients, and makes the store as soon as there is room"},
               {"fix", "make room on the disk of the store; a restart does not help"}});
    return make_pending_store(LaterOpener(options), opener.start_state());
}

}  // namespace ledge::storage
