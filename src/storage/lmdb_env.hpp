// The seam to liblmdb: an environment, its transactions and cursors as values that clean up after themselves. Only
// lmdb_env.cpp includes lmdb.h. Functions that can fail return a code: 0, LMDB's own, or errno; explain() names it.
//
// An Env may be used by several threads; each Txn and Cursor by one at a time. At most one write transaction exists.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "ledge/base/bytes.hpp"
#include "ledge/base/result.hpp"
#include "ledge/storage/store.hpp"

struct MDB_env;
struct MDB_txn;
struct MDB_cursor;

namespace ledge::storage {

/// A database inside the environment.
using DbId = unsigned;
inline constexpr DbId free_list_db = 0;
inline constexpr DbId main_db = 1;

inline constexpr int lmdb_ok = 0;
inline constexpr int lmdb_not_found = -30798;
inline constexpr int row_damaged = -31000;    // ours: a row was read, but not as it was written
inline constexpr int lmdb_panic = -30795;     // the environment has to be opened anew
inline constexpr int lmdb_map_full = -30792;  // the ceiling of the file is reached
inline bool is_not_found(int code) { return code == lmdb_not_found; }
std::string explain(int code);
Fault fault_of(int code);

/// Of a map on machines of 32 bits, in bytes: what is left of the address space is for everything else.
inline constexpr std::uint64_t size_max_32_bit = 512ULL * 1024 * 1024;

struct EnvOptions {
    std::string path;          // of the file; its directory exists
    std::size_t size_max = 0;  // bytes of address space, the ceiling of the file; 0: what the file needs
    bool is_read_only = false;
    bool is_alone = false;  // nobody else can have it open: no lock file, no reader table
    unsigned readers_max = 16;
};

struct EnvFacts {
    std::size_t page_size = 0;   // bytes
    std::size_t pages_used = 0;  // up to the last page ever used, free ones inside included
    std::size_t size_max = 0;    // bytes
    std::uint64_t last_transaction = 0;
    unsigned readers = 0;
};

struct DbFacts {
    std::size_t pages = 0;
    std::size_t entries = 0;
    unsigned depth = 0;
};

class Env {
public:
    static Result<Env, int> open(const EnvOptions& options);
    Env(Env&& other) noexcept : env_(std::exchange(other.env_, nullptr)) {}
    Env& operator=(Env&& other) noexcept;
    ~Env();

    /// The next use wants open() again. No transaction may be open.
    void close();

    EnvFacts facts() const;
    /// Raises the ceiling of the file. No transaction may be open. 0 or a code.
    int set_size_max(std::size_t bytes);
    /// Frees the slots of readers whose process is gone.
    int check_readers(int& freed) const;
    /// A copy without free pages into an open file.
    int copy_compacted(int descriptor) const;
    MDB_env* raw() const { return env_; }

private:
    explicit Env(MDB_env* env) : env_(env) {}
    MDB_env* env_ = nullptr;
};

class Txn {
public:
    static Result<Txn, int> begin(const Env& env, bool is_read_only);
    Txn(Txn&& other) noexcept : txn_(std::exchange(other.txn_, nullptr)) {}
    Txn& operator=(Txn&& other) noexcept;
    /// Aborts what is not committed.
    ~Txn();

    /// Opens a database; creates it when `creates`.
    Result<DbId, int> open_db(const char* name, bool creates);

    /// The value, valid until the next write or the end of the transaction.
    Result<Bytes, int> get(DbId db, Bytes key) const;
    int put(DbId db, Bytes key, Bytes value);
    /// Place for a value of `size` bytes, to be filled before the next call.
    Result<Byte*, int> reserve(DbId db, Bytes key, std::size_t size);
    int erase(DbId db, Bytes key);
    /// Removes every row.
    int clear(DbId db);
    Result<DbFacts, int> facts(DbId db) const;
    /// The number of the transaction that wrote what a read-only one sees.
    std::uint64_t snapshot() const;

    int commit();

    // Read-only transactions: give the snapshot back, and take the newest one.
    void reset();
    int renew();

    MDB_txn* raw() const { return txn_; }

private:
    explicit Txn(MDB_txn* txn) : txn_(txn) {}
    MDB_txn* txn_ = nullptr;
};

/// A place in a database. Dies before its transaction ends.
class Cursor {
public:
    static Result<Cursor, int> open(const Txn& txn, DbId db);
    Cursor(Cursor&& other) noexcept : cursor_(std::exchange(other.cursor_, nullptr)) {}
    Cursor& operator=(Cursor&&) = delete;
    ~Cursor();

    // 0 and the row in key() and value(), or a code; lmdb_not_found: there is no such row.
    int first();
    int last();
    int next();
    int previous();
    /// The first row with a key >= `key`.
    int seek(Bytes key);
    /// Removes the current row; next() goes on behind it.
    int erase();

    Bytes key() const { return key_; }
    Bytes value() const { return value_; }

private:
    explicit Cursor(MDB_cursor* cursor) : cursor_(cursor) {}
    int move(int operation);

    MDB_cursor* cursor_ = nullptr;
    Bytes key_;
    Bytes value_;
};

}  // namespace ledge::storage
