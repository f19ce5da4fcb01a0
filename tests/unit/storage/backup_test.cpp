// Copies of a store, also of one in use, and the way back.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "ledge/journal/image.hpp"
#include "ledge/journal/record.hpp"
#include "ledge/storage/commit_report.hpp"
#include "ledge/storage/tools.hpp"
#include "rig.hpp"

namespace ledge::storage::test {
namespace {

using journal::RecordKind;

const Print silent = [](std::string_view) {};

/// "" or why not.
std::string backs_up(const std::string& path, const std::string& target) {
    const auto done = backup(path, target, silent);
    return done ? "" : text_of(done.error());
}

std::string restores(const std::string& from, const std::string& path, bool replaces = false) {
    const auto done = restore(from, path, replaces, silent);
    return done ? "" : text_of(done.error());
}

void fill(Store& store, RandomWork& work) {
    for (int i = 0; i < 20; ++i) REQUIRE(store.commit(work.batch(50)).ok());
}
void fill(Store& store) {
    RandomWork work(7);
    fill(store, work);
}

bool has(const std::string& text, std::string_view words) { return text.find(words) != std::string::npos; }

TEST_CASE("what is restored from a backup is what was backed up") {
    TempDir dir;
    TempDir other;
    std::string before;
    {
        auto store = open(dir);
        fill(*store);
        before = to_text(*store);
    }
    REQUIRE(backs_up(dir.path(), other.file("backup")).empty());
    REQUIRE(restores(other.file("backup"), dir.path() + "/new").empty());
    LmdbStoreOptions options = options_for(dir);
    options.path = dir.path() + "/new";
    LogLines lines;
    const Log log = lines.log();
    auto store = open_lmdb_store(options, log);
    REQUIRE(store.ok());
    CHECK(to_text(**store) == before);
    CHECK_FALSE(lines.has("store_lost"));
}

// The thread sanitizer ends a child that was forked beside a thread and starts one: LMDB copies with one.
#ifndef __SANITIZE_THREAD__
TEST_CASE("a backup beside a store in use has every commit before it, and none of a later one in part") {
    TempDir dir;
    auto store = open(dir);
    std::atomic<std::uint64_t> committed = 0;
    std::atomic<bool> is_over = false;
    std::thread committer([&] {
        Writer w;
        REQUIRE(store->commit(w.put(RecordKind::session, 1, 0, session_record("s")).take()).ok());
        for (std::uint64_t number = 1; !is_over; number += 10) {
            for (std::uint64_t i = number; i < number + 10; ++i) {
                w.put(RecordKind::message, 0, i, publication("t", std::string(500, 'x')));
                w.put(RecordKind::queued, 1, i, queued(i, 501));
            }
            w.next_number = number + 10;
            if (!store->commit(w.take()).ok()) return;
            committed = number + 9;
        }
    });
    struct Join {
        std::atomic<bool>& is_over;
        std::thread& thread;
        ~Join() {
            is_over = true;
            thread.join();
        }
    } join{is_over, committer};
    while (committed < 500) std::this_thread::yield();
    for (const char* name : {"one", "two", "three"}) {
        const std::uint64_t promised = committed;
        CHECK(backs_up(dir.path(), dir.file(name)) == "");
        REQUIRE(restores(dir.file(name), dir.file(name) + ".d").empty());
        LmdbStoreOptions options = options_for(dir);
        options.path = dir.file(name) + ".d";
        auto copy = open_lmdb_store(options, {});
        REQUIRE(copy.ok());
        const auto image = load(**copy);
        CHECK(image.sessions.at(0).queued >= promised);
        CHECK(image.sessions.at(0).queued % 10 == 0);
        CHECK(image.references.size() == image.sessions.at(0).queued);
    }
}
#endif

TEST_CASE("a backup is private, overwrites nothing, and leaves nothing behind when it fails") {
    TempDir dir;
    fill(*open(dir));
    TempDir target;
    CHECK(has(backs_up(target.path(), target.file("a")), "holds no store"));
    std::ofstream(target.file("there")) << "precious";
    CHECK(has(backs_up(dir.path(), target.file("there")), "exists already"));
    REQUIRE(::symlink("nowhere", target.file("link").c_str()) == 0);
    CHECK(has(backs_up(dir.path(), target.file("link")), "exists already"));
    CHECK(has(backs_up(dir.path(), target.file("no/folder")), "No such file or directory"));
    REQUIRE(backs_up(dir.path(), target.file("good")).empty());
    struct stat facts {};
    REQUIRE(::stat(target.file("good").c_str(), &facts) == 0);
    CHECK((facts.st_mode & 0777) == 0600);
    CHECK(target.names() == std::vector<std::string>{"good", "link", "there"});
}

TEST_CASE("a damaged store is not backed up, and a damaged backup not restored") {
    TempDir dir;
    fill(*open(dir));
    TempDir other;
    REQUIRE(backs_up(dir.path(), other.file("backup")).empty());
    REQUIRE(::truncate(other.file("backup").c_str(), 3 * 4096) == 0);
    const std::string said = restores(other.file("backup"), dir.path(), true);
    CHECK(has(said, "is not restored"));
    CHECK(load(*open(dir)).next_number > 1);  // untouched
    REQUIRE(::truncate(dir.file("data.mdb").c_str(), 3 * 4096) == 0);
    CHECK_FALSE(backs_up(dir.path(), other.file("again")).empty());
    CHECK(other.names() == std::vector<std::string>{"backup"});
}

TEST_CASE(
    "a restore leaves a store alone that is in use, or that it was not told to replace, and keeps a replaced one") {
    TempDir dir;
    TempDir other;
    std::string old;
    {
        auto store = open(dir);
        RandomWork work(1);
        fill(*store, work);
        REQUIRE(backs_up(dir.path(), other.file("backup")).empty());
        fill(*store, work);
        old = to_text(*store);
        CHECK(has(restores(other.file("backup"), dir.path(), true), "in use"));
    }
    CHECK(has(restores(other.file("backup"), dir.path()), "with --force that store is kept under another name"));
    CHECK(to_text(*open(dir)) == old);
    REQUIRE(restores(other.file("backup"), dir.path(), true).empty());
    CHECK(to_text(*open(dir)) != old);
    REQUIRE(::rename(dir.file("data.mdb.replaced-1").c_str(), dir.file("data.mdb").c_str()) == 0);
    CHECK(to_text(*open(dir)) == old);
}

TEST_CASE("a restore that ended between two names is finished by the next start") {
    TempDir dir;
    fill(*open(dir));
    const std::string before = to_text(*open(dir));
    REQUIRE(::rename(dir.file("data.mdb").c_str(), dir.file("data.mdb.restored").c_str()) == 0);
    LogLines lines;
    const Log log = lines.log();
    CHECK(to_text(*open(dir, log)) == before);
    CHECK_FALSE(lines.has("store_lost"));
}

}  // namespace
}  // namespace ledge::storage::test
