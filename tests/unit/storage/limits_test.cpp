// The world says no: a full map, writes that fail.
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "guarded.hpp"
#include "ledge/journal/record.hpp"
#include "ledge/journal/store_reader.hpp"
#include "ledge/storage/commit_report.hpp"
#include "lmdb_env.hpp"
#include "rig.hpp"

namespace ledge::storage::test {
namespace {

using journal::RecordKind;

journal::Batch messages(Writer& w, std::uint64_t first, std::uint64_t count) {
    for (std::uint64_t i = first; i < first + count; ++i) {
        w.put(RecordKind::message, 0, i, publication("t", std::string(900, 'x')));
        w.put(RecordKind::queued, 1, i, queued(i, 901));
    }
    w.next_number = first + count;
    return w.take();
}

struct Filled {
    std::uint64_t committed = 0;  // messages
    double fraction = 0;          // of the last commit that was done
    Error error;
    journal::Batch refused;
};

Filled fill(Store& store, Writer& w, std::uint64_t parts_max) {
    Filled filled;
    for (std::uint64_t part = 0; part < parts_max; ++part) {
        journal::Batch batch = messages(w, 1 + part * 20, 20);
        const auto report = store.commit(batch);
        if (!report) {
            filled.refused = std::move(batch);
            filled.error = report.error();
            return filled;
        }
        CHECK(report.value().used_fraction >= filled.fraction);
        filled.fraction = report.value().used_fraction;
        filled.committed += 20;
    }
    FAIL("never full");
    return filled;
}

std::size_t readable(Store& store) {
    auto& reader = store.reader();
    std::vector<journal::StoredDelivery> rows;
    reader.queued(SessionNumber(1), no_row, 1'000'000, 1'000'000'000, rows);
    return rows.size();
}

// A reader in another process that has ended without a word.
void leave_dead_reader(const TempDir& dir) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        auto env = Env::open({.path = dir.file("data.mdb"), .is_read_only = true});
        if (!env) ::_exit(1);
        auto txn = Txn::begin(*env, true);
        ::kill(::getpid(), txn ? SIGKILL : SIGTERM);
        ::_exit(2);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WTERMSIG(status) == SIGKILL);
}

TEST_CASE("a check or a backup that was killed beside the broker does not make the file grow for ever") {
    TempDir dir;
    auto store = open(dir);
    Writer w;
    w.put(RecordKind::session, 1, 0, session_record("c"));
    REQUIRE(store->commit(w.take()).ok());
    std::uint64_t next = 1;
    const auto come_and_go = [&] {
        for (int round = 0; round < 10; ++round, next += 100) {
            REQUIRE(store->commit(messages(w, next, 100)).ok());
            for (std::uint64_t i = next; i < next + 100; ++i)
                w.drop(RecordKind::queued, 1, i).drop(RecordKind::message, 0, i);
            w.now += 2s;
            REQUIRE(store->commit(w.take()).ok());
        }
        return std::filesystem::file_size(dir.file("data.mdb"));
    };
    const auto before = come_and_go();
    leave_dead_reader(dir);
    come_and_go();  // until it is noticed
    const auto noticed = come_and_go();
    CHECK(come_and_go() == noticed);
    CHECK(noticed < 8 * before);
}

TEST_CASE("at its ceiling the store refuses a commit, then grows beyond it, so that it can be emptied again") {
    TempDir dir;
    auto options = options_for(dir);
    options.size_max_bytes = 2 * 1024 * 1024;
    Writer w;
    auto store = open_lmdb_store(options, {});
    REQUIRE(store.ok());
    REQUIRE((*store)->commit(w.put(RecordKind::session, 1, 0, session_record("s")).take()).ok());
    const Filled filled = fill(**store, w, 1000);
    CHECK(fault_of(filled.error.code) == Fault::ceiling);
    CHECK(filled.fraction > 0.85);  // it was known before
    CHECK(filled.fraction <= 1.0);
    CHECK(readable(**store) == filled.committed);
    CHECK(text_of(filled.error).find("store.size_max_bytes (2097152) is used up") != std::string::npos);
    const auto again = (*store)->commit(filled.refused);
    REQUIRE(again.ok());
    CHECK(again.value().used_fraction > filled.fraction);  // of the ceiling that was asked for
    CHECK(readable(**store) == filled.committed + 20);
    for (std::uint64_t i = 1; i <= filled.committed; ++i)
        w.drop(RecordKind::queued, 1, i).drop(RecordKind::message, 0, i);
    journal::Batch emptying = w.take();
    auto emptied = (*store)->commit(emptying);
    for (int i = 0; i < 10 && !emptied.ok(); ++i) emptied = (*store)->commit(emptying);
    REQUIRE(emptied.ok());
    CHECK(emptied.value().used_fraction < 0.2);
}

TEST_CASE("the store grows to twice its ceiling at most") {
    TempDir dir;
    auto options = options_for(dir);
    options.size_max_bytes = 2 * 1024 * 1024;
    Writer w;
    auto store = open_lmdb_store(options, {});
    REQUIRE(store.ok());
    journal::Batch batch = messages(w, 1, 20'000);
    for (int i = 0; i < 20; ++i) CHECK_FALSE((*store)->commit(batch).ok());
    CHECK(::access(dir.file("data.mdb").c_str(), F_OK) == 0);
    struct stat facts {};
    REQUIRE(::stat(dir.file("data.mdb").c_str(), &facts) == 0);
    CHECK(facts.st_size <= 4 * 1024 * 1024);
}

TEST_CASE("removals make room again") {
    TempDir dir;
    auto options = options_for(dir);
    options.size_max_bytes = 4 * 1024 * 1024;
    auto store = open_lmdb_store(options, {});
    REQUIRE(store.ok());
    Writer w;
    for (std::uint64_t round = 0; round < 20; ++round) {
        const auto report = (*store)->commit(messages(w, round * 1000 + 1, 1000));
        REQUIRE(report.ok());
        CHECK(report.value().used_fraction < 0.85);
        for (std::uint64_t i = round * 1000 + 1; i <= round * 1000 + 1000; ++i) {
            w.drop(RecordKind::queued, 1, i).drop(RecordKind::message, 0, i);
        }
        const auto emptied = (*store)->commit(w.take());
        REQUIRE(emptied.ok());
        CHECK(emptied.value().used_fraction < 0.1);
    }
}

TEST_CASE("a file that is larger than the ceiling raises it") {
    TempDir dir;
    Writer w;
    {
        auto store = open(dir);
        REQUIRE(store->commit(messages(w, 1, 4000)).ok());
    }
    auto options = options_for(dir);
    options.size_max_bytes = 1024 * 1024;
    auto store = open_lmdb_store(options, {});
    REQUIRE(store.ok());
    CHECK(readable(**store) == 4000);
}

// RLIMIT_FSIZE makes writes fail as a disk does that takes no more: in a process of its own.
TEST_CASE("a write that the system refuses leaves the store readable, and is done when the system takes it") {
    TempDir dir;
    std::string said;
    const auto work = [&](GuardedOut& out) {
        ::signal(SIGXFSZ, SIG_IGN);
        auto store = open_lmdb_store(options_for(dir), {});
        Writer w;
        bool is_fine = store.ok() && (*store)->commit(messages(w, 1, 100)).ok();
        rlimit limit{256 * 1024, RLIM_INFINITY};
        is_fine = is_fine && ::setrlimit(RLIMIT_FSIZE, &limit) == 0;
        const journal::Batch batch = messages(w, 101, 2000);
        const auto failed = (*store)->commit(batch);
        is_fine =
            is_fine && !failed.ok() && fault_of(failed.error().code) == Fault::full && !(*store)->commit(batch).ok();
        if (!failed.ok()) out.send(as_bytes(text_of(failed.error())));
        is_fine = is_fine && readable(**store) == 100;
        limit.rlim_cur = RLIM_INFINITY;
        is_fine = is_fine && ::setrlimit(RLIMIT_FSIZE, &limit) == 0 && (*store)->commit(batch).ok();
        return is_fine && readable(**store) == 2100;
    };
    const GuardedEnd end = run_guarded(
        work, [&](Bytes bytes) { said += as_text(bytes); }, 60'000);
    CHECK(end == GuardedEnd::fine);
    CHECK(said.find("cannot be written") != std::string::npos);
    auto store = open(dir);
    CHECK(readable(*store) == 2100);
}

}  // namespace
}  // namespace ledge::storage::test
