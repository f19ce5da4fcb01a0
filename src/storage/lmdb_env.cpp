// Env, Txn, Cursor over liblmdb. The choice of flags:
//   default sync     MDB_NOSYNC, MDB_NOMETASYNC and MDB_MAPASYNC can lose or corrupt data at a power cut; MDB_WRITEMAP
//                    writes more bytes
//   MDB_NOTLS        a read transaction belongs to its object, not to the thread that begins it
//   no MDB_NORDAHEAD the store is read in long runs, at the start and when a queue drains, so readahead helps
//   MDB_NOSUBDIR     a file under any name can be opened (a quarantined file, a copy)
#include "lmdb_env.hpp"

#include <fcntl.h>
#include <lmdb.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <cstdint>
#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/os/descriptor.hpp"

namespace ledge::storage {
namespace {

// The header repeats these values, so that only this file needs lmdb.h.
static_assert(lmdb_not_found == MDB_NOTFOUND);
static_assert(lmdb_panic == MDB_PANIC);
static_assert(lmdb_map_full == MDB_MAP_FULL);

constexpr unsigned file_mode = 0600;
constexpr off_t lock_file_bytes = 4096;  // enough for LMDB's table of 16 readers

// LMDB writes to its lock file through a mapping. When the disk has no room for the page behind the mapping, the kernel
// sends SIGBUS and the process dies. Reserving the room first turns this into an ordinary error.
int reserve_lock_file(const std::string& path) {
    const os::Descriptor file(::open((path + "-lock").c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, file_mode));
    if (!file.is_open()) return errno;
    const int code = ::posix_fallocate(file.get(), 0, lock_file_bytes);
    struct stat data {};
    if (::geteuid() == 0 && ::stat(path.c_str(), &data) == 0) {  // root runs a tool; the broker is not root
        [[maybe_unused]] const int result = ::fchown(file.get(), data.st_uid, data.st_gid);
    }
    return code;
}

/// LMDB 0.9.24 reads the second meta page at the offset that follows from the page size in the first one. With a
/// damaged page size the offset is impossible, the read fails with EINVAL, and LMDB returns this code like a fault of
/// the disk.
bool has_impossible_page_size(const std::string& path) {
    // The offset of the page size in the first meta page.
    constexpr off_t place = sizeof(std::size_t) + 8 + 4 + 4 + 2 * sizeof(std::size_t);
    const os::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    std::uint32_t size = 0;
    const bool is_read = ::pread(file.get(), &size, sizeof size, place) == ssize_t{sizeof size};
    // LMDB uses the page size of the system, a power of two. No system is outside these limits (in bytes).
    return is_read && (size < 256 || size > 65'536 || !std::has_single_bit(size));
}

// LMDB's API has no const, but keys and values that are passed in are only read.
MDB_val to_val(Bytes bytes) { return {bytes.size(), const_cast<Byte*>(bytes.data())}; }
Bytes to_bytes(const MDB_val& value) { return {static_cast<const Byte*>(value.mv_data), value.mv_size}; }

}  // namespace

namespace {

class LmdbCategory final : public std::error_category {
public:
    const char* name() const noexcept override { return "LMDB"; }
    std::string message(int code) const override {
        return code == row_damaged ? "a row is damaged" : mdb_strerror(code);
    }
};

/// Has no words: the operation of such an Error says everything (store.hpp).
class FaultCategory final : public std::error_category {
public:
    const char* name() const noexcept override { return "store"; }
    std::string message(int) const override { return {}; }
};

const std::error_category& fault_category() {
    static const FaultCategory category;
    return category;
}

}  // namespace

// LMDB's own codes are negative.
std::error_code code_of(int code) {
    static const LmdbCategory lmdb;
    return code < 0 ? std::error_code(code, lmdb) : system_code(code);
}

std::string explain(int code) { return code_of(code).message(); }

std::error_code make_error_code(Fault fault) { return {static_cast<int>(fault), fault_category()}; }

Fault fault_of(std::error_code code) {
    return code.category() == fault_category() ? static_cast<Fault>(code.value()) : fault_of(code.value());
}

bool may_retry(const Error& error) {
    // In both cases LMDB has changed nothing, so the same batch can be repeated.
    const Fault fault = fault_of(error.code);
    return fault == Fault::full || fault == Fault::ceiling;
}

Fault fault_of(int code) {
    switch (code) {
        case ENOSPC:
        case EDQUOT:
        // EFBIG: the file size limit of the process or of the filesystem. Room can return, as on a full disk.
        case EFBIG: return Fault::full;
        case MDB_MAP_FULL: return Fault::ceiling;
        case EACCES:
        case EPERM:
        case EROFS:
        // A missing path is a fault of the configuration, not of the content.
        case ENOENT:
        case ENOTDIR: return Fault::access;
        case MDB_INVALID:
        case MDB_VERSION_MISMATCH:
        case MDB_CORRUPTED:
        case MDB_PAGE_NOTFOUND:
        case MDB_CURSOR_FULL:
        case MDB_PAGE_FULL:
        case MDB_INCOMPATIBLE:
        case MDB_BAD_VALSIZE:
        case MDB_NOTFOUND:
        case row_damaged: return Fault::damaged;
        // The argument is an int with values of three origins, so the compiler cannot check that the list is complete.
        default: return Fault::io;
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Env

Result<Env, int> Env::open(const EnvOptions& options) {
    if (!options.is_alone && !options.is_read_only) {
        if (const int code = reserve_lock_file(options.path)) return Failure{code};
    }
    MDB_env* raw = nullptr;
    if (const int code = mdb_env_create(&raw)) return Failure{code};
    Env env(raw);
    unsigned flags = MDB_NOSUBDIR | MDB_NOTLS;
    if (options.is_read_only) flags |= MDB_RDONLY;
    if (options.is_alone) flags |= MDB_NOLOCK;
    // More than the tables of the schema. LMDB needs the number before it opens the file.
    int code = mdb_env_set_maxdbs(raw, 16);
    if (code == 0) code = mdb_env_set_maxreaders(raw, options.readers_max);
    if (code == 0 && options.size_max != 0) code = mdb_env_set_mapsize(raw, options.size_max);
    if (code == 0) code = mdb_env_open(raw, options.path.c_str(), flags, file_mode);
    // EINVAL must not be taken for a fault of the disk when the file is damaged: a damaged file is quarantined.
    if (code == EINVAL && has_impossible_page_size(options.path)) return Failure{MDB_INVALID};
    if (code != 0) return Failure{code};
    return env;
}

// The swap leaves the old environment to `other`, whose destructor closes it.
Env& Env::operator=(Env&& other) noexcept {
    std::swap(env_, other.env_);
    return *this;
}

// No transaction of this environment may exist any more; LMDB would access freed memory.
Env::~Env() { close(); }

void Env::close() {
    if (env_ != nullptr) mdb_env_close(std::exchange(env_, nullptr));
}

int Env::set_size_max(std::size_t bytes) {
    LEDGE_ASSERT(env_ != nullptr);
    return mdb_env_set_mapsize(env_, bytes);
}

// The two calls fail only for a null pointer, so their results are not checked.
EnvFacts Env::facts() const {
    MDB_envinfo info{};
    MDB_stat stat{};
    mdb_env_info(env_, &info);
    mdb_env_stat(env_, &stat);
    return {stat.ms_psize, info.me_last_pgno + 1, info.me_mapsize, info.me_last_txnid, info.me_numreaders};
}

int Env::check_readers(int& freed) const { return mdb_reader_check(env_, &freed); }

int Env::copy_compacted(int descriptor) const { return mdb_env_copyfd2(env_, descriptor, MDB_CP_COMPACT); }

// ---------------------------------------------------------------------------------------------------------------------
// Txn

Result<Txn, int> Txn::begin(const Env& env, bool is_read_only) {
    // A store that could not be opened again after a failed write has a closed environment, on which LMDB would crash.
    if (env.raw() == nullptr) return Failure{EBADF};
    MDB_txn* raw = nullptr;
    const unsigned flags = is_read_only ? MDB_RDONLY : 0U;
    if (const int code = mdb_txn_begin(env.raw(), nullptr, flags, &raw)) return Failure{code};
    Txn txn(raw);
    // Opening the unnamed database sets its key order. LMDB crashes when a row is looked up without one.
    MDB_dbi main = 0;
    if (const int code = mdb_dbi_open(raw, nullptr, 0, &main)) return Failure{code};
    return txn;
}

Txn& Txn::operator=(Txn&& other) noexcept {
    std::swap(txn_, other.txn_);
    return *this;
}

Txn::~Txn() {
    if (txn_ != nullptr) mdb_txn_abort(txn_);
}

Result<DbId, int> Txn::open_db(const char* name, bool creates) {
    MDB_dbi db = 0;
    if (const int code = mdb_dbi_open(txn_, name, creates ? MDB_CREATE : 0U, &db)) return Failure{code};
    return db;
}

Result<Bytes, int> Txn::get(DbId db, Bytes key) const {
    LEDGE_ASSERT(txn_ != nullptr);
    MDB_val k = to_val(key);
    MDB_val v{};
    if (const int code = mdb_get(txn_, db, &k, &v)) return Failure{code};
    return to_bytes(v);
}

int Txn::put(DbId db, Bytes key, Bytes value) {
    LEDGE_ASSERT(txn_ != nullptr);
    MDB_val k = to_val(key);
    MDB_val v = to_val(value);
    return mdb_put(txn_, db, &k, &v, 0);
}

Result<Byte*, int> Txn::reserve(DbId db, Bytes key, std::size_t size) {
    LEDGE_ASSERT(txn_ != nullptr);
    MDB_val k = to_val(key);
    MDB_val v{size, nullptr};
    // MDB_RESERVE saves a copy: head, body and seal are written directly to their place in the page.
    if (const int code = mdb_put(txn_, db, &k, &v, MDB_RESERVE)) return Failure{code};
    return static_cast<Byte*>(v.mv_data);
}

int Txn::erase(DbId db, Bytes key) {
    LEDGE_ASSERT(txn_ != nullptr);
    MDB_val k = to_val(key);
    return mdb_del(txn_, db, &k, nullptr);
}

// The last argument 0 keeps the database itself and its handle.
int Txn::clear(DbId db) { return mdb_drop(txn_, db, 0); }

Result<DbFacts, int> Txn::facts(DbId db) const {
    MDB_stat stat{};
    if (const int code = mdb_stat(txn_, db, &stat)) return Failure{code};
    return DbFacts{stat.ms_branch_pages + stat.ms_leaf_pages + stat.ms_overflow_pages, stat.ms_entries, stat.ms_depth};
}

std::uint64_t Txn::snapshot() const { return mdb_txn_id(txn_); }

// LMDB frees the transaction even when the commit fails.
int Txn::commit() {
    LEDGE_ASSERT(txn_ != nullptr);
    return mdb_txn_commit(std::exchange(txn_, nullptr));
}

void Txn::reset() { mdb_txn_reset(txn_); }

int Txn::renew() { return mdb_txn_renew(txn_); }

// ---------------------------------------------------------------------------------------------------------------------
// Cursor

Result<Cursor, int> Cursor::open(const Txn& txn, DbId db) {
    MDB_cursor* raw = nullptr;
    if (const int code = mdb_cursor_open(txn.raw(), db, &raw)) return Failure{code};
    return Cursor(raw);
}

Cursor::~Cursor() {
    if (cursor_ != nullptr) mdb_cursor_close(cursor_);
}

int Cursor::move(int operation) {
    LEDGE_ASSERT(cursor_ != nullptr);
    MDB_val k = to_val(key_);
    MDB_val v{};
    // Only MDB_SET_RANGE reads the key that is passed in. LMDB replaces it with the key of the row.
    if (const int code = mdb_cursor_get(cursor_, &k, &v, static_cast<MDB_cursor_op>(operation))) return code;
    key_ = to_bytes(k);
    value_ = to_bytes(v);
    return lmdb_ok;
}

int Cursor::first() { return move(MDB_FIRST); }
int Cursor::last() { return move(MDB_LAST); }
int Cursor::next() { return move(MDB_NEXT); }
int Cursor::previous() { return move(MDB_PREV); }

int Cursor::seek(Bytes key) {
    key_ = key;
    return move(MDB_SET_RANGE);
}

int Cursor::erase() { return mdb_cursor_del(cursor_, 0); }

}  // namespace ledge::storage
