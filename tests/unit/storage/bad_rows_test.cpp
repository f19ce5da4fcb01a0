// Rows that are not as they were written: left out, told, put aside, and the sessions that lost them know it. LMDB's
// pages are sound here; damage_test.cpp damages the file.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>

#include "ledge/journal/image.hpp"
#include "ledge/journal/store_reader.hpp"
#include "ledge/storage/commit_report.hpp"
#include "ledge/storage/tools.hpp"
#include "rig.hpp"
#include "row_seal.hpp"
#include "tables.hpp"

namespace ledge::storage::test {
namespace {

using journal::RecordKind;

std::size_t lines_in(const std::string& path) {
    std::ifstream file(path);
    std::size_t lines = 0;
    for (std::string line; std::getline(file, line);) ++lines;
    return lines;
}

/// Three sessions, each with a subscription, a received packet id and two queued messages; two retained messages.
void make_store(const TempDir& dir) {
    auto store = open(dir);
    Writer w;
    for (std::uint64_t s = 1; s <= 3; ++s) {
        w.put(RecordKind::session, s, 0, session_record("client-" + std::to_string(s)));
        w.put(RecordKind::subscription, s, 1, subscription("a/" + std::to_string(s)));
        w.put(RecordKind::received, s, 5);
        for (std::uint64_t i = 1; i <= 2; ++i) {
            w.put(RecordKind::message, 0, 10 * s + i, publication("a", "x"));
            w.put(RecordKind::queued, s, i, queued(10 * s + i, 2));
        }
    }
    w.put(RecordKind::retained, 0, 41, publication("r/small", "x"));
    w.put(RecordKind::retained, 0, 42, publication("r/large", std::string(2000, 'r')));
    w.next_number = 50;
    w.now = Instant(1000s);
    REQUIRE(store->commit(w.take()).ok());
    store->close(Instant(1002s));
}

/// Works on the tables themselves, in one transaction.
void change(const TempDir& dir, const std::function<void(Txn&, const Tables&)>& work) {
    auto env = Env::open({.path = dir.file("data.mdb"), .size_max = 64 * 1'048'576});
    REQUIRE(env.ok());
    auto txn = Txn::begin(*env, false);
    auto tables = Tables::open(*txn, false);
    REQUIRE(tables.ok());
    work(*txn, *tables);
    REQUIRE(txn->commit() == lmdb_ok);
}

/// Flips one bit of the value.
void flip(const TempDir& dir, Table table, const Key& key, std::size_t byte) {
    change(dir, [&](Txn& txn, const Tables& tables) {
        const auto row = txn.get(tables[table], key.bytes());
        REQUIRE(row.ok());
        std::vector<Byte> value(row.value().begin(), row.value().end());
        REQUIRE(byte < value.size());
        value[byte] ^= 0x10U;
        REQUIRE(txn.put(tables[table], key.bytes(), value) == lmdb_ok);
    });
}

std::string bad_rows_of(const TempDir& dir) {
    std::ostringstream text;
    text << std::ifstream(dir.file("bad-rows-1")).rdbuf();
    return text.str();
}

std::string verdict_on(const TempDir& dir) {
    std::string said;
    const auto verdict = verify(dir.path(), [&](std::string_view text) { said += text; });
    REQUIRE(verdict.ok());
    return verdict.value() ? "ok" : said;
}

std::vector<std::string> incomplete_of(const journal::StoreImage& image) {
    std::vector<std::string> names;
    for (const auto& stored : image.sessions) {
        const auto record = journal::parse_session(stored.record);
        REQUIRE(record);
        if (record->is_incomplete) names.emplace_back(record->client_id);
    }
    return names;
}
using Names = std::vector<std::string>;

struct Case {
    Table table;
    Key key;
    const char* problem;
    Names incomplete;
};

TEST_CASE("a flipped bit in a row of each table: verify finds it, the start leaves it out and puts it aside") {
    const Case cases[] = {
        {Table::session, Key::of(2), "session row 2: its checksum does not match", {}},
        {Table::subscription, Key::of(2, 1), "sub row 2 1: its checksum does not match", {"client-2"}},
        {Table::received, Key::of_received(2, 5), "in2 row 2: its checksum does not match", {"client-2"}},
        {Table::queued, Key::of(2, 1), "q row 2 1: its checksum does not match", {"client-2"}},
        {Table::retained, Key::of(42), "retained row 42: its checksum does not match", {}},
        {Table::fresh, Key::of(1, 41), "fresh row 1 41: its checksum does not match", {}},
    };
    for (const Case& bad : cases) {
        CAPTURE(std::string(bad.problem));
        TempDir dir;
        make_store(dir);
        flip(dir, bad.table, bad.key, 0);
        CHECK(verdict_on(dir).find(bad.problem) != std::string::npos);
        LogLines lines;
        {
            auto store = open(dir, lines.log());
            CHECK(!lines.has("store_quarantined"));
            const journal::StoreImage image = load(*store);
            CHECK(lines.has("error store_bad_row table="));
            CHECK(lines.has("error store_bad_rows_moved"));
            CHECK(image.bad_rows > 0);
            CHECK(image.sessions.size() == (bad.table == Table::session ? 2 : 3));
            CHECK(image.retained.size() == (bad.table == Table::retained || bad.table == Table::fresh ? 1 : 2));
            CHECK(incomplete_of(image) == bad.incomplete);
            Writer w;
            const auto report = store->commit(w.take());
            REQUIRE(report.ok());
            CHECK(report->bad_rows == image.bad_rows);
        }
        CHECK(bad_rows_of(dir).find("\"fault\":\"its checksum does not match\"") != std::string::npos);
        CHECK(verdict_on(dir) == "ok");
        // The next start knows it without the row, and has nothing new to say.
        LogLines again;
        auto store = open(dir, again.log());
        const journal::StoreImage image = load(*store);
        CHECK(image.bad_rows == 0);
        CHECK(incomplete_of(image) == bad.incomplete);
        CHECK(!again.has("bad_row"));
    }
}

TEST_CASE("a message that cannot be read is missed when it is due, told and put aside with the next commit") {
    TempDir dir;
    make_store(dir);
    flip(dir, Table::message, Key::of(21), 20);
    CHECK(verdict_on(dir).find("msg row 21: its checksum does not match") != std::string::npos);
    LogLines lines;
    auto store = open(dir, lines.log());
    CHECK(load(*store).bad_rows == 0);
    auto& reader = store->reader();
    std::vector<journal::StoredDelivery> rows;
    reader.queued(SessionNumber(2), no_row, 100, 100'000, rows);
    REQUIRE(rows.size() == 2);
    CHECK(rows[0].publication.empty());
    CHECK(!rows[1].publication.empty());
    CHECK(lines.has("error store_bad_row table=msg key=21"));
    std::vector<Byte> body;
    CHECK(!reader.message(MessageNumber(21), body));
    Writer w;
    const auto report = store->commit(w.take());
    REQUIRE(report.ok());
    CHECK(report->bad_rows == 1);
    CHECK(bad_rows_of(dir).find("\"table\":\"msg\"") != std::string::npos);
}

TEST_CASE("what replaces a bad row before it is put aside stays") {
    TempDir dir;
    make_store(dir);
    flip(dir, Table::message, Key::of(21), 20);
    auto store = open(dir);
    load(*store);
    auto& reader = store->reader();
    std::vector<Byte> body;
    CHECK(!reader.message(MessageNumber(21), body));
    Writer w;
    REQUIRE(store->commit(w.put(RecordKind::message, 0, 21, publication("a", "new")).take()).ok());
    REQUIRE(store->commit(w.take()).ok());
    CHECK(reader.message(MessageNumber(21), body));
}

TEST_CASE("a retained message whose newest state is bad does not come back in its older one") {
    TempDir dir;
    make_store(dir);
    {
        auto store = open(dir);
        Writer w;
        REQUIRE(store->commit(w.put(RecordKind::retained, 0, 42, publication("r/large", "closed")).take()).ok());
        store->close(Instant(2000s));
    }
    flip(dir, Table::fresh, Key::of(3, 42), 3);
    for (int start = 0; start < 2; ++start) {
        auto store = open(dir);
        CHECK(load(*store).retained.size() == 1);
        auto& reader = store->reader();
        std::vector<Byte> body;
        CHECK(!reader.retained(42, body));
    }
}

TEST_CASE("a bad meta row is read from its copy; without both the numbers and the clock come from the other rows") {
    for (const bool both : {false, true}) {
        CAPTURE(both);
        TempDir dir;
        make_store(dir);
        {
            auto store = open(dir);
            Writer w;
            journal::SessionRecord record;
            record.client_id = "client-2";
            record.expiry_interval_s = 3600;
            record.expires_at = Instant(4500s);  // it left at 900 s
            const Blob body = journal::encode(record);
            w.put(RecordKind::session, 2, 0, {body.bytes().begin(), body.bytes().end()});
            w.next_number = 50;
            w.now = Instant(1100s);
            REQUIRE(store->commit(w.take()).ok());
        }
        change(dir, [&](Txn& txn, const Tables&) {
            for (const std::string_view key : {meta_key, meta_copy_key}) {
                const auto row = txn.get(main_db, as_bytes(key));
                std::vector<Byte> value(row.value().begin(), row.value().end());
                value[25] ^= 1U;  // in the clock
                REQUIRE(txn.put(main_db, as_bytes(key), value) == lmdb_ok);
                if (!both) return;
            }
        });
        CHECK(verdict_on(dir).find("the meta row is damaged") != std::string::npos);
        LogLines lines;
        {
            auto store = open(dir, lines.log());
            CHECK(!lines.has("store_quarantined"));
            CHECK(lines.has("error store_meta_damaged"));
            const journal::StoreImage image = load(*store);
            CHECK(image.sessions.size() == 3);
            CHECK(image.next_number == (both ? 43 : 50));
            CHECK(image.now == Instant(both ? 900s : 1101s));
        }
        CHECK(verdict_on(dir) == "ok");
    }
}

TEST_CASE("rows of a session that is not there are put aside, and so are messages that no queue has") {
    TempDir dir;
    make_store(dir);
    change(dir, [](Txn& txn, const Tables& tables) {
        REQUIRE(txn.erase(tables[Table::session], Key::of(3).bytes()) == lmdb_ok);
    });
    auto store = open(dir);
    const journal::StoreImage image = load(*store);
    CHECK(image.sessions.size() == 2);
    CHECK(incomplete_of(image).empty());
    CHECK(image.references.size() == 4);
    store.reset();
    CHECK(verdict_on(dir) == "ok");
    const std::string aside = bad_rows_of(dir);
    CHECK(aside.find("its session is missing") != std::string::npos);
    CHECK(aside.find("no queue refers to it") != std::string::npos);
}

TEST_CASE("more rows than one transaction moves are put aside all the same") {
    constexpr std::uint64_t count = 12'000;
    TempDir dir;
    {
        auto store = open(dir);
        Writer w;
        for (std::uint64_t i = 1; i <= count; ++i) {
            w.put(RecordKind::message, 0, i, publication("a", "x"));
            w.put(RecordKind::queued, 1, i, queued(i, 2));  // of a session that is not there
        }
        w.next_number = count + 1;
        REQUIRE(store->commit(w.take()).ok());
        store->close(Instant(1s));
    }
    CHECK(load(*open(dir)).bad_rows == 2 * count);
    CHECK(lines_in(dir.file("bad-rows-1")) == 2 * count);
    CHECK(load(*open(dir)).bad_rows == 0);
}

TEST_CASE("rows that cannot be moved to a file stay, unused, and the store works") {
    TempDir dir;
    make_store(dir);
    flip(dir, Table::subscription, Key::of(2, 1), 0);
    for (int n = 1; n <= 1000; ++n) std::ofstream(dir.file("bad-rows-" + std::to_string(n)));
    LogLines lines;
    auto store = open(dir, lines.log());
    CHECK(incomplete_of(load(*store)) == Names{"client-2"});
    CHECK(lines.has("error store_bad_rows_not_moved"));
    Writer w;
    CHECK(store->commit(w.put(RecordKind::received, 1, 6).take()).ok());
    store.reset();
    CHECK(verdict_on(dir).find("sub row 2 1") != std::string::npos);
}

}  // namespace
}  // namespace ledge::storage::test
