#include "ledge/storage/commit_queue.hpp"

#include <doctest/doctest.h>

#include <future>

#include "ledge/storage/memory_store.hpp"
#include "rig.hpp"

namespace ledge::storage::test {
namespace {

using journal::RecordKind;

TEST_CASE("each batch is reported once, in order, from another thread") {
    MemoryStore store;
    Writer w;
    std::promise<journal::Ticket> done;
    std::thread::id reporter;
    CommitQueue queue(store, [&](CommitQueue::Outcome outcome) {
        reporter = std::this_thread::get_id();
        done.set_value(outcome.value().last);
    });
    for (journal::Ticket ticket = 1; ticket <= 100; ++ticket) {
        auto reported = done.get_future();
        queue.submit(w.put(RecordKind::session, ticket, 0, session_record("s")).take());
        CHECK(reported.get() == ticket);
        done = {};
    }
    CHECK(reporter != std::this_thread::get_id());
    CHECK(store.commits() == 100);
}

TEST_CASE("a failure is reported too") {
    MemoryStore store;
    store.fail_from(1, {Fault::io, "no"});
    std::promise<std::string> done;
    CommitQueue queue(store, [&](CommitQueue::Outcome outcome) { done.set_value(outcome.error().text); });
    queue.submit(Writer().put(RecordKind::session, 1, 0, session_record("s")).take());
    CHECK(done.get_future().get() == "no");
}

TEST_CASE("the end waits for the batch that was submitted") {
    MemoryStore store;
    int reports = 0;
    {
        CommitQueue queue(store, [&](const CommitQueue::Outcome&) { ++reports; });
        queue.submit(Writer().put(RecordKind::session, 1, 0, session_record("s")).take());
    }
    CHECK(reports == 1);
    CHECK(store.commits() == 1);
}

TEST_CASE("the shard's thread reads while the committer writes, and never sees half a batch") {
    TempDir dir;
    auto store = open(dir);
    const auto reader = store->reader();
    std::promise<void> done;
    Writer w;
    CommitQueue queue(*store, [&](const CommitQueue::Outcome& outcome) {
        REQUIRE(outcome.ok());
        done.set_value();
    });
    for (std::uint64_t round = 0; round < 200; ++round) {
        auto reported = done.get_future();
        // Ten rows come, the ten before go, one retained message changes: in one batch.
        for (std::uint64_t i = round * 10; i < round * 10 + 10; ++i) {
            w.put(RecordKind::message, 0, i + 1, publication("t", std::to_string(round)));
            w.put(RecordKind::queued, 1, i + 1, queued(i + 1, 3));
            if (round == 0) continue;
            w.drop(RecordKind::queued, 1, i - 9).drop(RecordKind::message, 0, i - 9);
        }
        w.put(RecordKind::retained, 0, 1, publication("r", std::to_string(round)));
        queue.submit(w.take());
        bool is_done = false;
        while (!is_done) {
            is_done = reported.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
            std::vector<journal::StoredDelivery> rows;
            reader.queued(reader.context, 1, 0, 1000, 1'000'000, rows);
            REQUIRE((rows.size() == 10 || (round == 0 && rows.empty())));
            for (const auto& row : rows) REQUIRE(row.publication == rows.front().publication);
            std::vector<Byte> retained;
            const bool is_there = reader.retained(reader.context, 1, retained);
            REQUIRE((is_there || round == 0));
        }
        std::vector<Byte> retained;
        REQUIRE(reader.retained(reader.context, 1, retained));
        REQUIRE(retained == publication("r", std::to_string(round)));
        done = {};
    }
}

}  // namespace
}  // namespace ledge::storage::test
