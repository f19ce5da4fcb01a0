// StoreDir: checks and locks the directory, and keeps the file `state`.
#include "store_dir.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <optional>
#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/os/file.hpp"
#include "lmdb_env.hpp"

namespace ledge::storage {

using os::Descriptor;

namespace {

constexpr int set_aside_max = 1000;           // highest N of data.mdb.WHY-N
constexpr std::size_t state_bytes_max = 128;  // size limit of the file `state`

std::string read_line(int descriptor) {
    char text[128];
    // pread(2), because the descriptor stays open and its position must not matter.
    const ssize_t size = ::pread(descriptor, text, sizeof text, 0);
    return size > 0 ? std::string(text, static_cast<std::size_t>(size)) : std::string();
}

/// The content of `state` after a clean end; "" when data.mdb cannot be examined.
std::string clean_text(const std::string& data_path) {
    struct stat facts {};
    if (::stat(data_path.c_str(), &facts) != 0) return {};
    // Size and time together: a copy that is put back under the same name has another time, even if its size is equal.
    const auto mtime_ns = std::int64_t{facts.st_mtim.tv_sec} * 1'000'000'000 + facts.st_mtim.tv_nsec;
    return "clean " + std::to_string(facts.st_size) + " " + std::to_string(mtime_ns) + "\n";
}

Failure<Error> refused(std::string path, std::string_view what, std::error_code code) {
    return Failure{Error{code, what, std::move(path)}};
}

// The whole file, for a lock of the open file description (F_OFD_SETLK). Such a lock can be queried without locking,
// and a child that closes its inherited descriptor does not release it.
struct flock whole_file() {
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    return lock;
}

enum class Locking : std::uint8_t { done, held, failed };

Locking try_lock(int descriptor) {
    struct flock whole = whole_file();
    if (::fcntl(descriptor, F_OFD_SETLK, &whole) == 0) return Locking::done;
    // POSIX allows both codes for a lock that another process holds.
    return errno == EAGAIN || errno == EACCES ? Locking::held : Locking::failed;
}

pid_t pid_in(int descriptor) { return static_cast<pid_t>(std::atol(read_line(descriptor).c_str())); }

/// EPERM means that the process exists and belongs to another user.
bool is_gone(pid_t pid) { return pid > 0 && ::kill(pid, 0) != 0 && errno == ESRCH; }

// Locks the file `lock`. When a broker is killed while its child process checks the file, the child still holds the
// lock for a moment. So this function waits for a holder that no longer exists, but not for a holder that is alive.
Locking lock_file(int descriptor) {
    constexpr timespec pause{0, 10'000'000};
    constexpr int tries_max = 100;  // one second in total
    Locking result = try_lock(descriptor);
    for (int i = 0; i < tries_max && result == Locking::held && is_gone(pid_in(descriptor)); ++i) {
        ::nanosleep(&pause, nullptr);
        result = try_lock(descriptor);
    }
    return result;
}

// Locks the open directory. The lock belongs to the open file description, like the other lock. holder_of() takes this
// lock for a moment, so this function tries for a second. On a file system without such locks (some
// network file systems) this step is skipped.
Locking lock_directory(int descriptor) {
    constexpr timespec pause{0, 10'000'000};
    constexpr int tries_max = 100;  // one second in total
    for (int i = 0; i < tries_max; ++i) {
        if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return Locking::done;
        ::nanosleep(&pause, nullptr);
    }
    return Locking::held;
}

bool is_directory_locked(const std::string& path) {
    const Descriptor directory = os::open_directory(path);
    return directory.is_open() && ::flock(directory.get(), LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

/// All names that a start opens, writes or renames.
constexpr const char* names_in_use[] = {"data.mdb",
                                        "data.mdb-lock",
                                        "lock",
                                        "state",
                                        "state.new",
                                        "data.mdb.new",
                                        "data.mdb.new-lock",
                                        "data.mdb.salvaged",
                                        "data.mdb.salvaged-lock",
                                        "data.mdb.compacted",
                                        "data.mdb.restored"};

/// Which of these names is not an ordinary file; nullopt when all are. The broker would overwrite the target of a
/// symbolic link.
std::optional<Error> foreign_name_in(const std::string& directory) {
    for (const char* name : names_in_use) {
        struct stat facts {};
        const std::string path = directory + "/" + name;
        // A missing file is fine: the start creates it.
        if (::lstat(path.c_str(), &facts) != 0 || S_ISREG(facts.st_mode)) continue;
        return Error{Fault::access,
                     S_ISLNK(facts.st_mode)
                         ? "{}: is a symbolic link; the broker does not use it: remove it, or configure the folder "
                           "that contains the store"
                         : "{}: is not an ordinary file; the broker does not use it: remove it, or configure the "
                           "folder that contains the store",
                     path};
    }
    return {};
}

/// Succeeds when the directory can hold a store.
Result<bool, Error> check(const std::string& path) {
    struct stat facts {};
    if (::stat(path.c_str(), &facts) != 0) return refused(path, "{}: cannot be used as a store", system_code(errno));
    if (!S_ISDIR(facts.st_mode))
        return refused(path, "{}: is not a directory; a store needs its own directory", Fault::access);
    if ((facts.st_mode & S_IWOTH) != 0) {
        return refused(path, "{}: everybody may write there; remove that right (chmod o-w) or choose another directory",
                       Fault::access);
    }
    // AT_EACCESS: the rights of the effective user count, as for open(2).
    if (::faccessat(AT_FDCWD, path.c_str(), R_OK | W_OK | X_OK, AT_EACCESS) != 0) {
        const int error = errno;
        return Failure{
            Error{system_code(error), "{}: may not be written by user {}", path, std::to_string(::geteuid())}};
    }
    if (auto foreign = foreign_name_in(path)) return Failure{std::move(*foreign)};
    return true;
}

}  // namespace

Error no_store_in(const std::string& path) { return {Fault::access, "{}: holds no store (no data.mdb)", path}; }

pid_t holder_of(const std::string& directory) {
    const Descriptor lock(::open((directory + "/lock").c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    struct flock whole = whole_file();
    const bool is_asked = lock.is_open() && ::fcntl(lock.get(), F_OFD_GETLK, &whole) == 0;
    // Somebody may have deleted `lock` while a broker runs. The lock of the directory still shows that broker, but not
    // its pid.
    if (!is_asked || whole.l_type == F_UNLCK) return is_directory_locked(directory) ? -1 : 0;
    const pid_t pid = pid_in(lock.get());
    return pid > 0 ? pid : -1;
}

Result<StoreDir, Error> StoreDir::open(const std::string& given, bool creates) {
    // Without the trailing slashes, so that parent_of() finds the parent.
    std::string path = given;
    while (path.size() > 1 && path.back() == '/') path.pop_back();
    // Synced at once: after a power cut the directory must still have its name, or the whole store would be lost.
    if (creates && ::mkdir(path.c_str(), 0700) == 0) {
        os::sync_directory(os::parent_of(path));
    } else if (creates && errno != EEXIST) {
        return refused(path, "{}: cannot be created", system_code(errno));
    }
    if (auto fit = check(path); !fit) return Failure{fit.error()};
    Descriptor directory = os::open_directory(path);
    if (!directory.is_open()) return refused(path, "{}: cannot be opened", system_code(errno));
    Descriptor lock(::open((path + "/lock").c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!lock.is_open()) return refused(path + "/lock", "{}: cannot be opened", system_code(errno));
    switch (lock_file(lock.get())) {
        case Locking::done: break;
        case Locking::failed: return refused(path + "/lock", "{}: cannot be locked", system_code(errno));
        case Locking::held:
            return Failure{Error{Fault::in_use, "{}: in use by process {}", path, std::to_string(pid_in(lock.get()))}};
    }
    // The file `lock` was free. If the directory is not, a broker holds a `lock` that was deleted.
    if (lock_directory(directory.get()) == Locking::held) {
        return Failure{Error{Fault::in_use, "{}: in use by another process, whose file 'lock' was deleted", path}};
    }
    const std::string pid = std::to_string(::getpid()) + "\n";
    // The pid is information for people. On a full disk it cannot be written, and the lock works without it.
    [[maybe_unused]] const bool is_named =
        ::ftruncate(lock.get(), 0) == 0 && ::pwrite(lock.get(), pid.data(), pid.size(), 0) > 0;
    StoreDir dir(std::move(path), std::move(lock), std::move(directory));
    dir.give_to_owner(dir.lock_.get());
    return dir;
}

bool StoreDir::has_lost_data() const {
    if (os::file_size(data_path()) > 0) return false;
    return ::access(file("state").c_str(), F_OK) == 0 || ::access(lmdb_lock_path().c_str(), F_OK) == 0;
}

bool StoreDir::is_group_writable() const {
    struct stat facts {};
    return ::fstat(directory_.get(), &facts) == 0 && (facts.st_mode & S_IWGRP) != 0;
}

StoreDir::Past StoreDir::past() const {
    const std::string state = os::read_small_file(file("state"), state_bytes_max);
    // The last run wrote this at its start and did not replace it at its end, so it crashed.
    if (state.starts_with("running ")) return {false, static_cast<unsigned>(std::atol(state.c_str() + 8))};
    return {!state.empty() && state == clean_text(data_path()), 0};
}

// On a full disk a file can still be removed. A missing file `state` also counts as an unclean end.
bool StoreDir::mark_running(unsigned short_runs) {
    if (write_state("running " + std::to_string(short_runs) + "\n", true)) return true;
    const bool is_gone = ::unlink(file("state").c_str()) == 0 || errno == ENOENT;
    return is_gone && sync() == 0;
}

bool StoreDir::mark_clean() {
    const std::string text = clean_text(data_path());
    return !text.empty() && write_state(text, false);
}

// Writes under another name first, so that a torn write cannot look like a clean end. Without a sync, a power cut may
// leave the file empty, which counts as a missing file.
bool StoreDir::write_state(const std::string& text, bool is_durable) {
    LEDGE_ASSERT(lock_.is_open());  // only the process that holds the lock may write
    os::Draft draft(file("state.new"));
    draft.remove_leftover();
    const Descriptor out = os::create_private_file(draft.path());
    if (!out.is_open()) return false;
    give_to_owner(out.get());
    if (os::write_all(out.get(), text) != 0) return false;
    if (is_durable && os::sync_file(out.get()) != 0) return false;
    if (draft.rename_to(file("state")) != 0) return false;
    return !is_durable || sync() == 0;
}

int StoreDir::sync() const { return os::sync_file(directory_.get()); }

int StoreDir::finish_interrupted() const {
    const bool has_data = ::access(data_path().c_str(), F_OK) == 0;
    // These two files are complete whenever data.mdb is missing (see the list of files in store_dir.hpp).
    for (const std::string& whole : {restored_path(), salvaged_path()}) {
        if (!has_data && ::access(whole.c_str(), F_OK) == 0) return adopt(whole);
    }
    // data.mdb exists, so these are leftovers of a start or tool that was interrupted. None of them is in use: this
    // process holds the lock.
    for (const std::string& rest : {new_path(), salvaged_path(), compacted_path(), restored_path()}) {
        ::unlink(rest.c_str());
    }
    return 0;
}

// LMDB's lock file belongs to the replaced file; its readers must not count for the new one.
int StoreDir::adopt(const std::string& file) const {
    const Descriptor whole(::open(file.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    if (whole.is_open()) give_to_owner(whole.get());
    if (::rename(file.c_str(), data_path().c_str()) != 0) return errno;
    ::unlink(lmdb_lock_path().c_str());
    return sync();
}

Result<std::string, Error> StoreDir::set_aside(const char* why) {
    for (int n = 1; n <= set_aside_max; ++n) {
        std::string target = data_path() + "." + why + "-" + std::to_string(n);
        // An older file is never overwritten: it may be the last copy of somebody's messages.
        if (::access(target.c_str(), F_OK) == 0) continue;
        if (::rename(data_path().c_str(), target.c_str()) != 0) {
            return Failure{Error{system_code(errno), "{}: cannot be renamed", data_path()}};
        }
        sync();
        return target;
    }
    return Failure{Error{Fault::io, "{}: cannot be renamed, because {}", data_path(),
                         std::to_string(set_aside_max) + " files are already kept as " + why}};
}

void give_to_owner_of(int directory, int file) {
    struct stat facts {};
    // A tool that root runs must not leave files which the broker's user cannot open.
    if (::geteuid() != 0 || ::fstat(directory, &facts) != 0) return;
    [[maybe_unused]] const int result = ::fchown(file, facts.st_uid, facts.st_gid);
}

}  // namespace ledge::storage
