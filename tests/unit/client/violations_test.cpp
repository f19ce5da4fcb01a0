// Each illegal packet of a server: the reason code that the server is told, and the words of the event.
#include "rig.hpp"

namespace ledge::client {
namespace {

struct Illegal {
    const char* what;
    std::vector<int> bytes;
    const char* code;  // of our DISCONNECT
    const char* text;  // a part of the event
};

Options small_options(Version version) {
    Options options = lasting(version);
    options.receive_maximum = 2;
    options.topic_alias_maximum = 2;
    options.maximum_packet_size = 40;
    options.request_problem_information = false;
    return options;
}

/// One QoS 1 message (id 1), one QoS 2 message (id 2) and one request (65535) under way, and two messages (5, 6) from
/// the server.
void make_busy(Rig& rig) {
    rig.connects();
    rig.publishes("a", "1", qos1);
    rig.publishes("a", "2", qos2);
    CHECK(rig.client.subscribe({{"a", {}}, {"b", {}}}).ok());
    rig.gets(publish("in", "1", qos1, 5));
    rig.gets(publish("in", "2", qos2, 6));
    rig.sent();
}

void check_ends(const Illegal& illegal, Rig& rig) {
    CAPTURE(illegal.what);
    std::vector<Byte> bytes;
    for (const int byte : illegal.bytes) bytes.push_back(static_cast<Byte>(byte));
    const std::string events = rig.gets_bytes(Bytes(bytes));
    CHECK(events.find("ended violation: ") == 0);
    CHECK(events.find(illegal.text) != std::string::npos);
    CHECK(events.find('|') == std::string::npos);
    const bool is_v5 = rig.client.options().version == v5;
    CHECK(rig.sent() == (is_v5 ? "DISCONNECT " + std::string(illegal.code) : ""));
    CHECK(rig.client.wants_close());
    CHECK(rig.gets_bytes({0xD0, 0x00}) == "");  // nothing is read any more
}

TEST_CASE("before CONNACK") {
    const Illegal table[] = {
        {"PUBLISH", {0x30, 0x04, 0, 1, 'a', 0}, "protocol_error", "[MQTT-3.2.0-1]"},
        {"PINGRESP", {0xD0, 0x00}, "protocol_error", "[MQTT-3.2.0-1]"},
        {"DISCONNECT", {0xE0, 0x00}, "protocol_error", "[MQTT-3.2.0-1]"},
        {"CONNECT", {0x10, 0x00}, "protocol_error", "[MQTT-3.2.0-1]"},
        {"packet type 0", {0x00, 0x00}, "malformed_packet", "[MQTT-2.1.3-1]"},
        {"CONNACK with a reserved flag", {0x20, 0x03, 0x02, 0x00, 0x00}, "malformed_packet", "[MQTT-3.2.2-1]"},
        {"CONNACK with an unknown code", {0x20, 0x03, 0x00, 0x42, 0x00}, "protocol_error", "reason code"},
        {"CONNACK, refusal and session present", {0x20, 0x03, 1, 0x87, 0}, "protocol_error", "[MQTT-3.2.2-6]"},
        {"CONNACK cut short", {0x20, 0x02, 0x00, 0x00}, "malformed_packet", "section 4.13.1"},
        {"CONNACK, session after a clean start", {0x20, 0x03, 0x01, 0, 0}, "protocol_error", "[MQTT-3.2.2-2]"},
        {"CONNACK with a method", {0x20, 7, 0, 0, 4, 0x15, 0, 1, 'M'}, "protocol_error", "[MQTT-4.12.0-6]"},
        {"Receive Maximum 0", {0x20, 0x06, 0, 0, 3, 0x21, 0, 0}, "protocol_error", "section 2.2.2.2"},
        {"AUTH without a method in CONNECT", {0xF0, 6, 0x18, 4, 0x15, 0, 1, 'M'}, "protocol_error", "[MQTT-4.12.0-6]"},
    };
    for (const Illegal& illegal : table) {
        Rig rig;
        rig.client.connect(true, rig.now);
        rig.sent();
        check_ends(illegal, rig);
    }
}

TEST_CASE("CONNACK that does not fit CONNECT") {
    Options options = lasting();
    options.client_id = "";
    Rig anonymous(options);
    anonymous.client.connect(true, anonymous.now);
    anonymous.sent();
    check_ends({"no id", {0x20, 0x03, 0, 0, 0}, "protocol_error", "[MQTT-3.2.2-16]"}, anonymous);
    Rig stranger;
    stranger.client.connect(false, stranger.now);
    stranger.sent();
    check_ends({"unknown session", {0x20, 0x03, 1, 0, 0}, "protocol_error", "[MQTT-3.2.2-4]"}, stranger);
    options = lasting();
    options.authentication_method = "N";
    const Illegal table[] = {
        {"CONNACK with another method", {0x20, 7, 0, 0, 4, 0x15, 0, 1, 'M'}, "protocol_error", "[MQTT-4.12.0-5]"},
        {"AUTH with another method", {0xF0, 6, 0x18, 4, 0x15, 0, 1, 'M'}, "protocol_error", "[MQTT-4.12.0-5]"},
        {"AUTH without a method", {0xF0, 0x00}, "protocol_error", "[MQTT-4.12.0-5]"},
        {"AUTH reauthenticate", {0xF0, 6, 0x19, 4, 0x15, 0, 1, 'N'}, "protocol_error", "section 4.12"},
        {"AUTH success", {0xF0, 6, 0x00, 4, 0x15, 0, 1, 'N'}, "protocol_error", "section 4.12"},
    };
    for (const Illegal& illegal : table) {
        Rig rig(options);
        rig.client.connect(true, rig.now);
        rig.sent();
        check_ends(illegal, rig);
    }
}

TEST_CASE("on a connection") {
    const Illegal table[] = {
        {"a second CONNACK", {0x20, 0x03, 0, 0, 0}, "protocol_error", "[MQTT-3.2.0-2]"},
        {"CONNECT", {0x10, 0x00}, "protocol_error", "only clients send"},
        {"SUBSCRIBE", {0x82, 0x00}, "protocol_error", "only clients send"},
        {"UNSUBSCRIBE", {0xA2, 0x00}, "protocol_error", "only clients send"},
        {"PINGREQ", {0xC0, 0x00}, "protocol_error", "only clients send"},
        {"reserved flags", {0x21, 0x00}, "malformed_packet", "[MQTT-2.1.3-1]"},
        {"QoS 3", {0x36, 0x00}, "malformed_packet", "[MQTT-2.1.3-1]"},
        {"a length that never ends", {0x30, 0xFF, 0xFF, 0xFF, 0xFF}, "malformed_packet", "[MQTT-2.1.3-1]"},
        {"a packet of 42 bytes", {0x30, 40}, "packet_too_large", "[MQTT-3.1.2-24]"},
        {"PINGRESP with a body", {0xD0, 0x01, 0x00}, "malformed_packet", "section 4.13.1"},
        {"DISCONNECT with an unknown code", {0xE0, 0x01, 0x42}, "protocol_error", "section 2.4"},
        {"DISCONNECT with expiry", {0xE0, 7, 0, 5, 0x11, 0, 0, 0, 1}, "protocol_error", "[MQTT-3.14.2-2]"},
        {"AUTH", {0xF0, 6, 0x18, 4, 0x15, 0, 1, 'M'}, "protocol_error", "[MQTT-4.12.0-6]"},
        // PUBLISH
        {"PUBLISH with a wildcard", {0x30, 0x04, 0, 1, '#', 0}, "malformed_packet", "[MQTT-3.3.2-2]"},
        {"PUBLISH without a topic", {0x30, 0x03, 0, 0, 0}, "protocol_error", "section 3.3.2.1"},
        {"PUBLISH with packet id 0", {0x32, 6, 0, 1, 'a', 0, 0, 0}, "malformed_packet", "[MQTT-2.2.1-3]"},
        {"Topic Alias 0", {0x30, 7, 0, 1, 'a', 3, 0x23, 0, 0}, "topic_alias_invalid", "[MQTT-3.3.2-8]"},
        {"Topic Alias 3 of 2", {0x30, 7, 0, 1, 'a', 3, 0x23, 0, 3}, "topic_alias_invalid", "[MQTT-3.3.2-11]"},
        {"an alias that was not set", {0x30, 6, 0, 0, 3, 0x23, 0, 1}, "protocol_error", "3.3.2.3.4"},
        {"QoS 1 with an id in use", {0x32, 6, 0, 1, 'a', 0, 5, 0}, "protocol_error", "[MQTT-2.2.1-4]"},
        {"QoS 1 again with DUP", {0x3A, 6, 0, 1, 'a', 0, 5, 0}, "protocol_error", "[MQTT-2.2.1-4]"},
        {"QoS 2 with the id of QoS 1", {0x34, 6, 0, 1, 'a', 0, 5, 0}, "protocol_error", "[MQTT-2.2.1-4]"},
        {"QoS 1 with the id of QoS 2", {0x32, 6, 0, 1, 'a', 0, 6, 0}, "protocol_error", "[MQTT-2.2.1-4]"},
        {"one message too many", {0x32, 6, 0, 1, 'a', 0, 9, 0}, "receive_maximum_exceeded", "[MQTT-3.3.4-9]"},
        // Acknowledgements
        {"PUBACK of nothing", {0x40, 2, 0, 9}, "protocol_error", "[MQTT-2.2.1-5]"},
        {"PUBACK of QoS 2", {0x40, 2, 0, 2}, "protocol_error", "[MQTT-3.3.4-1]"},
        {"PUBREC of QoS 1", {0x50, 2, 0, 1}, "protocol_error", "[MQTT-3.3.4-1]"},
        {"PUBREL before PUBREC", {0x62, 2, 0, 6}, "protocol_error", "[MQTT-4.3.3-4]"},
        {"PUBACK with id 0", {0x40, 2, 0, 0}, "malformed_packet", "[MQTT-2.2.1-3]"},
        {"PUBACK with an unknown code", {0x40, 3, 0, 1, 0x42}, "protocol_error", "section 2.4"},
        {"PUBACK with a Reason String", {0x40, 8, 0, 1, 0, 4, 0x1F, 0, 1, 'x'}, "protocol_error", "[MQTT-3.1.2-29]"},
        // Requests
        {"SUBACK of nothing", {0x90, 4, 0, 9, 0, 0}, "protocol_error", "[MQTT-2.2.1-6]"},
        {"UNSUBACK of SUBSCRIBE", {0xB0, 5, 0xFF, 0xFF, 0, 0, 0}, "protocol_error", "[MQTT-2.2.1-6]"},
        {"SUBACK with one code of two", {0x90, 4, 0xFF, 0xFF, 0, 0}, "protocol_error", "[MQTT-3.8.4-6]"},
        {"SUBACK with an unknown code", {0x90, 5, 0xFF, 0xFF, 0, 0, 3}, "protocol_error", "section 2.4"},
    };
    for (const Illegal& illegal : table) {
        Rig rig(small_options(v5));
        make_busy(rig);
        check_ends(illegal, rig);
    }
}

TEST_CASE("3.1.1: the connection ends without DISCONNECT, so that the will is published") {
    const Illegal table[] = {
        {"DISCONNECT", {0xE0, 0x00}, "", "3.1.1 table 2.1"},
        {"AUTH", {0xF0, 0x00}, "", "no AUTH"},
        {"QoS 1 with an id in use, no DUP", {0x32, 5, 0, 1, 'a', 0, 5}, "", "[MQTT-2.2.1-4]"},
        {"PUBACK of nothing", {0x40, 2, 0, 9}, "", "[MQTT-2.2.1-5]"},
        {"SUBACK with one code of two", {0x90, 3, 0xFF, 0xFF, 0}, "", "[MQTT-3.8.4-6]"},
        {"a packet of 42 bytes", {0x30, 40}, "", "[MQTT-3.1.2-24]"},
    };
    for (const Illegal& illegal : table) {
        Rig rig(small_options(v311));
        make_busy(rig);
        check_ends(illegal, rig);
    }
}

TEST_CASE("a relay: what it cannot judge is passed on, what belongs to the connection is not") {
    const Illegal table[] = {
        {"one message too many", {0x32, 6, 0, 1, 'a', 0, 9, 0}, "receive_maximum_exceeded", "[MQTT-3.3.4-9]"},
        {"PUBACK of nothing", {0x40, 2, 0, 9}, "protocol_error", "[MQTT-2.2.1-5]"},
        {"Topic Alias 1 of 0", {0x30, 7, 0, 1, 'a', 3, 0x23, 0, 1}, "topic_alias_invalid", "[MQTT-3.3.2-11]"},
    };
    for (const Illegal& illegal : table) {
        Options options = relay();
        options.receive_maximum = 1;
        Rig rig(options);
        rig.connects();
        rig.gets(publish("a", "x", qos1, 5));
        check_ends(illegal, rig);
    }
}

TEST_CASE("every fault has a code that DISCONNECT may carry and words") {
    for (int i = 1; i <= static_cast<int>(Fault::outbox_full); ++i) {
        const auto fault = static_cast<Fault>(i);
        CHECK_FALSE(text_of(fault).empty());
        CHECK(wire::is_error(code_of(fault)));
        const auto frame = encoded(wire::Disconnect{code_of(fault), {}}, v5);
        CHECK(wire::decode_disconnect(frame, v5).ok());
    }
}

}  // namespace
}  // namespace ledge::client
