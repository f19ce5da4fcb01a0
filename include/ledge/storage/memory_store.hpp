// MemoryStore: the same store in memory, for tests and the simulated world: what is committed survives the shard, and a
// test decides when a commit is done, when it fails, and what a crash leaves behind.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ledge/storage/store.hpp"

namespace ledge::storage {

class MemoryStore final : public Store {
public:
    MemoryStore();
    ~MemoryStore() override;

    Result<journal::StoreImage, StoreError> load() override;
    /// At once: start() and finish().
    Result<CommitReport, StoreError> commit(const journal::Batch& batch) override;
    journal::StoreReader reader() override;
    double used_fraction() const override { return used_fraction_; }
    void close(Instant now) override;

    // A commit that takes time. Between the two, reads see the state before it.
    void start(journal::Batch batch);
    bool is_busy() const { return under_way_.has_value(); }
    Result<CommitReport, StoreError> finish();

    /// The broker and the machine are gone. Of a commit under way the first `records_kept` records survive: none or
    /// all with a store that is atomic, anything between with a worse one. Failures end too. Then load() again, at
    /// `rest` later by the calendar.
    void crash(std::size_t records_kept, Duration rest = {});

    /// The n-th commit from now on fails (1: the next), and all after it; 0: none does.
    void fail_from(std::uint64_t nth, StoreError error);
    /// What used_fraction() says from now on.
    void set_used_fraction(double fraction) { used_fraction_ = fraction; }

    std::uint64_t commits() const { return commits_; }
    std::uint64_t records() const { return records_; }
    /// Rows in all tables, of all kinds.
    std::size_t rows() const;

private:
    using Key = std::pair<std::uint64_t, std::uint64_t>;  // session, number
    using Rows = std::map<Key, std::vector<Byte>>;
    struct Tables;

    void apply(const journal::Batch& batch, std::size_t records);
    void apply(const journal::Record& record, Bytes body);
    void drop_session(std::uint64_t session);

    std::unique_ptr<Tables> tables_;
    std::uint64_t next_number_ = 1;
    Instant now_{};

    std::optional<journal::Batch> under_way_;
    std::uint64_t commits_ = 0;
    std::uint64_t records_ = 0;
    std::uint64_t until_failure_ = 0;  // commits; 0: no failure planned
    std::optional<StoreError> planned_;
    std::optional<StoreError> poison_;
    double used_fraction_ = 0;
};

}  // namespace ledge::storage
