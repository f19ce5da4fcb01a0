// The messages about the will (sections 5.4.6 to 5.4.9 and 5.4.24 to 5.4.27).
//   willtopic, willtopicupd := [flags:u8 topic]        both are left out when the will is deleted
//   willmsg, willmsgupd := message                     willtopicresp, willmsgresp := return_code:u8
#include "fields.hpp"

namespace ledge::mqttsn {

Decoded decode_willtopic(Body body, bool is_update) {
    Willtopic m;
    m.is_update = is_update;
    if (body.left() == 0) return body.done(m);
    const Flags flags{body.u8()};
    m.qos = flags.qos();
    m.retain = flags.retain();
    m.topic = body.text();
    body.require(m.qos != QoS::without_connection, Rule::qos);
    body.require(!m.topic.empty(), Rule::topic_empty);
    body.require(m.topic.find_first_of("+#") == std::string_view::npos, Rule::will_topic_wildcard);
    return body.done(m);
}
std::size_t body_size(const Willtopic& m) { return m.topic.empty() ? 0 : 1 + m.topic.size(); }
void encode_body(const Willtopic& m, wire::Writer& out) {
    if (m.topic.empty()) return;
    out.u8(flags_of(false, m.qos, m.retain, TopicIdType::normal));
    out.raw(as_bytes(m.topic));
}

Decoded decode_willmsg(Body body, bool is_update) {
    Willmsg m;
    m.is_update = is_update;
    m.message = body.rest();
    return body.done(m);
}
std::size_t body_size(const Willmsg& m) { return m.message.size(); }
void encode_body(const Willmsg& m, wire::Writer& out) { out.raw(m.message); }

Decoded decode_willresp(Body body, MessageType type) {
    Willresp m;
    m.type = type;
    m.code = body.return_code();
    return body.done(m);
}
std::size_t body_size(const Willresp&) { return 1; }
void encode_body(const Willresp& m, wire::Writer& out) { out.u8(static_cast<std::uint8_t>(m.code)); }

std::size_t body_size(const Willtopicreq&) { return 0; }
void encode_body(const Willtopicreq&, wire::Writer&) {}
std::size_t body_size(const Willmsgreq&) { return 0; }
void encode_body(const Willmsgreq&, wire::Writer&) {}

}  // namespace ledge::mqttsn
