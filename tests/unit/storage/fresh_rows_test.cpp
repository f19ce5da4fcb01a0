// Retained messages through the store: what FreshRows keeps apart must never show.
#include "fresh_rows.hpp"

#include <doctest/doctest.h>

#include "ledge/journal/store_reader.hpp"
#include "ledge/storage/commit_report.hpp"
#include "rig.hpp"

namespace ledge::storage::test {
namespace {

using journal::RecordKind;

std::string retained_text(Store& store, std::uint64_t number) {
    auto& reader = store.reader();
    std::vector<Byte> body;
    if (!reader.retained(number, body)) return "none";
    return std::string(journal::parse_publication(body)->topic);
}

void put(Store& store, Writer& w, std::uint64_t number, std::string_view topic, std::size_t payload_bytes = 10) {
    w.put(RecordKind::retained, 0, number, publication(topic, std::string(payload_bytes, 'x')));
    REQUIRE(store.commit(w.take()).ok());
}

void drop(Store& store, Writer& w, std::uint64_t number) {
    w.drop(RecordKind::retained, 0, number);
    REQUIRE(store.commit(w.take()).ok());
}

TEST_CASE("the newest state shows, small or large, put or dropped, before and after a reopening") {
    TempDir dir;
    auto store = open(dir);
    Writer w;
    put(*store, w, 1, "small");
    put(*store, w, 2, "large", 5000);
    put(*store, w, 3, "small then large");
    put(*store, w, 3, "large", 5000);
    put(*store, w, 4, "large then small", 5000);
    put(*store, w, 4, "small");
    put(*store, w, 5, "dropped");
    drop(*store, w, 5);
    put(*store, w, 6, "large dropped", 5000);
    drop(*store, w, 6);
    put(*store, w, 7, "dropped");
    drop(*store, w, 7);
    put(*store, w, 7, "back");
    for (int round = 0; round < 2; ++round) {
        CHECK(retained_text(*store, 1) == "small");
        CHECK(retained_text(*store, 2) == "large");
        CHECK(retained_text(*store, 3) == "large");
        CHECK(retained_text(*store, 4) == "small");
        CHECK(retained_text(*store, 5) == "none");
        CHECK(retained_text(*store, 6) == "none");
        CHECK(retained_text(*store, 7) == "back");
        CHECK(load(*store).retained.size() == 5);
        store.reset();
        store = open(dir);
    }
}

TEST_CASE("updates at random topics cost the device a fraction of a page each") {
    TempDir dir;
    auto store = open(dir);
    Writer w;
    constexpr std::uint64_t topics = 10'000;
    const auto topic = [](std::uint64_t i) { return "plant/line/" + std::to_string(i) + "/state"; };
    for (std::uint64_t i = 1; i <= topics; ++i) {
        w.put(RecordKind::retained, 0, i, publication(topic(i), std::string(100, 'a')));
    }
    REQUIRE(store->commit(w.take()).ok());
    Rng rng(7);
    std::uint64_t bytes = 0;
    constexpr std::uint64_t commits = 400;
    constexpr std::uint64_t updates = 50;  // in each
    for (std::uint64_t c = 0; c < commits; ++c) {
        for (std::uint64_t u = 0; u < updates; ++u) {
            const std::uint64_t number = rng.below(topics) + 1;
            w.put(RecordKind::retained, 0, number, publication(topic(number), std::string(100, 'b')));
        }
        const auto report = store->commit(w.take());
        REQUIRE(report.ok());
        bytes += report.value().device_bytes;
    }
    MESSAGE("10,000 topics, 50 updates in a commit: ", bytes / (commits * updates), " device bytes per update");
    CHECK(bytes / (commits * updates) < 2500);
    CHECK(load(*store).retained.size() == topics);
}

}  // namespace
}  // namespace ledge::storage::test
