// backup and restore: a consistent copy of a store, and a store from such a copy. A copy of a store in use by other
// means (cp, rsync) is not consistent, because it contains pages of several transactions.
//
//   backup     one snapshot, compacted  ─►  TARGET.partial  ─►  read to its end  ─►  TARGET
//   restore    BACKUP, read to its end  ─►  data.mdb.new  ─►  data.mdb.restored  ─►  data.mdb
//                                           (before the last step an old data.mdb gets another name)
//
// While a backup reads the snapshot, the broker cannot reuse the pages that it frees: its file grows by the bytes that
// it commits. copy_time_max_ms limits this growth.
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "guarded.hpp"
#include "inspect.hpp"
#include "ledge/os/file.hpp"
#include "ledge/storage/tools.hpp"
#include "store_dir.hpp"
#include "tables.hpp"

namespace ledge::storage {
namespace {

constexpr int copy_time_max_ms = 10 * 60 * 1000;

Failure<Error> refuse(std::error_code code, std::string_view operation, std::string subject, std::string detail = {}) {
    return Failure{Error{code, operation, std::move(subject), std::move(detail)}};
}

/// Writes a compacted copy to `path`. Returns 0 or a code; after 0 the copy is on stable storage.
int write_snapshot(const Env& env, const std::string& path) {
    const os::Descriptor file = os::create_private_file(path);
    if (!file.is_open()) return errno;
    const int code = env.copy_compacted(file.get());
    return code == lmdb_ok ? os::sync_file(file.get()) : code;
}

/// Copies in a child process, because a damaged page may end the process that reads it. Returns "" or what went wrong.
std::string copy_snapshot(const std::string& from, bool is_alone, const std::string& to) {
    std::string error_text;
    const auto work = [&](GuardedOut& out) {
        int code = lmdb_ok;
        auto env = Env::open({.path = from, .is_read_only = true, .is_alone = is_alone});
        code = env ? write_snapshot(*env, to) : env.error();
        if (code != lmdb_ok) out.send(as_bytes(explain(code)));
        return code == lmdb_ok;
    };
    const GuardedEnd end = run_guarded(
        work, [&](Bytes bytes) { error_text += as_text(bytes); }, copy_time_max_ms);
    switch (end) {
        case GuardedEnd::fine: return {};
        case GuardedEnd::refused: return error_text;
        case GuardedEnd::silent: return "the copy takes longer than ten minutes";
        case GuardedEnd::killed: break;
    }
    return "the process that reads the file ends; the file is damaged";
}

int copy_bytes(const std::string& from, int to) {
    const os::Descriptor source(::open(from.c_str(), O_RDONLY | O_CLOEXEC));
    if (!source.is_open()) return errno;
    std::vector<char> buffer(256 * 1024);
    for (;;) {
        const ssize_t size = ::read(source.get(), buffer.data(), buffer.size());
        if (size < 0 && errno == EINTR) continue;
        if (size <= 0) return size == 0 ? 0 : errno;
        if (const int code = os::write_all(to, {buffer.data(), static_cast<std::size_t>(size)})) return code;
    }
}

/// Inspects the whole file. Returns "", or the reason why the file cannot be used as a store.
std::string inspect_to_end(const std::string& path, Inspection& inspection) {
    // `is_alone`: no broker uses a backup.
    inspection = inspect(path, true, Depth::everything);
    return inspection.is_complete() && !inspection.is_damaged() ? std::string() : inspection.summary();
}

std::string contents_of(const Inspection& inspection) {
    const auto rows = [&](Table table) { return std::to_string(inspection.rows[index_of(table)]); };
    return rows(Table::session) + " sessions, " + rows(Table::queued) + " queued messages, " + rows(Table::retained) +
           " + " + rows(Table::fresh) + " retained";
}

/// The result for the operator. A copy may contain bad rows of the original: the broker that starts with the copy moves
/// them out.
std::string verdict_on(const Inspection& inspection) {
    if (inspection.is_fine()) return "the copy was read completely, nothing is wrong";
    return "the copy was read completely, with " + std::to_string(inspection.problem_count) +
           " problems in single rows (store verify lists them), the first: " + inspection.summary();
}

std::string size_text(std::uint64_t bytes) { return std::to_string(bytes / 1024) + " KiB"; }

}  // namespace

Result<bool, Error> backup(const std::string& path, const std::string& target, const Print& print) {
    struct stat facts {};
    // lstat(2) and not stat(2): a symbolic link without a target counts as existing.
    if (::lstat(target.c_str(), &facts) == 0)
        return refuse(Fault::access, "{}: exists already; nothing is overwritten", target);
    const std::string data = path + "/data.mdb";
    if (os::file_size(data) == 0) return Failure{no_store_in(path)};
    auto dir = StoreDir::open(path, false);  // keeps the lock to the end, if no broker runs
    // A running broker holds the lock. A copy is possible all the same, if LMDB's lock file tells it of this reader.
    const bool is_running = !dir && fault_of(dir.error().code) == Fault::in_use;
    if (!dir && !is_running) return Failure{dir.error()};
    if (is_running && ::access((data + "-lock").c_str(), F_OK) != 0)
        return refuse(Fault::access, "{}-lock: was deleted while a broker uses the store; no copy can be consistent",
                      data);
    const std::uint64_t before = os::file_size(data);

    // The copy gets its name only after it was read: a file with the name TARGET is always a sound backup.
    os::Draft draft(target + ".partial");
    draft.remove_leftover();
    if (const std::string problem = copy_snapshot(data, !is_running, draft.path()); !problem.empty())
        return refuse(Fault::io, "{}: cannot be copied to {}", data, draft.path() + ": " + problem);
    Inspection inspection;
    if (const std::string problem = inspect_to_end(draft.path(), inspection); !problem.empty())
        return refuse(Fault::damaged, "{}: is not backed up, because the copy is damaged: {}", data, problem);
    if (const int code = draft.rename_to(target, os::Draft::Existing::kept))
        return refuse(code_of(code), "{}: cannot be created", target);
    if (const int code = os::sync_directory(os::parent_of(target)))
        return refuse(code_of(code), "{}: cannot be synced", target);
    print(target + ": " + size_text(os::file_size(target)) + ", " + contents_of(inspection) + "; " +
          verdict_on(inspection) + "\n");
    if (is_running)
        print(data + ": grew by " + size_text(os::file_size(data) - std::min(before, os::file_size(data))) +
              " during the backup\n");
    return true;
}

Result<bool, Error> restore(const std::string& backup, const std::string& path, bool replaces, const Print& print) {
    Inspection inspection;
    if (os::file_size(backup) == 0) return refuse(Fault::access, "{}: is missing or empty", backup);
    if (const std::string problem = inspect_to_end(backup, inspection); !problem.empty())
        return refuse(Fault::damaged, "{}: is not restored: {}", backup, problem);
    auto dir = StoreDir::open(path, true);
    if (!dir) return Failure{dir.error()};
    const bool has_store = os::file_size(dir->data_path()) > 0;
    if (has_store && !replaces)
        return refuse(Fault::access, "{}: holds a store already; with --force that store is kept under another name",
                      path);

    os::Draft draft(dir->new_path());
    draft.remove_leftover();
    os::Descriptor file = os::create_private_file(draft.path());
    if (!file.is_open()) return refuse(system_code(errno), "{}: cannot be created", draft.path());
    int code = copy_bytes(backup, file.get());
    // Before the rename, so that data.mdb never belongs to root.
    if (code == 0) dir->give_to_owner(file.get());
    if (code == 0) code = os::sync_file(file.get());
    file.reset();
    if (code == 0) code = draft.rename_to(dir->restored_path());
    if (code == 0) code = dir->sync();
    if (code != 0) return refuse(code_of(code), "{}: cannot be written", dir->new_path());
    // From here on, a start that finds no data.mdb finishes the restore.
    if (has_store) {
        auto aside = dir->set_aside("replaced");
        if (!aside) return Failure{aside.error()};
        print(dir->data_path() + ": is kept as " + *aside + "\n");
    }
    if (const int adopted = dir->adopt(dir->restored_path()))
        return refuse(code_of(adopted), "{}: cannot be replaced", dir->data_path());
    print(dir->data_path() + ": " + contents_of(inspection) + "\n");
    return true;
}

}  // namespace ledge::storage
