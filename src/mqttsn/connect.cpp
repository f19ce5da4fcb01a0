// The messages of discovery, of the connection and of sleep (sections 5.4.1 to 5.4.5, 5.4.21 to 5.4.23).
//   advertise := gateway_id:u8 duration_s:u16          searchgw := radius:u8     gwinfo := gateway_id:u8 address
//   connect := flags:u8 protocol_id:u8 keep_alive_s:u16 client_id                connack := return_code:u8
//   pingreq := client_id                               pingresp :=               disconnect := [duration_s:u16]
#include "fields.hpp"

namespace ledge::mqttsn {

namespace {

constexpr std::uint8_t protocol_id = 0x01;

}  // namespace

Decoded decode_advertise(Body body) {
    Advertise m;
    m.gateway_id = body.u8();
    m.duration_s = body.u16();
    return body.done(m);
}
std::size_t body_size(const Advertise&) { return 3; }
void encode_body(const Advertise& m, wire::Writer& out) {
    out.u8(m.gateway_id);
    out.u16(m.duration_s);
}

Decoded decode_searchgw(Body body) {
    Searchgw m;
    m.radius = body.u8();
    return body.done(m);
}
std::size_t body_size(const Searchgw&) { return 1; }
void encode_body(const Searchgw& m, wire::Writer& out) { out.u8(m.radius); }

Decoded decode_gwinfo(Body body) {
    Gwinfo m;
    m.gateway_id = body.u8();
    m.address = body.rest();
    return body.done(m);
}
std::size_t body_size(const Gwinfo& m) { return 1 + m.address.size(); }
void encode_body(const Gwinfo& m, wire::Writer& out) {
    out.u8(m.gateway_id);
    out.raw(m.address);
}

Decoded decode_connect(Body body) {
    const Flags flags{body.u8()};
    Connect m;
    m.will = flags.will();
    m.clean_session = flags.clean_session();
    const std::uint8_t protocol = body.u8();
    m.keep_alive_s = body.u16();
    body.require(protocol == protocol_id, Rule::protocol_id);
    m.client_id = body.text();
    body.require(!m.client_id.empty(), Rule::client_id_empty);
    return body.done(m);
}
std::size_t body_size(const Connect& m) { return 4 + m.client_id.size(); }
void encode_body(const Connect& m, wire::Writer& out) {
    out.u8(static_cast<std::uint8_t>((m.will ? 0x08U : 0U) | (m.clean_session ? 0x04U : 0U)));
    out.u8(protocol_id);
    out.u16(m.keep_alive_s);
    out.raw(as_bytes(m.client_id));
}

Decoded decode_connack(Body body) {
    Connack m;
    m.code = body.return_code();
    return body.done(m);
}
std::size_t body_size(const Connack&) { return 1; }
void encode_body(const Connack& m, wire::Writer& out) { out.u8(static_cast<std::uint8_t>(m.code)); }

Decoded decode_pingreq(Body body) {
    Pingreq m;
    m.client_id = body.text();
    return body.done(m);
}
std::size_t body_size(const Pingreq& m) { return m.client_id.size(); }
void encode_body(const Pingreq& m, wire::Writer& out) { out.raw(as_bytes(m.client_id)); }

std::size_t body_size(const Pingresp&) { return 0; }
void encode_body(const Pingresp&, wire::Writer&) {}

Decoded decode_disconnect(Body body) {
    Disconnect m;
    if (body.left() > 0) m.duration_s = body.u16();
    return body.done(m);
}
std::size_t body_size(const Disconnect& m) { return m.duration_s ? 2 : 0; }
void encode_body(const Disconnect& m, wire::Writer& out) {
    if (m.duration_s) out.u16(*m.duration_s);
}

}  // namespace ledge::mqttsn
