// Message and byte rates: a client that sends too fast is read later, nothing is lost; and connections per user.
#include "rig.hpp"

#include "ledge/session/limits.hpp"

namespace ledge::broker {
namespace {

session::SessionLimits messages(std::uint32_t per_second, std::uint32_t burst = 0) {
    session::SessionLimits limits;
    limits.messages_per_second = per_second;
    limits.messages_burst = burst;
    return limits;
}

session::SessionLimits bytes(std::uint64_t per_second, std::uint64_t burst = 0) {
    session::SessionLimits limits;
    limits.bytes_per_second = per_second;
    limits.bytes_burst = burst;
    return limits;
}

std::string publish(std::string_view topic, std::string_view payload) {
    return encoded(wire::Publish{topic, as_bytes(payload), qos0, false, false, 0, {}}, v5);
}

bool is_paused(Client& client) { return !client.connection->wants_input(); }

TEST_CASE("more messages than the rate allows come in order, at the rate, all of them") {
    Rig rig(messages(100, 10));
    rig["s"].connects().subscribes("t");
    rig["p"].connects();
    std::string burst;
    for (int i = 0; i < 60; ++i) burst += publish("t", std::to_string(i));
    rig["p"].sends(burst);
    CHECK(rig["s"].waiting().size() == 10);
    CHECK(is_paused(rig["p"]));
    CHECK(rig.metrics().connections_paused == 1);
    rig.passes(100ms);
    CHECK(rig["s"].waiting().size() == 20);
    rig.passes(400ms);
    CHECK(rig["s"].waiting().size() == 60);
    rig.passes(50ms);
    CHECK_FALSE(is_paused(rig["p"]));
    for (int i = 0; i < 60; ++i)
        CHECK(rig["s"].waiting()[static_cast<std::size_t>(i)] == "PUBLISH t " + std::to_string(i));
    CHECK(rig.counters().clients_throttled == 1);
    CHECK(rig.counters().read_pauses > 5);
    CHECK(rig.log.count("client_throttled") == 1);
}

TEST_CASE("who stays below the rate is never paused; others are not slowed by one who is") {
    Rig rig(messages(10));
    rig["s"].connects().subscribes("t");
    rig["calm"].connects();
    rig["wild"].connects();
    std::string burst;
    for (int i = 0; i < 30; ++i) burst += publish("w", "x");
    rig["wild"].sends(burst);
    for (int i = 0; i < 40; ++i) {
        rig["calm"].publishes("t", "x");
        CHECK_FALSE(is_paused(rig["calm"]));
        rig.passes(100ms);
    }
    CHECK(rig["s"].waiting().size() == 40);
    CHECK(rig.counters().clients_throttled == 1);
}

TEST_CASE("a byte rate is paid for in full, packets that arrive in pieces included") {
    Rig rig(bytes(1000));
    rig["s"].connects().subscribes("t");
    rig["p"].connects();
    rig.passes(2s);  // what CONNECT has cost is there again
    const std::string packet = publish("t", std::string(3000, 'x'));
    rig["p"].sends(std::string_view(packet).substr(0, 2000));
    CHECK(is_paused(rig["p"]));
    rig.passes(900ms);
    CHECK(is_paused(rig["p"]));
    rig.passes(150ms);
    CHECK_FALSE(is_paused(rig["p"]));
    rig["p"].sends(std::string_view(packet).substr(2000));
    CHECK(rig["s"].takes() == "PUBLISH t 3000B");
    CHECK(is_paused(rig["p"]));
}

TEST_CASE("the keep alive does not count while we do not read") {
    Rig rig(bytes(100, 1000));
    rig["p"].connects({.keep_alive = 1});
    rig["p"].sends(publish("t", std::string(2000, 'x')));
    REQUIRE(is_paused(rig["p"]));
    rig.passes(9s);
    CHECK(rig["p"].is_open());
    rig.passes(5s);  // read again, and silent
    CHECK_FALSE(rig["p"].is_open());
    CHECK(rig.counters().keep_alive_timeouts == 1);
}

TEST_CASE("a paused connection can be closed from outside, and what it had sent before is gone with it") {
    Rig rig(messages(1));
    rig["p"].connects();
    rig["p"].sends(publish("t", "1") + publish("t", "2"));
    REQUIRE(is_paused(rig["p"]));
    rig["p"].loses_connection();
    CHECK(rig.metrics().connections_paused == 0);
    rig.passes(5s);
    rig["q"].connects();
    rig["q"].sends(publish("t", "1") + publish("t", "2"));
    rig.shard->shut_down(rig.now);
    CHECK(rig["q"].connection->wants_input());  // its end is read
    rig.settle();
    rig.passes(5s);
    CHECK(rig.metrics().connections == 0);
}

TEST_CASE("a disconnect behind too many messages comes after them") {
    Rig rig(messages(5));
    rig["s"].connects().subscribes("t");
    rig["p"].connects();
    std::string all;
    for (int i = 0; i < 12; ++i) all += publish("t", "x");
    rig["p"].sends(all + encoded(wire::Disconnect{ReasonCode::success, {}}, v5));
    CHECK(rig["p"].is_open());
    rig.passes(1s);
    CHECK(rig["s"].waiting().size() == 10);
    rig.passes(1s);
    CHECK(rig["s"].waiting().size() == 12);
    CHECK_FALSE(rig["p"].is_open());
}

TEST_CASE("an episode is told once, and another one after a quiet time") {
    Rig rig(messages(10));
    rig["p"].connects();
    std::string burst;
    for (int i = 0; i < 50; ++i) burst += publish("t", "x");
    rig["p"].sends(burst);
    rig.passes(8s);
    rig["p"].sends(burst);
    rig.passes(8s);
    CHECK(rig.log.count("client_throttled") == 1);
    rig.passes(30s);
    rig["p"].sends(burst);
    CHECK(rig.log.count("client_throttled") == 2);
}

TEST_CASE("one read brings about as much as may be used") {
    CHECK(session::ReadRate::read_bytes_max({}) == 65'536);
    CHECK(session::ReadRate::read_bytes_max(messages(10)) == 4096);
    CHECK(session::ReadRate::read_bytes_max(bytes(10)) == 512);
    CHECK(session::ReadRate::read_bytes_max(bytes(10, 10'000)) == 10'000);
    CHECK(session::ReadRate::read_bytes_max(bytes(1'000'000)) == 65'536);
}

// ---------------------------------------------------------------------------------------------------------------------

TEST_CASE("a user has so many connections at a time; a takeover is none more") {
    session::SessionLimits limits;
    limits.connections_per_user_max = 2;
    Rig rig(limits);
    const Wish alice{.proven = "alice"};
    const Wish alice_v311{.version = v311, .proven = "alice"};
    rig["a1"].connects(alice);
    rig["a2"].connects(alice);
    CHECK(rig["a3"].tries_to_connect(alice).takes() == "CONNACK quota_exceeded");
    CHECK(rig["a3"].tries_to_connect(alice_v311).takes() == "CONNACK server_unavailable");
    rig["b1"].connects({.proven = "bob"});
    for (int i = 0; i < 4; ++i) rig["nobody" + std::to_string(i)].connects();
    rig["a1"].loses_connection();
    rig["a3"].connects(alice);
    CHECK(rig["a1"].tries_to_connect(alice).takes() == "CONNACK quota_exceeded");
    rig["a2"].loses_connection().connects(alice);
    rig["a2"].disconnects();
    rig["a1"].connects(alice);
}

}  // namespace
}  // namespace ledge::broker
