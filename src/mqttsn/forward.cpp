// Forwarder encapsulation (section 5.5): one frame of a forwarder carries the whole message of a node behind it.
//   forward := length type:u8 control:u8 node_id   message            `length` counts only what stands before `message`
//   control := reserved:6 radius:2
#include "fields.hpp"

namespace ledge::mqttsn {

Decoded decode_forward(Bytes header, Bytes inner) {
    Body body(header);
    Forward m;
    m.radius = body.u8() & 3U;
    m.node_id = body.rest();
    body.require(!m.node_id.empty() && m.node_id.size() <= node_id_bytes_max, Rule::node_id_size);
    body.require(inner.size() >= 2, Rule::cut_short);
    // A chain of forwarders would make the address of a node as long as the packet.
    const bool is_long = !inner.empty() && inner[0] == 0x01;
    const std::size_t type_at = is_long ? 3 : 1;
    const bool is_nested = inner.size() > type_at && inner[type_at] == static_cast<Byte>(MessageType::forward);
    body.require(!is_nested, Rule::nested_forward);
    m.inner = inner;
    return body.done(m);
}
std::size_t body_size(const Forward& m) { return 1 + m.node_id.size(); }
void encode_body(const Forward& m, wire::Writer& out) {
    out.u8(m.radius & 3U);
    out.raw(m.node_id);
}

}  // namespace ledge::mqttsn
