// A disk without room is weather: the commit is tried again. A failed sync is not: it stays.
#include <doctest/doctest.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "disk_faults.hpp"
#include "held_file.hpp"
#include "ledge/journal/record.hpp"
#include "ledge/journal/store_reader.hpp"
#include "ledge/storage/commit_report.hpp"
#include "rig.hpp"

namespace ledge::storage::test {
namespace {

using journal::RecordKind;

/// A store with one session, and a batch of 50 messages for it that is not written yet.
struct Scene {
    explicit Scene(const Log& log = {}) : store(open(dir, log)) {
        w.put(RecordKind::session, 1, 0, session_record("meter"));
        REQUIRE(store->commit(w.take()).ok());
        for (std::uint64_t i = 1; i <= 50; ++i) {
            w.put(RecordKind::message, 0, i, publication("t", std::string(900, 'x')));
            w.put(RecordKind::queued, 1, i, queued(i, 901));
            w.put(RecordKind::retained, 0, 100 + i, publication("r/" + std::to_string(i), "kept"));
        }
        w.next_number = 200;
        batch = w.take();
    }

    Error refusal() {
        const auto report = store->commit(batch);
        REQUIRE_FALSE(report.ok());
        return report.error();
    }
    std::size_t readable() {
        auto& reader = store->reader();
        std::vector<journal::StoredDelivery> rows;
        reader.queued(SessionNumber(1), no_row, 1'000'000, 1'000'000'000, rows);
        std::vector<Byte> kept;
        for (std::uint64_t i = 101; i <= 150; ++i)
            if (reader.retained(i, kept)) rows.emplace_back();
        return rows.size();
    }
    void reopen() {
        store.reset();
        store = open(dir);
    }

    FaultyDisk disk;
    TempDir dir;
    Writer w;
    std::unique_ptr<Store> store;
    journal::Batch batch;
};

bool has(const Error& error, std::string_view words) { return text_of(error).find(words) != std::string::npos; }

TEST_CASE(
    "a commit that the disk has no room for changes nothing, and the same batch goes through when there is room") {
    for (const int code : {ENOSPC, EDQUOT, EFBIG}) {
        Scene s;
        disk_faults.pages = code;
        for (int i = 0; i < 3; ++i) CHECK(fault_of(s.refusal().code) == Fault::full);
        CHECK(s.readable() == 0);
        disk_faults.clear();
        REQUIRE(s.store->commit(s.batch).ok());
        CHECK(s.readable() == 100);
        s.reopen();
        CHECK(s.readable() == 100);
        CHECK(load(*s.store).next_number == 200);
    }
}

TEST_CASE("the reason is the system's own, for a write that was cut short as well") {
    Scene s;
    disk_faults.pages = ENOSPC;
    CHECK(has(s.refusal(), "No space left on device"));
    disk_faults.clear();
    disk_faults.is_short = disk_faults.has_no_room = true;  // LMDB calls a part of a write EIO
    const Error error = s.refusal();
    CHECK(fault_of(error.code) == Fault::full);
    CHECK(has(error, "No space left on device"));
    CHECK_FALSE(has(error, "Input/output error"));
    disk_faults.clear();
    CHECK(s.store->commit(s.batch).ok());
    CHECK(s.readable() == 100);
}

TEST_CASE("a sync that fails for want of room is tried again with everything that it was to cover") {
    Scene s;
    disk_faults.syncs = ENOSPC;
    CHECK(fault_of(s.refusal().code) == Fault::full);
    disk_faults.clear();
    CHECK(s.store->commit(s.batch).ok());
    s.reopen();
    CHECK(s.readable() == 100);
}

TEST_CASE("a sync that fails for another reason is final, even if the next one would succeed") {
    Scene s;
    disk_faults.syncs = EIO;
    const Error first = s.refusal();
    CHECK(fault_of(first.code) == Fault::io);
    CHECK(has(first, "Input/output error"));
    disk_faults.clear();
    CHECK(text_of(s.refusal()) == text_of(first));
    CHECK(s.readable() == 0);
}

TEST_CASE("when there is no room for the meta page the environment is opened anew, and reads go on") {
    LogLines lines;
    Scene s(lines.log());
    disk_faults.meta = ENOSPC;
    CHECK(fault_of(s.refusal().code) == Fault::full);
    s.readable();  // the batch as a whole or not at all, but no failure
    CHECK_FALSE(lines.has("store_read_failed"));
    CHECK(fault_of(s.refusal().code) == Fault::full);
    disk_faults.clear();
    REQUIRE(s.store->commit(s.batch).ok());
    CHECK(s.readable() == 100);
    for (std::uint64_t i = 1; i <= 50; ++i) s.w.drop(RecordKind::queued, 1, i).drop(RecordKind::message, 0, i);
    CHECK(s.store->commit(s.w.take()).ok());
    s.reopen();
    CHECK(s.readable() == 50);
}

TEST_CASE("a store that cannot be opened anew after a failed meta page stays closed: reads fail, nothing crashes") {
    LogLines lines;
    Scene s(lines.log());
    disk_faults.meta = ENOSPC;
    std::filesystem::rename(s.dir.file("data.mdb"), s.dir.file("moved.mdb"));
    std::filesystem::create_directory(s.dir.file("data.mdb"));  // cannot be opened as a file
    const Error first = s.refusal();
    CHECK(fault_of(first.code) == Fault::io);
    CHECK(has(first, "cannot be opened again"));
    disk_faults.clear();
    CHECK(s.readable() == 0);
    CHECK(lines.has("store_read_failed"));
    CHECK(text_of(s.refusal()) == text_of(first));
    CHECK(s.store->used_fraction() >= 0);
    s.store->close(Instant(1s));
    std::filesystem::remove(s.dir.file("data.mdb"));
    std::filesystem::rename(s.dir.file("moved.mdb"), s.dir.file("data.mdb"));
    s.reopen();
    CHECK(load(*s.store).sessions.size() == 1);
}

TEST_CASE("a new store that the disk has no room for is made by the first commit that there is room for") {
    FaultyDisk disk;
    TempDir dir;
    LogLines lines;
    Writer w;
    const journal::Batch batch = w.put(RecordKind::retained, 0, 1, publication("r", "kept")).take();
    {
        disk_faults.pages = ENOSPC;
        const Log log = lines.log();
        auto store = open(dir, log);
        CHECK(lines.has("store_postponed"));
        CHECK(load(*store).sessions.empty());
        const auto other = open_lmdb_store(options_for(dir), {});
        REQUIRE_FALSE(other.ok());
        CHECK(fault_of(other.error().code) == Fault::in_use);  // the folder is taken all the same
        auto& reader = store->reader();
        std::vector<Byte> body;
        CHECK_FALSE(reader.retained(1, body));
        const auto refused = store->commit(batch);
        REQUIRE_FALSE(refused.ok());
        CHECK(fault_of(refused.error().code) == Fault::full);
        disk_faults.clear();
        REQUIRE(store->commit(batch).ok());
        CHECK(reader.retained(1, body));
        store->close(Instant(1s));
    }
    CHECK(load(*open(dir)).retained.size() == 1);
}

TEST_CASE("a file that comes from elsewhere while a new store waits for room is not taken for its own") {
    FaultyDisk disk;
    TempDir dir;
    TempDir elsewhere;
    {
        auto store = open(elsewhere);
        Writer w;
        REQUIRE(store->commit(w.put(RecordKind::retained, 0, 1, publication("r", "theirs")).take()).ok());
        store->close(Instant(1s));
    }
    disk_faults.pages = ENOSPC;
    auto store = open(dir);
    disk_faults.clear();
    std::filesystem::copy_file(elsewhere.file("data.mdb"), dir.file("data.mdb"));
    Writer w;
    const auto report = store->commit(w.put(RecordKind::retained, 0, 1, publication("r", "ours")).take());
    REQUIRE_FALSE(report.ok());
    CHECK(fault_of(report.error().code) == Fault::io);
    CHECK(has(report.error(), "has come from elsewhere"));
    store.reset();
    CHECK(load(*open(dir)).retained.size() == 1);
}

TEST_CASE("a merge of retained messages that failed is done by the next commit") {
    Scene s;
    REQUIRE(s.store->commit(s.batch).ok());
    for (std::uint64_t i = 1; i <= 300; ++i)
        s.w.put(RecordKind::retained, 0, 1000 + i, publication("m/" + std::to_string(i), "kept"));
    REQUIRE(s.store->commit(s.w.take()).ok());
    const std::string before = to_text(*s.store);
    const journal::Batch more = s.w.put(RecordKind::session, 2, 0, session_record("other")).take();
    disk_faults.pages = ENOSPC;
    CHECK_FALSE(s.store->commit(more).ok());  // its transaction moves the rows
    CHECK(to_text(*s.store) == before);
    disk_faults.clear();
    REQUIRE(s.store->commit(more).ok());
    const std::string after = to_text(*s.store);
    s.reopen();
    CHECK(to_text(*s.store) == after);
}

TEST_CASE("an end costs one sync at most, and none when the last commit had the time of the end") {
    Scene s;
    s.batch.now = Instant(7s);
    REQUIRE(s.store->commit(s.batch).ok());
    const int before = disk_faults.synced;
    s.store->close(Instant(7s));
    CHECK(disk_faults.synced == before);
    s.reopen();
    const int again = disk_faults.synced;
    s.store->close(Instant(9s));
    CHECK(disk_faults.synced == again + 1);
}

// ---------------------------------------------------------------------------------------------------------------------
// The file under a running broker

TEST_CASE("no commit is reported once the file has lost its name or another file has it") {
    const auto check = [](auto&& harm, std::string_view words) {
        Scene s;
        harm(s.dir);
        const Error error = s.refusal();
        CHECK(fault_of(error.code) == Fault::io);
        CHECK_MESSAGE(has(error, words), text_of(error));
        CHECK(text_of(s.refusal()) == text_of(error));
    };
    check([](const TempDir& dir) { ::unlink(dir.file("data.mdb").c_str()); }, "was removed");
    check([](const TempDir& dir) { ::rename(dir.file("data.mdb").c_str(), dir.file("elsewhere").c_str()); },
          "was removed");
    check(
        [](const TempDir& dir) {
            ::unlink(dir.file("data.mdb").c_str());
            REQUIRE(::symlink("elsewhere", dir.file("data.mdb").c_str()) == 0);
        },
        "was replaced by another file");
}

TEST_CASE("a file that another program cuts off is no longer the store's") {
    TempDir dir;
    const std::string path = dir.file("held");
    FILE* file = ::fopen(path.c_str(), "w");
    REQUIRE(file != nullptr);
    ::fputs("0123456789", file);
    ::fclose(file);
    auto held = HeldFile::open(path);
    REQUIRE(held.ok());
    CHECK(held->displacement(path).empty());
    REQUIRE(::truncate(path.c_str(), 5) == 0);
    CHECK(held->displacement(path) == "was cut off by another program");
}

}  // namespace
}  // namespace ledge::storage::test
