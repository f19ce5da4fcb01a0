// MemoryStore: a store in memory, for tests and the simulated world. Committed rows survive the shard. The test decides
// when a commit is done, whether it fails, and which records survive a crash.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ledge/base/bytes.hpp"
#include "ledge/journal/record.hpp"
#include "ledge/journal/store_reader.hpp"
#include "ledge/storage/commit_report.hpp"
#include "ledge/storage/store.hpp"

namespace ledge::storage {

class MemoryStore final : public Store, private journal::StoreReader {
public:
    MemoryStore();
    ~MemoryStore() override;

    Result<journal::StoreImage, Error> load() override;
    /// Commits at once: start() and finish() in one call.
    Result<CommitReport, Error> commit(const journal::Batch& batch) override;
    journal::StoreReader& reader() override { return *this; }
    double used_fraction() const override { return used_fraction_; }
    void close(Instant now) override;

    // A commit that takes time. Between start() and finish(), reads see the state before the commit.
    void start(journal::Batch batch);
    bool is_busy() const { return under_way_.has_value(); }
    Result<CommitReport, Error> finish();

    /// Simulates a crash of the broker and the machine. The first `records_kept` records of a commit under way survive:
    /// none or all of them imitates an atomic store, any other number a store that is not atomic. Planned and present
    /// failures end. The calendar moves on by `rest`; the test calls load() again afterwards.
    void crash(std::size_t records_kept, Duration rest = {});

    /// The n-th commit from now on fails with `error`, and all later commits fail too. 1 = the next commit; 0 = no
    /// commit fails.
    void fail_from(std::uint64_t nth, Error error);
    /// The value that used_fraction() returns from now on.
    void set_used_fraction(double fraction) { used_fraction_ = fraction; }

    std::uint64_t commits() const { return commits_; }
    std::uint64_t records() const { return records_; }
    /// Rows in all tables, of all kinds.
    std::size_t rows() const;

private:
    using Key = std::pair<std::uint64_t, std::uint64_t>;  // session, number
    using Rows = std::map<Key, std::vector<Byte>>;
    struct Tables;

    // Reads
    void queued(SessionNumber session, QueueRow from, std::size_t rows_max, std::size_t bytes_max,
                std::vector<journal::StoredDelivery>& out) override;
    bool retained(std::uint64_t number, std::vector<Byte>& out) override;
    bool message(MessageNumber number, std::vector<Byte>& out) override;

    void apply(const journal::Batch& batch, std::size_t records);
    void apply(const journal::Record& record, Bytes body);
    void drop_session(SessionNumber session);

    std::unique_ptr<Tables> tables_;
    std::uint64_t next_number_ = 1;
    Instant now_{};

    std::optional<journal::Batch> under_way_;
    std::uint64_t commits_ = 0;
    std::uint64_t records_ = 0;
    std::uint64_t until_failure_ = 0;  // commits up to the planned failure; 0 = no failure is planned
    std::optional<Error> planned_;
    std::optional<Error> poison_;
    double used_fraction_ = 0;
};

}  // namespace ledge::storage
