// powercut: an LD_PRELOAD library between a broker and the files of its store. It keeps a journal of everything that
// is not yet synced (what was there before, what was written), it cuts the power, which is a SIGKILL at a chosen write
// or sync, and it makes chosen writes and syncs fail. After a cut journal.py undoes and tears what was never synced.
//
// A folder beside the store, named by POWERCUT_SIDE, holds `control` (struct Control, shared with the rig), `journal`
// (records, below) and a hard link f<ID> to every file of the store that was written, so that one that is renamed or
// deleted can be brought back. POWERCUT_STORE is the store's folder. All integers are of the machine.
//
//   journal := record*
//   record  := size:u64 kind:u32 is_durable:u32 file:u32 zero:u32 offset:u64 old_file_size:u64 old_size:u64
//              new_size:u64
//              old:old_size bytes  new:new_size bytes  padding to 8 bytes
//   kind    := 1 write (at offset) | 2 resize (to offset) | 3 create | 4 unlink | 5 rename
//              3, 4: old is the path; 4, 5: file is the link that keeps what the name meant, 0 for nothing
//              5: old is the path it had, new is the path it got
//
// What counts as durable: data by fsync or fdatasync of the same file, or when a write through O_DSYNC or O_SYNC
// returns; names by fsync of the folder. This is less than most file systems promise.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "powercut.h"

struct Record {
    uint64_t size;
    uint32_t kind, is_durable, file, zero;
    uint64_t offset, old_file_size, old_size, new_size;
};

enum { kind_write = 1, kind_resize, kind_create, kind_unlink, kind_rename };
enum { not_ours = -1, unknown = 0 };

static struct Control* control;
static char* journal;
static char store[PATH_MAX];  // with a slash at the end
static char side[PATH_MAX];
static _Atomic int16_t file_of[descriptors_max];  // by descriptor: id of the file, not_ours or unknown

// ---------------------------------------------------------------------------------------------------------------------
// StartState

static void give_up(const char* what) {
    fprintf(stderr, "powercut: %s: %s\n", what, strerror(errno));
    abort();
}

static void* map_file(const char* name, size_t size) {
    char path[PATH_MAX + 16];
    snprintf(path, sizeof path, "%s/%s", side, name);
    const int fd = real_open(path, O_RDWR | O_CLOEXEC, 0);
    if (fd < 0) give_up(path);
    void* const place = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (place == MAP_FAILED) give_up(path);
    real_close(fd);
    return place;
}

__attribute__((constructor)) static void begin(void) {
    ready();
    const char* const store_name = getenv("POWERCUT_STORE");
    const char* const side_name = getenv("POWERCUT_SIDE");
    if (store_name == NULL || side_name == NULL) return;
    snprintf(store, sizeof store, "%s/", store_name);
    snprintf(side, sizeof side, "%s", side_name);
    control = map_file("control", sizeof *control);
    journal = map_file("journal", journal_size);
    control->pid = (uint32_t)getpid();
}

// One at a time, over all threads and processes: the order in the journal is the order on the disk.
static void lock(void) {
    while (atomic_exchange_explicit(&control->lock, 1, memory_order_acquire) != 0) sched_yield();
}
static void unlock(void) { atomic_store_explicit(&control->lock, 0, memory_order_release); }

static _Noreturn void cut_power(void) {
    control->is_cut = 1;
    kill((pid_t)control->pid, SIGKILL);
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

// ---------------------------------------------------------------------------------------------------------------------
// Files

static bool is_in_store(const char* path) { return control != NULL && strncmp(path, store, strlen(store)) == 0; }

static void link_name(uint32_t file, char* place, size_t size) { snprintf(place, size, "%s/f%u", side, file); }

// The id of a file by its inode; the hard link keeps the inode from being used again.
static uint32_t file_id(const struct stat* facts, const char* path) {
    for (uint32_t i = 0; i < control->files; ++i) {
        if (control->inodes[i] == facts->st_ino) return i + 1;
    }
    if (control->files == files_max) {
        control->problem = problem_too_many_files;
        return 0;
    }
    char name[PATH_MAX + 16];
    link_name(control->files + 1, name, sizeof name);
    if (link(path, name) != 0) control->problem = problem_no_link;
    control->inodes[control->files] = facts->st_ino;
    return ++control->files;
}

// The file behind a descriptor, 0 when it is not of the store. Under the lock.
static uint32_t look_at(int fd) {
    struct stat facts;
    char name[64];
    char path[PATH_MAX];
    if (fstat(fd, &facts) != 0 || !S_ISREG(facts.st_mode)) return 0;
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    const ssize_t size = readlink(name, path, sizeof path - 1);
    if (size <= 0) return 0;
    path[size] = 0;
    return is_in_store(path) ? file_id(&facts, path) : 0;
}

// Most are sockets, looked at once; without the lock: a signal's handler may write to a pipe while a sync has it.
static bool may_be_ours(int fd) {
    ready();
    if (control == NULL || fd < 0) return false;
    if (fd < descriptors_max && file_of[fd] != 0) return file_of[fd] != not_ours;
    struct stat facts;
    const bool is_file = fstat(fd, &facts) == 0 && S_ISREG(facts.st_mode);
    if (!is_file && fd < descriptors_max) file_of[fd] = not_ours;
    return is_file;
}

static uint32_t file_behind(int fd) {
    if (fd < descriptors_max && file_of[fd] > 0) return (uint32_t)file_of[fd];
    const uint32_t file = look_at(fd);
    if (fd < descriptors_max) file_of[fd] = file == 0 ? not_ours : (int16_t)file;
    return file;
}

static void forget(int fd) {
    if (fd < 0 || fd >= descriptors_max) return;
    file_of[fd] = unknown;
    told_failed_sync[fd] = failed_syncs;
}

static bool writes_through(int fd) {
    const int flags = fcntl(fd, F_GETFL);
    return flags >= 0 && (flags & (O_DSYNC | O_SYNC)) != 0;
}

static uint64_t size_of(int fd) {
    struct stat facts;
    return fstat(fd, &facts) == 0 ? (uint64_t)facts.st_size : 0;
}

// ---------------------------------------------------------------------------------------------------------------------
// Journal. All under the lock.

// A record becomes part of the journal when `tail` moves behind it; until then it can be given up.
static struct Record* new_record(uint32_t kind, uint32_t file, uint64_t old_size, uint64_t new_size) {
    const uint64_t size = (sizeof(struct Record) + old_size + new_size + 7) & ~UINT64_C(7);
    if (control->tail + size > journal_size) {
        control->problem = problem_journal_full;
        return NULL;
    }
    struct Record* const record = (struct Record*)(void*)(journal + control->tail);
    *record = (struct Record){.size = size, .kind = kind, .file = file, .old_size = old_size, .new_size = new_size};
    return record;
}

static char* old_of(struct Record* record) { return (char*)(record + 1); }
static char* new_of(struct Record* record) { return old_of(record) + record->old_size; }

static void keep_record(struct Record* record) {
    atomic_thread_fence(memory_order_release);
    control->tail += record->size;
}

// `file` 0: names. Once everything is durable the journal begins anew.
static void mark_durable(uint32_t file) {
    bool is_all_durable = true;
    for (uint64_t at = 0; at < control->tail;) {
        struct Record* const record = (struct Record*)(void*)(journal + at);
        const bool is_name = record->kind >= kind_create;
        if (is_name ? file == 0 : record->file == file) {
            if (record->is_durable == 0) record->is_durable = 1;
        }
        if (record->is_durable != 1) is_all_durable = false;
        at += record->size;
    }
    if (is_all_durable) control->tail = 0;
}

// After a failed sync the kernel forgets which pages were not written: a later sync does not cover them.
static void doom(uint32_t file) {
    for (uint64_t at = 0; at < control->tail;) {
        struct Record* const record = (struct Record*)(void*)(journal + at);
        if (record->kind < kind_create && record->file == file && record->is_durable == 0) record->is_durable = 2;
        at += record->size;
    }
}

// What is about to be written over or cut off, by the side link: the descriptor may be write-only.
static void keep_old(struct Record* record) {
    if (record->old_size == 0) return;
    char name[PATH_MAX + 16];
    link_name(record->file, name, sizeof name);
    const int reader = real_open(name, O_RDONLY | O_CLOEXEC, 0);
    const ssize_t size = real_pread(reader, old_of(record), record->old_size, (off_t)record->offset);
    if (size != (ssize_t)record->old_size) control->problem = problem_unreadable;
    real_close(reader);
}

static void journal_name(uint32_t kind, uint32_t file, const char* old_path, const char* new_path) {
    const size_t old_size = strlen(old_path);
    const size_t new_size = new_path == NULL ? 0 : strlen(new_path);
    struct Record* const record = new_record(kind, file, old_size, new_size);
    if (record == NULL) return;
    memcpy(old_of(record), old_path, old_size);
    if (new_path != NULL) memcpy(new_of(record), new_path, new_size);
    keep_record(record);
}

static void journal_resize(int fd, uint32_t file, uint64_t size) {
    const uint64_t before = size_of(fd);
    const uint64_t cut_off = before > size ? before - size : 0;
    struct Record* const record = new_record(kind_resize, file, cut_off, 0);
    if (record == NULL) return;
    record->offset = size;
    record->old_file_size = before;
    keep_old(record);
    keep_record(record);
}

static void copy_parts(const struct iovec* parts, int count, char* to) {
    for (int i = 0; i < count; ++i) {
        memcpy(to, parts[i].iov_base, parts[i].iov_len);
        to += parts[i].iov_len;
    }
}

static struct Record* journal_write(int fd, uint32_t file, const struct iovec* parts, int count, uint64_t offset) {
    uint64_t size = 0;
    for (int i = 0; i < count; ++i) size += parts[i].iov_len;
    const uint64_t before = size_of(fd);
    const uint64_t covered = offset >= before ? 0 : before - offset;
    struct Record* const record = new_record(kind_write, file, covered < size ? covered : size, size);
    if (record == NULL) return NULL;
    record->offset = offset;
    record->old_file_size = before;
    keep_old(record);
    copy_parts(parts, count, new_of(record));
    keep_record(record);
    return record;
}

// ---------------------------------------------------------------------------------------------------------------------
// Chance: what the rig has ordered for this operation

enum Fate { goes_well, fails, is_cut };

static enum Fate fate(uint32_t what) {
    ++control->operations;
    if (what == operation_write) ++control->writes;
    if (what == operation_sync) ++control->syncs;
    if ((control->fail_what & what) != 0 && control->fail_times > 0 && --control->fail_after < 0) {
        --control->fail_times;
        ++control->failures;
        return fails;
    }
    if (control->is_cut_armed != 0 && --control->cut_after < 0) return is_cut;
    return goes_well;
}

static bool keeps_journal(void) { return (control->mode & mode_journal) != 0; }
static bool lies(void) { return (control->mode & mode_lies) != 0; }

static ssize_t write_of_ours(int fd, uint32_t file, const struct iovec* parts, int count, off_t offset) {
    const enum Fate what = fate(operation_write);
    if (what == fails) {
        errno = (int)control->fail_errno;
        return -1;
    }
    struct Record* const record = keeps_journal() ? journal_write(fd, file, parts, count, (uint64_t)offset) : NULL;
    if (what == is_cut) cut_power();
    const ssize_t written = real_pwritev(fd, parts, count, offset);
    if (written > 0) control->bytes += (uint64_t)written;
    if (record != NULL && writes_through(fd) && !lies()) record->is_durable = 1;
    return written;
}

// `offset` -1: where the descriptor stands, which moves.
static ssize_t any_write(int fd, const struct iovec* parts, int count, off_t offset) {
    lock();
    const uint32_t file = file_behind(fd);
    ssize_t written;
    if (file == 0) {
        unlock();
        return offset < 0 ? real_writev(fd, parts, count) : real_pwritev(fd, parts, count, offset);
    }
    if (offset >= 0) {
        written = write_of_ours(fd, file, parts, count, offset);
    } else {
        const bool appends = (fcntl(fd, F_GETFL) & O_APPEND) != 0;
        const off_t at = appends ? (off_t)size_of(fd) : lseek(fd, 0, SEEK_CUR);
        written = write_of_ours(fd, file, parts, count, at);
        if (written > 0) lseek(fd, at + written, SEEK_SET);
    }
    unlock();
    return written;
}

static int sync_of_ours(int fd, uint32_t file, int (*real)(int)) {
    const enum Fate what = fate(operation_sync);
    if (what == fails) {
        if (keeps_journal()) doom(file);
        note_failed_sync(fd, file);
        errno = (int)control->fail_errno;
        return -1;
    }
    if (what == is_cut) cut_power();
    if (has_untold_failure(fd, file)) {
        errno = (int)control->fail_errno;
        return -1;
    }
    if (control->sync_us > 0)
        usleep((useconds_t)control->sync_us);  // a card takes its time; the page cache is our disk
    if (!keeps_journal()) return real(fd);
    if (!lies()) mark_durable(file);
    return 0;
}

static bool is_store_folder(int fd) {
    char name[64];
    char path[PATH_MAX];
    struct stat facts;
    if (fstat(fd, &facts) != 0 || !S_ISDIR(facts.st_mode)) return false;
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    const ssize_t size = readlink(name, path, sizeof path - 2);
    if (size <= 0) return false;
    path[size] = '/';
    path[size + 1] = 0;
    return strcmp(path, store) == 0;
}

static int any_sync(int fd, int (*real)(int)) {
    if (control == NULL) return real(fd);
    lock();
    const uint32_t file = file_behind(fd);
    const int result = file != 0 || is_store_folder(fd) ? sync_of_ours(fd, file, real) : real(fd);
    unlock();
    return result;
}

// ---------------------------------------------------------------------------------------------------------------------
// The calls

EXPORT ssize_t pwrite(int fd, const void* data, size_t size, off_t offset) {
    const struct iovec part = {(void*)(uintptr_t)data, size};
    return may_be_ours(fd) ? any_write(fd, &part, 1, offset) : real_pwritev(fd, &part, 1, offset);
}
EXPORT ssize_t pwrite64(int fd, const void* data, size_t size, off_t offset) { return pwrite(fd, data, size, offset); }

EXPORT ssize_t pwritev(int fd, const struct iovec* parts, int count, off_t offset) {
    return may_be_ours(fd) ? any_write(fd, parts, count, offset) : real_pwritev(fd, parts, count, offset);
}
EXPORT ssize_t pwritev64(int fd, const struct iovec* parts, int count, off_t offset) {
    return pwritev(fd, parts, count, offset);
}

EXPORT ssize_t write(int fd, const void* data, size_t size) {
    const struct iovec part = {(void*)(uintptr_t)data, size};
    return may_be_ours(fd) ? any_write(fd, &part, 1, -1) : real_write(fd, data, size);
}

EXPORT ssize_t writev(int fd, const struct iovec* parts, int count) {
    return may_be_ours(fd) ? any_write(fd, parts, count, -1) : real_writev(fd, parts, count);
}

EXPORT int fsync(int fd) {
    ready();
    return any_sync(fd, real_fsync);
}
EXPORT int fdatasync(int fd) {
    ready();
    return any_sync(fd, real_fdatasync);
}

EXPORT int msync(void* place, size_t size, int flags) {
    ready();
    if (control != NULL) control->problem = problem_msync;  // writes through a mapping are not followed
    return real_msync(place, size, flags);
}

EXPORT int ftruncate(int fd, off_t size) {
    if (!may_be_ours(fd)) return real_ftruncate(fd, size);
    lock();
    const uint32_t file = file_behind(fd);
    if (file != 0) {
        const enum Fate what = fate(operation_write);
        if (what == fails) {
            unlock();
            errno = (int)control->fail_errno;
            return -1;
        }
        if (keeps_journal()) journal_resize(fd, file, (uint64_t)size);
        if (what == is_cut) cut_power();
    }
    const int result = real_ftruncate(fd, size);
    unlock();
    return result;
}
EXPORT int ftruncate64(int fd, off_t size) { return ftruncate(fd, size); }

// A file that is emptied by O_TRUNC is opened without it and resized, so that its content is not lost to the journal.
static int open_of_ours(const char* path, int flags, mode_t mode) {
    lock();
    const bool is_new = (flags & O_CREAT) != 0 && access(path, F_OK) != 0;
    const bool empties = (flags & O_TRUNC) != 0 && !is_new;
    const int fd = real_open(path, empties ? flags & ~O_TRUNC : flags, mode);
    forget(fd);
    if (fd >= 0 && is_new && keeps_journal()) journal_name(kind_create, 0, path, NULL);
    unlock();
    if (fd < 0 || !empties || ftruncate(fd, 0) == 0) return fd;
    close(fd);
    return -1;
}

static int any_open(const char* path, int flags, mode_t mode) {
    ready();
    if (is_in_store(path) && (flags & O_DIRECTORY) == 0) return open_of_ours(path, flags, mode);
    const int fd = real_open(path, flags, mode);
    forget(fd);
    return fd;
}

static mode_t mode_of(int flags, va_list rest) { return (flags & O_CREAT) != 0 ? va_arg(rest, mode_t) : 0; }

#define OPEN_AS(name)                                   \
    EXPORT int name(const char* path, int flags, ...) { \
        va_list rest;                                   \
        va_start(rest, flags);                          \
        const mode_t mode = mode_of(flags, rest);       \
        va_end(rest);                                   \
        return any_open(path, flags, mode);             \
    }
OPEN_AS(open)
OPEN_AS(open64)
// What the headers make of open when flags are no constant and _FORTIFY_SOURCE is on.
EXPORT int __open_2(const char* path, int flags);
EXPORT int __open64_2(const char* path, int flags);
EXPORT int __open_2(const char* path, int flags) { return any_open(path, flags, 0); }
EXPORT int __open64_2(const char* path, int flags) { return any_open(path, flags, 0); }

EXPORT int close(int fd) {
    ready();
    forget(fd);
    return real_close(fd);
}

// What a name meant is kept under the side link; 0 when it meant nothing.
static uint32_t keep_meaning(const char* path) {
    struct stat facts;
    return stat(path, &facts) == 0 && S_ISREG(facts.st_mode) ? file_id(&facts, path) : 0;
}

EXPORT int unlink(const char* path) {
    ready();
    if (!is_in_store(path)) return real_unlink(path);
    lock();
    const uint32_t file = keep_meaning(path);
    const int result = real_unlink(path);
    if (result == 0 && keeps_journal()) journal_name(kind_unlink, file, path, NULL);
    unlock();
    return result;
}

EXPORT int rename(const char* from, const char* to) {
    ready();
    if (!is_in_store(from)) return real_rename(from, to);
    lock();
    const uint32_t replaced = keep_meaning(to);
    const int result = real_rename(from, to);
    if (result == 0 && keeps_journal()) journal_name(kind_rename, replaced, from, to);
    unlock();
    return result;
}
