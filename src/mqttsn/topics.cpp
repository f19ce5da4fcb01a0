// Registration of topics, and subscriptions (sections 5.4.10, 5.4.11, 5.4.15 to 5.4.17).
//   register := topic_id:u16 message_id:u16 topic                 regack := topic_id:u16 message_id:u16 return_code:u8
//   subscribe, unsubscribe := flags:u8 message_id:u16 (filter | topic_id:u16)
//   suback := flags:u8 topic_id:u16 message_id:u16 return_code:u8
#include "fields.hpp"

namespace ledge::mqttsn {

Decoded decode_register(Body body) {
    Register m;
    m.topic_id = body.u16();
    // Section 5.4.10 allows every id, 0 included: only the sender needs it, to know REGACK. The client mqttsn of PyPI
    // sends 0.
    m.message_id = body.u16();
    m.topic = body.text();
    body.require(!m.topic.empty(), Rule::topic_empty);
    return body.done(m);
}
std::size_t body_size(const Register& m) { return 4 + m.topic.size(); }
void encode_body(const Register& m, wire::Writer& out) {
    out.u16(m.topic_id);
    out.u16(m.message_id);
    out.raw(as_bytes(m.topic));
}

Decoded decode_regack(Body body) {
    Regack m;
    m.topic_id = body.u16();
    m.message_id = body.u16();
    m.code = body.return_code();
    return body.done(m);
}
std::size_t body_size(const Regack&) { return 5; }
void encode_body(const Regack& m, wire::Writer& out) {
    out.u16(m.topic_id);
    out.u16(m.message_id);
    out.u8(static_cast<std::uint8_t>(m.code));
}

Decoded decode_subscribe(Body body, bool is_unsubscribe) {
    const Flags flags{body.u8()};
    Subscribe m;
    m.is_unsubscribe = is_unsubscribe;
    m.dup = flags.dup();
    m.type = flags.topic_id_type();
    if (!is_unsubscribe) m.qos = flags.qos();  // UNSUBSCRIBE does not use these bits
    m.message_id = body.message_id();
    body.require(flags.is_topic_id_type_known(), Rule::topic_id_type);
    body.require(m.qos != QoS::without_connection, Rule::qos);
    if (m.type == TopicIdType::normal) {
        m.filter = body.text();
        body.require(!m.filter.empty(), Rule::topic_empty);
        return body.done(m);
    }
    body.require(body.left() == 2, Rule::topic_size);
    m.topic_id = body.u16();
    body.require(m.type == TopicIdType::short_name || !is_reserved(m.topic_id), Rule::topic_id_reserved);
    return body.done(m);
}
std::size_t body_size(const Subscribe& m) { return 3 + (m.type == TopicIdType::normal ? m.filter.size() : 2); }
void encode_body(const Subscribe& m, wire::Writer& out) {
    out.u8(flags_of(m.dup, m.qos, false, m.type));
    out.u16(m.message_id);
    if (m.type == TopicIdType::normal)
        out.raw(as_bytes(m.filter));
    else
        out.u16(m.topic_id);
}

Decoded decode_suback(Body body) {
    const Flags flags{body.u8()};
    Suback m;
    m.qos = flags.qos();
    m.topic_id = body.u16();
    m.message_id = body.message_id();
    m.code = body.return_code();
    body.require(m.qos != QoS::without_connection, Rule::qos);
    return body.done(m);
}
std::size_t body_size(const Suback&) { return 6; }
void encode_body(const Suback& m, wire::Writer& out) {
    out.u8(flags_of(false, m.qos, false, TopicIdType::normal));
    out.u16(m.topic_id);
    out.u16(m.message_id);
    out.u8(static_cast<std::uint8_t>(m.code));
}

}  // namespace ledge::mqttsn
