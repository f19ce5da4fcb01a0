// The door of the core, and the table of its effects.
#include "ledge/broker/shard.hpp"

#include "connections.hpp"
#include "ledge/broker/metrics.hpp"
#include "ledge/session/retained_feed.hpp"
#include "lifecycle.hpp"
#include "retained_feeds.hpp"
#include "subscribing.hpp"
#include "sys_topics.hpp"

namespace ledge::broker {

using session::Connection;
using session::CoreTimer;
using wire::ReasonCode;

namespace {

constexpr Duration retained_sweep_interval = 30s;

bool may_refuse(const ShardOptions& options) {
    for (const ListenerOptions& listener : options.listeners)
        if (listener.limits.overflow == session::OverflowPolicy::refuse) return true;
    return false;
}

}  // namespace

struct Shard::Parts {
    Parts(const ShardOptions& options_, const Log& log, std::uint64_t seed, Instant now);

    void perform(Connection& connection, const session::Effect& effect, Instant now);
    void publish(Connection& connection, const session::RoutePublication& route, Instant now);
    void fire(CoreTimer& timer, Instant now);
    void sweep_retained(Instant now);
    void publish_sys_topics(Instant now);
    const Metrics& refresh_metrics();

    ShardOptions options;
    session::Environment environment;
    Connections connections;
    Subscriptions subscriptions;
    Retained retained;
    Router router;
    Lifecycle lifecycle;
    RetainedFeeds feeds;
    Subscribing subscribing;
    SysTopics sys_topics;
    CoreTimer sys_timer{CoreTimer::Wakes::sys_topics, nullptr};
    CoreTimer sweep_timer{CoreTimer::Wakes::retained_sweep, nullptr};
    session::Effect effect;
    Metrics metrics;
    Instant latest;  // the last time that came in
};

Shard::Parts::Parts(const ShardOptions& options_, const Log& log, std::uint64_t seed, Instant now)
    : options(options_),
      environment(log, seed, now),
      connections(options.listeners.size()),
      subscriptions(environment.rng.next(), options.share_strategy, environment.rng),
      retained(environment.rng.next(), options.retained),
      router(environment, subscriptions, retained, may_refuse(options)),
      lifecycle(environment, environment.rng.next(), subscriptions, router, options.sessions_max),
      feeds(retained),
      subscribing(environment, subscriptions, feeds),
      sys_topics(router, options.server_version, now),
      latest(now) {
    environment.response_information_prefix = options.response_information_prefix;
    environment.timers.set(sweep_timer, now + retained_sweep_interval);
    if (options.sys_interval > Duration::zero()) publish_sys_topics(now);
}

Shard::Shard(const ShardOptions& options, const Log& log, std::uint64_t seed, Instant now)
    : parts_(std::make_unique<Parts>(options, log, seed, now)) {}

Shard::~Shard() {
    parts_->connections.for_each([this](Connection& connection) {
        if (connection.session() != nullptr) connection.session()->detach();
        parts_->connections.remove(connection);
    });
    parts_->lifecycle.clear();
}

Connection* Shard::open(const Peer& peer, void* driver_data, Instant now) {
    Parts& p = *parts_;
    const ListenerOptions& listener = p.options.listeners[peer.listener];
    if (p.connections.count(peer.listener) >= listener.connections_max) {
        ++p.environment.counters.connections_refused;
        p.environment.log.warning("connection_refused", {{"address", peer.address},
                                                         {"listener", listener.name},
                                                         {"reason", "connections_max"},
                                                         {"limit", listener.connections_max}});
        return nullptr;
    }
    ++p.environment.counters.connections_opened;
    auto connection =
        std::make_unique<Connection>(p.environment, listener, std::string(peer.address), driver_data, now);
    return &p.connections.add(std::move(connection), peer.listener);
}

void Shard::on_bytes(Connection& connection, Bytes bytes, Instant now) {
    Parts& p = *parts_;
    p.latest = now;
    p.environment.counters.bytes_received += bytes.size();
    while (!connection.is_closing()) {
        const wire::Framer::Next next = connection.framer().next(bytes, connection.packet_size_max());
        if (next.status == wire::Framer::Status::need_more) break;
        if (next.status != wire::Framer::Status::frame) {
            connection.on_unframeable(next.status);
            break;
        }
        p.effect.emplace<std::monostate>();
        connection.on_frame(next.frame, now, p.effect);
        if (p.effect.index() != 0) p.perform(connection, p.effect, now);
    }
    if (connection.retained_feed != nullptr) p.feeds.feed(connection, now);
    connection.check_outbox_bound();
    if (connection.is_closing()) p.lifecycle.detach(connection, now);
}

void Shard::Parts::perform(Connection& connection, const session::Effect& asked, Instant now) {
    if (const auto* route = std::get_if<session::RoutePublication>(&asked)) return publish(connection, *route, now);
    if (const auto* open = std::get_if<session::OpenSession>(&asked)) return lifecycle.open(connection, *open, now);
    if (const auto* add = std::get_if<session::AddSubscriptions>(&asked))
        return subscribing.add(connection, add->packet, now);
    if (const auto* remove = std::get_if<session::RemoveSubscriptions>(&asked))
        return subscribing.remove(connection, remove->packet);
}

void Shard::Parts::publish(Connection& connection, const session::RoutePublication& route, Instant now) {
    const ReasonCode code = router.route(route.publication, connection.session(), now);
    connection.on_routed(route.publication.qos, route.packet_id, code);
}

void Shard::on_closed(Connection& connection, Instant now) {
    parts_->latest = now;
    if (connection.is_connected())
        parts_->environment.log.info("client_disconnected", {{"client_id", connection.session()->client_id()},
                                                             {"address", connection.address()},
                                                             {"by", "network"},
                                                             {"reason", "connection lost"}});
    connection.close_silently();
    parts_->lifecycle.detach(connection, now);
    parts_->feeds.forget(connection);
    parts_->connections.remove(connection);
}

void Shard::on_drained(Connection& connection, Instant now) {
    parts_->latest = now;
    if (!connection.is_connected()) return;
    connection.pump(now);
    parts_->feeds.feed(connection, now);
}

void Shard::on_time(Instant now) {
    parts_->latest = now;
    parts_->feeds.feed_unfinished(now);
    while (Timer* timer = parts_->environment.timers.pop_due(now)) parts_->fire(static_cast<CoreTimer&>(*timer), now);
}

void Shard::Parts::fire(CoreTimer& timer, Instant now) {
    switch (timer.wakes) {
        case CoreTimer::Wakes::connection: return static_cast<Connection*>(timer.owner)->on_timer(now);
        case CoreTimer::Wakes::session_expiry:
            return lifecycle.on_session_expired(*static_cast<session::Session*>(timer.owner), now);
        case CoreTimer::Wakes::will_delay:
            return lifecycle.on_will_delay_passed(*static_cast<session::Session*>(timer.owner), now);
        case CoreTimer::Wakes::sys_topics: return publish_sys_topics(now);
        case CoreTimer::Wakes::retained_sweep: return sweep_retained(now);
    }
}

void Shard::Parts::publish_sys_topics(Instant now) {
    sys_topics.publish(refresh_metrics(), now);
    environment.timers.set(sys_timer, now + options.sys_interval);
}

void Shard::Parts::sweep_retained(Instant now) {
    if (retained.has_expiring()) retained.sweep(now);
    environment.timers.set(sweep_timer, now + retained_sweep_interval);
}

Instant Shard::next_deadline() const {
    return parts_->feeds.has_unfinished() ? parts_->latest : parts_->environment.timers.next_deadline();
}

Connection* Shard::next_dirty() {
    Parts& p = *parts_;
    Connection* connection = Connection::take_dirty(p.environment);
    if (connection == nullptr) return nullptr;
    connection->check_outbox_bound();
    // Closed from elsewhere than its own bytes: a timer, a takeover, a subscriber's bound.
    if (connection->is_closing()) p.lifecycle.detach(*connection, p.latest);
    return connection;
}

void Shard::shut_down(Instant now) {
    Parts& p = *parts_;
    p.connections.for_each([&](Connection& connection) {
        connection.close(ReasonCode::server_shutting_down, "the broker is shutting down");
        if (connection.session() != nullptr) connection.session()->will.reset();
        p.lifecycle.detach(connection, now);
    });
}

const Metrics& Shard::Parts::refresh_metrics() {
    metrics.counters = environment.counters;
    metrics.counters.bytes_sent = environment.buffers.consumed();
    metrics.connections = connections.count();
    metrics.clients_connected = lifecycle.connected();
    metrics.clients_connected_max = lifecycle.connected_max();
    metrics.sessions = lifecycle.sessions().size();
    metrics.subscriptions = subscriptions.size();
    metrics.retained_messages = retained.size();
    metrics.retained_bytes = retained.bytes();
    return metrics;
}

const Metrics& Shard::metrics() const { return parts_->refresh_metrics(); }

}  // namespace ledge::broker
