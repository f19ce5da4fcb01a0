// Each checker of crashes objects to a forged history that breaks its promise, and not to its honest twin.
#include "crash_checkers.hpp"

#include <doctest/doctest.h>

#include "delivery_checkers.hpp"
#include "forgery.hpp"
#include "protocol_checkers.hpp"

using namespace ledge;
using namespace ledge::sim;
using wire::PacketType;
using wire::QoS;

namespace {

Event note(Kind kind, std::uint32_t number) {
    Event event = of(kind);
    event.text = "c0 a/x";
    event.number = number;
    return event;
}

Event session(Kind kind, std::uint32_t generation, const char* why = "") {
    Event event = of(kind);
    event.number = generation;
    event.flag = true;  // it was in the store
    event.text = why;
    return event;
}

Event lost(std::uint32_t uid) {
    Event event = with_label(of(Kind::lost), uid, uid);
    event.flag = true;
    return event;
}

}  // namespace

TEST_CASE("the promise checker objects when a client was told what the store does not know") {
    const Event changed = note(Kind::changed, 1);
    const Event promised = note(Kind::promised, 1);
    const Event crash = of(Kind::restarted);
    CHECK(accepts<PromiseChecker>({changed, of(Kind::taken), of(Kind::stored), promised, crash}));
    CHECK(accepts<PromiseChecker>({changed, of(Kind::taken), crash}));
    CHECK_FALSE(accepts<PromiseChecker>({changed, promised, crash}));
    CHECK_FALSE(accepts<PromiseChecker>({changed, of(Kind::taken), promised, crash}));
    CHECK_FALSE(accepts<PromiseChecker>({of(Kind::taken), changed, of(Kind::stored), promised, crash}));
    CHECK(accepts<PromiseChecker>({changed, promised, of(Kind::session_ended), crash}));
}

TEST_CASE("the survival checker objects to a session that was told present and is gone") {
    const Event connack = packet(Kind::out, PacketType::connack);
    const Event began = session(Kind::session_began, 1);
    const Event kept = session(Kind::session_kept, 1);
    const Event crash = session(Kind::session_ended, 1, "crash");
    CHECK_FALSE(accepts<SurvivalChecker>({kept, connack, crash}));
    CHECK(accepts<SurvivalChecker>({kept, crash}));
    CHECK(accepts<SurvivalChecker>({began, connack, crash}));
    CHECK(accepts<SurvivalChecker>({kept, connack, session(Kind::session_ended, 1, "expired")}));
}

TEST_CASE("the survival checker objects to a session that its client knows to be gone and is back") {
    const Event connack = packet(Kind::out, PacketType::connack);
    const Event second = session(Kind::session_began, 2);
    CHECK_FALSE(accepts<SurvivalChecker>({second, connack, session(Kind::restored, 1)}));
    CHECK(accepts<SurvivalChecker>({second, connack, session(Kind::restored, 2)}));
    CHECK(accepts<SurvivalChecker>({second, session(Kind::restored, 1)}));
}

TEST_CASE("a publication that a crash has taken is not owed, and counts anew when it is sent again") {
    CHECK(accepts<AtLeastOnceChecker>({routed(1, QoS::at_least_once), lost(1), finished()}));
    CHECK_FALSE(accepts<AtLeastOnceChecker>(
        {routed(1, QoS::at_least_once), lost(1), routed(1, QoS::at_least_once), finished()}));
    Event arrived = got(1, 1);
    arrived.qos = QoS::exactly_once;
    CHECK(accepts<ExactlyOnceChecker>({routed(1, QoS::exactly_once), lost(1), routed(1, QoS::exactly_once), arrived}));
    CHECK_FALSE(accepts<ExactlyOnceChecker>(
        {routed(1, QoS::exactly_once), arrived, lost(1), routed(1, QoS::exactly_once), arrived}));
}

TEST_CASE("a packet id of QoS 2 is not given to another message after a crash, nor is one sent again after PUBREL") {
    const Event crash = of(Kind::restarted);
    Event sent = out_publish(1, 7);
    Event other = out_publish(2, 7);
    sent.link = other.link = 1;
    CHECK(accepts<PacketIdChecker>({sent, crash, other}));  // QoS 1: it was not durable, and nobody is confused
    sent.qos = other.qos = QoS::exactly_once;
    CHECK_FALSE(accepts<PacketIdChecker>({sent, crash, other}));
    Event again = sent;
    again.link = 2;
    const Event pubrec = packet(Kind::in, PacketType::pubrec, 7);
    CHECK(accepts<PacketIdChecker>({sent, pubrec, crash, again}));
    CHECK_FALSE(accepts<PacketIdChecker>({sent, pubrec, packet(Kind::out, PacketType::pubrel, 7), crash, again}));
}

TEST_CASE("the repetition checker objects to another packet id, to another order, and to DUP at first") {
    const Event crash = of(Kind::restarted);
    const Event first = out_publish(1, 7);
    const Event second = out_publish(2, 8);
    const auto again = [](std::uint32_t uid, wire::PacketId id) {
        Event event = out_publish(uid, id);
        event.link = 2;
        event.dup = true;
        return event;
    };
    Event kept = of(Kind::session_kept);
    kept.link = 2;
    const Event one = routed(1, QoS::at_least_once);
    const Event two = routed(2, QoS::at_least_once);
    const Event began = of(Kind::session_began);
    const Event closed = of(Kind::closed);
    CHECK(accepts<RepetitionChecker>({began, one, two, first, second, closed, crash, kept, again(1, 7), again(2, 8)}));
    CHECK_FALSE(
        accepts<RepetitionChecker>({began, one, two, first, second, closed, crash, kept, again(2, 8), again(1, 7)}));
    CHECK_FALSE(accepts<RepetitionChecker>({began, one, first, closed, crash, kept, again(1, 1)}));
    CHECK(accepts<RepetitionChecker>({began, one, first, closed, crash, lost(1), one, kept, again(1, 1)}));
    CHECK(accepts<RepetitionChecker>({began, one, closed, crash, kept, again(1, 7)}));  // lost on its way
    CHECK_FALSE(accepts<RepetitionChecker>({began, closed, one, crash, kept, again(1, 7)}));
    const Event ack = packet(Kind::in, PacketType::puback, 7);
    CHECK(accepts<RepetitionChecker>({began, one, first, ack, two, second, closed, kept, again(2, 8)}));
}
