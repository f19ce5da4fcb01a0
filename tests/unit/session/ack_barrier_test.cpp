// When a PUBLISH is acknowledged: by its records, or by all who got it; and always in order (section 4.6).
#include "ledge/session/ack_barrier.hpp"

#include "ledge/journal/journal_options.hpp"
#include "ledge/journal/record.hpp"
#include "rig.hpp"

namespace ledge::session {
namespace {

struct AckRig : Rig {
    AckRig() : Rig(enabled()) { connects(); }
    static journal::JournalOptions enabled() {
        journal::JournalOptions options;
        options.is_enabled = true;
        return options;
    }
    Ticket record() {
        return services.journal.put(journal::RecordKind::queued, SessionNumber(1), 1, {}, journal::Urgency::now);
    }
    /// A QoS 1 PUBLISH with this id was routed.
    void owes(wire::PacketId id, Ticket ticket, AckHold hold = {}) {
        connection->on_routed(qos1, id, ReasonCode::success, ticket, std::move(hold));
    }
    void commits() {
        services.journal.on_committed(services.journal.make_batch(now).last);
        for (Connection* one : std::exchange(services.waiting_connections, {})) {
            one->on_committed();
        }
    }
};

TEST_CASE("without anything to wait for the acknowledgement leaves at once") {
    AckRig rig;
    rig.owes(1, no_ticket);
    CHECK(rig.takes() == "PUBACK 1");
}

TEST_CASE("an acknowledgement leaves when its records are durable") {
    AckRig rig;
    rig.owes(1, rig.record());
    CHECK(rig.takes().empty());
    rig.commits();
    CHECK(rig.takes() == "PUBACK 1");
}

TEST_CASE("... or when all subscribers that the message was owed to are done with it") {
    AckRig rig;
    AckHold routers = rig.services.barriers.open();
    AckHold one = routers.share();
    AckHold other = routers.share();
    rig.owes(1, rig.record(), std::move(routers));
    one.settle();
    CHECK(rig.takes().empty());
    other.settle();
    CHECK(rig.takes() == "PUBACK 1");
    rig.commits();
    CHECK(rig.takes().empty());
}

TEST_CASE("... but not when one of them cannot make the records unnecessary: its hold ends without being settled") {
    AckRig rig;
    for (const bool is_abandoned_first : {false, true}) {
        AckHold routers = rig.services.barriers.open();
        AckHold settled = routers.share();
        std::optional<AckHold> abandoned = routers.share();
        rig.owes(1, rig.record(), std::move(routers));
        if (is_abandoned_first) abandoned.reset();
        settled.settle();
        abandoned.reset();
        CHECK(rig.takes().empty());
        rig.commits();
        CHECK(rig.takes() == "PUBACK 1");
    }
}

TEST_CASE("a hold that another takes the place of is abandoned; a moved one goes on") {
    AckRig rig;
    AckHold first = rig.services.barriers.open();
    AckHold moved = first.share();
    rig.owes(1, rig.record(), std::move(first));
    AckHold here = std::move(moved);
    CHECK(!moved);  // NOLINT(bugprone-use-after-move)
    here = rig.services.barriers.open();
    CHECK(rig.takes().empty());
    rig.commits();
    CHECK(rig.takes() == "PUBACK 1");
}

TEST_CASE("[MQTT-4.6.0-2] acknowledgements of a kind leave in the order of what they answer") {
    AckRig rig;
    AckHold routers = rig.services.barriers.open();
    AckHold subscribers = routers.share();
    rig.owes(1, rig.record());
    rig.owes(2, no_ticket);
    rig.owes(3, rig.record(), std::move(routers));
    subscribers.settle();
    CHECK(rig.takes().empty());
    rig.commits();
    CHECK(rig.takes() == "PUBACK 1 | PUBACK 2 | PUBACK 3");
}

TEST_CASE("PUBACK, PUBREC and PUBCOMP that wait for the store hold back none of the other kinds") {
    AckRig rig;
    rig.session->expiry_interval_s = 100;
    rig.session->put_record(never, journal::Urgency::now);
    rig.commits();
    rig.sends(publish("a", "x", qos2, 5));
    rig.commits();
    CHECK(rig.takes() == "PUBREC 5");
    rig.sends(pubrel(5));  // its PUBCOMP waits for the removal of the id
    rig.verdict = ReasonCode::quota_exceeded;
    rig.sends(publish("a", "x", qos1, 6) + publish("a", "x", qos2, 7));
    CHECK(rig.takes() == "PUBACK 6 quota_exceeded | PUBREC 7 quota_exceeded");
    rig.owes(8, rig.record());
    rig.sends(publish("a", "x", qos1, 9) + publish("a", "x", qos2, 10));
    CHECK(rig.takes() == "PUBREC 10 quota_exceeded");
    rig.commits();
    CHECK(rig.takes() == "PUBACK 8 | PUBACK 9 quota_exceeded | PUBCOMP 5");
}

TEST_CASE("a hold that is settled after the commit, or after the publisher has gone, does no harm") {
    AckRig rig;
    AckHold routers = rig.services.barriers.open();
    AckHold late = routers.share();
    rig.owes(1, rig.record(), std::move(routers));
    rig.commits();
    CHECK(rig.takes() == "PUBACK 1");
    late.settle();
    CHECK(rig.takes().empty());

    routers = rig.services.barriers.open();
    AckHold orphaned = routers.share();
    rig.owes(2, rig.record(), std::move(routers));
    rig.connection->forget_session();
    rig.session->detach();
    orphaned.settle();
    CHECK(rig.takes().empty());
}

TEST_CASE("PUBREC waits like PUBACK; PUBCOMP waits for the removal, also for one that is under way already") {
    AckRig rig;
    rig.session->expiry_interval_s = 100;
    rig.session->put_record(never, journal::Urgency::now);
    rig.commits();
    rig.connection->on_routed(qos2, 5, ReasonCode::success,
                              rig.session->received.put_record(rig.session->number(), 5, journal::Urgency::now), {});
    CHECK(rig.takes().empty());
    rig.commits();
    CHECK(rig.takes() == "PUBREC 5");
    rig.sends(pubrel(5));
    rig.sends(pubrel(5));  // again, before the answer
    CHECK(rig.takes().empty());
    rig.commits();
    CHECK(rig.takes() == "PUBCOMP 5 | PUBCOMP 5 packet_identifier_not_found");
    rig.sends(pubrel(5));
    CHECK(rig.takes() == "PUBCOMP 5 packet_identifier_not_found");
}

}  // namespace
}  // namespace ledge::session
