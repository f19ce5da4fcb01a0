// A store that is not what it should be: put aside, salvaged, told; the broker starts.
#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>

#include "ledge/journal/image.hpp"
#include "ledge/journal/store_reader.hpp"
#include "ledge/storage/commit_report.hpp"
#include "ledge/storage/tools.hpp"
#include "lmdb_env.hpp"
#include "page_check.hpp"
#include "rig.hpp"
#include "schema.hpp"
#include "tables.hpp"

namespace ledge::storage::test {
namespace {

using journal::RecordKind;

std::string read_file(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

void write_file(const std::string& path, std::string_view content) {
    std::ofstream(path, std::ios::binary).write(content.data(), static_cast<std::streamsize>(content.size()));
}

constexpr std::uint64_t session_count = 20;
constexpr std::uint64_t message_count = 400;

/// A store of some pages with everything in it.
void make_store(const TempDir& dir) {
    auto store = open(dir);
    Writer w;
    for (std::uint64_t s = 1; s <= session_count; ++s) {
        w.put(RecordKind::session, s, 0, session_record("client-" + std::to_string(s)));
        w.put(RecordKind::subscription, s, 1000 + s, subscription("a/" + std::to_string(s)));
    }
    for (std::uint64_t m = 1; m <= message_count; ++m) {
        w.put(RecordKind::message, 0, 2000 + m, publication("a/b", std::string(200, 'm')));
        w.put(RecordKind::queued, m % session_count + 1, 3000 + m, queued(2000 + m, 203));
        w.put(RecordKind::retained, 0, 4000 + m, publication("r/" + std::to_string(m), std::string(2000, 'r')));
    }
    w.next_number = 5000;
    w.now = Instant(1000s);
    REQUIRE(store->commit(w.take()).ok());
}

bool has_quarantined(const TempDir& dir) {
    const auto names = dir.names();
    return std::find(names.begin(), names.end(), "data.mdb.corrupt-1") != names.end();
}

/// Whether the image is sound in itself: nothing refers to what is not there.
void check_sound(Store& store) {
    const journal::StoreImage image = load(store);
    auto& reader = store.reader();
    for (const auto& session : image.sessions) {
        std::vector<journal::StoredDelivery> rows;
        reader.queued(session.number, no_row, 100'000, 100'000'000, rows);
        CHECK(rows.size() == session.queued);
        for (const auto& row : rows) CHECK(!row.publication.empty());
    }
}

TEST_CASE("a file of somebody else is put aside") {
    TempDir dir;
    write_file(dir.file("data.mdb"), std::string(50'000, 'x'));
    LogLines lines;
    auto store = open(dir, lines.log());
    CHECK(lines.has("error store_quarantined"));
    CHECK(has_quarantined(dir));
    CHECK(read_file(dir.file("data.mdb.corrupt-1")) == std::string(50'000, 'x'));
    CHECK(load(*store).sessions.empty());
}

TEST_CASE("an LMDB file of another program is put aside") {
    TempDir dir;
    {
        auto env = Env::open({.path = dir.file("data.mdb"), .size_max = 1'048'576});
        REQUIRE(env.ok());
        auto txn = Txn::begin(*env, false);
        REQUIRE(txn.ok());
        REQUIRE(txn->put(main_db, as_bytes("key"), as_bytes("value")) == lmdb_ok);
        REQUIRE(txn->commit() == lmdb_ok);
    }
    LogLines lines;
    auto store = open(dir, lines.log());
    CHECK(lines.has("not a store of this broker"));
    CHECK(has_quarantined(dir));
}

TEST_CASE("an empty file, and one that was created and never written, are new stores") {
    TempDir dir;
    write_file(dir.file("data.mdb"), "");
    { CHECK(load(*open(dir)).sessions.empty()); }
    std::filesystem::remove(dir.file("data.mdb"));
    { REQUIRE(Env::open({.path = dir.file("data.mdb"), .size_max = 1'048'576}).ok()); }
    CHECK(load(*open(dir)).sessions.empty());
    CHECK(!has_quarantined(dir));
}

TEST_CASE("a store of a newer version is refused and left as it is") {
    TempDir dir;
    make_store(dir);
    {
        auto env = Env::open({.path = dir.file("data.mdb"), .size_max = 64 * 1'048'576});
        auto txn = Txn::begin(*env, false);
        Meta meta = read_meta(*txn).value();
        meta.version = schema_version + 1;
        REQUIRE(write_meta(*txn, meta) == lmdb_ok);
        REQUIRE(txn->commit() == lmdb_ok);
    }
    const std::string before = read_file(dir.file("data.mdb"));
    const auto store = open_lmdb_store(options_for(dir), {});
    REQUIRE(!store.ok());
    CHECK(fault_of(store.error().code) == Fault::newer);
    CHECK(text_of(store.error()).find("schema version 3") != std::string::npos);
    CHECK(read_file(dir.file("data.mdb")) == before);
    CHECK(!has_quarantined(dir));
}

TEST_CASE("a file that is cut anywhere is put aside, and the broker starts") {
    TempDir source;
    make_store(source);
    const std::string whole = read_file(source.file("data.mdb"));
    for (const std::size_t keep : {std::size_t{1}, std::size_t{100}, std::size_t{4096}, std::size_t{8192},
                                   whole.size() / 4, whole.size() / 2, whole.size() - 4096, whole.size() - 1}) {
        CAPTURE(keep);
        TempDir dir;
        write_file(dir.file("data.mdb"), std::string_view(whole).substr(0, keep));
        LogLines lines;
        auto store = open(dir, lines.log());
        CHECK(lines.has("store_quarantined"));
        CHECK(read_file(dir.file("data.mdb.corrupt-1")).size() == keep);
        check_sound(*store);
        Writer w;
        CHECK(store->commit(w.put(RecordKind::session, 9000, 0, session_record("new")).take()).ok());
    }
}

/// The last of these transactions takes pages at the end of the file and gives them back: they are never written. LMDB
/// does so once it has pages to reuse, which takes some transactions before.
void leave_unwritten_pages(const TempDir& dir) {
    auto env = Env::open({.path = dir.file("data.mdb"), .size_max = 64 * 1024 * 1024});
    REQUIRE(env.ok());
    const std::vector<Byte> value(100'000);
    const std::array<Byte, 8> key{0xFF};
    for (int transaction = 0; transaction < 5; ++transaction) {
        auto txn = Txn::begin(*env, false);
        REQUIRE(txn.ok());
        auto tables = Tables::open(*txn, false);
        REQUIRE(tables.ok());
        REQUIRE(txn->put((*tables)[Table::retained], key, value) == lmdb_ok);
        REQUIRE(txn->erase((*tables)[Table::retained], key) == lmdb_ok);
        REQUIRE(txn->commit() == lmdb_ok);
    }
    const EnvFacts facts = env->facts();
    REQUIRE(std::filesystem::file_size(dir.file("data.mdb")) < facts.pages_used * facts.page_size);
}

TEST_CASE("a file that misses only pages that nobody uses is sound") {
    TempDir dir;
    make_store(dir);
    leave_unwritten_pages(dir);
    std::filesystem::remove(dir.file("state"));  // as after a crash
    LogLines lines;
    auto store = open(dir, lines.log());
    CHECK(!has_quarantined(dir));
    CHECK(!lines.has("store_quarantined"));
    CHECK(load(*store).retained.size() == message_count);
    store.reset();
    std::string said;
    const auto verdict = verify(dir.path(), [&](std::string_view text) { said += text; });
    CAPTURE(said);
    CHECK((verdict.ok() && verdict.value()));
}

TEST_CASE("a value that shrinks within one transaction keeps its pages: that is sound") {
    TempDir dir;
    auto env = Env::open({.path = dir.file("data.mdb"), .size_max = 1'048'576});
    auto txn = Txn::begin(*env, false);
    const auto db = txn->open_db("any", true);
    const std::string value(4 * 4096, 'x');
    REQUIRE(txn->put(*db, as_bytes("row"), as_bytes(value)) == lmdb_ok);
    REQUIRE(txn->put(*db, as_bytes("row"), as_bytes(std::string_view(value).substr(0, 4096))) == lmdb_ok);
    REQUIRE(txn->put(*db, as_bytes("other"), as_bytes(value)) == lmdb_ok);
    REQUIRE(txn->commit() == lmdb_ok);
    CHECK(fault_in_pages(dir.file("data.mdb"), env->facts().last_transaction, [] {}).value_or("") == "");
}

TEST_CASE("what still reads of a damaged file is taken over, numbers and clock included") {
    TempDir dir;
    make_store(dir);
    std::string content = read_file(dir.file("data.mdb"));
    // One page in the middle of the retained messages: all else is still there.
    const std::size_t at = content.find(std::string(1000, 'r'), content.size() / 2) / 4096 * 4096;
    REQUIRE(at > 8192);
    std::fill_n(content.begin() + static_cast<std::ptrdiff_t>(at), 4096, '\xA5');
    write_file(dir.file("data.mdb"), content);
    LogLines lines;
    auto store = open(dir, lines.log());
    REQUIRE(lines.has("store_quarantined"));
    REQUIRE(lines.has("store_salvaged sessions=20 subscriptions=20 queued=400 messages=400"));
    CHECK(lines.has("clock=kept"));
    const journal::StoreImage image = load(*store);
    CHECK(image.sessions.size() == session_count);
    CHECK(image.next_number == 5000);
    CHECK(image.now == Instant(1001s));
    CHECK(image.retained.size() > message_count / 2);
    CHECK(image.retained.size() < message_count);
    check_sound(*store);
    store.reset();
    std::string said;
    const auto verdict = verify(dir.path(), [&](std::string_view text) { said += text; });
    CAPTURE(said);
    CHECK((verdict.ok() && verdict.value()));
}

TEST_CASE("bytes changed by chance: the broker starts, and what it starts with is sound") {
    TempDir source;
    make_store(source);
    const std::string whole = read_file(source.file("data.mdb"));
    int quarantined = 0;
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        CAPTURE(seed);
        Rng rng(seed);
        std::string content = whole;
        const std::size_t first = rng.one_in(3) ? rng.below(8192) : rng.below(content.size());
        const std::size_t count = rng.one_in(2) ? 1 : rng.below(8192);
        for (std::size_t i = first; i < std::min(first + count, content.size()); ++i) {
            content[i] = static_cast<char>(rng.next());
        }
        TempDir dir;
        write_file(dir.file("data.mdb"), content);
        LogLines lines;
        auto opened = open_lmdb_store(options_for(dir), lines.log());
        REQUIRE((opened.ok() || fault_of(opened.error().code) == Fault::newer));
        if (!opened) continue;
        quarantined += lines.has("store_quarantined") ? 1 : 0;
        load(**opened);
    }
    MESSAGE("60 damaged files, ", quarantined, " put aside");
    CHECK(quarantined > 10);
}

TEST_CASE("a start that ends while it makes a file leaves nothing that looks damaged") {
    TempDir dir;
    write_file(dir.file("data.mdb.new"), std::string(100, 'x'));  // LMDB's first page, torn
    {
        LogLines lines;
        auto store = open(dir, lines.log());
        CHECK(load(*store).sessions.empty());
        CHECK(!lines.has("store_quarantined"));
    }
    CHECK(dir.names() == std::vector<std::string>{"data.mdb", "data.mdb-lock", "lock", "state"});
}

TEST_CASE("a start that ends while it salvages is one more that finds the damaged file") {
    TempDir dir;
    make_store(dir);
    const std::string whole = read_file(dir.file("data.mdb"));
    std::string content = whole;
    const std::size_t at = content.find(std::string(1000, 'r'), content.size() / 2) / 4096 * 4096;
    std::fill_n(content.begin() + static_cast<std::ptrdiff_t>(at), 4096, '\xA5');
    write_file(dir.file("data.mdb"), content);
    write_file(dir.file("data.mdb.salvaged"), std::string_view(whole).substr(0, whole.size() / 2));
    {
        LogLines lines;
        auto store = open(dir, lines.log());
        CHECK(lines.has("store_salvaged sessions=20"));
        CHECK(read_file(dir.file("data.mdb.corrupt-1")) == content);
    }
    // Ended between the two names: what was salvaged is whole.
    std::filesystem::rename(dir.file("data.mdb"), dir.file("data.mdb.salvaged"));
    LogLines lines;
    auto store = open(dir, lines.log());
    CHECK(!lines.has("store_quarantined"));
    CHECK(load(*store).sessions.size() == session_count);
}

TEST_CASE("what is read as missing because the file broke meanwhile is not removed for good") {
    TempDir dir;
    make_store(dir);
    LogLines lines;
    auto store = open(dir, lines.log());
    {
        const auto size = std::filesystem::file_size(dir.file("data.mdb"));
        std::fstream file(dir.file("data.mdb"), std::ios::binary | std::ios::in | std::ios::out);
        const std::string zeros(static_cast<std::size_t>(size) - 8192, '\0');
        file.seekp(8192).write(zeros.data(), static_cast<std::streamsize>(zeros.size()));
    }
    auto& reader = store->reader();
    std::vector<Byte> body;
    CHECK(!reader.message(MessageNumber(2001), body));
    CHECK(lines.has("error store_read_failed"));
    Writer w;
    const auto report = store->commit(w.drop(RecordKind::message, 0, 2001).take());
    REQUIRE(!report.ok());
    CHECK(text_of(report.error()).find("could not be read") != std::string::npos);
}

TEST_CASE("several damaged files are kept side by side") {
    TempDir dir;
    for (int i = 1; i <= 3; ++i) {
        write_file(dir.file("data.mdb"), "damage " + std::to_string(i));
        open(dir);
        CHECK(read_file(dir.file("data.mdb.corrupt-" + std::to_string(i))) == "damage " + std::to_string(i));
    }
}

TEST_CASE("after several short runs everything is looked at: a message may be what ends them") {
    TempDir dir;
    make_store(dir);
    std::string content = read_file(dir.file("data.mdb"));
    const std::size_t at = content.find(std::string(150, 'm')) / 4096 * 4096;
    // The message's page only: a start does not read it.
    std::fill_n(content.begin() + static_cast<std::ptrdiff_t>(at), 4096, '\xA5');
    write_file(dir.file("data.mdb"), content);
    std::filesystem::resize_file(dir.file("data.mdb"), 33 * 1'048'576);  // of a smaller one everything is looked at
    for (int run = 0; run < 2; ++run) {
        LogLines lines;
        auto store = open(dir, lines.log());
        CHECK(!lines.has("store_quarantined"));
    }
    LogLines lines;
    auto store = open(dir, lines.log());
    CHECK(lines.has("store_quarantined"));
    check_sound(*store);
}

}  // namespace
}  // namespace ledge::storage::test
