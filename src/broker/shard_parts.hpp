// Shard::Parts: the parts of one shard and the functions that connect them. Seen by the shard*.cpp files alone; on the
// shard's thread. The order of the members is the order of their construction: each part gets references to earlier
// ones.
#pragma once

#include "access.hpp"
#include "admission.hpp"
#include "bans.hpp"
#include "connections.hpp"
#include "ledge/broker/metrics.hpp"
#include "ledge/broker/shard.hpp"
#include "ledge/session/core_services.hpp"
#include "lifecycle.hpp"
#include "overload.hpp"
#include "queue_survey.hpp"
#include "retained_feeds.hpp"
#include "subscribing.hpp"
#include "sys_topics.hpp"
#include "throttle.hpp"
#include "user_rates.hpp"

namespace ledge::broker {

struct Shard::Parts {
    /// `reader` = nullptr: there is no store.
    Parts(const ShardOptions& options_, const Log& log, std::uint64_t seed, Instant now, journal::StoreReader* reader);

    void restore(const journal::StoreImage& image, Instant now);

    /// Called first by each function of Shard that is told the time.
    void begin_turn(Instant now) {
        latest = now;
        feeds.begin_turn();
    }
    // Bytes from a peer
    void process_input(session::Connection& connection, Bytes bytes, Instant now);
    bool process_packet(session::Connection& connection, Bytes& bytes, Instant now);
    void process_at_rate(session::Connection& connection, Bytes bytes, Instant now);
    void end_input(session::Connection& connection, Instant now);
    void resume_reading(Instant now);
    // What the connection logic asks of the broker
    void perform(session::Connection& connection, const session::Effect& effect, Instant now);
    void open_session(session::Connection& connection, const session::OpenSession& open, Instant now);
    void detach(session::Connection& connection, Instant now);
    void publish(session::Connection& connection, const session::RoutePublication& route, Instant now);
    void end_login(session::Connection& connection, Instant now);
    void reopen(session::Connection& connection, Instant now);
    // Bans
    void enforce_bans(Instant now);
    /// The ban that forbids the connection to open a session; nullptr when there is none.
    const Ban* ban_of(const session::Connection& connection, std::string_view client_id, Instant now) const;
    // Timers
    void fire(session::CoreTimer& timer, Instant now);
    void fire(session::Connection& connection, Instant now) {
        connection.is_postponed() ? reopen(connection, now) : connection.on_timer(now);
    }
    void sweep_retained(Instant now);
    // The store
    void set_full(bool is_full, double used_fraction);
    void wake_waiting(Instant now);
    void on_room(session::Connection& connection, Instant now);
    void publish_sys_topics(Instant now);
    const Metrics& refresh_metrics();

    ShardOptions options;
    session::CoreServices services;
    UserRates user_rates;
    Connections connections;
    Admission admission;
    Throttle throttle;
    Subscriptions subscriptions;
    Retained retained;
    Router router;
    RetainedFeeds feeds;
    Lifecycle lifecycle;
    Overload overload;
    Subscribing subscribing;
    Access access;
    SysTopics sys_topics;
    Bans bans;
    session::CoreTimer sys_timer{session::CoreTimer::Wakes::sys_topics};
    session::CoreTimer sweep_timer{session::CoreTimer::Wakes::retained_sweep};
    session::Effect effect;  // of the packet that is being processed
    Metrics metrics;
    QueueSurvey survey;
    Instant& latest;  // start of the present turn
};

}  // namespace ledge::broker
