// PUBLISH and its answers, and UNSUBACK, which has the form of three of them (sections 5.4.12 to 5.4.14, 5.4.18).
//   publish := flags:u8 topic_id:u16 message_id:u16 data
//   puback := topic_id:u16 message_id:u16 return_code:u8          pubrec, pubrel, pubcomp, unsuback := message_id:u16
#include "fields.hpp"

namespace ledge::mqttsn {

Decoded decode_publish(Body body) {
    const Flags flags{body.u8()};
    Publish m;
    m.dup = flags.dup();
    m.qos = flags.qos();
    m.retain = flags.retain();
    m.type = flags.topic_id_type();
    m.topic_id = body.u16();
    m.message_id = body.u16();
    m.data = body.rest();
    body.require(flags.is_topic_id_type_known(), Rule::topic_id_type);
    body.require(m.type == TopicIdType::short_name || !is_reserved(m.topic_id), Rule::topic_id_reserved);
    const bool is_answered = m.qos == QoS::at_least_once || m.qos == QoS::exactly_once;
    body.require(!is_answered || m.message_id != 0, Rule::message_id_zero);
    return body.done(m);
}
std::size_t body_size(const Publish& m) { return 5 + m.data.size(); }
void encode_body(const Publish& m, wire::Writer& out) {
    out.u8(flags_of(m.dup, m.qos, m.retain, m.type));
    out.u16(m.topic_id);
    out.u16(m.message_id);
    out.raw(m.data);
}

Decoded decode_puback(Body body) {
    Puback m;
    m.topic_id = body.u16();
    m.message_id = body.u16();  // 0 refuses a PUBLISH of QoS 0
    m.code = body.return_code();
    return body.done(m);
}
std::size_t body_size(const Puback&) { return 5; }
void encode_body(const Puback& m, wire::Writer& out) {
    out.u16(m.topic_id);
    out.u16(m.message_id);
    out.u8(static_cast<std::uint8_t>(m.code));
}

Decoded decode_answer(Body body, MessageType type) {
    Answer m;
    m.type = type;
    m.message_id = body.message_id();
    return body.done(m);
}
std::size_t body_size(const Answer&) { return 2; }
void encode_body(const Answer& m, wire::Writer& out) { out.u16(m.message_id); }

}  // namespace ledge::mqttsn
