// The codec: vectors of all message types, every truncation, every lie of the Length field, every broken field.
#include <doctest/doctest.h>

#include "packet_text.hpp"

namespace ledge::mqttsn {
namespace {

struct Vector {
    const char* hex;
    const char* text;
};

// Written by hand from the tables of section 5.4; both directions must agree with them.
constexpr Vector vectors[] = {
    {"05 00 07 03 84", "ADVERTISE 7 900s"},
    {"03 01 02", "SEARCHGW 2"},
    {"03 02 07", "GWINFO 7"},
    {"05 02 07 61 62", "GWINFO 7ab"},
    {"0a 04 04 01 00 1e 64 65 76 31", "CONNECT dev1 30s clean"},
    {"07 04 08 01 ff ff 64", "CONNECT d 65535s will"},
    {"03 05 00", "CONNACK"},
    {"03 05 01", "CONNACK congestion"},
    {"03 05 03", "CONNACK not_supported"},
    {"02 06", "WILLTOPICREQ"},
    {"06 07 30 61 2f 62", "WILLTOPIC a/b q1 retain"},
    {"02 07", "WILLTOPIC none"},
    {"02 08", "WILLMSGREQ"},
    {"05 09 6f 66 66", "WILLMSG off"},
    {"02 09", "WILLMSG "},
    {"09 0a 00 00 00 01 61 2f 62", "REGISTER 0 #1 a/b"},
    {"07 0b 00 05 00 01 02", "REGACK 5 #1 invalid_topic_id"},
    {"0c 0c 20 00 01 00 01 74 3d 30 30 30", "PUBLISH n1 t=000 q1#1"},
    {"08 0c d1 00 09 00 02 78", "PUBLISH p9 x q2#2 dup retain"},
    {"07 0c 02 61 62 00 00", "PUBLISH 'ab' "},
    {"08 0c 62 61 62 00 00 21", "PUBLISH 'ab' ! q-1"},
    {"07 0d 00 01 00 02 00", "PUBACK 1 #2"},
    {"04 0e 00 03", "PUBCOMP #3"},
    {"04 0f 00 03", "PUBREC #3"},
    {"04 10 00 03", "PUBREL #3"},
    {"08 12 20 00 04 61 2f 23", "SUBSCRIBE #4 a/# q1"},
    {"07 12 c1 00 04 00 09", "SUBSCRIBE #4 p9 q2 dup"},
    {"07 12 02 00 04 61 62", "SUBSCRIBE #4 'ab' q0"},
    {"08 13 40 00 06 00 04 00", "SUBACK 6 #4 q2"},
    {"06 14 00 00 05 61", "UNSUBSCRIBE #5 a q0"},
    {"04 15 00 05", "UNSUBACK #5"},
    {"02 16", "PINGREQ"},
    {"06 16 64 65 76 31", "PINGREQ dev1"},
    {"02 17", "PINGRESP"},
    {"02 18", "DISCONNECT"},
    {"04 18 01 2c", "DISCONNECT 300s"},
    {"06 1a 10 61 2f 62", "WILLTOPICUPD a/b q0 retain"},
    {"02 1a", "WILLTOPICUPD none"},
    {"03 1b 00", "WILLTOPICRESP"},
    {"04 1c 6f 6e", "WILLMSGUPD on"},
    {"03 1d 03", "WILLMSGRESP not_supported"},
    {"05 fe 00 6e 31 02 16", "FORWARD n1 [PINGREQ]"},
    {"04 fe 03 6e 07 0c 02 61 62 00 00", "FORWARD n [PUBLISH 'ab' ]"},
};

Rule rule_of(std::string_view hex) {
    const std::vector<Byte> packet = bytes_of(hex);
    const auto message = decode(packet);
    return message.ok() ? Rule::none : message.error().rule;
}

TEST_CASE("each message type has the bytes of the specification, in both directions") {
    bool is_seen[256] = {};
    for (const Vector& vector : vectors) {
        CAPTURE(vector.hex);
        const std::vector<Byte> packet = bytes_of(vector.hex);
        const auto message = decode(packet);
        REQUIRE(message.ok());
        CHECK(text_of_message(*message) == vector.text);
        CHECK(hex_of(encoded(*message)) == vector.hex);
        is_seen[packet[1]] = true;
    }
    // 0x03, 0x11 and 0x19 are reserved, as are all types from 0x1E to 0xFD, and 0xFF.
    for (unsigned type = 0; type < 256; ++type) {
        CAPTURE(type);
        const bool is_known = (type <= 0x1D && type != 0x03 && type != 0x11 && type != 0x19) || type == 0xFE;
        CHECK(is_seen[type] == is_known);
        CHECK((name_of(static_cast<MessageType>(type)) != "?") == is_known);
        const Byte packet[] = {0x02, static_cast<Byte>(type)};
        if (!is_known) CHECK(decode(packet).error().rule == Rule::type_unknown);
    }
}

TEST_CASE("no beginning of a message is a message of another meaning") {
    for (const Vector& vector : vectors) {
        CAPTURE(vector.hex);
        const std::vector<Byte> packet = bytes_of(vector.hex);
        // Cut, with the Length field as it was: the field tells that bytes are missing.
        for (std::size_t size = 0; size < packet.size(); ++size) {
            const std::vector<Byte> cut(packet.begin(), packet.begin() + static_cast<std::ptrdiff_t>(size));
            auto message = decode(cut);
            // The Length field of a forwarder's header does not count the message inside, which has its own.
            const bool is_forward = packet[1] == 0xFE;
            if (is_forward && message.ok()) message = decode(std::get<Forward>(*message).inner);
            REQUIRE_FALSE(message.ok());
            CHECK((message.error().rule == Rule::length_field || is_forward));
        }
    }
}

TEST_CASE("a message that is cut short with the right length is refused, or is a shorter one of the same type") {
    for (const Vector& vector : vectors) {
        std::vector<Byte> packet = bytes_of(vector.hex);
        if (packet[1] == 0xFE) continue;
        for (std::size_t size = 2; size < packet.size(); ++size) {
            std::vector<Byte> cut(packet.begin(), packet.begin() + static_cast<std::ptrdiff_t>(size));
            cut[0] = static_cast<Byte>(size);
            CAPTURE(hex_of(cut));
            const auto message = decode(cut);
            if (message.ok())
                CHECK(hex_of(encoded(*message)) == hex_of(cut));  // a text or payload is shorter
            else
                CHECK(message.error().rule != Rule::none);
        }
    }
}

TEST_CASE("every lie of the Length field is refused") {
    for (const Vector& vector : vectors) {
        const std::vector<Byte> packet = bytes_of(vector.hex);
        if (packet[1] == 0xFE) continue;
        for (unsigned length = 0; length < 256; ++length) {
            if (length == packet[0]) continue;
            std::vector<Byte> lie = packet;
            lie[0] = static_cast<Byte>(length);
            CAPTURE(hex_of(lie));
            // 0x01 begins the long form; what follows is its length then.
            CHECK(decode(lie).error().rule == Rule::length_field);
        }
    }
}

TEST_CASE("the long form of the Length field") {
    CHECK(rule_of("01 00 04 16") == Rule::none);  // allowed for short messages, too
    CHECK(rule_of("01 00 03 16") == Rule::length_field);
    CHECK(rule_of("01 00 05 16") == Rule::length_field);
    CHECK(rule_of("01 00") == Rule::length_field);
    CHECK(rule_of("01") == Rule::length_field);
    CHECK(rule_of("") == Rule::length_field);
    for (const std::size_t size : {std::size_t{248}, std::size_t{249}, std::size_t{1000}, std::size_t{65'526}}) {
        const std::string data(size, 'x');
        const std::vector<Byte> packet = encoded(Publish{.topic_id = 1, .data = as_bytes(data)});
        CHECK(packet.size() == size + (size <= 248 ? 7 : 9));
        CHECK(packet[0] == (size <= 248 ? 255 : 1));
        const auto message = decode(packet);
        REQUIRE(message.ok());
        CHECK(as_text(std::get<Publish>(*message).data) == data);
        for (const int lie : {-1, 1}) {
            std::vector<Byte> wrong = packet;
            const std::size_t place = size <= 248 ? 0 : 2;
            wrong[place] = static_cast<Byte>(wrong[place] + lie);
            CHECK_FALSE(decode(wrong).ok());
        }
    }
}

TEST_CASE("every broken field has its rule") {
    CHECK(rule_of("03 16 ff") == Rule::not_utf8);
    CHECK(rule_of("03 17 00") == Rule::trailing_bytes);
    CHECK(rule_of("04 05 00 00") == Rule::trailing_bytes);
    CHECK(rule_of("02 05") == Rule::cut_short);
    CHECK(rule_of("03 18 01") == Rule::cut_short);
    CHECK(rule_of("05 18 01 02 03") == Rule::trailing_bytes);
    CHECK(rule_of("07 04 04 02 00 1e 64") == Rule::protocol_id);
    CHECK(rule_of("06 04 04 01 00 1e") == Rule::client_id_empty);
    CHECK(rule_of("04 04 04 01") == Rule::cut_short);
    CHECK(rule_of("08 0c 03 00 01 00 00 78") == Rule::topic_id_type);
    CHECK(rule_of("08 0c 00 00 00 00 00 78") == Rule::topic_id_reserved);
    CHECK(rule_of("08 0c 01 ff ff 00 00 78") == Rule::topic_id_reserved);
    CHECK(rule_of("08 0c 20 00 01 00 00 78") == Rule::message_id_zero);
    CHECK(rule_of("08 0c 40 00 01 00 00 78") == Rule::message_id_zero);
    CHECK(rule_of("04 0f 00 00") == Rule::message_id_zero);
    CHECK(rule_of("07 0d 00 01 00 00 02") == Rule::none);  // refuses a message of QoS 0
    CHECK(rule_of("07 0d 00 01 00 01 04") == Rule::return_code);
    CHECK(rule_of("06 0a 00 00 00 01") == Rule::topic_empty);
    CHECK(rule_of("07 0a 00 00 00 00 61") == Rule::none);  // only the sender of REGISTER needs its MsgId
    CHECK(rule_of("07 0b 00 01 00 00 00") == Rule::none);
    CHECK(rule_of("07 0a 00 00 00 01 c3") == Rule::not_utf8);
    CHECK(rule_of("07 12 60 00 04 61 62") == Rule::qos);
    CHECK(rule_of("07 14 60 00 04 61 62") == Rule::none);  // UNSUBSCRIBE does not use these bits
    CHECK(rule_of("05 12 00 00 04") == Rule::topic_empty);
    CHECK(rule_of("06 12 01 00 04 09") == Rule::topic_size);
    CHECK(rule_of("08 12 02 00 04 61 62 63") == Rule::topic_size);
    CHECK(rule_of("07 12 01 00 04 00 00") == Rule::topic_id_reserved);
    CHECK(rule_of("07 12 03 00 04 00 01") == Rule::topic_id_type);
    CHECK(rule_of("08 13 60 00 06 00 04 00") == Rule::qos);
    CHECK(rule_of("05 07 00 61 2b") == Rule::will_topic_wildcard);
    CHECK(rule_of("04 07 60 61") == Rule::qos);
    CHECK(rule_of("03 07 00") == Rule::topic_empty);
}

TEST_CASE("a forwarder's header names a node and carries one message that is no such header") {
    CHECK(rule_of("03 fe 00 02 16") == Rule::node_id_size);
    CHECK(rule_of("02 fe 02 16") == Rule::cut_short);
    CHECK(rule_of("04 fe 00 6e") == Rule::cut_short);
    CHECK(rule_of("04 fe 00 6e 02") == Rule::cut_short);
    CHECK(rule_of("04 fe 00 6e 04 fe 00 6e 02 16") == Rule::nested_forward);
    CHECK(rule_of("04 fe 00 6e 01 00 06 fe 00 6e 02 16") == Rule::nested_forward);
    CHECK(rule_of("13 fe 00 61 61 61 61 61 61 61 61 61 61 61 61 61 61 61 61 02 16") == Rule::none);
    CHECK(rule_of("14 fe 00 61 61 61 61 61 61 61 61 61 61 61 61 61 61 61 61 61 02 16") == Rule::node_id_size);
}

TEST_CASE("each rule has a text") {
    for (unsigned rule = 1; rule <= static_cast<unsigned>(Rule::nested_forward); ++rule)
        CHECK(text_of(static_cast<Rule>(rule)).find("(MQTT-SN section ") != std::string_view::npos);
    CHECK(text_of(Rule::none).empty());
}

}  // namespace
}  // namespace ledge::mqttsn
