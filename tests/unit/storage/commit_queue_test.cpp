#include "ledge/storage/commit_queue.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <thread>
#include <vector>

#include "../os/posted_calls.hpp"
#include "ledge/journal/record.hpp"
#include "ledge/journal/store_reader.hpp"
#include "ledge/storage/memory_store.hpp"
#include "rig.hpp"

namespace ledge::storage::test {
namespace {

using journal::RecordKind;

/// A loop for reports, and the queue in front of it.
struct Queue {
    explicit Queue(Store& store)
        : queue(std::move(*CommitQueue::create(store, calls.post(), [this](CommitQueue::Outcome outcome) {
              reporter = std::this_thread::get_id();
              outcomes.push_back(std::move(outcome));
          }))) {}

    /// The report that comes next.
    CommitQueue::Outcome wait() {
        REQUIRE(calls.until([this] { return !outcomes.empty(); }));
        CommitQueue::Outcome first = std::move(outcomes.front());
        outcomes.erase(outcomes.begin());
        return first;
    }

    os::PostedCalls calls;
    std::vector<CommitQueue::Outcome> outcomes;
    std::thread::id reporter;
    std::unique_ptr<CommitQueue> queue;
};

TEST_CASE("each batch is reported once, in order, on the loop's thread") {
    MemoryStore store;
    Writer w;
    Queue q(store);
    for (Ticket ticket(1); ticket <= Ticket(100); ++ticket) {
        q.queue->submit(w.put(RecordKind::session, ticket.value(), 0, session_record("s")).take());
        CHECK(q.wait().value().last == ticket);
    }
    CHECK(q.reporter == std::this_thread::get_id());
    CHECK(store.commits() == 100);
}

TEST_CASE("a failure is reported too") {
    MemoryStore store;
    store.fail_from(1, {Fault::io, "no"});
    Queue q(store);
    q.queue->submit(Writer().put(RecordKind::session, 1, 0, session_record("s")).take());
    CHECK(text_of(q.wait().error()) == "no");
}

TEST_CASE("the end waits for the batch that was submitted") {
    MemoryStore store;
    {
        Queue q(store);
        q.queue->submit(Writer().put(RecordKind::session, 1, 0, session_record("s")).take());
    }
    CHECK(store.commits() == 1);
}

TEST_CASE("the shard's thread reads while the committer writes, and never sees half a batch") {
    TempDir dir;
    auto store = open(dir);
    auto& reader = store->reader();
    Writer w;
    Queue q(*store);
    for (std::uint64_t round = 0; round < 200; ++round) {
        // Ten rows come, the ten before go, one retained message changes: in one batch.
        for (std::uint64_t i = round * 10; i < round * 10 + 10; ++i) {
            w.put(RecordKind::message, 0, i + 1, publication("t", std::to_string(round)));
            w.put(RecordKind::queued, 1, i + 1, queued(i + 1, 3));
            if (round == 0) continue;
            w.drop(RecordKind::queued, 1, i - 9).drop(RecordKind::message, 0, i - 9);
        }
        w.put(RecordKind::retained, 0, 1, publication("r", std::to_string(round)));
        q.queue->submit(w.take());
        while (q.outcomes.empty()) {
            q.calls.run();
            std::vector<journal::StoredDelivery> rows;
            reader.queued(SessionNumber(1), no_row, 1000, 1'000'000, rows);
            REQUIRE((rows.size() == 10 || (round == 0 && rows.empty())));
            for (const auto& row : rows) REQUIRE(row.publication == rows.front().publication);
            std::vector<Byte> retained;
            const bool is_there = reader.retained(1, retained);
            REQUIRE((is_there || round == 0));
        }
        std::vector<Byte> retained;
        REQUIRE(reader.retained(1, retained));
        REQUIRE(retained == publication("r", std::to_string(round)));
        REQUIRE(q.wait().ok());
    }
}

}  // namespace
}  // namespace ledge::storage::test
