#include "takeover_fights.hpp"

#include "rig.hpp"

namespace ledge::broker {
namespace {

TEST_CASE("the third of a row of take-overs waits until the session has been kept for some seconds") {
    TakeoverFights fights;
    Instant now = start + 1h;
    CHECK(fights.turn_of("c", now) <= now);
    CHECK(fights.note("c", now) == 1);
    now += 1s;
    CHECK(fights.turn_of("c", now) <= now);
    CHECK(fights.note("c", now) == 2);
    CHECK(fights.turn_of("c", now) == now + TakeoverFights::turn_time);
    CHECK(fights.turn_of("d", now) <= now);
    now += TakeoverFights::turn_time;
    CHECK(fights.turn_of("c", now) <= now);
    CHECK(fights.note("c", now) == 3);
    now += TakeoverFights::quiet_time + 1s;
    CHECK(fights.turn_of("c", now) <= now);
    CHECK(fights.note("c", now) == 1);  // a fight that is over is forgotten
}

TEST_CASE("fights are remembered up to a bound, and told once per power of ten") {
    TakeoverFights fights;
    for (std::size_t i = 0; i < 3 * TakeoverFights::fights_max; ++i) fights.note(std::to_string(i), start + 1h);
    CHECK(fights.size() <= TakeoverFights::fights_max);
    std::vector<std::uint64_t> told;
    for (std::uint64_t takeovers = 1; takeovers <= 1000; ++takeovers)
        if (TakeoverFights::is_worth_logging(takeovers)) told.push_back(takeovers);
    CHECK(told == std::vector<std::uint64_t>{3, 30, 300});
}

/// Two machines that use the client id "c" and come back one second after they were thrown out.
struct Fight : Rig {
    Wish from(std::string_view address) {
        Wish wish = lasting;
        wish.client_id = "c";
        wish.address = address;
        return wish;
    }
    Client& comes(const char* who) { return (*this)[who].tries_to_connect(from(who)); }
    bool is_in(const char* who) { return (*this)[who].is_open() && (*this)[who].connection->is_connected(); }
};

TEST_CASE("two clients with one client id throw each other out twice, then each keeps the session for seconds") {
    Fight rig;
    rig.comes("192.0.2.1:1");
    int logins = 0;
    for (int second = 0; second < 60; ++second) {
        rig.passes(1s);
        for (const char* who : {"192.0.2.1:1", "192.0.2.2:2"}) {
            if (rig[who].is_open()) continue;
            rig.comes(who);
            ++logins;
        }
    }
    CHECK(rig.counters().takeovers >= 10);
    CHECK(rig.counters().takeovers <= 2 + 60 / 5 + 1);
    CHECK(logins <= 16);
    CHECK(rig.counters().takeovers_delayed > 5);
    CHECK(rig.log.count("client_id_fought_for") == 1);
}

TEST_CASE("who waits gets the session as soon as it is free, with what it has sent behind CONNECT") {
    Fight rig;
    rig.comes("1");
    rig.comes("2");
    rig.comes("1");
    rig.comes("3");
    CHECK(rig.is_in("1"));
    CHECK(rig["3"].is_open());
    CHECK_FALSE(rig.is_in("3"));
    CHECK_FALSE(rig["3"].connection->wants_input());
    std::vector<Byte> entries;
    wire::append_entry(entries, {"t", {qos1}}, true);
    rig["3"].sends(encoded(wire::Subscribe{9, {entries, true}, {}}, v5));
    CHECK(rig["3"].takes().empty());
    rig["1"].loses_connection();
    rig.passes(1s);
    CHECK(rig["3"].takes() == "CONNACK success present | SUBACK 9 1");
    CHECK(rig["3"].connection->wants_input());
}

TEST_CASE("one client waits for a session, the newest; one that goes meanwhile leaves nothing behind") {
    Fight rig;
    for (const char* who : {"1", "2", "1"}) rig.comes(who);
    rig.comes("3");
    rig.comes("4");
    CHECK(rig["3"].takes() == "CONNACK server_busy");
    rig["4"].loses_connection();
    rig.passes(10s);
    CHECK(rig.is_in("1"));
    CHECK(rig.counters().takeovers == 2);
    CHECK(rig.metrics().connections == 1);
}

}  // namespace
}  // namespace ledge::broker
