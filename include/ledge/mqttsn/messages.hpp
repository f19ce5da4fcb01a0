// The messages of MQTT-SN 1.2 as plain structs, and the functions that decode and encode them. The structs hold views,
// which are valid as long as the packet. Decode and encode are inverse, and stand beside each other in one .cpp per
// group of messages. Neither allocates memory. All functions are stateless.
//
//     message := length type:u8 fields        length := u8 (2..255)  |  0x01 u16       all bytes of the message
//
// decode: `packet` is one whole datagram or frame. Any other bytes give an error, never undefined behaviour. Bits of
//         the flags that a message does not use are ignored, because the specification calls them "not used".
// encode: appends exactly encoded_size() bytes. The values come from this program, so they are not validated.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

#include "ledge/base/bytes.hpp"
#include "ledge/base/result.hpp"
#include "ledge/mqttsn/violation.hpp"
#include "ledge/wire/types.hpp"
#include "ledge/wire/writer.hpp"

namespace ledge::mqttsn {

/// The second byte of a message, or the fourth with a Length field of three bytes (section 5.2.2).
enum class MessageType : std::uint8_t {
    advertise = 0x00,
    searchgw = 0x01,
    gwinfo = 0x02,
    connect = 0x04,
    connack = 0x05,
    willtopicreq = 0x06,
    willtopic = 0x07,
    willmsgreq = 0x08,
    willmsg = 0x09,
    reg = 0x0A,  // REGISTER; `register` is a keyword
    regack = 0x0B,
    publish = 0x0C,
    puback = 0x0D,
    pubcomp = 0x0E,
    pubrec = 0x0F,
    pubrel = 0x10,
    subscribe = 0x12,
    suback = 0x13,
    unsubscribe = 0x14,
    unsuback = 0x15,
    pingreq = 0x16,
    pingresp = 0x17,
    disconnect = 0x18,
    willtopicupd = 0x1A,
    willtopicresp = 0x1B,
    willmsgupd = 0x1C,
    willmsgresp = 0x1D,
    forward = 0xFE,
};

/// Two bits of the flags (section 5.3.4). The value 3 is reserved.
enum class TopicIdType : std::uint8_t {
    normal = 0,      // an id that REGISTER or SUBACK has given; in SUBSCRIBE a name or filter
    predefined = 1,  // an id that both sides have from their configuration
    short_name = 2,  // the two bytes are the topic name itself
};

enum class QoS : std::uint8_t {
    at_most_once = 0,
    at_least_once = 1,
    exactly_once = 2,
    without_connection = 3,  // "QoS -1": at most once, from a device that has no connection (section 6.8)
};

enum class ReturnCode : std::uint8_t { accepted = 0, congestion = 1, invalid_topic_id = 2, not_supported = 3 };

using TopicId = std::uint16_t;
using MessageId = std::uint16_t;

/// Ids that no topic may have (section 5.3.11).
constexpr bool is_reserved(TopicId id) { return id == 0x0000 || id == 0xFFFF; }

/// A broadcast: this gateway exists. The next one follows within `duration_s`.
struct Advertise {
    std::uint8_t gateway_id = 0;
    std::uint16_t duration_s = 0;
};
struct Searchgw {
    std::uint8_t radius = 0;  // hops of the broadcast; 0 = all
};
struct Gwinfo {
    std::uint8_t gateway_id = 0;
    Bytes address{};  // only in a GWINFO of a client, which tells the address of another node
};

struct Connect {
    bool will = false;  // the gateway asks for topic and message of the will
    bool clean_session = false;
    std::uint16_t keep_alive_s = 0;
    std::string_view client_id{};
};
struct Connack {
    ReturnCode code = ReturnCode::accepted;
};

struct Willtopicreq {};
/// WILLTOPIC and WILLTOPICUPD. An empty topic deletes the will; the message then has no flags either.
struct Willtopic {
    bool is_update = false;
    QoS qos = QoS::at_most_once;
    bool retain = false;
    std::string_view topic{};
};
struct Willmsgreq {};
/// WILLMSG and WILLMSGUPD.
struct Willmsg {
    bool is_update = false;
    Bytes message{};
};
/// WILLTOPICRESP and WILLMSGRESP.
struct Willresp {
    MessageType type = MessageType::willtopicresp;
    ReturnCode code = ReturnCode::accepted;
};

/// REGISTER. From a device `topic_id` is 0; the gateway answers with the id in REGACK.
struct Register {
    TopicId topic_id = 0;
    MessageId message_id = 0;
    std::string_view topic{};
};
struct Regack {
    TopicId topic_id = 0;
    MessageId message_id = 0;
    ReturnCode code = ReturnCode::accepted;
};

struct Publish {
    bool dup = false;
    QoS qos = QoS::at_most_once;
    bool retain = false;
    TopicIdType type = TopicIdType::normal;
    TopicId topic_id = 0;  // TopicIdType::short_name: the two bytes of the name
    MessageId message_id = 0;
    Bytes data{};
};
/// Also the answer to a PUBLISH of any QoS that was refused.
struct Puback {
    TopicId topic_id = 0;
    MessageId message_id = 0;
    ReturnCode code = ReturnCode::accepted;
};
/// PUBREC, PUBREL, PUBCOMP and UNSUBACK.
struct Answer {
    MessageType type = MessageType::pubrec;
    MessageId message_id = 0;
};

/// SUBSCRIBE and UNSUBSCRIBE.
struct Subscribe {
    bool is_unsubscribe = false;
    bool dup = false;
    QoS qos = QoS::at_most_once;
    TopicIdType type = TopicIdType::normal;
    MessageId message_id = 0;
    std::string_view filter{};  // TopicIdType::normal
    TopicId topic_id = 0;       // the other types
};
struct Suback {
    QoS qos = QoS::at_most_once;
    TopicId topic_id = 0;  // 0 for filters with wildcards and for short topic names
    MessageId message_id = 0;
    ReturnCode code = ReturnCode::accepted;
};

struct Pingreq {
    std::string_view client_id{};  // only of a sleeping device that wants its messages
};
struct Pingresp {};
struct Disconnect {
    std::optional<std::uint16_t> duration_s{};  // of sleep; nullopt = the device leaves
};

/// A message that a forwarder has wrapped (section 5.5). `inner` is the whole message of the node, undecoded.
struct Forward {
    std::uint8_t radius = 0;  // hops of a broadcast; 0 = all
    Bytes node_id{};
    Bytes inner{};
};
inline constexpr std::size_t node_id_bytes_max = 16;

using Message =
    std::variant<Advertise, Searchgw, Gwinfo, Connect, Connack, Willtopicreq, Willtopic, Willmsgreq, Willmsg, Willresp,
                 Register, Regack, Publish, Puback, Answer, Subscribe, Suback, Pingreq, Pingresp, Disconnect, Forward>;

Result<Message, Violation> decode(Bytes packet);

std::size_t encoded_size(const Message& message);
void encode(const Message& message, wire::Writer& out);

/// The type on the wire.
MessageType type_of(const Message& message);
/// The name of the specification: "REGISTER", "PUBACK".
std::string_view name_of(MessageType type);

/// The bytes of a PUBLISH or SUBSCRIBE with a short topic name, and back. `name` must have two bytes.
inline TopicId short_id_of(std::string_view name) {
    const Bytes bytes = as_bytes(name);
    return static_cast<TopicId>(bytes[0] << 8U | bytes[1]);
}
inline std::array<char, 2> short_name_of(TopicId id) {
    return {static_cast<char>(id >> 8U), static_cast<char>(id & 0xFFU)};
}

}  // namespace ledge::mqttsn
