#include "ledge/session/topic_alias.hpp"

#include <map>

#include "ledge/base/rng.hpp"
#include "rig.hpp"

namespace ledge::session {
namespace {

TEST_CASE("[MQTT-3.3.2-9] inbound aliases run from 1 to the maximum") {
    InboundAliases aliases;
    CHECK_FALSE(aliases.set(0, "a", 3));
    CHECK_FALSE(aliases.set(4, "a", 3));
    CHECK(aliases.set(3, "c", 3));
    CHECK(aliases.set(1, "a", 3));
    CHECK(aliases.resolve(3) == "c");
    CHECK(aliases.resolve(1) == "a");
    for (const std::uint32_t unknown : {0U, 2U, 4U, 65'535U, 0xFFFF'FFFFU})
        CHECK_FALSE(aliases.resolve(unknown).has_value());
    CHECK(aliases.set(1, "b", 3));  // it may be given a new topic
    CHECK(aliases.resolve(1) == "b");
    CHECK_FALSE(InboundAliases().set(1, "a", 0));
}

TEST_CASE("a topic gets an alias the second time, and is left out from the third") {
    OutboundAliases aliases(2);
    CHECK(aliases.choose("a").alias == 0);
    const auto second = aliases.choose("a");
    CHECK(second.alias == 1);
    CHECK_FALSE(second.is_established);
    for (int i = 0; i < 3; ++i) {
        const auto later = aliases.choose("a");
        CHECK(later.alias == 1);
        CHECK(later.is_established);
    }
    CHECK(aliases.choose("b").alias == 0);
    CHECK(aliases.choose("b").alias == 2);
}

TEST_CASE("when all are taken, the one unused for longest is given away") {
    OutboundAliases aliases(2);
    for (const char* topic : {"a", "a", "b", "b", "a", "c"}) aliases.choose(topic);
    const auto choice = aliases.choose("c");
    CHECK(choice.alias == 2);  // b's
    CHECK_FALSE(choice.is_established);
    CHECK(aliases.choose("a").is_established);
    CHECK(aliases.choose("c").is_established);
    CHECK_FALSE(aliases.choose("b").is_established);
}

TEST_CASE("topics that never repeat take no alias from those that do") {
    OutboundAliases aliases(4);
    aliases.choose("often");
    aliases.choose("often");
    for (int i = 0; i < 1000; ++i) CHECK(aliases.choose("once/" + std::to_string(i)).alias == 0);
    CHECK(aliases.choose("often").is_established);
}

TEST_CASE("an alias whose packet was not sent is taken back, one that was known before is not") {
    OutboundAliases aliases(1);
    aliases.choose("a");
    CHECK(aliases.choose("a").alias == 1);
    aliases.take_back();
    aliases.take_back();
    const auto next = aliases.choose("a");
    CHECK(next.alias == 1);
    CHECK_FALSE(next.is_established);
    CHECK(aliases.choose("a").is_established);
    aliases.take_back();
    CHECK(aliases.choose("a").is_established);
    aliases.choose("b");  // takes the only alias away, and the packet is not sent
    CHECK(aliases.choose("b").alias == 1);
    aliases.take_back();
    CHECK_FALSE(aliases.choose("a").is_established);
}

TEST_CASE("a client that follows the aliases always knows the topic") {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        Rng rng(seed);
        OutboundAliases aliases(8);
        std::map<std::uint16_t, std::string> client;
        for (int i = 0; i < 2000; ++i) {
            const std::string topic = "topic/" + std::to_string(rng.below(rng.one_in(3) ? 100 : 6));
            const auto choice = aliases.choose(topic);
            REQUIRE(choice.alias <= 8);
            if (rng.one_in(5)) {
                aliases.take_back();  // too large for the client: it has seen nothing
                continue;
            }
            if (choice.is_established)
                REQUIRE(client[choice.alias] == topic);
            else if (choice.alias != 0)
                client[choice.alias] = topic;
        }
    }
}

}  // namespace
}  // namespace ledge::session
