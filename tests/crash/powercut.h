// What powercut shares with the rig (struct Control, by journal.py) and with the C library (the real functions).
#pragma once

#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#define EXPORT __attribute__((visibility("default")))

enum { files_max = 64, descriptors_max = 4096 };
static const uint64_t journal_size = UINT64_C(1) << 30;  // bytes; the file is sparse

enum { mode_journal = 1, mode_lies = 2 };
enum { operation_write = 1, operation_sync = 2 };
enum {
    problem_too_many_files = 1,
    problem_no_link,
    problem_journal_full,
    problem_unreadable,
    problem_msync,
};

// The file `control`. The rig writes the upper half before and while the broker runs, powercut the lower half.
struct Control {
    uint32_t mode;
    uint32_t is_cut_armed;
    int64_t cut_after;   // operations that still go well
    uint32_t fail_what;  // operation_write | operation_sync
    uint32_t fail_errno;
    int64_t fail_after;   // operations of that kind that still go well
    uint64_t fail_times;  // how many fail from then on
    uint64_t sync_us;     // a sync takes so long

    uint32_t pid;
    _Atomic uint32_t lock;
    uint32_t problem;  // the rig cannot go on
    uint32_t is_cut;
    uint64_t operations, writes, syncs, bytes, failures;
    uint64_t tail;  // bytes of the journal
    uint32_t files;
    uint32_t zero;
    uint64_t inodes[files_max];
};

#define REAL_FUNCTIONS(X)                                       \
    X(int, open, (const char*, int, mode_t))                    \
    X(int, close, (int))                                        \
    X(ssize_t, pread, (int, void*, size_t, off_t))              \
    X(ssize_t, pwritev, (int, const struct iovec*, int, off_t)) \
    X(ssize_t, write, (int, const void*, size_t))               \
    X(ssize_t, writev, (int, const struct iovec*, int))         \
    X(int, fsync, (int))                                        \
    X(int, fdatasync, (int))                                    \
    X(int, msync, (void*, size_t, int))                         \
    X(int, ftruncate, (int, off_t))                             \
    X(int, unlink, (const char*))                               \
    X(int, rename, (const char*, const char*))

#define DECLARE_REAL(result, name, parameters) static result(*real_##name) parameters;
REAL_FUNCTIONS(DECLARE_REAL)
#undef DECLARE_REAL

// dlsym gives an object pointer; only the union of both kinds of pointer converts without a warning.
#define FIND_REAL(result, name, parameters)            \
    {                                                  \
        union {                                        \
            void* object;                              \
            result(*function) parameters;              \
        } found = {.object = dlsym(RTLD_NEXT, #name)}; \
        real_##name = found.function;                  \
    }
// Another library may write before our own constructor has run.
static inline void ready(void) {
    if (real_rename != NULL) return;
    REAL_FUNCTIONS(FIND_REAL)
}

// A failed sync is told once to each descriptor that was open then (errseq_t of Linux), by counts of failed syncs.
static uint64_t failed_syncs;
static uint64_t last_failed_sync[files_max + 1];    // by file
static uint64_t told_failed_sync[descriptors_max];  // by descriptor

static inline bool has_untold_failure(int fd, uint32_t file) {
    if (file == 0 || fd >= descriptors_max || last_failed_sync[file] <= told_failed_sync[fd]) return false;
    told_failed_sync[fd] = last_failed_sync[file];
    return true;
}

static inline void note_failed_sync(int fd, uint32_t file) {
    last_failed_sync[file] = ++failed_syncs;
    if (fd < descriptors_max) told_failed_sync[fd] = failed_syncs;
}
