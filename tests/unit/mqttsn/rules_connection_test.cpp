// The rules of src/mqttsn/README.md about connections and peers. Each test names its rule.
#include "rig.hpp"

namespace ledge::mqttsn {
namespace {

using State = Endpoint::State;

TEST_CASE("rule 1: one device is one session of the broker, and CleanSession says how long it lives") {
    Rig rig;
    rig.connects("a", "dev1", true);
    CHECK(rig.has_session("dev1"));
    CHECK(rig.says("a", Disconnect{}) == "DISCONNECT");
    CHECK_FALSE(rig.has_session("dev1"));
    rig.connects("a", "dev1", false);
    rig.subscribes("a", "x");
    CHECK(rig.says("a", Disconnect{}) == "DISCONNECT");
    CHECK(rig.has_session("dev1"));
    rig.watcher.publishes("x", "kept", wire::QoS::at_least_once);
    // The session goes on, and the topic gets its id again (rule 7).
    CHECK(rig.says("a", connect_of("dev1")) == "CONNACK | REGISTER 1 #1 x");
    CHECK(rig.says("a", Disconnect{}) == "DISCONNECT");
    // A clean session discards it.
    CHECK(rig.says("a", connect_of("dev1", true)) == "CONNACK");
    CHECK(rig.passes(8 * 24h) == "");
    CHECK_FALSE(rig.has_session("dev1"));
}

TEST_CASE("rule 1: the session of a device that left expires") {
    GatewayOptions options;
    options.endpoint.session_expiry_s = 100;
    Rig rig(options);
    rig.connects("a", "dev1");
    rig.says("a", Disconnect{});
    rig.passes(99s);
    CHECK(rig.has_session("dev1"));
    rig.passes(2s);
    CHECK_FALSE(rig.has_session("dev1"));
}

TEST_CASE("rule 1: a device that is silent for longer than its keep alive allows is lost") {
    for (const auto& [keep_alive_s, tolerance] : {std::pair{60, 90s}, std::pair{100, 110s}}) {
        Rig rig;
        rig.connects("a", "dev1", false, static_cast<std::uint16_t>(keep_alive_s));
        rig.passes(tolerance - 1s);
        CHECK(rig.in(State::active) == 1);
        CHECK(rig.says("a", Pingreq{}) == "PINGRESP");
        rig.passes(tolerance - 1s);
        CHECK(rig.in(State::active) == 1);
        rig.passes(1s);
        CHECK(rig.in(State::active) == 0);
        CHECK(rig.counters().lost == 1);
        CHECK(rig.says("a", Pingreq{}) == "DISCONNECT");
    }
    Rig rig;
    rig.connects("a", "dev1", false, 0);  // no keep alive
    rig.passes(24h);
    CHECK(rig.in(State::active) == 1);
}

// ---------------------------------------------------------------------------------------------------------------------
// Unknown peers

TEST_CASE("rule 10: an unknown peer is told that it is not connected, at a limited rate") {
    GatewayOptions options;
    options.unknown_per_second = 5;
    Rig rig(options);
    CHECK(rig.says("a", publish(1, "x", qos1, 1)) == "DISCONNECT");
    CHECK(rig.says("a", Pingreq{}) == "DISCONNECT");
    CHECK(rig.says("a", Pingreq{"dev1"}) == "DISCONNECT");
    CHECK(rig.says("a", Disconnect{9}) == "DISCONNECT");  // only devices sleep
    CHECK(rig.says("a", Subscribe{.message_id = 1, .filter = "#"}) == "DISCONNECT");
    CHECK(rig.says("a", Pingreq{}) == "");
    CHECK(rig.says("b", Pingreq{}) == "");
    CHECK(rig.counters().unknown_answered == 5);
    CHECK(rig.counters().unknown_ignored == 2);
    rig.connects("c", "dev1");  // has a rate of its own
    rig.passes(1s);
    CHECK(rig.says("b", Pingreq{}) == "DISCONNECT");
}

TEST_CASE("rule 10: an unknown peer that may be a gateway is not answered: two gateways could play ping-pong") {
    GatewayOptions options;
    options.unknown_per_second = 0;
    Rig rig(options);
    for (const Message& message : {Message(Disconnect{}), Message(Connack{}), Message(Pingresp{}),
                                   Message(Willtopicreq{}), Message(Willmsgreq{}), Message(Suback{.message_id = 1}),
                                   Message(Answer{MessageType::unsuback, 1}), Message(Willresp{})})
        CHECK(rig.says("a", message) == "");
    CHECK(rig.counters().packets_unexpected == 8);
}

TEST_CASE("rule 10: DISCONNECT of a device that has left is answered at the limited rate") {
    GatewayOptions options;
    options.unknown_per_second = 2;
    Rig rig(options);
    rig.connects("a", "dev1");
    CHECK(rig.says("a", Disconnect{}) == "DISCONNECT");
    CHECK(rig.says("a", Disconnect{}) == "DISCONNECT");
    CHECK(rig.says("a", Disconnect{}) == "DISCONNECT");
    CHECK(rig.says("a", Disconnect{}) == "");
}

TEST_CASE("rule 10: after a restart of the gateway one answer brings a device back") {
    Rig rig;
    rig.connects("a", "dev1");
    const TopicId id = rig.registers("a", "x");
    rig.crashes();
    CHECK(rig.says("a", publish(id, "one", qos1, 7)) == "DISCONNECT");
    rig.connects("a", "dev1");
    CHECK(rig.registers("a", "x") == 1);
}

TEST_CASE("rule 10: an unknown peer never gets more bytes than it has sent") {
    const std::string long_id(70, 'x');
    const Message messages[] = {Advertise{},
                                Searchgw{},
                                Gwinfo{},
                                connect_of("d"),
                                connect_of("d", true, true),
                                connect_of(long_id),
                                Willtopic{},
                                Willmsg{},
                                Register{0, 1, "x"},
                                Regack{1, 1},
                                publish(1, ""),
                                publish(1, "", QoS::without_connection),
                                Puback{1, 1},
                                Answer{MessageType::pubrec, 1},
                                Subscribe{.message_id = 1, .filter = "#"},
                                Pingreq{},
                                Pingreq{"d"},
                                Pingresp{},
                                Disconnect{},
                                Disconnect{9}};
    for (const Message& message : messages) {
        for (const bool is_forwarded : {false, true}) {
            CAPTURE(text_of_message(message));
            Rig rig;
            std::vector<Byte> packet = encoded(message);
            if (is_forwarded) packet = encoded(Forward{0, as_bytes("n1"), packet});
            rig.gateway->on_packet(as_bytes("a"), packet, rig.now());
            std::size_t answered = 0;
            for (; rig.gateway->has_output(); rig.gateway->output_sent())
                answered += rig.gateway->output().bytes.size();
            CHECK(answered <= packet.size());
        }
    }
}

TEST_CASE("bytes that are no message are counted and not answered") {
    Rig rig;
    CHECK(rig.says_bytes("a", bytes_of("02 03")) == "");
    CHECK(rig.says_bytes("a", bytes_of("09 16")) == "");
    CHECK(rig.says_bytes("a", Bytes()) == "");
    CHECK(rig.counters().packets_malformed == 3);
    rig.connects("a", "dev1");
    CHECK(rig.says_bytes("a", bytes_of("09 16")) == "");
    CHECK(rig.in(State::active) == 1);
}

// ---------------------------------------------------------------------------------------------------------------------
// Addresses

TEST_CASE("rule 14: a device that connects from another address is taken over, and the former address is told") {
    Rig rig;
    rig.connects("a", "dev1");
    rig.subscribes("a", "x");
    CHECK(rig.says("b", connect_of("dev1")) == "a: DISCONNECT | CONNACK");
    CHECK(rig.counters().takeovers == 1);
    CHECK(rig.says("a", Pingreq{}) == "DISCONNECT");
    CHECK(rig.says("b", Pingreq{}) == "PINGRESP");
    rig.watcher.publishes("x", "one", wire::QoS::at_least_once);
    CHECK(rig.turn("b") == "REGISTER 1 #1 x");
}

TEST_CASE("rule 14: a client of the same id elsewhere in the broker takes the device's session over") {
    Rig rig;
    rig.connects("a", "dev1");
    const Watcher other(rig.core, "dev1");
    CHECK(rig.turn("a") == "DISCONNECT");
    CHECK(rig.in(State::disconnected) == 1);
}

TEST_CASE("rule 14: a repeated CONNECT gets the same CONNACK, and disturbs nothing") {
    Rig rig;
    const Connect connect = connect_of("dev1", true);
    CHECK(rig.says_at_once("a", connect) == "");
    CHECK(rig.says_at_once("a", connect) == "");
    CHECK(rig.turn("a") == "CONNACK");
    CHECK(rig.says("a", connect) == "CONNACK");
    rig.subscribes("a", "x");
    // Behind other packets CONNECT means that the device has started again: the clean session begins anew.
    CHECK(rig.says("a", connect) == "CONNACK");
    rig.watcher.publishes("x", "one", wire::QoS::at_least_once);
    CHECK(rig.turn("a") == "");
}

TEST_CASE("rule 14: where packets overtake each other, a late copy of CONNECT does not end a clean session") {
    GatewayOptions options;
    options.endpoint.link_reorders = true;
    Rig rig(options);
    const Connect connect = connect_of("dev1", true);
    CHECK(rig.says("a", connect) == "CONNACK");
    rig.subscribes("a", "x");
    CHECK(rig.says("a", connect) == "CONNACK");
    rig.watcher.publishes("x", "one", wire::QoS::at_least_once);
    CHECK(rig.turn("a") == "PUBLISH n1 one q1#1");
}

TEST_CASE("a peer that connects with another client id replaces its former device, whose will is published") {
    Rig rig;
    rig.watcher.subscribes("#");
    rig.says("a", connect_of("dev1", false, true));
    rig.says("a", Willtopic{.topic = "w"});
    CHECK(rig.says("a", Willmsg{.message = as_bytes("gone")}) == "CONNACK");
    rig.connects("a", "dev2");
    CHECK(rig.watcher.heard() == "w gone");
    CHECK(rig.gateway->devices() == 2);
}

TEST_CASE("rule 15: a device that wakes at another address is known there if roaming is on") {
    for (const bool is_roaming : {false, true}) {
        GatewayOptions options;
        options.roaming = is_roaming;
        Rig rig(options);
        rig.connects("a", "dev1");
        rig.subscribes("a", "x");
        rig.says("a", sleeps);
        rig.watcher.publishes("x", "one", wire::QoS::at_least_once);
        CHECK(rig.says("b", Pingreq{"other"}) == "DISCONNECT");
        CHECK(rig.says("b", Pingreq{"dev1"}) == (is_roaming ? "PUBLISH n1 one q1#1" : "DISCONNECT"));
        if (!is_roaming) continue;
        CHECK(rig.says("b", Puback{1, 1}) == "PINGRESP");
        CHECK(rig.counters().roamed == 1);
        CHECK(rig.says("a", Pingreq{"dev1"}) == "PINGRESP");  // and back again
    }
}

TEST_CASE("rule 16: devices behind a forwarder are peers of their own, and answers are wrapped") {
    Rig rig;
    rig.connects("a/n1", "dev1");
    rig.connects("a/n2", "dev2");
    rig.connects("a", "dev3");
    rig.subscribes("a/n1", "x");
    rig.watcher.publishes("x", "one", wire::QoS::at_least_once);
    CHECK(rig.turn() == "a/n1: PUBLISH n1 one q1#1");
    CHECK(rig.says("a/n3", Pingreq{}) == "DISCONNECT");
    CHECK(rig.says("a/n2", Disconnect{}) == "DISCONNECT");
    const std::vector<Byte> inside = encoded(Forward{0, as_bytes("n1"), encoded(Pingreq{})});
    CHECK(rig.says_bytes("a", encoded(Forward{0, as_bytes("n9"), inside})) == "");
    CHECK(rig.counters().packets_malformed == 1);
}

// ---------------------------------------------------------------------------------------------------------------------
// Discovery and limits

TEST_CASE("rule 17: ADVERTISE is sent only when configured, at its interval, while the broker is usable") {
    Rig silent;
    silent.gateway->link_opened(silent.now());
    CHECK(silent.passes(24h) == "");
    GatewayOptions options;
    options.advertise_interval_s = 900;
    options.gateway_id = 7;
    Rig rig(options);
    CHECK(rig.passes(0s) == "*: ADVERTISE 7 900s");
    CHECK(rig.passes(1799s) == "*: ADVERTISE 7 900s");
    rig.gateway->set_usable(false, rig.now());
    CHECK(rig.passes(1h) == "");
    CHECK(rig.says("a", Searchgw{}) == "");
    rig.gateway->set_usable(true, rig.now());
    CHECK(rig.turn() == "*: ADVERTISE 7 900s");
    CHECK(rig.says("a", Searchgw{}) == "GWINFO 7");
}

TEST_CASE("rule 17: a serial line hears ADVERTISE when it opens") {
    GatewayOptions options;
    options.advertises_on_open = true;
    Rig rig(options);
    CHECK(rig.turn() == "");
    rig.gateway->link_opened(rig.now());
    CHECK(rig.turn() == "*: ADVERTISE 1 65535s");
}

TEST_CASE("rule 18: a device beyond the limit gets CONNACK congestion, until another one leaves") {
    GatewayOptions options;
    options.peers_max = 2;
    Rig rig(options);
    rig.connects("a", "dev1");
    rig.connects("b", "dev2");
    CHECK(rig.says("c", connect_of("dev3")) == "CONNACK congestion");
    CHECK(rig.gateway->devices() == 2);
    rig.says("a", Disconnect{});
    rig.connects("c", "dev3");
    CHECK(rig.gateway->devices() == 2);
    CHECK(rig.says("a", connect_of("dev1")) == "CONNACK congestion");
    CHECK(rig.counters().congested == 2);
}

TEST_CASE("rule 18: CONNACK says congestion while the broker accepts nobody, and not_supported for a bad client id") {
    Rig rig;
    rig.accepts_inner = false;
    CHECK(rig.says("a", connect_of("dev1")) == "CONNACK congestion");
    rig.accepts_inner = true;
    rig.gateway->set_usable(false, rig.now());
    CHECK(rig.says("a", connect_of("dev1")) == "CONNACK congestion");
    rig.gateway->set_usable(true, rig.now());
    CHECK(rig.says("a", connect_of("$bridge/x")) == "CONNACK not_supported");  // the broker refuses the id
    CHECK(rig.says("a", connect_of(std::string(65, 'x'))) == "CONNACK not_supported");
    rig.connects("a", "dev1");
}

TEST_CASE("packets that the link does not send are dropped and counted, and retries repair it") {
    GatewayOptions options;
    options.output_bytes_max = 5 * (sizeof(OutputQueue::Packet) + 3);
    Rig rig(options);
    for (int i = 0; i < 7; ++i) rig.gateway->on_packet(as_bytes("a"), encoded(Pingreq{}), rig.now());
    CHECK(rig.turn("a") == "DISCONNECT | DISCONNECT | DISCONNECT | DISCONNECT | DISCONNECT");
    CHECK(rig.counters().outputs_dropped == 2);
    rig.connects("a", "dev1");
    rig.gateway->on_packet(as_bytes("a"), encoded(Pingreq{}), rig.now());
    rig.gateway->link_opened(rig.now());  // what waited is older than what the devices do now
    CHECK(rig.turn("a") == "");
    CHECK(rig.says("a", Pingreq{}) == "PINGRESP");
}

TEST_CASE("stop tells each device, keeps the sessions, and accepts nobody any more") {
    Rig rig;
    rig.connects("a", "dev1");
    rig.connects("b", "dev2");
    rig.gateway->stop(rig.now());
    CHECK(rig.turn() == "a: DISCONNECT | b: DISCONNECT");
    CHECK(rig.has_session("dev1"));
    CHECK(rig.in(State::disconnected) == 2);
    CHECK(rig.says("a", connect_of("dev1")) == "CONNACK congestion");
}

TEST_CASE("an inner connection that ends while the device gives its will takes what was under way with it") {
    Rig rig;
    rig.connects("a", "dev1");
    CHECK(rig.says_at_once("a", Subscribe{.message_id = 5, .filter = "x"}) == "");
    CHECK(rig.says_at_once("a", connect_of("dev1", false, true)) == "WILLTOPICREQ");
    const Watcher other(rig.core, "dev1");  // takes the session over, before SUBSCRIBE has reached the broker
    CHECK(rig.turn("a") == "");
    rig.says("a", Willtopic{.topic = "w"});
    CHECK(rig.says("a", Willmsg{.message = as_bytes("gone")}) == "CONNACK");
    CHECK(rig.subscribes("a", "y") == 2);
}

TEST_CASE("the events tell what became of the devices") {
    Rig rig;
    rig.connects("a", "dev1");
    rig.says("b", connect_of("$bridge/x"));
    rig.says("a", Disconnect{});
    std::string all;
    while (const auto event = rig.gateway->take_event())
        join(all, std::to_string(static_cast<int>(event->kind)) + " " + event->client_id);
    CHECK(all == "0 dev1 | 1 $bridge/x | 2 dev1");
}

}  // namespace
}  // namespace ledge::mqttsn
