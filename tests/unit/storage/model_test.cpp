// LmdbStore against MemoryStore, which is a few maps: the same batches must give the same image and the same reads.
#include <doctest/doctest.h>

#include "ledge/journal/record.hpp"
#include "ledge/storage/commit_report.hpp"
#include "ledge/storage/memory_store.hpp"
#include "rig.hpp"

namespace ledge::storage::test {
namespace {

void run(std::uint64_t seed, std::size_t batches, std::size_t steps) {
    CAPTURE(seed);
    TempDir dir;
    MemoryStore model;
    RandomWork work(seed);
    Rng rng(seed + 1);
    auto store = open(dir);
    for (std::size_t i = 0; i < batches; ++i) {
        const journal::Batch batch = work.batch(rng.below(steps) + 1);
        REQUIRE(store->commit(batch).ok());
        REQUIRE(model.commit(batch).ok());
        if (rng.one_in(4)) {
            if (rng.one_in(2)) store->close(batch.now);
            store.reset();
            store = open(dir);
        }
        if (rng.one_in(3)) REQUIRE(to_text(*store) == to_text(model));
    }
    REQUIRE(to_text(*store) == to_text(model));
}

TEST_CASE("random batches leave the same in LMDB as in memory") {
    for (std::uint64_t seed = 1; seed <= 12; ++seed) run(seed, 12, 60);
}

TEST_CASE("the same with batches large enough to move retained messages over") {
    for (std::uint64_t seed = 100; seed < 103; ++seed) run(seed, 12, 2000);
}

}  // namespace
}  // namespace ledge::storage::test
