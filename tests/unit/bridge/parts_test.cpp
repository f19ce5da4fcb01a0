// The small parts of a relay.
#include <doctest/doctest.h>

#include <string>

#include "ledge/bridge/echo_window.hpp"
#include "ledge/bridge/exchanges.hpp"
#include "ledge/bridge/marks.hpp"
#include "ledge/bridge/poison_guard.hpp"
#include "ledge/bridge/relay_event.hpp"

namespace ledge::bridge {
namespace {

TEST_CASE("fingerprints tell topic and payload apart") {
    CHECK(fingerprint_of("a", as_bytes("b")) == fingerprint_of("a", as_bytes("b")));
    CHECK(fingerprint_of("a", as_bytes("b")) != fingerprint_of("b", as_bytes("a")));
    CHECK(fingerprint_of("ab", as_bytes("")) != fingerprint_of("a", as_bytes("b")));
}

TEST_CASE("the fingerprint of a repeated message includes its packet id and its size, and no flag") {
    wire::Publish packet;
    packet.topic = "a";
    const std::string payload(1000, 'x');
    packet.payload = as_bytes(payload);
    packet.qos = wire::QoS::at_least_once;
    packet.packet_id = 7;
    const std::uint64_t first = fingerprint_of(packet);
    packet.dup = true;
    CHECK(fingerprint_of(packet) == first);
    packet.payload = packet.payload.first(999);
    CHECK(fingerprint_of(packet) != first);
    packet.payload = as_bytes(payload);
    packet.packet_id = 8;
    CHECK(fingerprint_of(packet) != first);
}

TEST_CASE("a message is poison after so many closes in a row that blame it alone") {
    PoisonGuard guard(3);
    guard.on_close(1, 1);
    guard.on_close(1, 1);
    CHECK_FALSE(guard.is_poison(1));
    guard.on_close(1, 1);
    CHECK(guard.is_poison(1));
    CHECK_FALSE(guard.is_poison(2));
    CHECK(guard.wants_care());
    guard.on_set_aside();
    CHECK_FALSE(guard.is_poison(1));
    CHECK_FALSE(guard.wants_care());
}

TEST_CASE("closes with several messages under way never make poison, only care") {
    PoisonGuard guard(3);
    for (int i = 0; i < 10; ++i) guard.on_close(1, 5);
    CHECK_FALSE(guard.is_poison(1));
    for (std::uint64_t message = 1; message <= 5; ++message) {
        CHECK(guard.wants_care());
        guard.on_answer(message);
    }
    CHECK_FALSE(guard.wants_care());
}

TEST_CASE("an answer clears the suspect") {
    PoisonGuard guard(2);
    guard.on_close(1, 1);
    guard.on_answer(1);
    guard.on_close(1, 1);
    CHECK_FALSE(guard.is_poison(1));
}

TEST_CASE("the echo window forgets the oldest entries beyond its size") {
    EchoWindow window(2, 30s);
    const Instant now = Instant{} + 1h;
    for (std::uint64_t message = 1; message <= 3; ++message) window.on_sent(message, now);
    CHECK_FALSE(window.is_echo(1, now));
    CHECK(window.is_echo(3, now));
    CHECK(window.is_echo(2, now + 30s));
    CHECK_FALSE(window.is_echo(2, now));
}

TEST_CASE("exchanges are found by their id, and the oldest unanswered one in the order of sending") {
    Exchanges exchanges;
    CHECK(exchanges.oldest_unanswered() == nullptr);
    for (const wire::PacketId id : std::initializer_list<wire::PacketId>{9, 3, 7}) exchanges.add({.id = id});
    CHECK(exchanges.oldest_unanswered()->id == 9);
    exchanges.find(9)->state = ExchangeState::received;
    CHECK(exchanges.oldest_unanswered()->id == 3);
    CHECK(exchanges.unanswered() == 2);
    exchanges.erase(3);
    CHECK_FALSE(exchanges.contains(3));
    CHECK(exchanges.find(3) == nullptr);
    CHECK(exchanges.size() == 2);
    exchanges.clear();
    CHECK(exchanges.empty());
}

TEST_CASE("marks that are no numbers count as 0, and the count does not overflow") {
    wire::PropertyBuilder in;
    in.user("ledge-origin", "x").user("ledge-hops", "4294967295");
    wire::PropertyBuilder out;
    carry_properties(in.view(), {.is_marked = true, .own_id = "y"}, out);
    CHECK(marks_of(out.view()).hops == 4'294'967'295);
    CHECK(marks_of(out.view()).origin == "x");
    in.clear();
    in.user("ledge-hops", "12x");
    CHECK(marks_of(in.view()).hops == 0);
    in.clear();
    in.user("ledge-hops", "99999999999");
    CHECK(marks_of(in.view()).hops == 0);
}

TEST_CASE("[MQTT-3.3.2-6] the time that a message has waited is subtracted from its expiry") {
    wire::PropertyBuilder in;
    in.number(wire::PropertyId::message_expiry_interval, 10);
    wire::PropertyBuilder out;
    carry_properties(in.view(), {.waited_s = 4}, out);
    CHECK(out.view().number(wire::PropertyId::message_expiry_interval) == 6);
    carry_properties(in.view(), {.waited_s = 40}, out);
    CHECK(out.view().number(wire::PropertyId::message_expiry_interval) == 1);
}

TEST_CASE("every event has a name") {
    for (int kind = 0; kind <= static_cast<int>(RelayEvent::Kind::upstream_session_lost); ++kind)
        CHECK_FALSE(name_of(static_cast<RelayEvent::Kind>(kind)).empty());
}

}  // namespace
}  // namespace ledge::bridge
