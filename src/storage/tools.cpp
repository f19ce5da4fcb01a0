// The tools info, verify, dump and compact. Each first reads the file in a child process.
#include "ledge/storage/tools.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <optional>

#include "dump_row.hpp"
#include "inspect.hpp"
#include "ledge/base/assert.hpp"
#include "ledge/os/file.hpp"
#include "store_dir.hpp"
#include "table_traits.hpp"
#include "tables.hpp"

namespace ledge::storage {
namespace {

// A child that sends nothing for this time is taken for stuck in damaged pages, and is ended.
constexpr int tool_silence_max_ms = 60'000;

/// The store that a path on the command line names.
struct Target {
    std::string file;
    std::string directory;  // "" = the path names a single file
    pid_t holder = 0;       // as holder_of() returns it

    bool is_alone() const { return directory.empty(); }
};

/// A path may name the directory of a store, or a single file, such as a backup or a quarantined file.
Result<Target, Error> find(const std::string& path) {
    struct stat facts {};
    if (::stat(path.c_str(), &facts) != 0) {
        return Failure{Error{system_code(errno), "{}: cannot be read", path}};
    }
    if (!S_ISDIR(facts.st_mode)) return Target{path, {}, 0};
    Target target{path + "/data.mdb", path, holder_of(path)};
    // LMDB would create a missing file, and opening an empty one reports a fault that misleads the operator.
    if (os::file_size(target.file) == 0) {
        return Failure{no_store_in(path)};
    }
    return target;
}

/// Opens the environment in a child process, runs `work` there, and prints the text that `work` sends.
using Work = bool (*)(const Env&, Txn&, GuardedOut&);
Result<bool, Error> read_in_child(const Target& target, Work work, const Print& print) {
    const auto child = [&](GuardedOut& out) {
        auto env = Env::open({.path = target.file, .is_read_only = true, .is_alone = target.is_alone()});
        auto txn = env ? Txn::begin(*env, true) : Result<Txn, int>(Failure{env.error()});
        if (txn) return work(*env, *txn, out);
        out.send(as_bytes(target.file + ": cannot be read: " + explain(txn.error()) + "\n"));
        return false;
    };
    const GuardedEnd end = run_guarded(
        child, [&](Bytes bytes) { print(as_text(bytes)); }, tool_silence_max_ms);
    // The child has already sent its reason as text when it refuses, so no further error is reported.
    if (end == GuardedEnd::fine) return true;
    if (end == GuardedEnd::refused) return false;
    return Failure{Error{Fault::damaged, "{}: cannot be read completely; the file is damaged", target.file}};
}

std::string in_kib(std::uint64_t bytes) { return std::to_string(bytes / 1024) + " KiB"; }

constexpr std::array<const char*, table_count> contents{"sessions",
                                                        "subscriptions",
                                                        "QoS 2 packet ids of publishers",
                                                        "retained messages",
                                                        "newest changes of retained messages",
                                                        "messages queued, by session",
                                                        "topics and payloads of queued messages"};

/// The calendar at the last commit. Zero means that no commit has noted a time.
std::string calendar_text(std::chrono::microseconds since_1970) {
    if (since_1970.count() == 0) return "unknown";
    const std::time_t seconds = std::chrono::duration_cast<std::chrono::seconds>(since_1970).count();
    std::tm parts{};
    char text[64];
    const bool is_date = ::gmtime_r(&seconds, &parts) != nullptr;
    // A damaged meta row may contain a year that gmtime(3) cannot represent; the text is empty then.
    const std::size_t size = is_date ? std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &parts) : 0;
    return {text, size};
}

std::string seconds_text(std::chrono::microseconds time) {
    return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(time).count()) + " s";
}

void send_line(GuardedOut& out, const char* label, const std::string& text) {
    constexpr std::size_t label_columns = 14;
    std::string line = label;
    LEDGE_ASSERT(line.size() < label_columns);
    line.resize(label_columns, ' ');
    out.send(as_bytes(line + text + "\n"));
}

/// In the child: sends the facts of the file, the meta row first, because the tables may be damaged.
bool send_info(const Env& env, Txn& txn, GuardedOut& out) {
    const MetaRows found = read_meta_rows(txn);
    const std::optional<Meta>& meta = found.meta;
    if (found.is_ours && !meta)
        send_line(out, "meta", "damaged; the next start of the broker restores it from the other rows");
    if (!found.is_ours) {
        out.send(as_bytes("not a store of this broker\n"));
        return false;
    }
    const EnvFacts facts = env.facts();
    if (meta) {
        send_line(out, "schema", "version " + std::to_string(meta->version));
        // The rest of a later schema may mean something else, so only its version is told.
        if (meta->version > schema_version) return true;
        send_line(out, "transaction", std::to_string(facts.last_transaction));
        send_line(out, "next number", std::to_string(meta->next_number));
        send_line(out, "logical time", seconds_text(meta->logical.time_since_epoch()));
        send_line(out, "calendar", calendar_text(meta->wall));
        send_line(out, "written", in_kib(meta->device_bytes) + " to the device since it was created");
    }
    auto tables = Tables::open(txn, false);
    if (!tables) return false;
    if (const auto pages = pages_in_use(txn, *tables)) {
        const std::size_t used = pages.value() * facts.page_size;
        send_line(out, "size",
                  in_kib(facts.pages_used * facts.page_size) + ", in use " + in_kib(used) + " of at most " +
                      in_kib(facts.size_max) + " (" + std::to_string(used * 100 / facts.size_max) + " %), pages of " +
                      in_kib(facts.page_size));
    }
    for (const Table table : all_tables) {
        const auto rows = txn.facts((*tables)[table]);
        if (!rows) return false;
        send_line(out, traits_of(table).name,
                  std::to_string(rows.value().entries) + " rows, " + in_kib(rows.value().pages * facts.page_size) +
                      ": " + contents[index_of(table)]);
    }
    return true;
}

/// In the child: sends each row as a line of JSON.
bool send_rows(const Env&, Txn& txn, GuardedOut& out) {
    const auto meta = read_meta(txn);
    auto tables = Tables::open(txn, false);
    // The layout of rows of a later schema is unknown.
    if (!tables || (meta && meta->version > schema_version)) return false;
    // Without a meta row, the rows themselves tell their version: a dump is most useful for a damaged file.
    RowReader reader(meta ? meta->version : version_of_rows(txn, *tables));
    for (const Table table : all_tables) {
        const int code = for_each_row(txn, (*tables)[table], [&](Bytes key, Bytes value) {
            out.send(as_bytes(dump_row(table, reader.read(table, key, value))));
            return true;
        });
        if (code != lmdb_ok) return false;
    }
    return true;
}

/// Locks the directory, for a tool that must be the only user of the store.
Result<StoreDir, Error> lock_directory(const std::string& path) {
    auto dir = StoreDir::open(path, false);
    if (dir || fault_of(dir.error().code) != Fault::in_use) return dir;
    return Failure{
        in_context("{}; stop it first (info, verify and backup also work while a broker runs)", "", dir.error())};
}

/// Writes a copy of the file without free pages to `path`, and syncs it. Returns 0 or a code.
int write_compacted(const Env& env, const StoreDir& dir, const std::string& path) {
    // Mode 0600, as every file of a store: it contains the messages of clients.
    const os::Descriptor file = os::create_private_file(path);
    if (!file.is_open()) return errno;
    dir.give_to_owner(file.get());
    const int code = env.copy_compacted(file.get());
    return code == lmdb_ok ? os::sync_file(file.get()) : code;
}

}  // namespace

Result<bool, Error> print_info(const std::string& path, const Print& print) {
    const auto target = find(path);
    if (!target) return Failure{target.error()};
    const Target& found = target.value();
    print("file          " + found.file + "\n");
    if (!found.directory.empty()) {
        print("in use by     " + (found.holder != 0 ? "process " + std::to_string(found.holder) : "nobody") + "\n");
    }
    return read_in_child(found, send_info, print);
}

// No lock: LMDB gives a reader the snapshot of one commit, so a running broker does not disturb the check.
Result<bool, Error> verify(const std::string& path, const Print& print) {
    const auto target = find(path);
    if (!target) return Failure{target.error()};
    // Every problem becomes a line, so a script can count the lines. The last line is "ok" only when nothing was found.
    const Inspection inspection = inspect(target.value().file, target.value().is_alone(), Depth::everything);
    for (const Table table : all_tables) {
        print(std::string(traits_of(table).name) + ": " + std::to_string(inspection.rows[index_of(table)]) + " rows\n");
    }
    for (const std::string& problem : inspection.problems) print("problem: " + problem + "\n");
    if (inspection.problem_count > inspection.problems.size()) {
        print("problem: and " + std::to_string(inspection.problem_count - inspection.problems.size()) + " more\n");
    }
    const bool is_fine = inspection.is_fine();
    // The reading can end without a problem of a row, for example when the child is killed.
    if (inspection.problems.empty() && !is_fine) print("problem: " + inspection.summary() + "\n");
    if (is_fine) print("ok\n");
    return is_fine;
}

Result<bool, Error> dump(const std::string& path, const Print& print) {
    const auto target = find(path);
    if (!target) return Failure{target.error()};
    // A single file is read without a lock: usually it is a quarantined file or a backup, which no broker uses.
    std::optional<StoreDir> lock;
    if (!target.value().directory.empty()) {
        auto dir = lock_directory(path);
        if (!dir) return Failure{dir.error()};
        lock.emplace(std::move(*dir));
    }
    return read_in_child(target.value(), send_rows, print);
}

Result<bool, Error> compact(const std::string& path, const Print& print) {
    const auto target = find(path);
    if (!target) return Failure{target.error()};
    auto dir = lock_directory(path);
    if (!dir) return Failure{dir.error()};
    // A copy of a damaged file would look whole, and the original would be gone.
    const Inspection inspection = inspect(dir->data_path(), true, Depth::everything);
    if (!inspection.is_fine()) {
        return Failure{Error{Fault::damaged, "{}: is not compacted: {}", dir->data_path(), inspection.summary()}};
    }
    // Read before the file is replaced, because the mark describes the old file.
    const bool was_clean = dir->past().is_clean;
    const std::uint64_t before = os::file_size(dir->data_path());
    os::Draft copy(dir->compacted_path());
    copy.remove_leftover();
    int code = lmdb_ok;
    if (auto env = Env::open({.path = dir->data_path(), .is_read_only = true, .is_alone = true})) {
        code = write_compacted(*env, *dir, copy.path());
    } else {
        code = env.error();
    }
    // The copy is complete and synced, so a power cut leaves either the old file or the new one.
    if (code == lmdb_ok) code = dir->adopt(copy.path());
    if (code != lmdb_ok) {
        return Failure{Error{code_of(code), "{}: cannot be compacted", dir->data_path()}};
    }
    // The mark has size and time of the old file, so it must be renewed; otherwise the next start checks the file.
    if (was_clean) dir->mark_clean();
    print(dir->data_path() + ": " + in_kib(before) + " before, " + in_kib(os::file_size(dir->data_path())) + " now\n");
    return true;
}

}  // namespace ledge::storage
