// What the codec files share: the body of a message while it is read, the flags, and the decoders of each group.
// Private to mqttsn.
#pragma once

#include "ledge/base/byte_reader.hpp"
#include "ledge/mqttsn/messages.hpp"
#include "ledge/wire/utf8.hpp"

namespace ledge::mqttsn {

using Decoded = Result<Message, Violation>;

/// flags := dup:1 qos:2 retain:1 will:1 clean_session:1 topic_id_type:2 (section 5.3.4)
struct Flags {
    std::uint8_t bits = 0;

    bool dup() const { return (bits & 0x80U) != 0; }
    QoS qos() const { return static_cast<QoS>(bits >> 5U & 3U); }
    bool retain() const { return (bits & 0x10U) != 0; }
    bool will() const { return (bits & 0x08U) != 0; }
    bool clean_session() const { return (bits & 0x04U) != 0; }
    /// The value 3 is reserved, so the caller checks is_topic_id_type_known() first.
    TopicIdType topic_id_type() const { return static_cast<TopicIdType>(bits & 3U); }
    bool is_topic_id_type_known() const { return (bits & 3U) != 3; }
};
inline std::uint8_t flags_of(bool dup, QoS qos, bool retain, TopicIdType type) {
    return static_cast<std::uint8_t>((dup ? 0x80U : 0U) | static_cast<unsigned>(qos) << 5U | (retain ? 0x10U : 0U) |
                                     static_cast<unsigned>(type));
}

/// Body: the fields behind the type. The first broken rule stays; reads beyond the end give zeros.
class Body {
public:
    explicit Body(Bytes bytes) : in_(bytes) {}

    // Reads of one field each. What a field may contain is checked by the reader of the field, or by require().
    std::uint8_t u8() { return in_.u8(); }
    std::uint16_t u16() { return in_.u16(); }
    Bytes rest() { return in_.bytes(in_.rest().size()); }
    std::size_t left() const { return in_.rest().size(); }
    /// All remaining bytes as UTF-8. Texts of MQTT-SN have no length of their own: they end with the message.
    std::string_view text() {
        const std::string_view text = as_text(rest());
        require(wire::is_valid_utf8(text), Rule::not_utf8);
        return text;
    }
    /// Of a message that is answered, or is an answer.
    MessageId message_id() {
        const MessageId id = u16();
        require(id != 0, Rule::message_id_zero);
        return id;
    }
    /// One of the four codes; the others are reserved.
    ReturnCode return_code() {
        const std::uint8_t code = u8();
        require(code <= static_cast<std::uint8_t>(ReturnCode::not_supported), Rule::return_code);
        return static_cast<ReturnCode>(code);
    }
    void require(bool claim, Rule otherwise) {
        // A message that is cut short has zeros in its missing fields. They are not the mistake to report.
        if (!claim && rule_ == Rule::none) rule_ = in_.is_ok() ? otherwise : Rule::cut_short;
    }
    /// The result of a decoder: the message, or the first rule that is broken.
    template <class T>
    Decoded done(const T& message) {
        require(in_.is_ok(), Rule::cut_short);
        require(in_.is_empty(), Rule::trailing_bytes);
        if (rule_ != Rule::none) return Failure{Violation{rule_}};
        return Message(message);
    }

private:
    ByteReader in_;
    Rule rule_ = Rule::none;
};

// connect.cpp: connections, sleep, discovery
Decoded decode_advertise(Body body);
Decoded decode_searchgw(Body body);
Decoded decode_gwinfo(Body body);
Decoded decode_connect(Body body);
Decoded decode_connack(Body body);
Decoded decode_pingreq(Body body);
Decoded decode_disconnect(Body body);
// will.cpp
Decoded decode_willtopic(Body body, bool is_update);
Decoded decode_willmsg(Body body, bool is_update);
Decoded decode_willresp(Body body, MessageType type);
// publish.cpp
Decoded decode_publish(Body body);
Decoded decode_puback(Body body);
Decoded decode_answer(Body body, MessageType type);
// topics.cpp: registration and subscriptions
Decoded decode_register(Body body);
Decoded decode_regack(Body body);
Decoded decode_subscribe(Body body, bool is_unsubscribe);
Decoded decode_suback(Body body);
// forward.cpp
Decoded decode_forward(Bytes header, Bytes inner);

// The bytes behind the type, and their number. messages.cpp writes what stands before them. The order is the one of the
// variant Message.
std::size_t body_size(const Advertise& m);
std::size_t body_size(const Searchgw& m);
std::size_t body_size(const Gwinfo& m);
std::size_t body_size(const Connect& m);
std::size_t body_size(const Connack& m);
std::size_t body_size(const Willtopicreq& m);
std::size_t body_size(const Willtopic& m);
std::size_t body_size(const Willmsgreq& m);
std::size_t body_size(const Willmsg& m);
std::size_t body_size(const Willresp& m);
std::size_t body_size(const Register& m);
std::size_t body_size(const Regack& m);
std::size_t body_size(const Publish& m);
std::size_t body_size(const Puback& m);
std::size_t body_size(const Answer& m);
std::size_t body_size(const Subscribe& m);
std::size_t body_size(const Suback& m);
std::size_t body_size(const Pingreq& m);
std::size_t body_size(const Pingresp& m);
std::size_t body_size(const Disconnect& m);
std::size_t body_size(const Forward& m);

void encode_body(const Advertise& m, wire::Writer& out);
void encode_body(const Searchgw& m, wire::Writer& out);
void encode_body(const Gwinfo& m, wire::Writer& out);
void encode_body(const Connect& m, wire::Writer& out);
void encode_body(const Connack& m, wire::Writer& out);
void encode_body(const Willtopicreq& m, wire::Writer& out);
void encode_body(const Willtopic& m, wire::Writer& out);
void encode_body(const Willmsgreq& m, wire::Writer& out);
void encode_body(const Willmsg& m, wire::Writer& out);
void encode_body(const Willresp& m, wire::Writer& out);
void encode_body(const Register& m, wire::Writer& out);
void encode_body(const Regack& m, wire::Writer& out);
void encode_body(const Publish& m, wire::Writer& out);
void encode_body(const Puback& m, wire::Writer& out);
void encode_body(const Answer& m, wire::Writer& out);
void encode_body(const Subscribe& m, wire::Writer& out);
void encode_body(const Suback& m, wire::Writer& out);
void encode_body(const Pingreq& m, wire::Writer& out);
void encode_body(const Pingresp& m, wire::Writer& out);
void encode_body(const Disconnect& m, wire::Writer& out);
void encode_body(const Forward& m, wire::Writer& out);

}  // namespace ledge::mqttsn
