#include "shard_script.hpp"

#include "ledge/journal/records.hpp"

namespace ledge::fuzz {

using wire::PropertyId;
using wire::QoS;

namespace {

constexpr const char* client_ids[] = {"one", "two", "three", ""};
constexpr const char* topics[] = {"a", "a/b", "a/b/c", "/", "b//c", "$SYS/x", "a/+", ""};
constexpr const char* filters[] = {"a",      "a/b",   "a/#",          "+/b",          "#",          "+",
                                   "$SYS/#", "a/#/b", "$share/g/a/#", "$share/g/a/b", "$share/h/#", "$share//a"};

template <class Packet>
std::vector<Byte> encoded(const Packet& packet, wire::Version version) {
    std::vector<Byte> frame(wire::encoded_size(packet, version));
    wire::Writer writer(frame);
    wire::encode(packet, version, writer);
    return frame;
}

QoS qos_of(unsigned bits) { return static_cast<QoS>(bits % 3); }

}  // namespace

// operation := seat:2 bits, what:6 bits
bool ShardScript::perform_next() {
    if (input_.empty()) return false;
    const unsigned operation = input_.byte();
    const unsigned seat = operation % ShardStage::seats;
    switch (operation / ShardStage::seats % 16) {
        case 0:
        case 1: connect(seat); break;
        case 2:
        case 3:
        case 4: publish(seat); break;
        case 5:
        case 6: subscribe(seat); break;
        case 7: unsubscribe(seat); break;
        case 8:
        case 9: acknowledge(seat); break;
        case 10: disconnect(seat); break;
        case 11: stage_.drain(seat, 1U + 4U * input_.byte()); break;
        case 12: stage_.advance(Duration(250ms) * input_.byte()); break;
        case 13: stage_.close(seat); break;
        case 14: stage_.feed(seat, input_.bytes(input_.below(32))); break;
        default: authenticate(seat); break;
    }
    if (input_.below(4) != 0) stage_.finish_turn();  // else: something more in the same turn
    return true;
}

template <class Packet>
void ShardScript::send(unsigned seat, const Packet& packet) {
    if (stage_.is_open(seat)) stage_.feed(seat, encoded(packet, stage_.version(seat)));
}

// connect := client_id version_and_flags keep_alive properties
void ShardScript::connect(unsigned seat) {
    stage_.open(seat);
    wire::Connect packet;
    packet.client_id = client_ids[input_.below(std::size(client_ids))];
    const unsigned flags = input_.byte();
    packet.version = (flags & 3U) == 0   ? wire::Version::v3_1_1
                     : (flags & 3U) == 1 ? wire::Version::v3_1
                                         : wire::Version::v5;
    packet.clean_start = (flags & 4U) != 0;
    packet.keep_alive_s = (flags & 8U) != 0 ? 2 : 0;
    wire::PropertyBuilder properties;
    wire::PropertyBuilder will_properties;
    if (packet.version == wire::Version::v5) {
        const unsigned choice = input_.byte();
        if ((choice & 1U) != 0) properties.number(PropertyId::session_expiry_interval, choice & 2U ? 5 : 0xFFFF'FFFF);
        if ((choice & 4U) != 0) properties.number(PropertyId::receive_maximum, 1);
        if ((choice & 8U) != 0) properties.number(PropertyId::maximum_packet_size, 8U + input_.byte());
        if ((choice & 16U) != 0) properties.number(PropertyId::topic_alias_maximum, 1);
        if ((choice & 32U) != 0)
            properties.text(PropertyId::authentication_method, input_.below(2) != 0 ? "PLAIN" : "unknown");
        if ((choice & 64U) != 0) properties.number(PropertyId::request_problem_information, 0);
        if ((choice & 128U) != 0) properties.number(PropertyId::request_response_information, 1);
    }
    packet.properties = properties.view();
    if ((flags & 16U) != 0) add_will(packet, will_properties);
    std::vector<Byte> frame(wire::encoded_size(packet));
    wire::Writer writer(frame);
    wire::encode(packet, writer);
    stage_.feed(seat, frame);
}

// will := topic qos_and_retain (delay)
void ShardScript::add_will(wire::Connect& packet, wire::PropertyBuilder& properties) {
    wire::Will will;
    will.topic = topics[input_.below(std::size(topics))];
    will.payload = as_bytes("gone");
    const unsigned choice = input_.byte();
    will.qos = qos_of(choice);
    will.retain = (choice & 8U) != 0;
    if (packet.version == wire::Version::v5 && (choice & 16U) != 0)
        properties.number(PropertyId::will_delay_interval, 3);
    will.properties = properties.view();
    packet.will = will;
}

// publish := topic qos_and_flags (packet_id) payload_size (properties)
void ShardScript::publish(unsigned seat) {
    if (!stage_.is_open(seat)) return;
    wire::Publish packet;
    packet.topic = topics[input_.below(std::size(topics))];
    const unsigned flags = input_.byte();
    packet.qos = qos_of(flags);
    packet.retain = (flags & 8U) != 0;
    packet.dup = packet.qos != QoS::at_most_once && (flags & 16U) != 0;
    if (packet.qos != QoS::at_most_once) packet.packet_id = static_cast<wire::PacketId>(1 + input_.below(6));
    const std::vector<Byte> payload((flags & 32U) != 0 ? 8U * input_.byte() : input_.below(4), Byte{'x'});
    packet.payload = payload;
    wire::PropertyBuilder properties;
    if (stage_.version(seat) == wire::Version::v5) {
        const unsigned choice = input_.byte();
        if ((choice & 1U) != 0) properties.number(PropertyId::topic_alias, 1U + input_.below(4));
        if ((choice & 2U) != 0) properties.number(PropertyId::message_expiry_interval, input_.below(8));
        if ((choice & 4U) != 0) properties.user("name", "value");
        if ((choice & 8U) != 0) properties.text(PropertyId::response_topic, "a/b");
    }
    packet.properties = properties.view();
    send(seat, packet);
}

// subscribe := packet_id (subscription_identifier) count (filter options)*
void ShardScript::subscribe(unsigned seat) {
    if (!stage_.is_open(seat)) return;
    wire::Subscribe packet;
    packet.packet_id = static_cast<wire::PacketId>(1 + input_.below(6));
    const bool is_v5 = stage_.version(seat) == wire::Version::v5;
    wire::PropertyBuilder properties;
    if (is_v5 && input_.below(2) != 0) properties.number(PropertyId::subscription_identifier, 1U + input_.byte());
    std::vector<Byte> entries;
    for (unsigned count = 1 + input_.below(3); count > 0; --count) {
        wire::SubscribeOptions options;
        const char* filter = filters[input_.below(std::size(filters))];
        const unsigned choice = input_.byte();
        options.qos = qos_of(choice);
        if (is_v5) {
            options.no_local = (choice & 8U) != 0;
            options.retain_as_published = (choice & 16U) != 0;
            options.retain_handling = static_cast<wire::RetainHandling>((choice >> 5U) % 3);
        }
        wire::append_entry(entries, {filter, options}, true);
    }
    packet.entries = wire::SubscribeEntries(entries, true);
    packet.properties = properties.view();
    send(seat, packet);
}

void ShardScript::unsubscribe(unsigned seat) {
    wire::Unsubscribe packet;
    packet.packet_id = static_cast<wire::PacketId>(1 + input_.below(6));
    std::vector<Byte> entries;
    wire::append_entry(entries, {filters[input_.below(std::size(filters))], {}}, false);
    packet.entries = wire::SubscribeEntries(entries, false);
    send(seat, packet);
}

// acknowledge := type packet_id (code)
void ShardScript::acknowledge(unsigned seat) {
    if (!stage_.is_open(seat)) return;
    wire::Ack packet;
    packet.type = static_cast<wire::PacketType>(4 + input_.below(4));
    packet.packet_id = static_cast<wire::PacketId>(1 + input_.below(6));
    const bool may_fail = packet.type == wire::PacketType::puback || packet.type == wire::PacketType::pubrec;
    const bool is_v5 = stage_.version(seat) == wire::Version::v5;
    if (is_v5 && input_.below(4) == 3) {
        packet.code = may_fail ? wire::ReasonCode::unspecified_error : wire::ReasonCode::packet_identifier_not_found;
    }
    send(seat, packet);
}

void ShardScript::disconnect(unsigned seat) {
    if (!stage_.is_open(seat)) return;
    wire::Disconnect packet;
    wire::PropertyBuilder properties;
    const unsigned choice = input_.byte();
    if (stage_.version(seat) == wire::Version::v5) {
        if ((choice & 1U) != 0) packet.code = wire::ReasonCode::disconnect_with_will;
        if ((choice & 2U) != 0) properties.number(PropertyId::session_expiry_interval, choice & 4U ? 7 : 0);
    }
    packet.properties = properties.view();
    send(seat, packet);
}

// authenticate := code data: also before and without CONNECT
void ShardScript::authenticate(unsigned seat) {
    if (!stage_.is_open(seat) || stage_.version(seat) != wire::Version::v5) return;
    wire::Auth packet;
    packet.code = input_.below(2) != 0 ? wire::ReasonCode::continue_authentication : wire::ReasonCode::reauthenticate;
    wire::PropertyBuilder properties;
    properties.text(PropertyId::authentication_method, "PLAIN");
    const std::vector<Byte> data = input_.bytes(input_.below(12));
    properties.text(PropertyId::authentication_data, as_text(data));
    packet.properties = properties.view();
    send(seat, packet);
}

}  // namespace ledge::fuzz
