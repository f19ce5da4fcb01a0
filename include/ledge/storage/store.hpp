// Store: the interface to the place where the records of a shard survive. At most three threads use a store, each for
// its own part: the thread that starts the broker opens and loads, the committer's thread commits, the shard's thread
// reads.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>

#include "ledge/base/error.hpp"
#include "ledge/base/result.hpp"
#include "ledge/base/time.hpp"

namespace ledge::broker {
enum class StartState : std::uint8_t;
}  // namespace ledge::broker

namespace ledge::journal {
struct Batch;
struct StoreImage;
class StoreReader;
}  // namespace ledge::journal

namespace ledge::storage {

/// The kind of an error of the store. The code of an Error is such a kind, an errno or a code of LMDB; code decides by
/// fault_of().
enum class Fault : std::uint8_t {
    access = 1,  // the directory or file cannot be used: missing, wrong owner or mode, read-only
    in_use,      // another process uses the store
    newer,       // a later version of the schema wrote the store
    full,        // the disk is full, or a write was cut short; nothing has changed, and a retry is allowed
    ceiling,     // the file has reached store.size_max_bytes; nothing has changed, and a retry is allowed
    damaged,     // the content cannot be read as a store
    io,          // every other error that the system reported
};

/// The code of an error whose operation says everything: the category has no words of its own.
std::error_code make_error_code(Fault fault);

/// The kind of the code of an error of this module. An empty code counts as Fault::io.
Fault fault_of(std::error_code code);

/// True for Fault::full and Fault::ceiling.
bool may_retry(const Error& error);

}  // namespace ledge::storage

template <>
struct std::is_error_code_enum<ledge::storage::Fault> : std::true_type {};

namespace ledge::storage {

using broker::StartState;

struct CommitReport;

/// Reads the calendar, in microseconds since 1970-01-01 UTC. The reading may be wrong. The caller of the storage module
/// passes this function in, because the module itself reads no clock.
using WallClock = std::chrono::microseconds (*)();

/// How much of its size limit a store uses, in bytes. The limit is the configured one, or the size that the free space
/// of the disk allows now, if that is smaller.
struct StoreRoom {
    std::uint64_t used_bytes = 0;
    std::uint64_t size_max_bytes = 0;  // 0 = there is no limit, or it is not known
};

class Store {
public:
    Store() = default;
    Store(const Store&) = delete;
    Store& operator=(const Store&) = delete;
    virtual ~Store() = default;

    /// Returns everything that a shard starts from, without payloads. Call this before the first commit.
    virtual Result<journal::StoreImage, Error> load() = 0;

    /// Writes all records of the batch in one transaction. When the call returns without an error, the transaction is
    /// on stable storage. After an error that may_retry() nothing has changed, and the next commit must repeat the same
    /// batch. Any other error poisons the store: every later commit fails with the same error. On the committer's
    /// thread, one at a time.
    virtual Result<CommitReport, Error> commit(const journal::Batch& batch) = 0;

    /// The reader of the committed rows; a part of the store. All calls on one thread; a commit may run at
    /// the same time. A failed read looks like a missing row to the caller, and it poisons the store: no decision that
    /// the core bases on the missing row is ever committed.
    virtual journal::StoreReader& reader() = 0;

    /// The part of the file's limit that the last commit left in use, from 0 to 1. The limit is the configured one, or
    /// the size that the free space of the disk allows now, if that is smaller. Free pages inside the file do not count
    /// as used. On the reader's thread, while no commit runs.
    virtual double used_fraction() const = 0;
    /// The same in bytes; all 0 if the store does not know its size. On the same thread, also before the first commit.
    virtual StoreRoom room() const { return {}; }

    /// In which state the store was found when it was opened; the first value, StartState::whole, if nothing is known.
    virtual StartState start_state() const { return {}; }

    /// The clean end of the store. The store keeps `now` as the logical time for the next start; if the last commit had
    /// the same time, close() needs no further commit. No other call is under way.
    virtual void close(Instant now) = 0;
};

}  // namespace ledge::storage
