// PUBLISH out: properties and aliases of one delivery, quota, resending, what is too large or too old.
#include <algorithm>

#include "ledge/session/limits.hpp"
#include "ledge/session/listener_options.hpp"
#include "rig.hpp"

namespace ledge::session {
namespace {

Rig& connected(Rig& rig, PropertyId id, std::uint32_t value) {
    wire::PropertyBuilder properties;
    properties.number(id, value);
    rig.connects(connect_v5(&properties));
    return rig;
}

TEST_CASE("subscription identifiers, expiry and alias stand beside the forwarded properties") {
    Rig rig;
    connected(rig, PropertyId::topic_alias_maximum, 5);
    wire::PropertyBuilder forwarded;
    forwarded.user("k", "v");
    Delivery one;
    one.publication = journal::Publication({"a/b", as_bytes("x"), forwarded.view().raw(), start + 30s, qos0, false});
    one.ids.add(3);
    one.ids.add(4);
    for (int i = 0; i < 3; ++i) rig.delivers(copy_of(one), start + 10s);
    CHECK(rig.takes() ==
          "PUBLISH a/b x {26=k:v 02=20 0b=3 0b=4} | "
          "PUBLISH a/b x {26=k:v 02=20 0b=3 0b=4 23=1} | "
          "PUBLISH - x {26=k:v 02=20 0b=3 0b=4 23=1}");
}

TEST_CASE("a 3.x client gets the message without any of it") {
    Rig rig;
    rig.connects(connect_v311());
    Delivery one = delivery("a", "x", qos1, start + 30s);
    one.ids.add(3);
    one.retain = true;
    rig.delivers(copy_of(one), start);
    CHECK(rig.takes() == "PUBLISH a x q1#1 retain");
}

TEST_CASE("[MQTT-3.3.2-5] an expired message is dropped and counted, one about to expire is sent") {
    Rig rig;
    rig.connects();
    rig.delivers(delivery("a", "1", qos1, start + 10s), start + 10s);
    rig.delivers(delivery("a", "2", qos1, start + 10s), start + 10s - 1us);
    CHECK(rig.takes() == "PUBLISH a 2 q1#2 {02=1}");
    CHECK(rig.services.counters.dropped_expired == 1);
}

TEST_CASE("[MQTT-3.1.2-25] what is larger than the client takes counts as delivered; its packet id is free") {
    Rig rig;
    connected(rig, PropertyId::maximum_packet_size, 40);
    rig.delivers(delivery("a", std::string(40, 'x'), qos1), start);
    rig.delivers(delivery("a", "small", qos1), start);
    CHECK(rig.takes() == "PUBLISH a small q1#2");
    CHECK(rig.services.counters.dropped_too_large == 1);
    CHECK(rig.session->queue().inflight().size() == 1);
    CHECK(rig.services.counters.queued_messages == 1);
}

TEST_CASE("an alias that was chosen for a message too large to be sent is not taken as known") {
    Rig rig;
    wire::PropertyBuilder properties;
    properties.number(PropertyId::maximum_packet_size, 60).number(PropertyId::topic_alias_maximum, 2);
    rig.connects(connect_v5(&properties));
    const std::string large(60, 'x');
    for (const std::string& payload : {std::string("1"), large, std::string("2"), std::string("3")})
        rig.delivers(delivery("a", payload, qos0), start);
    const std::string got = rig.takes();
    CHECK(got.find("PUBLISH a 2") != std::string::npos);  // the client must be able to tell the topic
    CHECK(got.find("PUBLISH - 2") == std::string::npos);
    // An alias that was known before stays known.
    for (const std::string& payload : {large, std::string("4")}) rig.delivers(delivery("a", payload, qos0), start);
    CHECK(rig.takes() == "PUBLISH - 4 {23=2}");
}

TEST_CASE("payloads from 2 KiB on are referenced, smaller ones copied") {
    Rig rig;
    rig.connects();
    const Delivery small = delivery("a", std::string(2047, 's'), qos1);
    const Delivery large = delivery("a", std::string(2048, 'l'), qos1);
    for (const Delivery* each : {&small, &large}) {
        const Delivery& one = *each;
        rig.connection->sender().send_publish(one.publication.view(), one.publication.blob(),
                                              {one.ids, qos1, false, false, 1}, "s", start);
    }
    Bytes parts[4];
    REQUIRE(rig.connection->outbox().gather(parts) == 2);
    CHECK(parts[1].data() == large.publication.view().payload.data());
    CHECK(rig.takes() == "PUBLISH a 2047B q1#1 | PUBLISH a 2048B q1#1");
}

TEST_CASE(
    "[MQTT-3.3.4-9] the window is the smaller of the client's Receive Maximum and inflight_max; QoS 0 needs none") {
    for (const std::uint16_t ours : {std::uint16_t{2}, std::uint16_t{50}}) {
        Rig rig;
        rig.listener.limits.inflight_max = ours;
        connected(rig, PropertyId::receive_maximum, 3);
        for (int i = 0; i < 10; ++i) rig.session->queue().enqueue(delivery("a", "x", qos1), rig.session->limits());
        rig.connection->pump(start);
        CHECK(rig.session->queue().inflight().counted() == std::min<std::size_t>(ours, 3));
        rig.session->queue().enqueue(delivery("a", "0", qos0), rig.session->limits());
        rig.connection->pump(start);
        CHECK(rig.session->queue().pending().size() ==
              11 - std::min<std::size_t>(ours, 3));  // in order: it waits behind them
    }
    Rig rig;
    connected(rig, PropertyId::receive_maximum, 1);
    rig.session->queue().enqueue(delivery("a", "1", qos1), rig.session->limits());
    for (int i = 0; i < 3; ++i) rig.session->queue().enqueue(delivery("a", "0", qos0), rig.session->limits());
    rig.connection->pump(start);
    const std::string got = rig.takes();  // the order between different QoS is free (5.0 section 4.6)
    CHECK(got.find("PUBLISH a 1 q1#1") != std::string::npos);
    CHECK(std::ranges::count(got, '0') == 3);
}

TEST_CASE("pump stops at a full outbox and goes on when the driver has written") {
    Rig rig;
    rig.listener.limits.outbox_bytes_max = 1000;
    rig.connects();
    for (int i = 0; i < 10; ++i)
        rig.session->queue().enqueue(delivery("a", std::string(400, 'x'), qos1), rig.session->limits());
    std::size_t sent = 0;
    for (int turn = 0; turn < 4; ++turn) {
        rig.connection->pump(start);
        CHECK(rig.connection->outbox().size() < 1500);
        CHECK(rig.services.counters.publish_sent == std::min<std::size_t>(sent + 3, 10));
        sent = rig.services.counters.publish_sent;
        rig.connection->outbox().clear();
    }
    CHECK(sent == 10);
}

TEST_CASE(
    "[MQTT-3.3.2-5] a message that expires while its exchange waits to be sent is not sent, one sent before is again") {
    Rig rig;
    rig.listener.limits.outbox_bytes_max = 100;
    rig.connects();
    // Open, as an exchange that waits for a commit is.
    for (const char fill : {'1', '2', '3'})
        rig.session->queue().open_exchange(delivery("a", std::string(95, fill), qos1, start + 10s), false);
    rig.session->queue().open_exchange(delivery("a", "stays", qos1), false);
    rig.connection->pump(start);
    CHECK(rig.takes() == "PUBLISH a 95B q1#1 {02=10}");
    rig.connection->pump(start + 10s);
    CHECK(rig.takes() == "PUBLISH a stays q1#4");
    CHECK(rig.services.counters.dropped_expired == 2);
    CHECK(rig.services.counters.queued_messages == 2);
    rig.now = start + 20s;
    rig.connects(connect_v5(), true);
    CHECK(rig.asked == "CONNACK success present | PUBLISH a 95B q1#1 dup {02=0}");
    CHECK(rig.takes().empty());
    rig.connection->pump(rig.now);
    CHECK(rig.takes() == "PUBLISH a stays q1#4 dup");
}

TEST_CASE("[MQTT-4.4.0-1] [MQTT-3.3.1-1] a resume sends again in order, with DUP and the same ids, and nothing twice") {
    Rig rig;
    rig.connects();
    for (const char* payload : {"1", "2", "3", "4"})
        rig.delivers(delivery("a", payload, payload[0] == '2' || payload[0] == '3' ? qos2 : qos1), start);
    rig.sends(puback(1) + pubrec(2));
    rig.session->queue().enqueue(delivery("a", "5", qos1), rig.session->limits());
    rig.connects(connect_v5(), true);
    CHECK(rig.asked ==
          "CONNACK success present | PUBREL 2 | PUBLISH a 3 q2#3 dup | PUBLISH a 4 q1#4 dup | PUBLISH a 5 q1#5");
    rig.connection->pump(start);
    CHECK(rig.takes().empty());
    rig.connects(connect_v5(), true);
    CHECK(rig.asked ==
          "CONNACK success present | PUBREL 2 | PUBLISH a 3 q2#3 dup | PUBLISH a 4 q1#4 dup | PUBLISH a 5 q1#5 dup");
}

TEST_CASE("a resume with a smaller Receive Maximum sends again as acknowledgements come, new messages after the old") {
    Rig rig;
    rig.connects();
    for (const char* payload : {"1", "2", "3"}) rig.delivers(delivery("a", payload, qos1), start);
    rig.session->queue().enqueue(delivery("a", "4", qos1), rig.session->limits());
    wire::PropertyBuilder properties;
    properties.number(PropertyId::receive_maximum, 1);
    rig.connects(connect_v5(&properties), true);
    CHECK(rig.asked == "CONNACK success present | PUBLISH a 1 q1#1 dup");
    rig.sends(puback(1));
    CHECK(rig.takes() == "PUBLISH a 2 q1#2 dup");
    rig.sends(puback(3));  // of the connection before: it need not be sent again
    CHECK(rig.takes().empty());
    rig.sends(puback(2));
    CHECK(rig.takes() == "PUBLISH a 4 q1#4");
}

TEST_CASE("a message sent before but larger than the resuming client takes is done with") {
    Rig rig;
    rig.connects();
    rig.delivers(delivery("a", std::string(100, 'x'), qos1), start);
    rig.delivers(delivery("a", "2", qos1), start);
    wire::PropertyBuilder properties;
    properties.number(PropertyId::maximum_packet_size, 50);
    rig.connects(connect_v5(&properties), true);
    CHECK(rig.asked == "CONNACK success present | PUBLISH a 2 q1#2 dup");
    CHECK(rig.services.counters.dropped_too_large == 1);
    CHECK(rig.session->queue().inflight().size() == 1);
}

}  // namespace
}  // namespace ledge::session
