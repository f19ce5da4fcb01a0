#include "stranger.hpp"

namespace ledge::sim {

namespace {

template <class Packet>
std::vector<Byte> encoded(const Packet& packet, wire::Version version) {
    std::vector<Byte> frame(wire::encoded_size(packet, version));
    wire::Writer writer(frame);
    wire::encode(packet, version, writer);
    return frame;
}

std::vector<Byte> connect_frame(wire::Version version, std::int32_t number) {
    const std::string id = "hostile-stranger-" + std::to_string(number);
    wire::Connect packet;
    packet.version = version;
    packet.client_id = id;
    std::vector<Byte> frame(wire::encoded_size(packet));
    wire::Writer writer(frame);
    wire::encode(packet, writer);
    return frame;
}

std::vector<Byte> publish_frame(wire::Version version, Rng& rng) {
    wire::Publish packet;
    packet.topic = "hostile/stranger";
    packet.payload = as_bytes("noise");
    packet.qos = static_cast<wire::QoS>(rng.below(3));
    packet.packet_id =
        packet.qos == wire::QoS::at_most_once ? wire::PacketId{0} : static_cast<wire::PacketId>(1 + rng.below(5));
    return encoded(packet, version);
}

std::vector<Byte> subscribe_frame(wire::Version version, Rng& rng) {
    std::vector<Byte> entries;
    wire::append_entry(entries, {rng.one_in(2) ? "hostile/#" : "#", {}}, true);
    wire::Subscribe packet;
    packet.packet_id = 7;
    packet.entries = wire::SubscribeEntries(entries, true);
    return encoded(packet, version);
}

std::vector<Byte> ack_frame(wire::Version version, Rng& rng) {
    wire::Ack packet;
    packet.type = static_cast<wire::PacketType>(4 + rng.below(4));
    packet.packet_id = static_cast<wire::PacketId>(1 + rng.below(5));
    return encoded(packet, version);
}

std::vector<Byte> some_frame(wire::Version version, Rng& rng) {
    switch (rng.below(4)) {
        case 0: return publish_frame(version, rng);
        case 1: return subscribe_frame(version, rng);
        case 2: return ack_frame(version, rng);
        default: return {0xC0, 0x00};
    }
}

void damage(std::vector<Byte>& frame, Rng& rng) {
    if (rng.one_in(2)) frame[rng.below(frame.size())] = static_cast<Byte>(rng.next());
    if (rng.one_in(4)) frame.resize(1 + rng.below(frame.size()));
    if (!rng.one_in(8)) return;
    const auto place = static_cast<std::ptrdiff_t>(rng.below(frame.size()));
    frame.insert(frame.begin() + place, static_cast<Byte>(rng.next()));
}

std::vector<Byte> noise(Rng& rng) {
    std::vector<Byte> bytes(1 + rng.below(40));
    for (Byte& byte : bytes) byte = static_cast<Byte>(rng.next());
    if (rng.one_in(2)) bytes[0] = 0x10;  // looks like CONNECT
    return bytes;
}

}  // namespace

void say_something_hostile(Link& link, Rng& rng, std::int32_t number) {
    if (!link.is_version_known) {
        link.is_version_known = true;
        link.version = rng.one_in(2) ? wire::Version::v5 : wire::Version::v3_1_1;
        std::vector<Byte> first = rng.one_in(5) ? noise(rng) : connect_frame(link.version, number);
        if (rng.one_in(5)) damage(first, rng);
        return link.send_up(first);
    }
    std::vector<Byte> frame = rng.one_in(10) ? noise(rng) : some_frame(link.version, rng);
    if (rng.one_in(3)) damage(frame, rng);
    link.send_up(frame);
}

}  // namespace ledge::sim
