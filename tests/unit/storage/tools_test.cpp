#include "ledge/storage/tools.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>

#include "dump_row.hpp"
#include "ledge/journal/out_state.hpp"
#include "ledge/journal/publication_source.hpp"
#include "ledge/storage/commit_report.hpp"
#include "rig.hpp"

namespace ledge::storage::test {
namespace {

using journal::RecordKind;

struct Said {
    bool is_ok = false;
    bool is_fine = false;
    std::string text;  // or the error
};

using Tool = Result<bool, Error> (*)(const std::string&, const Print&);
Said use(Tool tool, const std::string& path) {
    Said said;
    const auto result = tool(path, [&](std::string_view text) { said.text += text; });
    said.is_ok = result.ok();
    if (result.ok()) {
        said.is_fine = result.value();
    } else {
        said.text = text_of(result.error());
    }
    return said;
}

bool contains(const std::string& text, std::string_view words) { return text.find(words) != std::string::npos; }

void fill(Store& store) {
    Writer w;
    w.put(RecordKind::session, 1, 0, session_record("meter"));
    w.put(RecordKind::subscription, 1, 2, subscription("a/+"));
    w.put(RecordKind::message, 0, 3, publication("a/b", "\"on\""));
    w.put(RecordKind::queued, 1, 4, queued(3, 5, 9, journal::OutState::sent_qos2));
    w.put(RecordKind::received, 1, 77);
    w.put(RecordKind::retained, 0, 5, publication("r", "\xFF"));
    w.next_number = 6;
    REQUIRE(store.commit(w.take()).ok());
}

TEST_CASE("info tells sizes, rows and who has it") {
    TempDir dir;
    auto store = open(dir);
    fill(*store);
    const Said beside = use(print_info, dir.path());
    CHECK(beside.is_fine);
    CHECK(contains(beside.text, "in use by     process " + std::to_string(::getpid())));
    CHECK(contains(beside.text, "schema        version 2\n"));
    CHECK(contains(beside.text, "next number   6\n"));
    CHECK(contains(beside.text, "q             1 rows"));
    CHECK(contains(beside.text, "messages queued, by session"));
    CHECK(contains(beside.text, "calendar      unknown\n"));
    store.reset();
    CHECK(contains(use(print_info, dir.path()).text, "in use by     nobody"));
}

TEST_CASE("info tells the calendar as a date") {
    TempDir dir;
    auto options = options_for(dir);
    options.wall_clock = [] { return std::chrono::microseconds(1'795'377'458'123'456); };
    auto store = open_lmdb_store(options, {});
    REQUIRE(store.ok());
    fill(**store);
    CHECK(contains(use(print_info, dir.path()).text, "calendar      2026-11-22 19:57:38 UTC\n"));
}

TEST_CASE("verify finds nothing wrong with a sound store, beside its broker and without") {
    TempDir dir;
    auto store = open(dir);
    fill(*store);
    CHECK(use(verify, dir.path()).is_fine);
    Writer w;
    CHECK(store->commit(w.put(RecordKind::received, 1, 78).take()).ok());  // the store is as it was
    store.reset();
    const Said said = use(verify, dir.path());
    CHECK(said.is_fine);
    CHECK(contains(said.text, "q: 1 rows\n"));
    CHECK(contains(said.text, "ok\n"));
}

TEST_CASE("verify names what does not fit") {
    TempDir dir;
    auto store = open(dir);
    Writer w;
    w.put(RecordKind::session, 1, 0, session_record("s"));
    w.put(RecordKind::queued, 1, 4, queued(3, 5));
    w.put(RecordKind::queued, 2, 4, queued(8, 5));
    w.put(RecordKind::message, 0, 8, publication("a", "x"));
    w.put(RecordKind::message, 0, 9, publication("a", "x"));
    w.put(RecordKind::retained, 0, 10, {1, 2, 3});
    w.next_number = 2;
    REQUIRE(store->commit(w.take()).ok());
    const Said said = use(verify, dir.path());
    CHECK(said.is_ok);
    CHECK(!said.is_fine);
    CHECK(contains(said.text, "message 3 is queued but missing"));
    CHECK(contains(said.text, "message 9 is in no queue"));
    CHECK(contains(said.text, "q row 2 4: its session is missing"));
    CHECK(contains(said.text, "fresh row 1 10: malformed record"));
    CHECK(contains(said.text, "number 9 is in use, but the next one is 2"));
}

TEST_CASE("dump shows every row as a line of JSON, of a store that nobody uses") {
    TempDir dir;
    auto store = open(dir);
    fill(*store);
    CHECK(contains(use(dump, dir.path()).text, "in use by process"));
    store.reset();
    const Said said = use(dump, dir.path());
    CHECK(said.is_fine);
    CHECK(said.text ==
          "{\"table\":\"session\",\"session\":1,\"client_id\":\"meter\",\"expiry_interval_s\":3600}\n"
          "{\"table\":\"sub\",\"session\":1,\"number\":2,\"filter\":\"a/+\",\"qos\":0,\"no_local\":false,"
          "\"retain_as_published\":false}\n"
          "{\"table\":\"in2\",\"session\":1,\"packet_id\":77}\n"
          "{\"table\":\"fresh\",\"sequence\":1,\"number\":5,\"kind\":\"message\",\"topic\":\"r\",\"qos\":1,"
          "\"retain\":false,\"payload_hex\":\"ff\"}\n"
          "{\"table\":\"q\",\"session\":1,\"number\":4,\"message\":3,\"bytes\":5,\"qos\":2,\"retain\":false,"
          "\"state\":\"sent_qos2\",\"packet_id\":9}\n"
          "{\"table\":\"msg\",\"number\":3,\"topic\":\"a/b\",\"qos\":1,\"retain\":false,"
          "\"payload\":\"\\\"on\\\"\"}\n");
}

TEST_CASE("a row of a retained message names its publisher where rules stood") {
    const std::array<Byte, 8> key{0, 0, 0, 0, 0, 0, 0, 5};
    journal::PublicationView view;
    view.topic = "r";
    std::vector<Byte> names;
    std::vector<Byte> value;
    view.source = journal::PublicationSource{"alice", "meter"}.encode(names);
    journal::append_publication(view, value);
    CHECK(contains(dump_row(Table::retained, {key, value, nullptr}),
                   "\"payload\":\"\",\"publisher_user\":\"alice\",\"publisher_client_id\":\"meter\"}"));
}

TEST_CASE("compact takes free pages away and nothing else, of a store that nobody uses") {
    TempDir dir;
    auto store = open(dir);
    RandomWork work(5);
    REQUIRE(store->commit(work.batch(3000)).ok());
    Writer w;
    for (std::uint64_t i = 100'000; i < 102'000; ++i)
        w.put(RecordKind::message, 0, i, publication("t", std::string(500, 'x')));
    w.next_number = 102'000;
    REQUIRE(store->commit(w.take()).ok());
    for (std::uint64_t i = 100'000; i < 102'000; ++i) w.drop(RecordKind::message, 0, i);
    REQUIRE(store->commit(w.take()).ok());
    CHECK(contains(use(compact, dir.path()).text, "in use by process"));
    CHECK(contains(use(compact, dir.path()).text, "; stop it first"));
    const std::string before = to_text(*store);
    store->close(Instant(1h));
    store.reset();

    const auto bytes = std::filesystem::file_size(dir.file("data.mdb"));
    const Said said = use(compact, dir.path());
    CAPTURE(said.text);
    CHECK(said.is_fine);
    CHECK(std::filesystem::file_size(dir.file("data.mdb")) < bytes / 2);
    CHECK(!std::filesystem::exists(dir.file("data.mdb.compacted")));
    LogLines lines;
    store = open(dir, lines.log());
    CHECK(!lines.has("quarantined"));
    CHECK(to_text(*store) == before);
    CHECK(store->commit(w.take()).ok());
}

TEST_CASE("tools answer for paths without a store, and for damaged and quarantined files") {
    TempDir dir;
    CHECK(contains(use(print_info, dir.file("none")).text, "No such file"));
    CHECK(contains(use(verify, dir.path()).text, "holds no store"));
    std::ofstream(dir.file("data.mdb")) << std::string(10'000, 'x');
    CHECK(!use(verify, dir.path()).is_fine);
    CHECK(!use(print_info, dir.path()).is_fine);
    CHECK(!use(compact, dir.path()).is_ok);
    std::filesystem::rename(dir.file("data.mdb"), dir.file("data.mdb.corrupt-1"));
    const Said said = use(verify, dir.file("data.mdb.corrupt-1"));
    CHECK(said.is_ok);
    CHECK(contains(said.text, "problem: "));
}

}  // namespace
}  // namespace ledge::storage::test
