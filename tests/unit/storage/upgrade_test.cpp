// Stores that earlier versions of the broker have written are taken over wholly.
#include <doctest/doctest.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "disk_faults.hpp"
#include "ledge/journal/image.hpp"
#include "ledge/storage/commit_report.hpp"
#include "ledge/storage/tools.hpp"
#include "rig.hpp"
#include "tables.hpp"

namespace ledge::storage::test {
namespace {

std::string golden(std::string_view name) { return std::string(LEDGE_GOLDEN_STORES) + "/" + std::string(name); }

std::string text_of(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
}

std::string dump_of(const std::string& path) {
    std::string said;
    const auto dumped = dump(path, [&](std::string_view text) { said += text; });
    if (!dumped) FAIL(text_of(dumped.error()));
    return said;
}

std::string verdict_on(const std::string& path) {
    std::string said;
    const auto verdict = verify(path, [&](std::string_view text) { said += text; });
    REQUIRE(verdict.ok());
    return verdict.value() ? "ok" : said;
}

void copy_golden(std::string_view name, const TempDir& dir) {
    std::filesystem::copy_file(golden(name), dir.file("data.mdb"));
    std::filesystem::permissions(dir.file("data.mdb"),
                                 std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST_CASE("a store of schema version 1 is taken over with every row, its numbers and its clock") {
    TempDir dir;
    copy_golden("v1/data.mdb", dir);
    LogLines lines;
    {
        auto store = open(dir, lines.log());
        CHECK(lines.has("info store_upgraded"));
        CHECK(lines.has("from_version=1 to_version=2 rows=59"));
        CHECK(!lines.has("store_quarantined"));
        CHECK(!lines.has("store_bad_rows"));
        const journal::StoreImage image = load(*store);
        CHECK(image.sessions.size() == 6);
        CHECK(image.retained.size() == 4);
        CHECK(image.next_number == 28);
        CHECK(image.now > Instant{});
    }
    CHECK(verdict_on(dir.path()) == "ok");
    CHECK(dump_of(dir.path()) == text_of(golden("v1/dump.jsonl")));
}

TEST_CASE("the second start finds the upgraded store and changes nothing") {
    TempDir dir;
    copy_golden("v1/data.mdb", dir);
    std::string first;
    {
        auto store = open(dir);
        first = to_text(*store);
    }
    LogLines lines;
    auto store = open(dir, lines.log());
    CHECK(!lines.has("store_upgraded"));
    CHECK(to_text(*store) == first);
}

TEST_CASE("an upgrade that ends before the new file has its name is begun again") {
    TempDir dir;
    copy_golden("v1/data.mdb", dir);
    const std::string before = text_of(dir.file("data.mdb"));
    { std::ofstream(dir.file("data.mdb.new"), std::ios::binary) << before.substr(0, before.size() / 2); }
    LogLines lines;
    auto store = open(dir, lines.log());
    CHECK(lines.has("rows=59"));
    CHECK(load(*store).sessions.size() == 6);
}

TEST_CASE("an upgrade that fails leaves the old store as it was") {
    TempDir dir;
    copy_golden("v1/data.mdb", dir);
    const std::string before = text_of(dir.file("data.mdb"));
    {
        const FaultyDisk disk;
        disk_faults.pages = ENOSPC;
        const auto store = open_lmdb_store(options_for(dir), {});
        REQUIRE(!store.ok());
        CHECK(text_of(store.error()).find("cannot be upgraded") != std::string::npos);
    }
    CHECK(text_of(dir.file("data.mdb")) == before);
    CHECK(load(*open(dir)).sessions.size() == 6);
}

TEST_CASE("a row of version 1 that cannot be read is put aside, and its session is incomplete") {
    TempDir dir;
    copy_golden("v1/data.mdb", dir);
    {
        auto env = Env::open({.path = dir.file("data.mdb"), .size_max = 16 * 1'048'576});
        auto txn = Txn::begin(*env, false);
        auto tables = Tables::open(*txn, false);
        REQUIRE(txn->put((*tables)[Table::subscription], Key::of(2, 1).bytes(), as_bytes("x")) == lmdb_ok);
        REQUIRE(txn->commit() == lmdb_ok);
    }
    LogLines lines;
    auto store = open(dir, lines.log());
    CHECK(lines.has("info store_upgraded"));
    CHECK(lines.has("rows=58"));
    CHECK(lines.has("error store_bad_row table=sub key=\"2 1\" reason=\"malformed record\""));
    CHECK(lines.has("error store_bad_rows rows=1 incomplete=1"));
    CHECK(text_of(dir.file("bad-rows-1")).find("\"key_hex\":\"00000000000000020000000000000001\"") !=
          std::string::npos);
    const journal::StoreImage image = load(*store);
    for (const auto& stored : image.sessions) {
        const auto record = journal::parse_session(stored.record);
        REQUIRE(record);
        CHECK(record->is_incomplete == (record->client_id == "lamp"));
    }
}

TEST_CASE("a damaged file of version 1 is salvaged as one of version 1, without its meta row, too") {
    TempDir dir;
    copy_golden("v1/data.mdb", dir);
    {
        auto env = Env::open({.path = dir.file("data.mdb"), .size_max = 16 * 1'048'576});
        auto txn = Txn::begin(*env, false);
        auto row = txn->get(main_db, as_bytes(meta_key));
        std::vector<Byte> meta(row->begin(), row->end());
        meta[20] ^= 0x80U;  // before the beginning of time
        REQUIRE(txn->put(main_db, as_bytes(meta_key), meta) == lmdb_ok);
        REQUIRE(txn->commit() == lmdb_ok);
    }
    std::string content = text_of(dir.file("data.mdb"));
    const std::size_t at = content.rfind(std::string(1000, 'L')) / 4096 * 4096;  // the large retained message
    std::fill_n(content.begin() + static_cast<std::ptrdiff_t>(at), 4096, '\0');
    std::ofstream(dir.file("data.mdb"), std::ios::binary) << content;
    LogLines lines;
    auto store = open(dir, lines.log());
    CHECK(lines.has("store_salvaged sessions=6 subscriptions=7 queued=21 messages=16"));
    CHECK(lines.has("clock=recovered"));
    CHECK(load(*store).next_number >= 28);
}

TEST_CASE("the tools read a store of version 1 without changing it") {
    const std::string path = golden("v1/data.mdb");
    CHECK(verdict_on(path) == "ok");
    CHECK(dump_of(path) == text_of(golden("v1/dump.jsonl")));
}

}  // namespace
}  // namespace ledge::storage::test
