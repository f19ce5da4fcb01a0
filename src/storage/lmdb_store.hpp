// LmdbStore: the Store in an LMDB file. open_store.cpp opens the file and makes the store. Three threads use it, as
// store.hpp says; each member below names its thread.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "bad_rows.hpp"
#include "fresh_rows.hpp"
#include "held_file.hpp"
#include "ledge/base/log.hpp"
#include "ledge/broker/store_figures.hpp"
#include "ledge/journal/store_reader.hpp"
#include "ledge/storage/store.hpp"
#include "lmdb_env.hpp"
#include "store_dir.hpp"
#include "tables.hpp"

namespace ledge::storage {

/// An environment that is ready for use: its tables exist and its meta row was read.
struct OpenStore {
    StoreDir dir;
    HeldFile file;
    Env env;
    Tables tables;
    Meta meta;
    FreshRows fresh;
    StartState start_state = StartState::whole;
};

class LmdbStore final : public Store, private journal::StoreReader {
public:
    /// `short_runs`: the number of short runs in the file `state`. After a minute without a crash the store writes 0.
    LmdbStore(std::unique_ptr<OpenStore> open, WallClock wall_clock, unsigned short_runs, const Log& log);
    ~LmdbStore() override = default;

    Result<journal::StoreImage, Error> load() override;
    Result<CommitReport, Error> commit(const journal::Batch& batch) override;
    journal::StoreReader& reader() override { return *this; }
    double used_fraction() const override;
    StoreRoom room() const override;
    StartState start_state() const override { return start_state_; }
    void close(Instant now) override;

private:
    int write(const journal::Batch& batch, CommitReport& report);
    Error on_commit_failed(int code);
    bool is_broken_write() const;
    Error broken_write() const;
    std::string raise_ceiling();
    void forget_dead_readers(Instant now);
    int reopen_if_broken();
    int apply(Txn& txn, const journal::Record& record, Bytes body);
    int drop_session(Txn& txn, SessionNumber session);
    void move_bad_rows(std::vector<std::uint64_t>& incomplete);
    Error error(std::string_view what, int code) const;
    Error poison(std::string_view what, std::string detail);
    void note_lasting_run(Instant now);

    // Reads. A read that fails returns false or nothing and poisons the store.
    template <class F>
    bool read(F&& f);
    template <class F>
    int read_once(F&& f);
    void queued(SessionNumber session, QueueRow from, std::size_t rows_max, std::size_t bytes_max,
                std::vector<journal::StoredDelivery>& out) override;
    bool retained(std::uint64_t number, std::vector<Byte>& out) override {
        return read_row(Table::retained, number, out);
    }
    bool message(MessageNumber number, std::vector<Byte>& out) override {
        return read_row(Table::message, number.value(), out);
    }
    bool read_row(Table table, std::uint64_t number, std::vector<Byte>& out);
    Bytes opened(Table table, Bytes key, Bytes value);
    void note_if_bad(const Txn& txn, Table table, const Key& key);

    std::unique_ptr<OpenStore> open_;  // nullptr after close()
    StartState start_state_;
    std::size_t ceiling_;  // the configured limit of the file in bytes; the map may be raised above it
    WallClock wall_clock_;
    Log log_;
    BadRows bad_rows_;

    // Committer's thread
    Meta meta_;
    std::optional<Error> poison_;
    std::optional<Instant> first_commit_;
    std::size_t pages_in_use_ = 0;  // when the store was loaded, later after the last commit
    Instant readers_checked_at_{};
    bool is_short_run_noted_;

    // Reader's thread, and the committer's thread while it opens the environment again
    std::optional<Txn> read_txn_;
    std::mutex env_mutex_;     // protects read_txn_ and the environment; locked for one read
    std::mutex commit_mutex_;  // locked during a commit: a reader that finds the environment broken waits for its end

    // The reader's thread sets this for the committer's thread: 0, or the code of the first read that failed
    std::atomic<int> read_failure_ = 0;
};

}  // namespace ledge::storage
