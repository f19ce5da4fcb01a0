// The parts that the client is made of, where a test of the client would be a detour.
#include <set>

#include "ledge/base/rng.hpp"
#include "rig.hpp"

namespace ledge::client {
namespace {

TEST_CASE("Outbox: bytes leave in order, whatever the pieces are") {
    Outbox outbox;
    std::string expected;
    std::string got;
    for (int i = 0; i < 1000; ++i) {
        const std::string text = std::to_string(i) + ",";
        const auto place = outbox.append(text.size());
        std::copy(text.begin(), text.end(), place.begin());
        expected += text;
        const std::size_t taken = std::min<std::size_t>(outbox.size(), static_cast<std::size_t>(i % 7));
        got += as_text(outbox.unsent().first(taken));
        outbox.consume(taken);
    }
    got += as_text(outbox.unsent());
    CHECK(got == expected);
    outbox.consume(outbox.size());
    outbox.release_memory();
    CHECK(outbox.empty());
    outbox.append(1)[0] = 'x';
    outbox.release_memory();
    CHECK(as_text(outbox.unsent()) == "x");
    outbox.clear();
    CHECK(outbox.empty());
}

TEST_CASE("PacketIdSet holds every id once") {
    PacketIdSet ids;
    CHECK_FALSE(ids.erase(1));
    for (const PacketId id : {PacketId{1}, PacketId{64}, PacketId{65'535}}) {
        CHECK(ids.insert(id));
        CHECK_FALSE(ids.insert(id));
        CHECK(ids.contains(id));
    }
    CHECK(ids.size() == 3);
    CHECK(ids.erase(64));
    CHECK_FALSE(ids.contains(64));
    ids.clear();
    CHECK(ids.size() == 0);
}

TEST_CASE("PacketIdSet agrees with a std::set, with one id as with a hundred") {
    Rng rng(1);
    for (const std::uint64_t ids_max : {1U, 2U, 3U, 4U, 100U}) {
        PacketIdSet ids;
        std::set<PacketId> model;
        for (int step = 0; step < 2000; ++step) {
            const auto id = static_cast<PacketId>(1 + rng.below(ids_max));
            if (rng.one_in(2))
                CHECK(ids.insert(id) == model.insert(id).second);
            else
                CHECK(ids.erase(id) == (model.erase(id) != 0));
            if (rng.one_in(200)) {
                ids.clear();
                model.clear();
            }
            REQUIRE(ids.size() == model.size());
            for (std::uint64_t one = 1; one <= ids_max; ++one)
                REQUIRE(ids.contains(static_cast<PacketId>(one)) == model.contains(static_cast<PacketId>(one)));
        }
    }
}

TEST_CASE("AliasesOut: no alias without slots, the oldest goes first") {
    AliasesOut none;
    CHECK(none.choose("a").alias == 0);
    AliasesOut aliases;
    aliases.reset(1);
    CHECK(aliases.choose("a").alias == 1);
    CHECK(aliases.choose("a").is_known);
    CHECK_FALSE(aliases.choose("b").is_known);
    CHECK_FALSE(aliases.choose("a").is_known);
}

TEST_CASE("HeldMessages: holes go when all older messages are done, and bytes are counted") {
    HeldMessages held;
    for (PacketId id = 1; id <= 3; ++id) held.add(publish("ab", "cde", qos1, id));
    CHECK(held.bytes() == 15);
    held.finish(*held.find(2));
    CHECK(held.size() == 2);
    CHECK(held.find(2) == nullptr);
    CHECK(held.oldest()->id == 1);
    held.finish(*held.find(1));
    CHECK(held.oldest()->id == 3);
    held.finish(*held.find(3));
    CHECK(held.oldest() == nullptr);
    CHECK(held.bytes() == 0);
    CHECK(held.next_unsent() == nullptr);
}

}  // namespace
}  // namespace ledge::client
