// Env, Txn, Cursor: the only interface to liblmdb. An environment, its transactions and its cursors are values that
// free their resources in the destructor. Only lmdb_env.cpp includes lmdb.h. A function that can fail returns a code:
// 0, a code of LMDB, or errno. code_of() turns it into the code of an Error.
//
// Several threads may use an Env; one thread at a time may use a Txn or a Cursor. At most one write transaction exists.
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
inline constexpr int row_damaged = -31000;    // our own code: the bytes of a row are not the bytes that were written
inline constexpr int lmdb_panic = -30795;     // the environment must be closed and opened again
inline constexpr int lmdb_map_full = -30792;  // the ceiling of the file is reached
inline bool is_not_found(int code) { return code == lmdb_not_found; }
std::error_code code_of(int code);
/// The words for a code.
std::string explain(int code);
Fault fault_of(int code);

/// Largest map on 32-bit machines, in bytes. The process needs the rest of its address space for everything else.
inline constexpr std::uint64_t size_max_32_bit = 512ULL * 1024 * 1024;

struct EnvOptions {
    std::string path;          // of the file; its directory must exist
    std::size_t size_max = 0;  // bytes of address space, the upper limit of the file; 0 = the size of the file
    bool is_read_only = false;
    bool is_alone = false;  // no other process can have the file open: LMDB needs no lock file and no reader table
    unsigned readers_max = 16;
};

struct EnvFacts {
    std::size_t page_size = 0;   // bytes
    std::size_t pages_used = 0;  // pages up to the last page ever used, including free pages inside the file
    std::size_t size_max = 0;    // upper limit of the file, in bytes
    std::uint64_t last_transaction = 0;
    unsigned readers = 0;  // slots of the reader table that were ever used
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

    /// Before the next use the owner must assign a newly opened Env. No transaction may be open.
    void close();

    EnvFacts facts() const;
    /// Raises the upper limit of the file. No transaction may be open. Returns 0 or a code.
    int set_size_max(std::size_t bytes);
    /// Frees the reader slots of processes that have ended. Returns 0 or a code.
    int check_readers(int& freed) const;
    /// Writes a copy without free pages into an open file. Returns 0 or a code.
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
    /// Aborts a transaction that was not committed.
    ~Txn();

    /// Opens a database; creates it when `creates`.
    Result<DbId, int> open_db(const char* name, bool creates);

    /// The value of a row. The bytes are valid until the next write or the end of the transaction.
    Result<Bytes, int> get(DbId db, Bytes key) const;
    int put(DbId db, Bytes key, Bytes value);
    /// Writes a row without its value and returns the place for `size` bytes. The caller fills it before the next call.
    Result<Byte*, int> reserve(DbId db, Bytes key, std::size_t size);
    int erase(DbId db, Bytes key);
    /// Removes every row.
    int clear(DbId db);
    Result<DbFacts, int> facts(DbId db) const;
    /// The number of the write transaction whose state a read-only transaction sees.
    std::uint64_t snapshot() const;

    /// Ends the transaction, also when it returns a code.
    int commit();

    // For read-only transactions: reset() releases the snapshot, renew() gets the newest one.
    void reset();
    int renew();

    MDB_txn* raw() const { return txn_; }

private:
    explicit Txn(MDB_txn* txn) : txn_(txn) {}
    MDB_txn* txn_ = nullptr;
};

/// A position in a database. A cursor must be destroyed before its transaction ends.
class Cursor {
public:
    static Result<Cursor, int> open(const Txn& txn, DbId db);
    Cursor(Cursor&& other) noexcept : cursor_(std::exchange(other.cursor_, nullptr)) {}
    Cursor& operator=(Cursor&&) = delete;
    ~Cursor();

    // Each call returns 0 and sets key() and value(), or returns a code; lmdb_not_found = there is no such row.
    int first();
    int last();
    int next();
    int previous();
    /// The first row with a key >= `key`.
    int seek(Bytes key);
    /// Removes the current row. next() then moves to the row after it.
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
