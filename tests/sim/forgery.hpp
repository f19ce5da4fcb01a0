// What forged histories are made of.
#pragma once

#include <initializer_list>

#include "checker.hpp"

namespace ledge::sim {

template <class Kind>
bool accepts(std::initializer_list<Event> history) {
    Kind checker;
    for (const Event& event : history) checker.on(event);
    return !checker.objection();
}

inline Event of(Kind kind) {
    Event event;
    event.kind = kind;
    event.client = 0;
    event.link = 1;
    return event;
}

inline Event packet(Kind kind, wire::PacketType type, wire::PacketId id = 0) {
    Event event = of(kind);
    event.type = type;
    event.packet_id = id;
    return event;
}

inline Event with_label(Event event, std::uint32_t uid, std::uint32_t seq) {
    event.text = "a/x";
    event.label.uid = uid;
    event.label.publisher = 5;
    event.label.qos = wire::QoS::exactly_once;
    event.label.seq = seq;
    return event;
}

inline Event got(std::uint32_t uid, std::uint32_t seq) {
    Event event = with_label(packet(Kind::got, wire::PacketType::publish), uid, seq);
    event.flag = true;
    return event;
}

inline Event out_publish(std::uint32_t uid, wire::PacketId id = 0) {
    Event event = with_label(packet(Kind::out, wire::PacketType::publish, id), uid, uid);
    event.qos = id == 0 ? wire::QoS::at_most_once : wire::QoS::at_least_once;
    return event;
}

inline Event routed(std::uint32_t uid, wire::QoS qos) {
    Event event = with_label(of(Kind::routed), uid, uid);
    event.qos = qos;
    event.flag = true;
    return event;
}

inline Event replayed(std::uint32_t uid) {
    Event event = routed(uid, wire::QoS::at_least_once);
    event.kind = Kind::replayed;
    event.retain = true;
    return event;
}

inline Event routed_group(std::uint32_t uid, std::vector<std::uint32_t> members) {
    Event event = routed(uid, wire::QoS::at_least_once);
    event.kind = Kind::routed_group;
    event.client = -1;
    event.text = "$share/group/a/x";
    event.ids = std::move(members);
    return event;
}

inline Event finished(std::uint32_t counted_losses = 0) {
    Event event = of(Kind::finished);
    event.client = event.link = -1;
    event.number = counted_losses;
    return event;
}

}  // namespace ledge::sim
