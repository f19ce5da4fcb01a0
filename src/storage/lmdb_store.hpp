// LmdbStore: Store over an open environment. Made by open_store.cpp.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "fresh_rows.hpp"
#include "ledge/base/log.hpp"
#include "ledge/storage/store.hpp"
#include "lmdb_env.hpp"
#include "store_dir.hpp"
#include "tables.hpp"

namespace ledge::storage {

/// An environment with its tables and meta row, ready for use.
struct OpenStore {
    StoreDir dir;
    Env env;
    Tables tables;
    Meta meta;
    FreshRows fresh;
};

class LmdbStore final : public Store {
public:
    /// `short_runs`: what the state file says until this run has lasted.
    LmdbStore(std::unique_ptr<OpenStore> open, WallClock wall_clock, unsigned short_runs, const Log& log);
    ~LmdbStore() override = default;

    Result<broker::StoreImage, StoreError> load() override;
    Result<CommitReport, StoreError> commit(const session::Batch& batch) override;
    session::StoreReader reader() override;
    void close(Instant now) override;

private:
    int write(const session::Batch& batch, CommitReport& report);
    int apply(Txn& txn, const session::Record& record, Bytes body);
    int drop_session(Txn& txn, std::uint64_t session);
    double used_fraction(std::size_t pages) const;
    StoreError error(const char* what, int code) const;
    void note_lasting_run(Instant now);

    // Reads: false or nothing after a failure, which poisons the store.
    template <class F>
    bool read(F&& f);
    bool read_queued(std::uint64_t session, std::uint64_t from, std::size_t rows_max, std::size_t bytes_max,
                     std::vector<session::StoredDelivery>& out);
    bool read_row(Table table, std::uint64_t number, std::vector<Byte>& out);

    std::unique_ptr<OpenStore> open_;  // nothing after close()
    WallClock wall_clock_;
    Log log_;

    // Committer's thread
    Meta meta_;
    std::optional<StoreError> poison_;
    std::optional<Instant> first_commit_;
    bool is_short_run_noted_;

    // Reader's thread
    std::optional<Txn> read_txn_;

    // Set on the reader's thread for the committer's: 0, or the code of the first read that failed
    std::atomic<int> read_failure_ = 0;
};

}  // namespace ledge::storage
