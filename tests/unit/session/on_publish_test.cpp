// PUBLISH in: aliases, quota, repetitions, what is forwarded, what is refused and how.
#include "rig.hpp"

#include "ledge/auth/text_file.hpp"
#include "ledge/journal/journal_options.hpp"
#include "ledge/journal/record.hpp"
#include "ledge/session/limits.hpp"
#include "ledge/session/listener_options.hpp"

namespace ledge::session {
namespace {

wire::PropertyBuilder alias(std::uint32_t number) {
    wire::PropertyBuilder properties;
    properties.number(PropertyId::topic_alias, number);
    return properties;
}

TEST_CASE("each QoS is routed once and answered as it must be [MQTT-4.3.2-4] [MQTT-4.3.3-8]") {
    Rig rig;
    rig.connects();
    rig.sends(publish("a/b", "0") + publish("a/b", "1", qos1, 7) + publish("a/b", "2", qos2, 7));
    CHECK(rig.asked == "PUBLISH a/b 0 | PUBLISH a/b 1 q1#7 | PUBLISH a/b 2 q2#7");
    CHECK(rig.takes() == "PUBACK 7 | PUBREC 7");
    rig.verdict = ReasonCode::no_matching_subscribers;
    rig.sends(publish("a/b", "1", qos1, 8) + publish("a/b", "2", qos2, 8));
    CHECK(rig.takes() == "PUBACK 8 no_matching_subscribers | PUBREC 8 no_matching_subscribers");
    CHECK(rig.session->received.size() == 2);
    CHECK(rig.services.counters.publish_received == 5);
    CHECK(rig.services.counters.publish_bytes_received == 5);
}

TEST_CASE("[MQTT-4.3.3-10] a QoS 2 message is routed once until PUBREL, and its id may be used again after it") {
    Rig rig;
    rig.connects();
    rig.sends(publish("a", "x", qos2, 5) + publish("a", "x", qos2, 5) + publish("a", "x", qos2, 5));
    CHECK(rig.asked == "PUBLISH a x q2#5");
    CHECK(rig.takes() == "PUBREC 5 | PUBREC 5 | PUBREC 5");
    rig.sends(pubrel(5) + publish("a", "y", qos2, 5));
    CHECK(rig.asked == "PUBLISH a x q2#5 | PUBLISH a y q2#5");
}

TEST_CASE("a QoS 2 message refused with an error leaves no id behind [MQTT-4.3.3-9]") {
    Rig rig;
    rig.connects();
    rig.verdict = ReasonCode::quota_exceeded;
    rig.sends(publish("a", "x", qos2, 5));
    CHECK(rig.takes() == "PUBREC 5 quota_exceeded");
    CHECK(rig.session->received.size() == 0);
    CHECK_FALSE(rig.is_closing());
}

TEST_CASE("[MQTT-3.3.4-7] more unanswered messages than Receive Maximum end a v5 connection, 3.x has no such limit") {
    Rig rig;
    rig.listener.limits.receive_maximum = 3;
    rig.connects();
    for (wire::PacketId id = 1; id <= 3; ++id) rig.sends(publish("a", "x", qos2, id));
    rig.sends(publish("a", "x", qos2, 2));  // a repetition is not one more
    CHECK(rig.takes() == "PUBREC 1 | PUBREC 2 | PUBREC 3 | PUBREC 2");
    rig.sends(pubrel(3) + publish("a", "x", qos1, 9));  // QoS 1 is answered at once: it uses nothing up
    CHECK(rig.takes() == "PUBCOMP 3 | PUBACK 9");
    rig.sends(publish("a", "x", qos2, 4));
    CHECK(rig.takes() == "PUBREC 4");
    for (const QoS qos : {qos1, qos2}) {
        rig.connects();
        for (wire::PacketId id = 1; id <= 3; ++id) rig.sends(publish("a", "x", qos2, id));
        rig.takes();
        rig.sends(publish("a", "x", qos, 4));
        CHECK(rig.takes() == "DISCONNECT receive_maximum_exceeded");
    }
    rig.connects(connect_v311());
    for (wire::PacketId id = 1; id <= 10; ++id)
        rig.sends(encoded(wire::Publish{"a", {}, qos2, false, false, id, {}}, Version::v3_1_1));
    CHECK_FALSE(rig.is_closing());
    CHECK(rig.session->received.size() == 10);
}

TEST_CASE("by default no number of messages is too many: Paho Python and MQTT.js send 2,000 QoS 2 at once") {
    Rig rig;
    rig.connects();
    for (wire::PacketId id = 1; id <= 2000; ++id) rig.sends(publish("a", "x", qos2, id));
    CHECK_FALSE(rig.is_closing());
    CHECK(rig.session->received.size() == 2000);
}

TEST_CASE("a client whose acknowledgements wait for the store is not read beyond a bound, and read again after it") {
    Rig rig({.is_enabled = true});
    rig.connects();
    rig.session->put_record(never, journal::Urgency::lazy);
    const Ticket waits = rig.services.journal.last();
    std::string releases;
    for (wire::PacketId id = 1; id <= AckQueue::owed_to_messages_max; ++id) releases += pubrel(id);
    rig.sends(releases);  // each PUBCOMP waits for the removal of the id
    for (wire::PacketId id = 1; id < AckQueue::owed_to_messages_max; ++id)
        rig.connection->on_routed(qos1, id, ReasonCode::success, waits, {});
    CHECK(rig.connection->wants_input());
    SUBCASE("answers to messages") { rig.connection->on_routed(qos1, 60'000, ReasonCode::success, waits, {}); }
    SUBCASE("answers within exchanges") {
        for (std::size_t i = AckQueue::owed_to_messages_max; i < AckQueue::owed_within_exchanges_max; ++i)
            rig.sends(pubrel(60'000));
    }
    CHECK_FALSE(rig.connection->wants_input());
    rig.services.journal.on_committed(rig.services.journal.make_batch(rig.now).last);
    rig.connection->on_committed();
    CHECK(rig.connection->wants_input());
    CHECK(rig.services.dirty.pop() == rig.connection.get());  // the driver looks at it
}

TEST_CASE("a new connection starts with the whole quota, whatever the session still has (5.0 section 4.9)") {
    Rig rig;
    rig.listener.limits.receive_maximum = 2;
    rig.connects();
    rig.sends(publish("a", "x", qos2, 1) + publish("a", "x", qos2, 2));
    rig.connects(connect_v5(), true);
    rig.sends(publish("a", "x", qos2, 3) + publish("a", "x", qos2, 4));
    CHECK(rig.takes() == "PUBREC 3 | PUBREC 4");
    CHECK(rig.session->received.size() == 4);
    rig.sends(pubrel(3) + publish("a", "x", qos2, 5));
    CHECK(rig.takes() == "PUBCOMP 3 | PUBREC 5");
    rig.sends(publish("a", "x", qos2, 6));
    CHECK(rig.takes() == "DISCONNECT receive_maximum_exceeded");
}

TEST_CASE("a topic alias stands for its topic until it is given another or the connection ends [MQTT-3.3.2-7]") {
    Rig rig;
    rig.connects();
    rig.sends(publish("a/b", "1", qos0, 0, alias(3)) + publish("", "2", qos0, 0, alias(3)) +
              publish("c", "3", qos0, 0, alias(3)) + publish("", "4", qos0, 0, alias(3)));
    CHECK(rig.asked == "PUBLISH a/b 1 | PUBLISH a/b 2 | PUBLISH c 3 | PUBLISH c 4");
    rig.connects(connect_v5(), true);
    rig.sends(publish("", "5", qos0, 0, alias(3)));
    CHECK(rig.takes() == "DISCONNECT protocol_error");
}

TEST_CASE("[MQTT-3.3.2-9] an alias above Topic Alias Maximum ends the connection, with or without a topic") {
    for (const char* topic : {"a", ""}) {
        Rig rig;
        rig.listener.limits.topic_alias_max_in = 4;
        rig.connects();
        rig.sends(publish("a", "x", qos0, 0, alias(4)));
        CHECK_FALSE(rig.is_closing());
        rig.sends(publish(topic, "x", qos0, 0, alias(5)));
        CHECK(rig.takes() == "DISCONNECT topic_alias_invalid");
    }
}

TEST_CASE("alias and expiry are not forwarded as they came; the other properties are, in order") {
    Rig rig;
    rig.connects();
    wire::PropertyBuilder properties;
    properties.user("a", "1").number(PropertyId::topic_alias, 1).text(PropertyId::content_type, "t");
    properties.number(PropertyId::message_expiry_interval, 9)
        .user("a", "2")
        .number(PropertyId::payload_format_indicator, 1);
    rig.sends(publish("a", "x", qos0, 0, properties));
    CHECK(rig.asked == "PUBLISH a x {26=a:1 03=t 26=a:2 01=1}");
}

TEST_CASE("what CONNACK has ruled out ends the connection [MQTT-3.2.2-11] [MQTT-3.2.2-14] [MQTT-3.3.4-6]") {
    Rig rig;
    rig.listener.limits.maximum_qos = qos1;
    rig.listener.limits.retain_available = false;
    rig.connects();
    rig.sends(publish("a", "x", qos2, 1));
    CHECK(rig.takes() == "DISCONNECT qos_not_supported");
    rig.connects();
    rig.sends(encoded(wire::Publish{"a", {}, qos0, true, false, 0, {}}, Version::v5));
    CHECK(rig.takes() == "DISCONNECT retain_not_supported");
    rig.connects();
    wire::PropertyBuilder properties;
    properties.number(PropertyId::subscription_identifier, 1);
    rig.sends(publish("a", "x", qos0, 0, properties));
    CHECK(rig.takes() == "DISCONNECT protocol_error");
    CHECK(rig.asked.empty());
}

TEST_CASE("topics we do not take are refused; to 3.x, which cannot be told, no PUBACK lies") {
    Rig rig;
    rig.listener.limits.topic_levels_max = 3;
    rig.listener.limits.topic_bytes_max = 10;
    rig.connects();
    rig.sends(publish("a/b/c/d", "x", qos1, 1) + publish("12345678901", "x", qos1, 2) +
              publish("$SYS/x", "x", qos2, 3) + publish("$SYS/x", "x"));
    CHECK(rig.takes() == "PUBACK 1 topic_name_invalid | PUBACK 2 topic_name_invalid | PUBREC 3 not_authorized");
    CHECK(rig.session->received.size() == 0);
    rig.connects(connect_v311());
    rig.sends(encoded(wire::Publish{"$SYS/x", {}, qos1, false, false, 4, {}}, Version::v3_1_1));
    CHECK(rig.takes() == "PUBACK 4");  // [MQTT-3.3.5-2] what nobody may publish is acknowledged
    rig.sends(encoded(wire::Publish{"a/b/c/d", {}, qos0, false, false, 0, {}}, Version::v3_1_1));
    CHECK_FALSE(rig.is_closing());
    for (const QoS qos : {qos1, qos2}) {
        for (const char* topic : {"a/b/c/d", "12345678901"}) {
            rig.connects(connect_v311());
            rig.sends(encoded(wire::Publish{topic, {}, qos, false, false, 4, {}}, Version::v3_1_1));
            CHECK(rig.takes().empty());
            CHECK(rig.is_closing());
        }
    }
    CHECK(rig.asked.empty());
}

TEST_CASE("a full queue elsewhere: 0x97 for v5; a 3.x publisher is closed and may try again") {
    Rig rig;
    rig.verdict = ReasonCode::quota_exceeded;
    rig.connects();
    rig.sends(publish("a", "x", qos1, 1));
    CHECK(rig.takes() == "PUBACK 1 quota_exceeded");
    CHECK_FALSE(rig.is_closing());
    rig.connects(connect_v311());
    rig.sends(encoded(wire::Publish{"a", {}, qos1, false, false, 2, {}}, Version::v3_1_1));
    CHECK(rig.takes().empty());
    CHECK(rig.is_closing());
}

// ---------------------------------------------------------------------------------------------------------------------
// Reason strings

/// Puts a changed policy in force, as a new snapshot.
template <class Change>
void change_policy(Rig& rig, const Change& change) {
    auth::Policy policy = *rig.services.policy;
    change(policy);
    rig.services.policy = std::make_shared<auth::Policy>(std::move(policy));
}

void set_acl(Rig& rig, std::string_view text, std::string name) {
    change_policy(rig, [&](auth::Policy& policy) { policy.acl = std::move(*auth::Acl::parse(text, std::move(name))); });
}

/// What a refused PUBLISH of `qos` to "secret" is answered with; CONNECT with these properties.
std::string reason_of(Rig& rig, QoS qos, const wire::PropertyBuilder& connect) {
    set_acl(rig, "topic read a", "acl.conf");
    rig.connects(connect_v5(&connect));
    rig.sends(publish("secret", "x", qos, 1));
    const std::string answer = unsent(rig.connection->outbox());
    const auto packet = wire::decode_ack(as_bytes(answer), Version::v5);
    REQUIRE(packet.ok());
    CHECK(packet->code == ReasonCode::not_authorized);
    return std::string(packet->properties.text(PropertyId::reason_string).value_or("none"));
}

TEST_CASE("a refusal names its rule, unless the client or the policy does not want it [MQTT-3.1.2-29]") {
    wire::PropertyBuilder none;
    wire::PropertyBuilder no_problems;
    no_problems.number(PropertyId::request_problem_information, 0);
    for (const QoS qos : {qos1, qos2}) {
        Rig rig;
        CHECK(reason_of(rig, qos, none) == "acl.conf (no rule)");
        CHECK(reason_of(rig, qos, no_problems) == "none");
        change_policy(rig, [](auth::Policy& policy) { policy.explains_to_clients = false; });
        CHECK(reason_of(rig, qos, none) == "not allowed by the rules of this server");
    }
}

TEST_CASE("[MQTT-3.4.2-2] [MQTT-3.5.2-2] no reason string beyond the Maximum Packet Size of the client") {
    for (const QoS qos : {qos1, qos2}) {
        Rig rig;
        wire::PropertyBuilder small;
        small.number(PropertyId::maximum_packet_size, 27);  // PUBACK with the reason has 2 + 2 + 1 + 1 + 3 + 18 bytes
        CHECK(reason_of(rig, qos, small) == "acl.conf (no rule)");
        small.clear();
        small.number(PropertyId::maximum_packet_size, 26);
        CHECK(reason_of(rig, qos, small) == "none");
    }
}

TEST_CASE("a refusal that waits behind an acknowledgement keeps its reason; a long one is cut within its characters") {
    journal::JournalOptions journal;
    journal.is_enabled = true;
    Rig rig(journal);
    set_acl(rig, "topic a", std::string(511, 'n') + "\xC3\xA4");
    rig.connects();
    const Ticket record =
        rig.services.journal.put(journal::RecordKind::queued, SessionNumber(1), 1, {}, journal::Urgency::now);
    rig.connection->on_routed(qos1, 7, ReasonCode::success, record, {});  // not durable yet
    rig.sends(publish("x", "x", qos1, 8));
    CHECK(rig.takes().empty());
    rig.services.journal.on_committed(rig.services.journal.make_batch(rig.now).last);
    rig.connection->on_committed();
    std::string answer = unsent(rig.connection->outbox());
    answer.erase(0, 4);  // PUBACK 7
    const auto packet = wire::decode_ack(as_bytes(answer), Version::v5);
    REQUIRE(packet.ok());
    CHECK(packet->properties.text(PropertyId::reason_string) == std::string(511, 'n'));
}

}  // namespace
}  // namespace ledge::session
