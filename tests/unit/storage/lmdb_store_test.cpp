#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>

#include "ledge/journal/image.hpp"
#include "ledge/journal/out_state.hpp"
#include "ledge/journal/record.hpp"
#include "ledge/journal/store_reader.hpp"
#include "ledge/journal/write_class.hpp"
#include "ledge/storage/commit_report.hpp"
#include "ledge/storage/memory_store.hpp"
#include "rig.hpp"

namespace ledge::storage::test {
namespace {

using journal::RecordKind;

std::chrono::microseconds calendar_now{};
std::chrono::microseconds calendar() { return calendar_now; }

void commit(Store& store, const journal::Batch& batch) {
    const auto report = store.commit(batch);
    if (!report) FAIL(text_of(report.error()));
    CHECK(report.value().last == batch.last);
}

void fill(Writer& w) {
    w.put(RecordKind::session, 1, 0, session_record("meter"));
    w.put(RecordKind::subscription, 1, 2, subscription("a/+"));
    w.put(RecordKind::message, 0, 3, publication("a/b", "on"));
    w.put(RecordKind::queued, 1, 4, queued(3, 5));
    w.put(RecordKind::queued, 1, 5, queued(3, 5, 17, journal::OutState::sent_qos2));
    w.put(RecordKind::received, 1, 4711);
    w.put(RecordKind::retained, 0, 6, publication("r/t", "kept", Instant(5s)));
    w.next_number = 7;
}

TEST_CASE("every kind of record is there after a reopening") {
    TempDir dir;
    Writer w;
    {
        auto store = open(dir);
        CHECK(load(*store).sessions.empty());
        fill(w);
        commit(*store, w.take());
    }
    auto store = open(dir);
    const journal::StoreImage image = load(*store);
    REQUIRE(image.sessions.size() == 1);
    const auto& session = image.sessions[0];
    CHECK(session.number == SessionNumber(1));
    CHECK(session.record == session_record("meter"));
    REQUIRE(session.subscriptions.size() == 1);
    CHECK(session.subscriptions[0].number == 2);
    CHECK(session.subscriptions[0].body == subscription("a/+"));
    CHECK(session.received == std::vector<std::uint16_t>{4711});
    CHECK(session.queued == 2);
    CHECK(session.queued_bytes == 10);
    CHECK(session.first_queued == QueueRow(4));
    CHECK(session.last_queued == QueueRow(5));
    REQUIRE(session.inflight.size() == 1);
    CHECK(session.inflight[0].number == 5);
    CHECK(session.inflight[0].body == queued(3, 5, 17, journal::OutState::sent_qos2));
    REQUIRE(image.retained.size() == 1);
    CHECK(image.retained[0].number == 6);
    CHECK(image.retained[0].topic == "r/t");
    CHECK(image.retained[0].expires_at == Instant(5s));
    CHECK(image.retained[0].bytes == 7);
    REQUIRE(image.references.size() == 1);
    CHECK(image.references[0].message == MessageNumber(3));
    CHECK(image.references[0].rows == 2);
    CHECK(image.next_number == 7);
    CHECK(image.now == w.now);
}

TEST_CASE("every kind of record can be removed, and removing what is not there is no error") {
    TempDir dir;
    Writer w;
    auto store = open(dir);
    fill(w);
    commit(*store, w.take());
    for (int round = 0; round < 2; ++round) {
        w.drop(RecordKind::queued, 1, 4).drop(RecordKind::queued, 1, 5);
        w.drop(RecordKind::message, 0, 3).drop(RecordKind::subscription, 1, 2);
        w.drop(RecordKind::received, 1, 4711).drop(RecordKind::retained, 0, 6);
        w.drop(RecordKind::session, 1, 0);
        commit(*store, w.take());
        const journal::StoreImage image = load(*store);
        CHECK(image.sessions.empty());
        CHECK(image.retained.empty());
        CHECK(image.references.empty());
        std::vector<Byte> body;
        auto& reader = store->reader();
        CHECK(!reader.message(MessageNumber(3), body));
        CHECK(!reader.retained(6, body));
    }
}

TEST_CASE("a dropped session takes its subscriptions and received ids along, and nobody else's") {
    TempDir dir;
    auto store = open(dir);
    Writer w;
    for (const std::uint64_t session : {1U, 2U, 3U}) {
        w.put(RecordKind::session, session, 0, session_record("s" + std::to_string(session)));
        w.put(RecordKind::subscription, session, 10 + session, subscription("a"));
        w.put(RecordKind::received, session, 5);
    }
    w.drop(RecordKind::session, 2, 0);
    w.put(RecordKind::session, 2, 0, session_record("again"));
    commit(*store, w.take());
    const journal::StoreImage image = load(*store);
    REQUIRE(image.sessions.size() == 3);
    CHECK(image.sessions[0].subscriptions.size() == 1);
    CHECK(image.sessions[1].record == session_record("again"));
    CHECK(image.sessions[1].subscriptions.empty());
    CHECK(image.sessions[1].received.empty());
    CHECK(image.sessions[2].received.size() == 1);
}

TEST_CASE("a reader gets the rows of one session, in order, from a number on, up to a count or a size") {
    TempDir dir;
    auto store = open(dir);
    Writer w;
    for (std::uint64_t i = 1; i <= 10; ++i) {
        w.put(RecordKind::message, 0, i, publication("t", std::string(100, 'x') + std::to_string(i)));
        for (const std::uint64_t session : {4U, 5U, 6U}) w.put(RecordKind::queued, session, 100 + i, queued(i, 103));
    }
    commit(*store, w.take());
    auto& reader = store->reader();
    const auto read = [&](std::uint64_t from, std::size_t rows_max, std::size_t bytes_max) {
        std::vector<journal::StoredDelivery> rows;
        reader.queued(SessionNumber(5), QueueRow(from), rows_max, bytes_max, rows);
        return rows;
    };
    CHECK(read(0, 100, 1'000'000).size() == 10);
    CHECK(read(103, 4, 1'000'000).size() == 4);
    CHECK(read(103, 4, 1'000'000)[0].row.number == 103);
    CHECK(read(103, 4, 1'000'000)[0].publication == publication("t", std::string(100, 'x') + "3"));
    CHECK(read(111, 4, 1'000'000).empty());
    CHECK(read(0, 100, 0).size() == 1);    // what is over the limit ends it, but one row always comes
    CHECK(read(0, 100, 200).size() == 2);  // a row and its publication are more than 100 bytes
    CHECK(read(0, 0, 1000).empty());
}

TEST_CASE("a queued row whose message is missing comes without a publication") {
    TempDir dir;
    auto store = open(dir);
    Writer w;
    w.put(RecordKind::queued, 1, 1, queued(77, 3)).put(RecordKind::queued, 1, 2, queued(78, 3));
    w.put(RecordKind::message, 0, 78, publication("t", "x"));
    commit(*store, w.take());
    auto& reader = store->reader();
    std::vector<journal::StoredDelivery> rows;
    reader.queued(SessionNumber(1), no_row, 10, 1000, rows);
    REQUIRE(rows.size() == 2);
    CHECK(rows[0].publication.empty());
    CHECK(!rows[1].publication.empty());
    CHECK(store->commit(w.put(RecordKind::session, 1, 0, session_record("s")).take()).ok());  // no failed read
}

TEST_CASE("rows of a session that is not there are left out, told and put aside") {
    TempDir dir;
    LogLines lines;
    auto store = open(dir, lines.log());
    Writer w;
    w.put(RecordKind::session, 5, 0, session_record("s"));
    w.put(RecordKind::subscription, 4, 1, subscription("a"));
    w.put(RecordKind::queued, 6, 1, queued(1, 1));
    commit(*store, w.take());
    CHECK(load(*store).sessions.size() == 1);
    CHECK(lines.has("store_bad_row table=sub key=\"4 1\" reason=\"its session is missing\""));
    CHECK(lines.has("store_bad_rows_moved rows=2"));
    CHECK(load(*store).bad_rows == 2);  // since the store was opened: no more have come
}

TEST_CASE("the store is for its owner only") {
    TempDir dir;
    auto options = options_for(dir);
    options.path = dir.file("made");
    auto store = open_lmdb_store(options, {});
    REQUIRE(store.ok());
    struct stat facts {};
    REQUIRE(::stat(options.path.c_str(), &facts) == 0);
    CHECK((facts.st_mode & 07777U) == 0700);
    for (const char* name : {"/data.mdb", "/data.mdb-lock", "/lock", "/state"}) {
        REQUIRE(::stat((options.path + name).c_str(), &facts) == 0);
        CHECK((facts.st_mode & 0777U) == 0600);
    }
}

TEST_CASE("a store that is open cannot be opened again, and the answer names the process") {
    TempDir dir;
    auto store = open(dir);
    const auto second = open_lmdb_store(options_for(dir), {});
    REQUIRE(!second.ok());
    CHECK(fault_of(second.error().code) == Fault::in_use);
    CHECK(text_of(second.error()).find("in use by process " + std::to_string(::getpid())) != std::string::npos);
    store.reset();
    CHECK(open_lmdb_store(options_for(dir), {}).ok());
}

TEST_CASE("logical time goes on where it stood, plus the calendar's progress") {
    constexpr std::chrono::microseconds summer = std::chrono::hours(24) * 20'650;
    TempDir dir;
    auto options = options_for(dir);
    options.wall_clock = calendar;
    calendar_now = summer;
    {
        auto store = open_lmdb_store(options, {});
        REQUIRE(store.ok());
        CHECK(load(**store).now == Instant{});
        (*store)->close(Instant(100s));
    }
    calendar_now += std::chrono::hours(2);
    auto store = open_lmdb_store(options, {});
    REQUIRE(store.ok());
    CHECK(load(**store).now == Instant(100s) + 2h);
}

TEST_CASE("a clean end is known, a changed file after it is looked at") {
    TempDir dir;
    LogLines lines;
    {
        auto store = open(dir);
        Writer w;
        fill(w);
        commit(*store, w.take());
        store->close(w.now);
        const auto late = store->commit(w.take());
        CHECK(!late.ok());
    }
    auto store = open(dir, lines.log());
    CHECK(load(*store).sessions.size() == 1);
    CHECK(!lines.has("quarantined"));
}

TEST_CASE("bytes are counted by class and by what the device gets") {
    TempDir dir;
    auto store = open(dir);
    Writer w;
    fill(w);
    const auto batch = w.take();
    const auto report = store->commit(batch);
    REQUIRE(report.ok());
    const auto given = [&](WriteClass c) { return report.value().given[static_cast<std::size_t>(c)]; };
    CHECK(given(WriteClass::messages) == 8 + publication("a/b", "on").size());
    CHECK(given(WriteClass::retained) == 8 + publication("r/t", "kept").size());
    CHECK(given(WriteClass::queues) == 2 * (16 + queued(3, 5).size()));
    CHECK(given(WriteClass::sessions) == 8 + session_record("meter").size() + 16 + subscription("a/+").size() + 10);
    CHECK(report.value().used_fraction > 0);
    CHECK(report.value().used_fraction < 0.01);
}

TEST_CASE("a million queued rows and 100,000 retained messages are loaded without a payload") {
    TempDir dir;
    auto options = options_for(dir);
    options.size_max_bytes = 1024ULL * 1024 * 1024;
    constexpr std::uint64_t sessions = 10;
    constexpr std::uint64_t messages = 100'000;
    {
        auto opened = open_lmdb_store(options, {});
        REQUIRE(opened.ok());
        auto store = std::move(*opened);
        const std::string payload(100, 'p');
        for (std::uint64_t part = 0; part < 10; ++part) {
            Writer w;
            for (std::uint64_t s = 1; s <= sessions; ++s) w.put(RecordKind::session, s, 0, session_record("s"));
            for (std::uint64_t i = part * messages / 10; i < (part + 1) * messages / 10; ++i) {
                w.put(RecordKind::message, 0, i + 1, publication("plant/line/meter", payload));
                for (std::uint64_t s = 1; s <= sessions; ++s) w.put(RecordKind::queued, s, i + 1, queued(i + 1, 116));
                w.put(RecordKind::retained, 0, 1'000'000 + i, publication("r/" + std::to_string(i), payload));
            }
            commit(*store, w.take());
        }
    }
    using Clock = std::chrono::steady_clock;
    const auto ms = [](Clock::duration d) { return std::chrono::duration_cast<std::chrono::milliseconds>(d).count(); };
    const auto start = Clock::now();
    auto store = open_lmdb_store(options, {});
    const auto opened = Clock::now();
    REQUIRE(store.ok());
    const journal::StoreImage image = load(**store);
    const auto loaded = Clock::now();
    MESSAGE("1,000,000 queued rows, 100,000 retained: checked in ", ms(opened - start), " ms, loaded in ",
            ms(loaded - opened), " ms");
    std::uint64_t rows = 0;
    for (const auto& session : image.sessions) rows += session.queued;
    CHECK(rows == sessions * messages);
    CHECK(image.references.size() == messages);
    CHECK(image.retained.size() == messages);
}

}  // namespace
}  // namespace ledge::storage::test
