#include "ledge/session/session.hpp"

#include "ledge/auth/acl.hpp"
#include "ledge/auth/authenticator.hpp"
#include "ledge/auth/rights.hpp"
#include "ledge/auth/text_file.hpp"
#include "ledge/base/rng.hpp"
#include "ledge/journal/records.hpp"
#include "ledge/session/core_services.hpp"
#include "ledge/session/limits.hpp"
#include "rig.hpp"

namespace ledge::session {
namespace {

struct Logged {
    std::string events;
    Log log{LogLevel::debug,
            [](void* self, const LogRecord& record) {
                CHECK(mismatch_with_table(record) == "");
                std::string& all = static_cast<Logged*>(self)->events;
                all += (all.empty() ? "" : " ") + std::string(record.event);
            },
            this};
};

std::shared_ptr<auth::Policy> policy_with(std::string_view acl) {
    auto policy = std::make_shared<auth::Policy>();
    policy->acl = std::move(*auth::Acl::parse(acl, "acl.conf"));
    return policy;
}

TEST_CASE("a session judges by the rules that it was given last, and keeps them alive while a newer policy waits") {
    Rig rig;
    rig.services.policy = policy_with("topic read a");
    const std::weak_ptr<const auth::Policy> old = rig.services.policy;
    rig.connects();
    rig.services.policy = policy_with("topic read b");
    REQUIRE_FALSE(old.expired());
    CHECK(auth::may_receive(rig.session->rights(), "a"));
    CHECK_FALSE(auth::may_receive(rig.session->rights(), "b"));
    rig.session->apply_policy();
    CHECK(old.expired());
    CHECK_FALSE(auth::may_receive(rig.session->rights(), "a"));
    CHECK(auth::may_receive(rig.session->rights(), "b"));
}

TEST_CASE("the gauges follow what a session holds, and go back to 0 with it") {
    Log log;
    CoreServices services(log, {}, 1, start);
    const Counters& counters = services.counters;
    const SessionLimits limits;
    {
        Session session(services.for_sessions, "c", limits);
        for (int i = 0; i < 3; ++i) session.queue().enqueue(delivery("a/b", "12", qos1), session.limits());
        CHECK(counters.queued_messages == 3);
        CHECK(counters.queued_bytes == 15);
        const wire::PacketId id = session.queue().open_exchange(session.queue().dequeue(), true);
        CHECK(counters.queued_messages == 3);
        CHECK(counters.queued_bytes == 10);
        CHECK(session.queue().size() == 3);
        session.queue().finish_exchange(id);
        CHECK(counters.queued_messages == 2);
        session.queue().open_exchange(delivery("a/b", "12", qos2), true);
        CHECK(session.queue().size() == 3);
    }
    CHECK(counters.queued_messages == 0);
    CHECK(counters.queued_bytes == 0);
}

TEST_CASE("the gauges of several sessions agree with their queues after any run") {
    Log log;
    CoreServices services(log, {}, 1, start);
    const SessionLimits limits;
    Rng rng(11);
    std::vector<std::unique_ptr<Session>> sessions(4);
    for (int step = 0; step < 5000; ++step) {
        std::unique_ptr<Session>& session = sessions[rng.below(sessions.size())];
        if (session == nullptr) session = std::make_unique<Session>(services.for_sessions, "c", limits);
        switch (rng.below(6)) {
            case 0:
            case 1:
                session->queue().enqueue(delivery("t", std::string(rng.below(30), 'x'), qos1), session->limits());
                break;
            case 2:
                if (!session->queue().pending().empty())
                    session->queue().open_exchange(session->queue().dequeue(), true);
                break;
            case 3:
                if (!session->queue().pending().empty()) session->queue().dequeue();
                break;
            case 4: {
                wire::PacketId first = 0;
                session->queue().inflight().for_each(
                    [&](wire::PacketId id, Inflight::Entry&) { first = first == 0 ? id : first; });
                if (first != 0) session->queue().finish_exchange(first);
                break;
            }
            default:
                if (rng.one_in(30)) session.reset();
                break;
        }
        std::uint64_t messages = 0, bytes = 0;
        for (const auto& s : sessions) {
            messages += s == nullptr ? 0 : s->queue().size();
            bytes += s == nullptr ? 0 : s->queue().pending().bytes();
        }
        REQUIRE(services.counters.queued_messages == messages);
        REQUIRE(services.counters.queued_bytes == bytes);
    }
    sessions.clear();
    CHECK(services.counters.queued_messages == 0);
    CHECK(services.counters.queued_bytes == 0);
}

TEST_CASE("of a run of drops the first is logged, all are counted, the end is told") {
    Logged logged;
    CoreServices services(logged.log, {}, 1, start);
    const SessionLimits limits;
    Session session(services.for_sessions, "c", limits);
    session.note_recovery();
    CHECK(logged.events.empty());
    const journal::PublicationView publication{"t", {}, {}, never, qos0, false};
    for (int i = 0; i < 1000; ++i)
        session.note_drop(i % 2 == 0 ? DropReason::slow_reader : DropReason::queue_full, publication, no_message);
    CHECK(services.counters.dropped_slow_reader == 500);
    CHECK(services.counters.dropped_queue_full == 500);
    CHECK(services.counters.dropped() == 1000);
    CHECK(logged.events == "publish_dropping");
    session.note_recovery();
    session.note_recovery();
    CHECK(logged.events == "publish_dropping publish_dropping_ended");
    session.note_drop(DropReason::queue_full, publication, no_message);
    CHECK(logged.events == "publish_dropping publish_dropping_ended publish_dropping");
}

TEST_CASE("a connection that comes cancels expiry and will delay; one that goes leaves nothing marked as sent") {
    Rig rig;
    rig.connects();
    rig.session->queue().open_exchange(delivery("a", "x", qos1), true);
    CHECK(rig.session->is_online());
    CHECK(rig.session->queue().inflight().counted() == 1);
    rig.is_gone();
    CHECK_FALSE(rig.session->is_online());
    CHECK(rig.session->queue().inflight().counted() == 0);
    CHECK(rig.session->queue().inflight().size() == 1);
    rig.services.timers.set(rig.session->expiry_timer, start + 60s);
    rig.services.timers.set(rig.session->will_timer, start + 60s);
    rig.connects(connect_v5(), true);
    CHECK_FALSE(rig.session->expiry_timer.is_set());
    CHECK_FALSE(rig.session->will_timer.is_set());
}

TEST_CASE("a session is persistent when it outlives its connection") {
    Log log;
    CoreServices services(log, {}, 1, start);
    const SessionLimits limits;
    Session session(services.for_sessions, "c", limits);
    CHECK_FALSE(session.is_persistent());
    session.expiry_interval_s = 1;
    CHECK(session.is_persistent());
    session.expiry_interval_s = expiry_never;
    CHECK(session.is_persistent());
}

}  // namespace
}  // namespace ledge::session
