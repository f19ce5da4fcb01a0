// Store: where the records of a shard survive. Three threads at most meet here, and each has its part: the one that
// starts the broker opens and loads, the committer thread commits, the shard's thread reads.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "ledge/base/result.hpp"
#include "ledge/base/time.hpp"
#include "ledge/broker/store_figures.hpp"
#include "ledge/journal/image.hpp"
#include "ledge/journal/record.hpp"

namespace ledge::storage {

/// What went wrong with a store, for those who decide what to do about it; the text is for people.
enum class Fault : std::uint8_t {
    access,   // the directory or file may not be used: missing, wrong owner or mode, read-only
    in_use,   // another process has it
    newer,    // written by a later version of the schema
    full,     // the disk or the map is full, or a write did not end: nothing has changed, and it may be tried again
    damaged,  // not readable as what it should be
    io,       // everything else the system said
};

struct StoreError {
    Fault fault = Fault::io;
    std::string text;        // a sentence with the path and the reason
    std::string_view fix{};  // what to do about it, where it is not what it usually is; a literal
};

using broker::Beginning;
using journal::write_classes;
using journal::WriteClass;

struct CommitReport {
    journal::Ticket last = 0;                          // durable from now on, and all before it
    std::array<std::uint64_t, write_classes> given{};  // bytes of keys and bodies handed over, by WriteClass
    std::uint64_t device_bytes = 0;                    // in pages written, the filesystem's own not counted; 0: unknown
    double used_fraction = 0;                          // as Store::used_fraction
    std::uint64_t bad_rows = 0;                        // that could not be read since the store was opened
};

/// The calendar, in microseconds since 1970-01-01 UTC, right or wrong; given by who may read clocks.
using WallClock = std::chrono::microseconds (*)();

class Store {
public:
    Store() = default;
    Store(const Store&) = delete;
    Store& operator=(const Store&) = delete;
    virtual ~Store() = default;

    /// Everything a shard starts from; no payload. Before the first commit.
    virtual Result<journal::StoreImage, StoreError> load() = 0;

    /// One transaction with all records of the batch, on stable storage when it returns. After Fault::full nothing has
    /// changed: the next commit must be of the same batch. Any other error poisons the store: every later commit fails
    /// with the same error. On the committer's thread, one at a time.
    virtual Result<CommitReport, StoreError> commit(const journal::Batch& batch) = 0;

    /// Reads of what is committed. The store outlives it. All calls on one thread; a commit may run at the same time.
    /// A read that fails looks to its reader like a missing row, and poisons the store: what the reader makes of it is
    /// never committed.
    virtual journal::StoreReader reader() = 0;

    /// What the last commit left in use, of the ceiling or of what the disk lets the file become, 0 to 1: the disk is
    /// asked now. Free pages inside the file are not in use. On the reader's thread, while no commit runs.
    virtual double used_fraction() const = 0;

    /// How it was found when it was opened.
    virtual Beginning beginning() const { return Beginning::whole; }

    /// The clean end: nothing of this store is in use any more. `now` is kept as the logical time of the next start; a
    /// last commit with the same time makes that free of charge.
    virtual void close(Instant now) = 0;
};

}  // namespace ledge::storage
