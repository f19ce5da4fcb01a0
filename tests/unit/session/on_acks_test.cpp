// Every cell of the table in inflight.hpp, by real packets; and PUBREL of inbound QoS 2.
#include "rig.hpp"

namespace ledge::session {
namespace {

// Brings exchange 1 into a state. "unknown": it is finished.
void bring_to(Rig& rig, std::string_view state) {
    rig.connects();
    rig.delivers(delivery("a", "x", state == "sent_qos1" ? qos1 : qos2), rig.now);
    if (state == "released" || state == "unknown") rig.sends(pubrec(1));
    if (state == "unknown") rig.sends(pubcomp(1));
    rig.takes();
}

std::string state_of(Rig& rig) {
    if (rig.is_closing()) return "closing";
    const Inflight::Entry* entry = rig.session->queue().inflight().find(1);
    if (entry == nullptr) return "unknown";
    static constexpr const char* names[] = {"done", "sent_qos1", "sent_qos2", "released"};
    return names[static_cast<std::size_t>(entry->state)];
}

struct Cell {
    const char* state;
    const char* packet;
    const char* answer;
    const char* after;
};

constexpr const char* broken = "DISCONNECT protocol_error";

constexpr Cell cells[] = {
    {"sent_qos1", "PUBACK", "", "unknown"},
    {"sent_qos1", "PUBREC", broken, "closing"},
    {"sent_qos1", "PUBREC error", broken, "closing"},
    {"sent_qos1", "PUBCOMP", broken, "closing"},
    {"sent_qos2", "PUBACK", broken, "closing"},
    {"sent_qos2", "PUBREC", "PUBREL 1", "released"},
    {"sent_qos2", "PUBREC error", "", "unknown"},
    {"sent_qos2", "PUBCOMP", broken, "closing"},
    {"released", "PUBACK", broken, "closing"},
    {"released", "PUBREC", "PUBREL 1", "released"},
    {"released", "PUBREC error", "PUBREL 1", "released"},
    {"released", "PUBCOMP", "", "unknown"},
    {"unknown", "PUBACK", "", "unknown"},
    {"unknown", "PUBREC", "PUBREL 1 packet_identifier_not_found", "unknown"},
    {"unknown", "PUBREC error", "", "unknown"},
    {"unknown", "PUBCOMP", "", "unknown"},
};

std::string packet_of(std::string_view name) {
    if (name == "PUBACK") return puback(1);
    if (name == "PUBREC") return pubrec(1);
    if (name == "PUBREC error") return pubrec(1, ReasonCode::unspecified_error);
    return pubcomp(1);
}

TEST_CASE("what an acknowledgement does in every state") {
    for (const Cell& cell : cells) {
        CAPTURE(std::string(cell.state));
        CAPTURE(std::string(cell.packet));
        Rig rig;
        bring_to(rig, cell.state);
        REQUIRE(state_of(rig) == cell.state);
        rig.sends(packet_of(cell.packet));
        CHECK(rig.takes() == std::string(cell.answer));
        CHECK(state_of(rig) == std::string(cell.after));
        const bool is_open = std::string_view(cell.after) != "unknown";
        CHECK(rig.services.counters.queued_messages == (is_open ? 1U : 0U));
    }
}

TEST_CASE("PUBACK with an error code ends the exchange too") {
    Rig rig;
    bring_to(rig, "sent_qos1");
    rig.sends(encoded(wire::Ack{wire::PacketType::puback, 1, ReasonCode::quota_exceeded, {}}, Version::v5));
    CHECK(state_of(rig) == "unknown");
}

TEST_CASE("[MQTT-4.3.3-11] PUBREL is answered with PUBCOMP, known or not; to 3.x without a code") {
    Rig rig;
    rig.connects();
    rig.sends(publish("a", "x", qos2, 9) + pubrel(9) + pubrel(9));
    CHECK(rig.takes() == "PUBREC 9 | PUBCOMP 9 | PUBCOMP 9 packet_identifier_not_found");
    CHECK(rig.session->received.size() == 0);
    rig.connects(connect_v311());
    rig.sends(encoded(wire::Ack{wire::PacketType::pubrel, 3, ReasonCode::success, {}}, Version::v3_1_1));
    CHECK(unsent(rig.connection->outbox()) == std::string("\x70\x02\x00\x03", 4));
}

TEST_CASE("an acknowledgement makes room for the next message that waits") {
    Rig rig;
    wire::PropertyBuilder properties;
    properties.number(PropertyId::receive_maximum, 2);
    rig.connects(connect_v5(&properties));
    for (const char* payload : {"1", "2", "3", "4", "5"})
        rig.session->queue().enqueue(delivery("a", payload, payload[0] == '2' ? qos2 : qos1), rig.session->limits());
    rig.connection->pump(rig.now);
    CHECK(rig.takes() == "PUBLISH a 1 q1#1 | PUBLISH a 2 q2#2");
    CHECK_FALSE(rig.connection->has_send_quota());
    rig.sends(pubrec(2));  // [MQTT-4.9.0-1] the quota is free after PUBCOMP, or a PUBREC that ends it
    CHECK(rig.takes() == "PUBREL 2");
    rig.sends(puback(1));
    CHECK(rig.takes() == "PUBLISH a 3 q1#3");
    rig.sends(pubcomp(2) + puback(3));
    CHECK(rig.takes() == "PUBLISH a 4 q1#4 | PUBLISH a 5 q1#5");
    CHECK(rig.session->queue().pending().empty());
    CHECK(rig.services.counters.queued_messages == 2);
}

}  // namespace
}  // namespace ledge::session
