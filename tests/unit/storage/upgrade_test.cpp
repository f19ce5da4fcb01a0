// Stores that earlier versions of the broker have written are taken over wholly.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

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
    if (!dumped) FAIL(dumped.error().text);
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
        const broker::StoreImage image = load(*store);
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
    std::filesystem::create_directory(dir.file("data.mdb.new"));  // in the way
    std::ofstream(dir.file("data.mdb.new/file")) << "x";
    const auto store = open_lmdb_store(options_for(dir), {});
    REQUIRE(!store.ok());
    CHECK(store.error().text.find("cannot be upgraded") != std::string::npos);
    CHECK(text_of(dir.file("data.mdb")) == before);
}

TEST_CASE("the tools read a store of version 1 without changing it") {
    const std::string path = golden("v1/data.mdb");
    CHECK(verdict_on(path) == "ok");
    CHECK(dump_of(path) == text_of(golden("v1/dump.jsonl")));
}

}  // namespace
}  // namespace ledge::storage::test
