// The frame of every message: the Length field, the type, and the choice of the decoder.
#include "ledge/mqttsn/messages.hpp"

#include "fields.hpp"

namespace ledge::mqttsn {

namespace {

// The Length field has three bytes for messages of 256 bytes and more. Shorter messages may use the long form, too.
constexpr Byte long_length = 0x01;
constexpr std::size_t short_length_max = 255;

struct Head {
    std::size_t size = 0;   // bytes of Length field and type
    std::size_t total = 0;  // the value of the Length field
};

std::optional<Head> head_of(Bytes packet) {
    ByteReader in(packet);
    Head head;
    head.total = in.u8();
    head.size = 2;
    if (head.total == long_length) {
        head.total = in.u16();
        head.size = 4;
    }
    if (!in.is_ok() || head.total < head.size || head.total > packet.size()) return std::nullopt;
    return head;
}

Decoded decode_body(MessageType type, Body body) {
    switch (type) {
        case MessageType::advertise: return decode_advertise(body);
        case MessageType::searchgw: return decode_searchgw(body);
        case MessageType::gwinfo: return decode_gwinfo(body);
        case MessageType::connect: return decode_connect(body);
        case MessageType::connack: return decode_connack(body);
        case MessageType::willtopicreq: return body.done(Willtopicreq{});
        case MessageType::willtopic: return decode_willtopic(body, false);
        case MessageType::willmsgreq: return body.done(Willmsgreq{});
        case MessageType::willmsg: return decode_willmsg(body, false);
        case MessageType::reg: return decode_register(body);
        case MessageType::regack: return decode_regack(body);
        case MessageType::publish: return decode_publish(body);
        case MessageType::puback: return decode_puback(body);
        case MessageType::pubcomp:
        case MessageType::pubrec:
        case MessageType::pubrel:
        case MessageType::unsuback: return decode_answer(body, type);
        case MessageType::subscribe: return decode_subscribe(body, false);
        case MessageType::suback: return decode_suback(body);
        case MessageType::unsubscribe: return decode_subscribe(body, true);
        case MessageType::pingreq: return decode_pingreq(body);
        case MessageType::pingresp: return body.done(Pingresp{});
        case MessageType::disconnect: return decode_disconnect(body);
        case MessageType::willtopicupd: return decode_willtopic(body, true);
        case MessageType::willtopicresp:
        case MessageType::willmsgresp: return decode_willresp(body, type);
        case MessageType::willmsgupd: return decode_willmsg(body, true);
        case MessageType::forward: break;  // decode() handles it: its Length field does not count the whole packet
    }
    return Failure{Violation{Rule::type_unknown}};
}

// One overload per message: the type of those messages that share a struct stands in the struct.
MessageType own_type(const Advertise&) { return MessageType::advertise; }
MessageType own_type(const Searchgw&) { return MessageType::searchgw; }
MessageType own_type(const Gwinfo&) { return MessageType::gwinfo; }
MessageType own_type(const Connect&) { return MessageType::connect; }
MessageType own_type(const Connack&) { return MessageType::connack; }
MessageType own_type(const Willtopicreq&) { return MessageType::willtopicreq; }
MessageType own_type(const Willtopic& m) { return m.is_update ? MessageType::willtopicupd : MessageType::willtopic; }
MessageType own_type(const Willmsgreq&) { return MessageType::willmsgreq; }
MessageType own_type(const Willmsg& m) { return m.is_update ? MessageType::willmsgupd : MessageType::willmsg; }
MessageType own_type(const Willresp& m) { return m.type; }
MessageType own_type(const Register&) { return MessageType::reg; }
MessageType own_type(const Regack&) { return MessageType::regack; }
MessageType own_type(const Publish&) { return MessageType::publish; }
MessageType own_type(const Puback&) { return MessageType::puback; }
MessageType own_type(const Answer& m) { return m.type; }
MessageType own_type(const Subscribe& m) {
    return m.is_unsubscribe ? MessageType::unsubscribe : MessageType::subscribe;
}
MessageType own_type(const Suback&) { return MessageType::suback; }
MessageType own_type(const Pingreq&) { return MessageType::pingreq; }
MessageType own_type(const Pingresp&) { return MessageType::pingresp; }
MessageType own_type(const Disconnect&) { return MessageType::disconnect; }
MessageType own_type(const Forward&) { return MessageType::forward; }

/// Length field, type and body; the message behind a forwarder's header is not counted.
std::size_t counted_size(const Message& message) {
    const std::size_t body = std::visit([](const auto& m) { return body_size(m); }, message);
    return body + 2 <= short_length_max ? body + 2 : body + 4;
}

Bytes inner_of(const Message& message) {
    const auto* const forward = std::get_if<Forward>(&message);
    return forward != nullptr ? forward->inner : Bytes();
}

}  // namespace

Decoded decode(Bytes packet) {
    const std::optional<Head> head = head_of(packet);
    if (!head) return Failure{Violation{Rule::length_field}};
    const auto type = static_cast<MessageType>(packet[head->size - 1]);
    const Bytes body = packet.subspan(head->size, head->total - head->size);
    if (type == MessageType::forward) return decode_forward(body, packet.subspan(head->total));
    // A datagram has one message, and a frame too. More bytes than the Length field says are a lie of one of the two.
    if (head->total != packet.size()) return Failure{Violation{Rule::length_field}};
    return decode_body(type, Body(body));
}

std::size_t encoded_size(const Message& message) { return counted_size(message) + inner_of(message).size(); }

void encode(const Message& message, wire::Writer& out) {
    const std::size_t size = counted_size(message);
    LEDGE_ASSERT(size <= 0xFFFF);
    if (size <= short_length_max) {
        out.u8(static_cast<std::uint8_t>(size));
    } else {
        out.u8(long_length);
        out.u16(static_cast<std::uint16_t>(size));
    }
    out.u8(static_cast<std::uint8_t>(type_of(message)));
    std::visit([&](const auto& m) { encode_body(m, out); }, message);
    out.raw(inner_of(message));
}

MessageType type_of(const Message& message) {
    return std::visit([](const auto& m) { return own_type(m); }, message);
}

std::string_view name_of(MessageType type) {
    switch (type) {
        case MessageType::advertise: return "ADVERTISE";
        case MessageType::searchgw: return "SEARCHGW";
        case MessageType::gwinfo: return "GWINFO";
        case MessageType::connect: return "CONNECT";
        case MessageType::connack: return "CONNACK";
        case MessageType::willtopicreq: return "WILLTOPICREQ";
        case MessageType::willtopic: return "WILLTOPIC";
        case MessageType::willmsgreq: return "WILLMSGREQ";
        case MessageType::willmsg: return "WILLMSG";
        case MessageType::reg: return "REGISTER";
        case MessageType::regack: return "REGACK";
        case MessageType::publish: return "PUBLISH";
        case MessageType::puback: return "PUBACK";
        case MessageType::pubcomp: return "PUBCOMP";
        case MessageType::pubrec: return "PUBREC";
        case MessageType::pubrel: return "PUBREL";
        case MessageType::subscribe: return "SUBSCRIBE";
        case MessageType::suback: return "SUBACK";
        case MessageType::unsubscribe: return "UNSUBSCRIBE";
        case MessageType::unsuback: return "UNSUBACK";
        case MessageType::pingreq: return "PINGREQ";
        case MessageType::pingresp: return "PINGRESP";
        case MessageType::disconnect: return "DISCONNECT";
        case MessageType::willtopicupd: return "WILLTOPICUPD";
        case MessageType::willtopicresp: return "WILLTOPICRESP";
        case MessageType::willmsgupd: return "WILLMSGUPD";
        case MessageType::willmsgresp: return "WILLMSGRESP";
        case MessageType::forward: return "FORWARD";
    }
    return "?";
}

}  // namespace ledge::mqttsn
