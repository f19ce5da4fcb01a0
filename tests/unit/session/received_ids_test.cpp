#include "ledge/session/received_ids.hpp"

#include <set>

#include "allocations.hpp"
#include "ledge/base/rng.hpp"
#include "rig.hpp"

namespace ledge::session {
namespace {

TEST_CASE("an id is new once, until it is erased") {
    ReceivedIds ids;
    CHECK_FALSE(ids.contains(7));
    CHECK_FALSE(ids.erase(7));
    CHECK(ids.insert(7));
    CHECK_FALSE(ids.insert(7));
    CHECK(ids.contains(7));
    CHECK_FALSE(ids.contains(8));
    CHECK(ids.size() == 1);
    CHECK(ids.erase(7));
    CHECK_FALSE(ids.erase(7));
    CHECK(ids.insert(7));
}

TEST_CASE("all 65535 ids at once, and none is another") {
    ReceivedIds ids;
    for (std::uint32_t id = 1; id <= 65'535; ++id) REQUIRE(ids.insert(static_cast<wire::PacketId>(id)));
    CHECK(ids.size() == 65'535);
    for (std::uint32_t id = 1; id <= 65'535; id += 2) REQUIRE(ids.erase(static_cast<wire::PacketId>(id)));
    for (std::uint32_t id = 1; id <= 65'535; ++id)
        REQUIRE(ids.contains(static_cast<wire::PacketId>(id)) == (id % 2 == 0));
    CHECK(ids.size() == 32'767);
    ids.clear();
    CHECK(ids.size() == 0);
    CHECK_FALSE(ids.contains(2));
}

TEST_CASE("a seeded run agrees with a set") {
    Rng rng(3);
    ReceivedIds ids;
    std::set<wire::PacketId> model;
    for (int step = 0; step < 100'000; ++step) {
        const auto id = static_cast<wire::PacketId>(1 + rng.below(rng.one_in(2) ? 65'535 : 300));
        if (rng.one_in(2))
            REQUIRE(ids.insert(id) == model.insert(id).second);
        else
            REQUIRE(ids.erase(id) == (model.erase(id) == 1));
        REQUIRE(ids.size() == model.size());
    }
}

TEST_CASE("unused it owns nothing, full 9 KiB, and what is empty again is given back") {
    const std::size_t before = live_bytes();
    {
        ReceivedIds ids;
        CHECK(live_bytes() == before);
        for (std::uint32_t id = 1; id <= 65'535; ++id) ids.insert(static_cast<wire::PacketId>(id));
        CHECK(live_bytes() - before <= 10'000);
        for (std::uint32_t id = 1; id <= 65'535; ++id) ids.erase(static_cast<wire::PacketId>(id));
        CHECK(live_bytes() - before <= 1200);  // the table of pages and one page
    }
    CHECK(live_bytes() == before);
}

TEST_CASE("one message at a time with ids that go round keeps one page") {
    const std::size_t before = live_bytes();
    ReceivedIds ids;
    for (std::uint32_t id = 1; id <= 65'535; ++id) {
        ids.insert(static_cast<wire::PacketId>(id));
        ids.erase(static_cast<wire::PacketId>(id));
    }
    CHECK(live_bytes() - before <= 1200);
}

}  // namespace
}  // namespace ledge::session
