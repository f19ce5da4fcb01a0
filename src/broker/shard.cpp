// Shard: the functions that the driver and the committer call, and what each effect of a connection does. On the
// shard's thread.
#include "ledge/auth/authenticator.hpp"
#include "ledge/base/assert.hpp"
#include "ledge/journal/image.hpp"
#include "ledge/journal/record.hpp"
#include "shard_parts.hpp"

namespace ledge::broker {

using session::Connection;
using session::CoreTimer;
using wire::ReasonCode;

namespace {

constexpr Duration retained_sweep_interval = 30s;

session::Account* account_of(const Connection& connection) {
    return connection.session() == nullptr ? nullptr : connection.session()->account();
}

}  // namespace

Shard::Shard(const ShardOptions& options, const Log& log, std::uint64_t seed, Instant now)
    : parts_(std::make_unique<Parts>(options, log, seed, now, nullptr)) {}

Shard::Shard(const ShardOptions& options, const Log& log, std::uint64_t seed, const journal::StoreImage& image,
             journal::StoreReader& reader)
    : parts_(std::make_unique<Parts>(options, log, seed, image.now, &reader)) {
    parts_->restore(image, image.now);
    // End the sessions that have expired, or whose client lost its connection by the end of the broker, before any
    // client can resume them.
    on_time(image.now);
    // After on_time(): a session that has expired publishes its will in on_time().
    parts_->lifecycle.restore_wills(image.now);
}

Shard::~Shard() {
    parts_->connections.for_each([this](Connection& connection) {
        if (connection.session() != nullptr) connection.session()->detach();
        parts_->connections.remove(connection);
    });
    parts_->lifecycle.clear();
}

Connection* Shard::open(const Peer& peer, session::LinkHandle* link, Instant now) {
    Parts& p = *parts_;
    LEDGE_ASSERT(peer.listener < p.options.listeners.size());
    const ListenerOptions& listener = p.options.listeners[peer.listener];
    // Before the new connection exists, so that it cannot be chosen as the one that gives way.
    p.admission.make_room_for_arrival(peer.listener, now);
    ++p.services.counters.connections_opened;
    auto connection =
        std::make_unique<Connection>(p.services.for_connections, listener, std::string(peer.address), link, now);
    LEDGE_ASSERT(!peer.is_inner || !peer.user.empty());
    const auth::Proof proof = peer.is_inner ? auth::Proof::program : auth::Proof::tls;
    if (!peer.user.empty()) connection->set_proven_user(peer.user, proof);
    return &p.connections.add(std::move(connection), peer.listener);
}

[[gnu::hot]] void Shard::on_bytes(Connection& connection, Bytes bytes, Instant now) {
    parts_->begin_turn(now);
    parts_->services.counters.bytes_received += bytes.size();
    if (session::Session* const session = connection.session()) session->traffic.bytes_received += bytes.size();
    connection.listener_counters->bytes_received += bytes.size();
    // Until `cause` ends, all records are charged to the account of this client.
    const journal::Journal::Cause cause(parts_->services.journal, account_of(connection));
    if (session::ReadRate* rate = connection.read_rate()) {
        rate->refill(now);
        rate->charge_bytes(bytes.size());
    }
    parts_->process_input(connection, bytes, now);
}

[[gnu::hot]] void Shard::Parts::process_input(Connection& connection, Bytes bytes, Instant now) {
    if (access.is_walking()) access.check_login(connection);  // the walk may not have come to this client yet
    if (connection.read_rate() != nullptr) return process_at_rate(connection, bytes, now);
    while (!connection.is_closing() && process_packet(connection, bytes, now)) {
    }
    end_input(connection, now);
}

/// Processes the next packet and removes it from `bytes`. False when no whole packet is left, the input is held back,
/// or the stream is broken.
[[gnu::hot]] inline bool Shard::Parts::process_packet(Connection& connection, Bytes& bytes, Instant now) {
    // Packets behind CONNECT wait until CONNECT is answered.
    if (connection.is_awaiting_answer()) {
        connection.hold_input(std::exchange(bytes, {}));
        return false;
    }
    const wire::Framer::Next next = connection.framer().next(bytes, connection.packet_size_max());
    if (next.status == wire::Framer::Status::need_more) return false;
    if (next.status != wire::Framer::Status::frame) {
        connection.on_unframeable(next);
        return false;
    }
    // Otherwise the effect of an earlier packet would be performed again.
    effect.emplace<std::monostate>();
    connection.on_frame(next.frame, now, effect);
    if (effect.index() != 0) perform(connection, effect, now);
    return true;
}

// As process_input(), but stops as soon as the rate is used up. The rest of the bytes is kept until the pause ends.
void Shard::Parts::process_at_rate(Connection& connection, Bytes bytes, Instant now) {
    LEDGE_ASSERT(connection.read_rate() != nullptr);
    session::ReadRate& rate = *connection.read_rate();
    if (rate.is_paused()) return rate.keep(bytes);  // they were read from the socket before the pause
    rate.refill(now);
    const std::uint64_t& messages = services.counters.publish_received;
    for (bool is_more = true; is_more && !connection.is_closing() && rate.may_take_packet();) {
        // CONNECT is not charged to the user: a client can send it without having logged in.
        const bool has_user = rate.has_user();
        const std::uint64_t before = messages;
        const std::size_t size = bytes.size();
        is_more = process_packet(connection, bytes, now);
        rate.charge_messages(messages - before);
        if (has_user) rate.charge_user(messages - before, size - bytes.size());
    }
    if (!connection.is_closing() && !rate.may_read()) {
        throttle.pause(connection, now);
        rate.keep(bytes);
    }
    rate.end_turn();
    end_input(connection, now);
}

void Shard::Parts::resume_reading(Instant now) {
    while (Connection* connection = throttle.pop_due(now)) {
        const std::vector<Byte> kept = connection->read_rate()->resume();
        connection->on_received(now);  // for the keep alive: the client was silent because the broker did not read
        if (connection->is_closing()) continue;
        const journal::Journal::Cause cause(services.journal, account_of(*connection));
        process_input(*connection, {kept.data(), kept.size()}, now);
        connection->mark_dirty();  // the driver must ask again whether it may read the connection
    }
}

// After all packets that one call could process.
[[gnu::hot]] void Shard::Parts::end_input(Connection& connection, Instant now) {
    feeds.feed(connection, now);
    connection.count_input();
    if (overload.must_judge()) overload.judge(nullptr, now);
    connection.check_outbox_bound();
    if (connection.is_closing()) detach(connection, now);
}

void Shard::Parts::detach(Connection& connection, Instant now) {
    lifecycle.detach(connection, now);
    connections.leave(connection);
}

void Shard::Parts::open_session(Connection& connection, const session::OpenSession& open, Instant now) {
    if (const Ban* ban = ban_of(connection, open.client_id, now))
        return connection.refuse(open, ReasonCode::banned, "an operator has banned the client", rule_of(*ban));
    // The owner is determined first: open() gives the identity of the connection to the session.
    const OwnerId owner = owner_of_client(connection);
    const session::Session* session = lifecycle.sessions().find(open.client_id);
    Connection* replaced = session != nullptr ? session->connection() : nullptr;
    if (!admission.has_place(connection, owner, replaced))
        return connection.refuse(open, ReasonCode::quota_exceeded, admission.limit_in_the_way(connection));
    lifecycle.open(connection, open, now);
    if (!connection.is_connected()) return;
    // The place of the old connection is free before the new one occupies one.
    if (replaced != nullptr) connections.leave(*replaced);
    admission.occupy_place(connection, owner, now);
    if (connection.read_rate() != nullptr) user_rates.join(connection, now);
}

[[gnu::hot]] void Shard::Parts::perform(Connection& connection, const session::Effect& asked, Instant now) {
    if (const auto* route = std::get_if<session::RoutePublication>(&asked)) return publish(connection, *route, now);
    if (const auto* open = std::get_if<session::OpenSession>(&asked)) return open_session(connection, *open, now);
    if (const auto* add = std::get_if<session::AddSubscriptions>(&asked))
        return subscribing.add(connection, add->packet, now);
    if (const auto* remove = std::get_if<session::RemoveSubscriptions>(&asked))
        return subscribing.remove(connection, remove->packet);
}

[[gnu::hot]] void Shard::Parts::publish(Connection& connection, const session::RoutePublication& route, Instant now) {
    if (services.memory.must_judge()) overload.judge(&connection, now);
    LEDGE_ASSERT(connection.session() != nullptr);
    session::Session& session = *connection.session();
    const bool can_be_told = connection.peer().version == wire::Version::v5;
    const Router::Refusal refusal = can_be_told ? Router::Refusal::by_reason_code : Router::Refusal::by_closing;
    const bool is_qos2 = route.publication.qos == wire::QoS::exactly_once;
    // QoS 2 means exactly once at every level, also across a crash. So the packet id is in the same commit as the
    // records of the message's deliveries, and no subscriber gets the message before that commit. Otherwise the
    // publisher's repetition after a crash would be delivered a second time. Where PUBREC does not wait for the commit,
    // PUBREL may come before it. The publisher then repeats nothing any more, and the packet id is not written.
    const bool is_durable = is_qos2 && router.level_of(route.publication.topic) == journal::Durability::durable;
    Ticket received = no_ticket;
    if (is_qos2) {
        // While commits are postponed, refuse the message before its packet id is recorded: such records would fill the
        // journal.
        const bool is_refused = services.journal.is_postponed() && session.is_stored();
        const journal::Urgency urgency = is_durable ? journal::Urgency::now : journal::Urgency::paced;
        received = is_refused ? never_durable : session.received.put_record(session.number(), route.packet_id, urgency);
    }
    // Without the record of the packet id, a repetition of the message could not be recognized.
    if (received == never_durable) {
        ++services.counters.refused_quota;
        router.trace_unrecorded(route.publication, session);
        const ReasonCode code =
            services.journal.is_failed() ? ReasonCode::implementation_specific_error : ReasonCode::quota_exceeded;
        return connection.on_routed(route.publication.qos, route.packet_id, code, no_ticket, {});
    }
    Router::Routed routed = router.route(route.publication, &session, refusal, received, now);
    // A refused message may be repeated with the same packet id, so the id must not stay recorded.
    if (received != no_ticket && wire::is_error(routed.code)) {
        if (services.journal.is_pending(received)) services.journal.cancel(received);
        received = no_ticket;
    }
    // The record of the packet id is needed even when all subscribers have acknowledged: wait for the commit.
    if (received != no_ticket) routed.ack.hold.abandon();
    const Ticket ticket = is_durable ? std::max(received, routed.ack.ticket) : routed.ack.ticket;
    connection.on_routed(route.publication.qos, route.packet_id, routed.code, ticket, std::move(routed.ack.hold));
}

// ---------------------------------------------------------------------------------------------------------------------
// Access rights and logins

void Shard::set_policy(std::shared_ptr<const auth::Policy> policy, Instant now) {
    parts_->begin_turn(now);
    parts_->access.replace(std::move(policy));
}

void Shard::note_reload(bool is_taken) {
    session::Counters& counters = parts_->services.counters;
    ++(is_taken ? counters.policies_loaded : counters.policies_refused);
}

std::optional<session::LoginTask> Shard::take_login_task(auth::Carrier carrier, Instant now) {
    return take_login_task(carrier, now, session::StandingRange{});
}

std::optional<session::LoginTask> Shard::take_login_task(auth::Carrier carrier, Instant now,
                                                         const session::StandingRange& range) {
    session::CoreServices& services = parts_->services;
    if (services.logins.size() == 0) return std::nullopt;
    // Sources that failed logins have blocked in the meantime are refused without a check.
    while (Connection* blocked = services.logins.remove_blocked(services.guard, now)) blocked->refuse_blocked();
    auto task = services.logins.take(carrier, services.guard, now, range);
    if (!task) return task;
    // The check runs on another thread, so it gets a copy of the rules.
    if (auto* token = std::get_if<auth::TokenCheck>(&task->check); token != nullptr && services.policy->tokens)
        token->rules = *services.policy->tokens;
    return task;
}

void Shard::on_login_checked(std::uint64_t number, auth::LoginOutcome outcome, Instant now) {
    Parts& p = *parts_;
    p.begin_turn(now);
    Connection* waiting = p.services.logins.finish(number);
    if (waiting == nullptr) return;  // the connection closed during the check
    Connection& connection = *waiting;
    const journal::Journal::Cause cause(p.services.journal, nullptr);  // no account before the session is open
    p.effect.emplace<std::monostate>();
    connection.on_login_checked(std::move(outcome), now, p.effect);
    if (p.effect.index() != 0) p.perform(connection, p.effect, now);
    p.end_login(connection, now);
}

// Processes the packets that the client has sent while its CONNECT was not answered.
void Shard::Parts::end_login(Connection& connection, Instant now) {
    if (connection.is_postponed()) return;  // CONNECT is still not answered
    const std::vector<Byte> held = connection.end_login();
    if (!held.empty() && connection.is_connected()) process_input(connection, {held.data(), held.size()}, now);
}

// The wait of a connection in a takeover fight is over: it asks for its session again.
void Shard::Parts::reopen(Connection& connection, Instant now) {
    LEDGE_ASSERT(connection.is_postponed() && connection.session() == nullptr);
    const journal::Journal::Cause cause(services.journal, nullptr);  // no account before the session is open
    effect.emplace<std::monostate>();
    connection.reopen(effect);
    if (effect.index() != 0) perform(connection, effect, now);
    end_login(connection, now);
    connection.mark_dirty();  // the driver may read the connection again
}

// ---------------------------------------------------------------------------------------------------------------------
// The store

bool Shard::wants_commit(Instant now) {
    journal::Journal& journal = parts_->services.journal;
    journal.note_time(now);
    return journal.commit_deadline() <= now;
}

void Shard::set_lazy_interval(Duration interval) { parts_->services.journal.set_lazy_interval(interval); }

journal::Batch Shard::take_batch(Instant now) { return parts_->services.journal.make_batch(now); }

void Shard::on_committed(Ticket last, double used_fraction, Instant now) {
    Parts& p = *parts_;
    p.begin_turn(now);
    p.services.journal.on_committed(last);
    if (p.services.tracer.is_on()) p.services.tracer.note_committed(last);
    note_store_used(used_fraction, now);
    p.wake_waiting(now);
    p.lifecycle.remove_ended_queues(now);
}

void Shard::note_store_used(double fraction, Instant now) {
    Parts& p = *parts_;
    p.begin_turn(now);
    const DurabilityOptions& durability = p.options.durability;
    // Two thresholds, so that the state does not change with each commit.
    const bool was_full = p.services.journal.is_full();
    p.set_full(fraction > (was_full ? durability.accept_below_used : durability.refuse_above_used), fraction);
    p.services.accounts.note_store_used(fraction);
}

bool Shard::is_store_short() const {
    const session::CoreServices& services = parts_->services;
    return services.journal.is_full() || services.accounts.has_store_shares();
}

session::Pressure Shard::note_anonymous_memory(std::uint64_t bytes) {
    session::MemoryBudget& memory = parts_->services.memory;
    memory.note_anonymous_memory(bytes);
    if (memory.is_set()) parts_->overload.judge(nullptr, parts_->latest);
    return memory.pressure();
}

void Shard::note_accept_pause() { ++parts_->services.counters.accept_pauses; }

void Shard::note_store(const StoreFigures& figures) { parts_->metrics.store = figures; }

void Shard::Parts::set_full(bool is_full, double used_fraction) {
    if (is_full == services.journal.is_full()) return;
    services.journal.set_full(is_full);
    const auto percent = static_cast<int>(used_fraction * 100);
    if (is_full)
        services.log.error("store_full", {{"used_percent", percent},
                                          {"limit", "store.size_max_bytes, or the free space of the disk"},
                                          {"outcome", "durable publications are refused until there is room again"}});
    else
        services.log.info("store_has_room", {{"used_percent", percent}});
}

// After a commit: connections send the acknowledgements, and sessions the messages, that have waited for it. The lists
// are emptied first, because connections and sessions that still wait add themselves again.
void Shard::Parts::wake_waiting(Instant now) {
    for (Connection* connection : std::exchange(services.waiting_connections, {})) connection->on_committed();
    for (session::Session* session : std::exchange(services.waiting_sessions, {})) {
        session->stop_waiting();
        if (session->connection() != nullptr) on_room(*session->connection(), now);
    }
}

void Shard::Parts::on_room(Connection& connection, Instant now) {
    connection.pump(now);
    feeds.feed(connection, now);
}

void Shard::on_store_failed(Instant now) {
    Parts& p = *parts_;
    p.begin_turn(now);
    p.services.journal.on_failed();
    p.services.log.error(
        "store_failed",
        {{"outcome",
          "no publication is acknowledged as durable any more; publications that need the store are refused"}});
    // A client whose acknowledgement can never be sent learns it by the loss of its connection.
    for (Connection* connection : std::exchange(p.services.waiting_connections, {})) connection->on_store_failed();
    // A message at the front of a queue may wait for a record that will never be written. It must not block the
    // messages behind it.
    for (session::Session* session : std::exchange(p.services.waiting_sessions, {})) {
        session->stop_waiting();
        if (session->connection() != nullptr) p.on_room(*session->connection(), now);
    }
}

void Shard::on_commit_postponed(Instant now) {
    parts_->begin_turn(now);
    parts_->services.journal.on_postponed();
}

void Shard::on_closed(Connection& connection, Instant now) {
    parts_->begin_turn(now);
    if (connection.is_connected())
        connection.end_by_network();
    else if (!connection.is_closing())
        parts_->services.log.debug("connection_abandoned", {{"address", connection.peer().address},
                                                            {"listener", connection.peer().listener.name}});
    connection.close_silently();  // does nothing for a connection that is closing already
    const journal::Journal::Cause cause(parts_->services.journal, account_of(connection));
    parts_->detach(connection, now);
    // No part may keep a pointer to the connection beyond remove().
    LEDGE_ASSERT(connection.session() == nullptr);
    parts_->feeds.forget(connection);
    parts_->throttle.forget(connection);
    parts_->connections.remove(connection);
}

[[gnu::hot]] void Shard::on_drained(Connection& connection, Instant now) {
    parts_->begin_turn(now);
    if (connection.is_connected()) parts_->on_room(connection, now);
}

void Shard::on_time(Instant now) {
    parts_->begin_turn(now);
    parts_->feeds.feed_unfinished(now);
    if (parts_->access.is_walking()) parts_->access.walk();
    if (parts_->bans.is_walking()) parts_->enforce_bans(now);
    if (parts_->survey.is_under_way()) parts_->survey.go_on();
    parts_->resume_reading(now);
    while (Timer* timer = parts_->services.timers.pop_due(now)) parts_->fire(static_cast<CoreTimer&>(*timer), now);
}

void Shard::Parts::fire(CoreTimer& timer, Instant now) {
    switch (timer.wakes()) {
        case CoreTimer::Wakes::connection: return fire(timer.connection(), now);
        case CoreTimer::Wakes::session_expiry: return lifecycle.on_expiry_timer(timer.session(), now);
        case CoreTimer::Wakes::will_delay: return lifecycle.on_will_delay_passed(timer.session(), now);
        case CoreTimer::Wakes::sys_topics: return publish_sys_topics(now);
        case CoreTimer::Wakes::retained_sweep: return sweep_retained(now);
    }
}

void Shard::Parts::publish_sys_topics(Instant now) {
    sys_topics.publish(refresh_metrics(), now);
    services.timers.set(sys_timer, now + options.sys_interval);
}

void Shard::Parts::sweep_retained(Instant now) {
    if (retained.has_expiring()) retained.sweep(now);
    services.timers.set(sweep_timer, now + retained_sweep_interval);
}

Instant Shard::next_deadline() const {
    const Parts& p = *parts_;
    // At once: the next turn may examine more retained topics, judge more clients, or look at more sessions.
    const bool is_walking = p.access.is_walking() || p.bans.is_walking() || p.survey.is_under_way();
    if (p.feeds.has_unfinished() || is_walking) return p.latest;
    return std::min(p.services.timers.next_deadline(), p.throttle.next_deadline());
}

Instant Shard::commit_deadline() const { return parts_->services.journal.commit_deadline(); }

[[gnu::hot]] Connection* Shard::next_dirty() {
    Parts& p = *parts_;
    // A cancelled record needs no commit, so an acknowledgement that waited for it may leave now.
    if (p.services.journal.consume_settled_without_commit()) p.wake_waiting(p.latest);
    while (Connection* connection = p.services.dirty.pop()) {
        connection->check_outbox_bound();
        // The connection may have been closed outside of on_bytes(): by a timer, a takeover or a full queue.
        if (connection->is_closing()) p.detach(*connection, p.latest);
        if (!connection->sender().is_held())
            return connection;  // otherwise the next commit marks the connection dirty again
    }
    return nullptr;
}

void Shard::shut_down(Instant now) {
    Parts& p = *parts_;
    p.connections.for_each([&](Connection& connection) {
        // A connection that was closing before the stop is not closed by it: its will is handled as usual.
        if (connection.is_closing()) return p.lifecycle.detach(connection, now);
        connection.close(ReasonCode::server_shutting_down, "the broker is shutting down");
        p.lifecycle.detach_for_stop(connection, now);
        p.connections.leave(connection);
    });
    p.lifecycle.record_ends();
}

const Metrics& Shard::Parts::refresh_metrics() {
    metrics.counters = services.counters;
    metrics.records_cancelled = services.journal.cancelled();
    metrics.is_store_failed = services.journal.is_failed();
    metrics.is_store_full = services.journal.is_full();
    metrics.store_waited = latest - std::min(latest, metrics.store.waiting_since);
    metrics.counters.bytes_sent = services.buffers.consumed();
    metrics.connections = connections.count();
    metrics.connections_paused = throttle.size();
    metrics.clients_connected = lifecycle.connected();
    metrics.clients_connected_max = lifecycle.connected_max();
    metrics.sessions = lifecycle.sessions().size();
    metrics.subscriptions = subscriptions.size();
    metrics.shared_subscriptions = subscriptions.shared_size();
    metrics.retained_messages = retained.size();
    metrics.retained_bytes = retained.bytes();
    constexpr std::size_t owners_listed = 10;
    metrics.owners_by_written_bytes = services.accounts.top(owners_listed, &session::Account::written_bytes);
    metrics.owners_by_stored_bytes = services.accounts.top(owners_listed, &session::Account::stored_bytes);
    metrics.owners_by_table_bytes = services.accounts.top(owners_listed, &session::Account::table_bytes);
    metrics.memory_pressure = services.memory.pressure();
    metrics.memory_used = services.memory.used();
    metrics.memory_budget = services.memory.budget();
    metrics.memory_by_kind = services.memory.by_kind(services.buffers.memory());
    return metrics;
}

const Metrics& Shard::metrics() const { return parts_->refresh_metrics(); }

}  // namespace ledge::broker
