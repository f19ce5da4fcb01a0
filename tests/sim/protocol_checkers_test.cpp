// Each checker objects to a forged history that breaks its promise, and not to its honest twin.
#include "protocol_checkers.hpp"

#include <doctest/doctest.h>

#include "forgery.hpp"

using namespace ledge;
using namespace ledge::sim;
using wire::PacketType;

namespace {

Event connect_in() { return packet(Kind::in, PacketType::connect); }

Event on_link(Event event, std::int32_t link) {
    event.link = link;
    return event;
}

Event with_dup(Event event) {
    event.dup = true;
    return event;
}

Event after(Event event, Duration time) {
    event.at += time;
    return event;
}

}  // namespace

TEST_CASE("the Receive Maximum checker objects to one message too many") {
    Event connect = connect_in();
    connect.receive_maximum = 2;
    const Event ack = packet(Kind::in, PacketType::puback, 1);
    CHECK(accepts<ReceiveMaximumChecker>({connect, out_publish(1, 1), out_publish(2, 2), ack, out_publish(3, 3)}));
    CHECK_FALSE(accepts<ReceiveMaximumChecker>({connect, out_publish(1, 1), out_publish(2, 2), out_publish(3, 3)}));
    CHECK(accepts<ReceiveMaximumChecker>(
        {connect, out_publish(1, 1), out_publish(2, 2), out_publish(3)}));  // QoS 0 is free
}

TEST_CASE("the packet size checker objects to a larger packet") {
    Event connect = connect_in();
    connect.packet_size_max = 100;
    Event sent = out_publish(1);
    sent.size = 100;
    CHECK(accepts<PacketSizeChecker>({connect, sent}));
    sent.size = 101;
    CHECK_FALSE(accepts<PacketSizeChecker>({connect, sent}));
}

TEST_CASE("the packet id checker objects to reuse, to repetition and to what is never finished") {
    const Event ack = packet(Kind::in, PacketType::puback, 1);
    const Event rec = packet(Kind::in, PacketType::pubrec, 1);
    const Event rel = packet(Kind::out, PacketType::pubrel, 1);
    const Event comp = packet(Kind::in, PacketType::pubcomp, 1);
    CHECK(accepts<PacketIdChecker>({out_publish(1, 1), ack, out_publish(2, 1), ack, finished()}));
    CHECK(accepts<PacketIdChecker>({out_publish(1, 1), on_link(out_publish(1, 1), 2), rec, rel, comp, finished()}));
    CHECK_FALSE(accepts<PacketIdChecker>({out_publish(1, 1), out_publish(2, 1)}));
    CHECK_FALSE(accepts<PacketIdChecker>({out_publish(1, 1), out_publish(1, 1)}));
    CHECK_FALSE(accepts<PacketIdChecker>({out_publish(1, 1), rec, on_link(out_publish(1, 1), 2)}));
    CHECK_FALSE(accepts<PacketIdChecker>({out_publish(1, 1), rel}));
    CHECK(accepts<PacketIdChecker>(
        {on_link(of(Kind::session_began), 2), on_link(out_publish(1, 1), 2), out_publish(2, 1)}));
    CHECK_FALSE(accepts<PacketIdChecker>({of(Kind::session_began), out_publish(1, 1), out_publish(2, 1)}));
    CHECK_FALSE(accepts<PacketIdChecker>({out_publish(1, 1), rec, rel, finished()}));
}

TEST_CASE("the DUP checker objects to DUP at first and to no DUP again") {
    const Event route = routed(1, wire::QoS::at_least_once);
    const Event kept = on_link(of(Kind::session_kept), 2);
    CHECK(accepts<DupChecker>({route, out_publish(1, 1), kept, on_link(with_dup(out_publish(1, 1)), 2)}));
    CHECK(accepts<DupChecker>({route, kept, on_link(with_dup(out_publish(1, 1)), 2)}));  // lost on its way before
    CHECK_FALSE(accepts<DupChecker>({route, out_publish(1, 1), kept, on_link(out_publish(1, 1), 2)}));
    CHECK_FALSE(accepts<DupChecker>({route, with_dup(out_publish(1, 1))}));
    CHECK_FALSE(accepts<DupChecker>({kept, route, on_link(with_dup(out_publish(1, 1)), 2)}));
    CHECK_FALSE(accepts<DupChecker>({route, with_dup(out_publish(1))}));
}

TEST_CASE("the Session Present checker objects to a wrong answer either way") {
    Event present = packet(Kind::out, PacketType::connack);
    present.flag = true;
    const Event absent = packet(Kind::out, PacketType::connack);
    CHECK(accepts<SessionPresentChecker>({of(Kind::session_kept), present}));
    CHECK(accepts<SessionPresentChecker>({of(Kind::session_began), absent}));
    CHECK_FALSE(accepts<SessionPresentChecker>({of(Kind::session_kept), absent}));
    CHECK_FALSE(accepts<SessionPresentChecker>({of(Kind::session_began), present}));
    present.code = wire::ReasonCode::not_authorized;
    CHECK_FALSE(accepts<SessionPresentChecker>({of(Kind::session_kept), present}));
}

TEST_CASE("the dialogue checker objects to words before CONNACK and to words 3.x does not know") {
    const Event connack = packet(Kind::out, PacketType::connack);
    Event disconnect = packet(Kind::out, PacketType::disconnect);
    CHECK(accepts<DialogueChecker>({connack, out_publish(1)}));
    CHECK_FALSE(accepts<DialogueChecker>({out_publish(1), connack}));
    CHECK_FALSE(accepts<DialogueChecker>({connack, connack}));
    CHECK_FALSE(accepts<DialogueChecker>({connack, disconnect}));
    disconnect.version = wire::Version::v5;
    CHECK(accepts<DialogueChecker>({connack, disconnect}));
}

TEST_CASE("the ping checker objects to silence and to unasked answers") {
    const Event request = packet(Kind::in, PacketType::pingreq);
    const Event answer = packet(Kind::out, PacketType::pingresp);
    CHECK(accepts<PingChecker>({request, answer, of(Kind::drained)}));
    CHECK_FALSE(accepts<PingChecker>({request, of(Kind::drained)}));
    CHECK_FALSE(accepts<PingChecker>({answer}));
}

TEST_CASE("the answer checker objects to disorder, to gaps and to nothing at all") {
    Event first = packet(Kind::in, PacketType::publish, 1);
    first.qos = wire::QoS::at_least_once;
    Event second = first;
    second.packet_id = 2;
    const Event ack1 = packet(Kind::out, PacketType::puback, 1);
    const Event ack2 = packet(Kind::out, PacketType::puback, 2);
    CHECK(accepts<AnswerChecker>({first, second, ack1, ack2, finished()}));
    CHECK_FALSE(accepts<AnswerChecker>({first, second, ack2, ack1}));
    CHECK_FALSE(accepts<AnswerChecker>({first, ack1, ack1}));
    CHECK_FALSE(accepts<AnswerChecker>({first, finished()}));
    CHECK(accepts<AnswerChecker>({first, of(Kind::closed), finished()}));
    CHECK_FALSE(accepts<AnswerChecker>({packet(Kind::in, PacketType::subscribe, 3), finished()}));
}

TEST_CASE("the alias checker objects to an alias above the maximum and to one never introduced") {
    Event connect = connect_in();
    connect.alias_maximum = 2;
    Event sent = out_publish(1);
    sent.number = 2;
    CHECK(accepts<AliasChecker>({connect, sent}));
    CHECK_FALSE(accepts<AliasChecker>({connect_in(), sent}));
    sent.text.clear();
    CHECK_FALSE(accepts<AliasChecker>({connect, sent}));
}

TEST_CASE("the closing checker objects to an end without a reason and to patience without end") {
    Event connect = connect_in();
    connect.number = 10;
    const Event ping = packet(Kind::in, PacketType::pingreq);
    const Event closing = of(Kind::closing);
    CHECK(accepts<ClosingChecker>({of(Kind::opened), connect, packet(Kind::in, PacketType::disconnect), closing}));
    CHECK_FALSE(accepts<ClosingChecker>({of(Kind::opened), connect, closing}));
    CHECK_FALSE(accepts<ClosingChecker>({of(Kind::opened), connect, after(closing, 14s)}));
    CHECK(accepts<ClosingChecker>({of(Kind::opened), connect, after(closing, 15s)}));
    CHECK_FALSE(accepts<ClosingChecker>({of(Kind::opened), connect, after(ping, 17s)}));
    CHECK(accepts<ClosingChecker>({of(Kind::opened), connect, after(of(Kind::bytes), 14s), after(ping, 17s)}));
    CHECK(accepts<ClosingChecker>({of(Kind::opened), after(closing, 10s)}));
    CHECK_FALSE(accepts<ClosingChecker>({of(Kind::opened), after(connect, 12s)}));
    CHECK(accepts<ClosingChecker>(
        {of(Kind::opened), connect, on_link(of(Kind::opened), 2), on_link(connect, 2), closing}));
    CHECK_FALSE(accepts<ClosingChecker>(
        {of(Kind::opened), connect, on_link(of(Kind::opened), 2), on_link(connect, 2), on_link(closing, 2)}));
}

TEST_CASE("the memory checker objects to one byte too many") {
    Event memory = of(Kind::memory);
    memory.number = memory.size = 1000;
    CHECK(accepts<MemoryChecker>({memory}));
    memory.number = 1001;
    CHECK_FALSE(accepts<MemoryChecker>({memory}));
}

TEST_CASE("a world is watched by every checker, and each has a name") {
    const auto checkers = all_checkers();
    CHECK(checkers.size() == 26);
    std::set<std::string_view> names;
    for (const auto& checker : checkers) names.insert(checker->name());
    CHECK(names.size() == checkers.size());
}
