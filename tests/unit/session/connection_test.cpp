// The life of a connection: deadlines, closing, the list for the driver, the bounds of the outbox.
#include "ledge/session/connection.hpp"

#include "ledge/session/limits.hpp"
#include "ledge/session/listener_options.hpp"
#include "rig.hpp"

namespace ledge::session {
namespace {

TEST_CASE("nothing but CONNECT opens a connection [MQTT-3.1.0-1]") {
    for (const std::string& first :
         {std::string("\xC0\x00", 2), publish("a", "b"), puback(1), std::string("\xE0\x00", 2)}) {
        Rig rig;
        rig.opens();
        rig.sends(first);
        CHECK(rig.is_closing());
        CHECK(rig.takes().empty());
        CHECK(rig.services.counters.connections_refused == 1);
    }
}

TEST_CASE("without a valid CONNECT the connection ends after connect_timeout, also in an AUTH exchange") {
    for (const bool authenticates : {false, true}) {
        Rig rig;
        rig.listener.limits.connect_timeout = 10s;
        rig.opens();
        if (authenticates) {
            wire::PropertyBuilder properties;
            properties.text(PropertyId::authentication_method, "ANONYMOUS");
            rig.sends(encoded(connect_v5(&properties)));
            CHECK(rig.takes() == "AUTH continue_authentication");
        } else {
            rig.sends("\x10");  // one byte of it does not help
        }
        rig.passes(9500ms);
        CHECK_FALSE(rig.is_closing());
        rig.passes(1s);  // at most one tick of the wheel late
        CHECK(rig.is_closing());
        CHECK(rig.services.counters.connections_refused == 1);
        rig.passes(60s);
        CHECK(rig.services.counters.connections_refused == 1);
    }
}

TEST_CASE(
    "[MQTT-3.1.2-22] a client that is silent for one and a half times its keep alive is disconnected, not before") {
    for (const bool is_v5 : {true, false}) {
        Rig rig;
        wire::Connect wish = is_v5 ? connect_v5() : connect_v311();
        wish.keep_alive_s = 10;
        rig.connects(wish);
        rig.passes(15s - 1us);
        CHECK_FALSE(rig.is_closing());
        rig.passes(1us);
        CHECK(rig.is_closing());
        CHECK(rig.takes() == (is_v5 ? "DISCONNECT keep_alive_timeout" : ""));
        CHECK(rig.services.counters.keep_alive_timeouts == 1);
        CHECK(rig.services.counters.protocol_errors == 0);
    }
}

TEST_CASE("any packet starts the keep alive anew, however often, and a part of one does not") {
    Rig rig;
    wire::Connect wish = connect_v5();
    wish.keep_alive_s = 4;
    rig.connects(wish);
    for (int i = 0; i < 20; ++i) {
        rig.passes(5900ms);
        REQUIRE_FALSE(rig.is_closing());
        rig.sends(i % 2 == 0 ? std::string("\xC0\x00", 2) : publish("a", "b"));
    }
    rig.takes();
    rig.passes(3s);
    rig.sends(std::string("\xC0", 1));
    rig.passes(2900ms);
    CHECK_FALSE(rig.is_closing());
    rig.passes(600ms);
    CHECK(rig.is_closing());
}

TEST_CASE("keep alive 0 is no keep alive; the server's maximum holds for v5 only, which can be told") {
    Rig rig;
    rig.connects();
    rig.passes(100h);
    CHECK_FALSE(rig.is_closing());
    for (const std::uint16_t wished : {std::uint16_t{0}, std::uint16_t{600}}) {
        Rig limited;
        limited.listener.limits.max_keep_alive_s = 60;
        wire::Connect wish = connect_v5();
        wish.keep_alive_s = wished;
        limited.connects(wish);
        limited.passes(89s);
        CHECK_FALSE(limited.is_closing());
        limited.passes(1500ms);
        CHECK(limited.is_closing());
    }
}

TEST_CASE("[MQTT-3.12.4-1] PINGREQ is answered") {
    Rig rig;
    rig.connects();
    rig.sends(std::string("\xC0\x00\xC0\x00", 4));
    CHECK(rig.takes() == "PINGRESP | PINGRESP");
}

TEST_CASE("packets that only a server sends, and a second CONNECT, are protocol errors") {
    for (const int first : {0x20, 0x90, 0xB0, 0xD0, 0x10}) {
        Rig rig;
        rig.connects();
        const bool is_connect = first == 0x10;
        rig.sends(is_connect ? encoded(connect_v5())
                             : std::string{static_cast<char>(first), '\x03', '\0', '\x01', '\0'});
        CHECK(rig.takes() == "DISCONNECT protocol_error");
        CHECK(rig.is_closing());
        CHECK(rig.services.counters.protocol_errors == 1);
    }
}

TEST_CASE("a stream that cannot be framed ends with the reason, and nothing behind it is read") {
    Rig rig;
    rig.listener.limits.max_packet_size_bytes = 100;
    rig.connects();
    rig.sends(std::string("\x30\x63", 2));  // 101 bytes are announced, none has arrived
    CHECK(rig.takes() == "DISCONNECT packet_too_large");
    rig.connects();
    rig.sends(std::string("\x00\x00\xC0\x00", 4));
    CHECK(rig.takes() == "DISCONNECT malformed_packet");
    rig.sends(std::string("\xC0\x00", 2));
    CHECK(rig.takes().empty());
    // Before CONNECT there is no DISCONNECT; its limit is another.
    rig.listener.limits.connect_packet_max_bytes = 10;
    rig.opens();
    rig.sends(encoded(connect_v5()));
    CHECK(rig.is_closing());
    CHECK(rig.takes().empty());
}

TEST_CASE("close tells a v5 client the reason once, a 3.x client nothing, and a reason string only if asked for") {
    Rig rig;
    rig.connects();
    rig.connection->close(ReasonCode::server_shutting_down, "why");
    rig.connection->close(ReasonCode::protocol_error, "again");
    CHECK(unsent(rig.connection->outbox()) == std::string("\xE0\x08\x8B\x06\x1F\x00\x03why", 10));
    CHECK(rig.services.counters.protocol_errors == 0);
    wire::PropertyBuilder properties;
    properties.number(PropertyId::request_problem_information, 0);
    rig.connects(connect_v5(&properties));
    rig.connection->close(ReasonCode::server_shutting_down, "why");
    CHECK(unsent(rig.connection->outbox()) == std::string("\xE0\x01\x8B", 3));
    properties.clear();
    properties.number(PropertyId::maximum_packet_size, 20);
    rig.connects(connect_v5(&properties));
    rig.connection->close(ReasonCode::server_shutting_down, "longer than twenty bytes");
    CHECK(rig.takes() == "DISCONNECT server_shutting_down");
    rig.connects(connect_v311());
    rig.connection->close(ReasonCode::server_shutting_down, "why");
    CHECK(rig.takes().empty());
    CHECK(rig.is_closing());
}

TEST_CASE("the driver's list has each connection once, oldest first, and one that goes is off it") {
    Rig rig;
    std::vector<std::unique_ptr<Connection>> all;
    for (int i = 0; i < 4; ++i)
        all.push_back(
            std::make_unique<Connection>(rig.services.for_connections, rig.listener, "192.0.2.1:1", nullptr, start));
    for (const std::size_t i : {2U, 0U, 2U, 3U, 1U, 0U}) all[i]->mark_dirty();
    CHECK(rig.services.dirty.pop() == all[2].get());
    all[2]->mark_dirty();  // again at the end
    all[3]->unlink_dirty();
    all[3]->unlink_dirty();
    CHECK(rig.services.dirty.pop() == all[0].get());
    CHECK(rig.services.dirty.pop() == all[1].get());
    all[3]->mark_dirty();
    all[3]->unlink_dirty();  // the last of several
    CHECK(rig.services.dirty.pop() == all[2].get());
    CHECK(rig.services.dirty.pop() == nullptr);
    all[1]->mark_dirty();
    CHECK(rig.services.dirty.pop() == all[1].get());
}

/// The reason string of the DISCONNECT that stands in the outbox alone.
std::string closed_for(Rig& rig) {
    const std::string bytes = unsent(rig.connection->outbox());
    const auto packet = wire::decode_disconnect(as_bytes(bytes), Version::v5);
    REQUIRE(packet.ok());
    return std::string(packet->properties.text(PropertyId::reason_string).value_or(""));
}

TEST_CASE("a packet that is too large is told with its size, its topic, the limit and the key of the limit") {
    Rig rig;
    rig.listener.limits.max_packet_size_bytes = 100;
    rig.connects();
    rig.sends(publish("devices", std::string(200, 'x')));
    CHECK(closed_for(rig) == "PUBLISH of 213 bytes to topic \"devices\" exceeds limits.max_packet_size_bytes = 100");
    rig.connects();
    rig.sends(std::string("\x82\xE8\x07", 3));  // 1,003 bytes, of which three have come
    CHECK(closed_for(rig) == "SUBSCRIBE of 1003 bytes exceeds limits.max_packet_size_bytes = 100");
}

TEST_CASE("one message of any size may wait for a reader; what else piles up beside it is bounded") {
    Rig rig;
    rig.listener.limits.outbox_bytes_fatal = 100;
    rig.connects();
    rig.delivers(delivery("a", std::string(5000, 'x'), qos0), start);
    rig.connection->check_outbox_bound();
    CHECK_FALSE(rig.is_closing());
    for (int i = 0; i < 51; ++i) rig.sends(std::string("\xC0\x00", 2));
    rig.connection->check_outbox_bound();
    CHECK(rig.is_closing());
}

TEST_CASE("a peer that asks and never reads is closed at outbox_bytes_fatal") {
    Rig rig;
    rig.listener.limits.outbox_bytes_fatal = 100;
    rig.connects();
    for (int i = 0; i < 50; ++i) rig.sends(std::string("\xC0\x00", 2));
    rig.connection->check_outbox_bound();
    CHECK_FALSE(rig.is_closing());
    rig.sends(std::string("\xC0\x00", 2));
    rig.connection->check_outbox_bound();
    CHECK(rig.is_closing());
    CHECK(rig.connection->outbox().empty());  // nobody will read it
}

}  // namespace
}  // namespace ledge::session
