#include "ledge/storage/memory_store.hpp"

#include <doctest/doctest.h>

#include "ledge/journal/record.hpp"
#include "ledge/storage/commit_report.hpp"
#include "rig.hpp"

namespace ledge::storage::test {
namespace {

using journal::RecordKind;

journal::Batch two_sessions(Writer& w) {
    w.put(RecordKind::session, 1, 0, session_record("a")).put(RecordKind::session, 2, 0, session_record("b"));
    return w.take();
}

TEST_CASE("a commit under way shows when it is finished") {
    MemoryStore store;
    Writer w;
    store.start(two_sessions(w));
    CHECK(store.is_busy());
    CHECK(load(store).sessions.empty());
    const auto report = store.finish();
    REQUIRE(report.ok());
    CHECK(report.value().last == Ticket(2));
    CHECK(load(store).sessions.size() == 2);
    CHECK(store.commits() == 1);
}

TEST_CASE("a crash keeps of the commit under way as many records as it is told") {
    for (const std::size_t kept : {0U, 1U, 2U, 9U}) {
        MemoryStore store;
        Writer w;
        store.start(two_sessions(w));
        store.crash(kept);
        CHECK(!store.is_busy());
        CHECK(load(store).sessions.size() == std::min<std::size_t>(kept, 2));
    }
}

TEST_CASE("from the n-th commit on all fail, until the next start") {
    MemoryStore store;
    Writer w;
    store.fail_from(2, {Fault::full, "full"});
    CHECK(store.commit(two_sessions(w)).ok());
    CHECK(!store.commit(w.drop(RecordKind::session, 1, 0).take()).ok());
    const auto failed = store.commit(w.drop(RecordKind::session, 2, 0).take());
    REQUIRE(!failed.ok());
    CHECK(text_of(failed.error()) == "full");
    CHECK(load(store).sessions.size() == 2);
    store.crash(0);
    CHECK(store.commit(w.drop(RecordKind::session, 1, 0).take()).ok());
    CHECK(load(store).sessions.size() == 1);
}

TEST_CASE("logical time: of the last commit, and the rest after a crash") {
    MemoryStore store;
    Writer w;
    REQUIRE(store.commit(two_sessions(w)).ok());
    CHECK(load(store).now == w.now);
    store.crash(0, 5s);
    CHECK(load(store).now == w.now + 5s);
    store.close(Instant(1h));
    CHECK(load(store).now == Instant(1h));
}

}  // namespace
}  // namespace ledge::storage::test
