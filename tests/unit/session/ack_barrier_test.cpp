// When a PUBLISH is acknowledged: by its records, or by all who got it; and always in order (section 4.6).
#include "ledge/session/ack_barrier.hpp"

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
    journal::Ticket record() {
        return environment.journal.put(journal::RecordKind::queued, 1, 1, {}, journal::Urgency::now);
    }
    /// A QoS 1 PUBLISH with this id was routed.
    void owes(wire::PacketId id, journal::Ticket ticket, BarrierId barrier = 0) {
        connection->on_routed(qos1, id, ReasonCode::success, ticket, barrier);
        if (barrier != 0) environment.barriers.release(barrier);  // the router's hold
    }
    BarrierId barrier(int receivers) {
        const BarrierId id = environment.barriers.open();
        for (int i = 0; i < receivers; ++i) environment.barriers.hold(id);
        return id;
    }
    void lets_go(BarrierId id) { environment.barriers.release(id); }
    void commits() {
        environment.journal.on_committed(environment.journal.take(now).last);
        for (Connection* one : std::exchange(environment.waiting_connections, {})) {
            one->stop_waiting();
            one->on_committed();
        }
    }
};

TEST_CASE("without anything to wait for the acknowledgement leaves at once") {
    AckRig rig;
    rig.owes(1, 0);
    CHECK(rig.takes() == "PUBACK 1");
}

TEST_CASE("an acknowledgement leaves when its records are durable") {
    AckRig rig;
    rig.owes(1, rig.record());
    CHECK(rig.takes().empty());
    rig.commits();
    CHECK(rig.takes() == "PUBACK 1");
}

TEST_CASE("... or when the last of those who got the message has let go") {
    AckRig rig;
    const BarrierId barrier = rig.barrier(2);
    rig.owes(1, rig.record(), barrier);
    rig.lets_go(barrier);
    CHECK(rig.takes().empty());
    rig.lets_go(barrier);
    CHECK(rig.takes() == "PUBACK 1");
    rig.commits();
    CHECK(rig.takes().empty());
}

TEST_CASE("... but not when some record of it cannot be made unnecessary") {
    AckRig rig;
    const BarrierId barrier = rig.barrier(1);
    rig.environment.barriers.require_commit(barrier);
    rig.owes(1, rig.record(), barrier);
    rig.lets_go(barrier);
    CHECK(rig.takes().empty());
    rig.commits();
    CHECK(rig.takes() == "PUBACK 1");
}

TEST_CASE("[MQTT-4.6.0-2] acknowledgements of a kind leave in the order of what they answer") {
    AckRig rig;
    const BarrierId barrier = rig.barrier(1);
    rig.owes(1, rig.record());
    rig.owes(2, 0);
    rig.owes(3, rig.record(), barrier);
    rig.lets_go(barrier);
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

TEST_CASE("who lets go after the commit, or after the publisher has gone, does no harm; barriers are used again") {
    AckRig rig;
    const BarrierId late = rig.barrier(1);
    rig.owes(1, rig.record(), late);
    rig.commits();
    CHECK(rig.takes() == "PUBACK 1");
    rig.lets_go(late);
    CHECK(rig.takes().empty());

    const BarrierId orphaned = rig.barrier(1);
    CHECK(orphaned == late);
    rig.owes(2, rig.record(), orphaned);
    rig.connection->forget_session();
    rig.session->detach();
    rig.lets_go(orphaned);
    CHECK(rig.takes().empty());
}

TEST_CASE("PUBREC waits like PUBACK; PUBCOMP waits for the removal, also for one that is under way already") {
    AckRig rig;
    rig.session->expiry_interval_s = 100;
    rig.session->put_record(never, journal::Urgency::now);
    rig.commits();
    rig.connection->on_routed(qos2, 5, ReasonCode::success, rig.session->put_received(5, journal::Urgency::now), 0);
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
