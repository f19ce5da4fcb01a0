// Bridge: one bridge of Bridges: its session at the local broker, its uplink, and what was published about it. On the
// loop's thread. Only bridges.cpp includes this file.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bridge_meter.hpp"
#include "day_windows.hpp"
#include "ledge/base/log.hpp"
#include "ledge/bridge/echo_window.hpp"
#include "ledge/broker/session_facts.hpp"
#include "ledge/broker/shard.hpp"
#include "ledge/runtime/clock.hpp"
#include "ledge/transport/driver.hpp"
#include "ledge/uplink/bridges.hpp"
#include "ledge/uplink/flow_metrics.hpp"
#include "ledge/uplink/uplink.hpp"
#include "local_session.hpp"

namespace ledge::uplink {

/// One bridge: its session at the local broker, its uplink, and what was published about it. A bridge may have a
/// priority lane, a second session with a second uplink. The lane is another object of this class, which publishes
/// nothing: the bridge tells about both together. A lane that the configuration has no more only sends what waits in
/// its session, then it removes the session and ends.
class Bridge {
public:
    /// What goes over to the bridge of the same name that begins after a change of the configuration: its figures count
    /// since the start of the broker, and it removes topics that it does not have any more.
    struct Past {
        std::map<std::string_view, std::string> told;
        std::uint64_t connections = 0;
        bridge::RelayCounters messages;
        broker::QueueLosses losses;  // of lanes whose sessions were removed
    };

    Bridge(UplinkOptions options, net::Connector& connector, const runtime::LoopServices& services, const Log& log,
           std::uint64_t seed)
        : name_(options.name),
          client_id_(options.relay.inner_client_id),
          is_on_demand_(options.is_on_demand),
          windows_(options.windows),
          log_(log),
          shard_(services.shard),
          driver_(services.driver),
          inner_peer_{options.inner_listener, "bridge:" + name_, options.inner_user},
          is_lane_(!options.priority_of.empty()),
          only_empties_(options.relay.only_empties),
          filters_(bridge::RouteSet(options.relay.routes).local_subscriptions(options.relay.local_filters)),
          meter_(name_, client_id_, options.queue, services.shard, log),
          uplink_(options, connector, services.driver, log, seed) {}

    /// `echoes`: what the relays of the bridge and of its lane share.
    void add_lane(std::unique_ptr<Bridge> lane, std::unique_ptr<bridge::EchoWindow> echoes) {
        lane_ = std::move(lane);
        lane_echoes_ = std::move(echoes);
    }

    /// Call before start(). The subscriptions of the lane that the new configuration does not want end now and not
    /// later: from now on the bridge itself gets their messages, which would otherwise be sent twice.
    void begin_again(Past past, Instant now) {
        past_ = std::move(past);
        told_ = std::move(past_.told);
        connections_ = past_.connections;
        if (lane_) lane_->end_unwanted_subscriptions(now);
    }

    void start(Instant now) {
        if (lane_ && lane_->only_empties_ && !shard_.find_session(lane_->client_id_)) lane_.reset();
        if (lane_) lane_->start(now);
        if (only_empties_) return keep_windows(now);
        make_local_session(now);
        publish(now);
    }

    void turn(Instant now) {
        if (lane_) lane_->turn(now);
        if (lane_ && lane_->is_emptied(now)) end_lane();
        if (local_session_ != nullptr) return prepare(now);
        if (is_on_demand_ && own_messages() > 0) uplink_.wake(now);
        uplink_.turn(now);
        if (is_reconnecting_ && uplink_.state() == Uplink::State::stopped) {
            is_reconnecting_ = false;
            if (!is_stopping_) keep_windows(now);
        }
        note(now);
        meter_.note(is_own_served(), now);
    }

    bool wants_turn() const {
        if (lane_ && lane_->wants_end()) return true;
        if (lane_ && lane_->wants_turn()) return true;
        if (local_session_ != nullptr) return local_session_->wants_turn();
        return uplink_.wants_turn() || (uplink_.state() == Uplink::State::idle && own_messages() > 0);
    }

    void on_time(Instant now) {
        if (lane_ && now >= lane_->next_deadline()) lane_->on_time(now);
        if (now >= next_facts_) {
            meter_.note(is_own_served(), now);
            publish_figures(now);
            renew_local_session(now);
        }
        if (local_session_ != nullptr) {
            local_session_->on_time(now);
            return prepare(now);
        }
        if (now >= next_boundary_) keep_windows(now);
        if (now >= uplink_.next_deadline()) uplink_.on_time(now);
        note(now);
    }

    Instant next_deadline() const {
        const Instant next = local_session_ != nullptr ? local_session_->next_deadline() : uplink_.next_deadline();
        const Instant of_lane = lane_ ? lane_->next_deadline() : never;
        return std::min({next, next_facts_, next_boundary_, of_lane});
    }

    void stop(Instant now) {
        if (lane_) lane_->stop(now);
        is_stopping_ = true;
        next_facts_ = next_boundary_ = never;
        local_session_.reset();
        if (uplink_.state() != Uplink::State::stopped) uplink_.stop(now);
        note(now);
    }

    /// A paused bridge has no connection. Its messages wait, as outside of its windows.
    void set_paused(bool is_paused, Instant now) {
        if (lane_) lane_->set_paused(is_paused, now);
        is_paused_ = is_paused;
        // The pause may still be ending the connections; turn() starts the uplink again when they have ended.
        is_reconnecting_ = !is_paused;
        if (is_stopping_ || local_session_ != nullptr) return;  // prepare() looks at the flag later
        keep_windows(now);
        note(now);
    }
    bool is_paused() const { return is_paused_; }

    /// Ends the connections in order, and begins new ones.
    void reconnect(Instant now) {
        if (lane_) lane_->reconnect(now);
        if (is_stopping_ || local_session_ != nullptr || uplink_.state() == Uplink::State::stopped) return;
        is_reconnecting_ = true;
        uplink_.stop(now);
        note(now);
    }

    bool is_stopped() const {
        return is_stopping_ && uplink_.state() == Uplink::State::stopped && (!lane_ || lane_->is_stopped());
    }

    /// True when the bridge has stopped, and the local broker has noticed the end of its connections.
    bool has_left() const {
        const auto session = shard_.find_session(client_id_);
        return is_stopped() && !(session && session->is_connected) && (!lane_ || lane_->has_left());
    }

    /// Requires has_left().
    Past past(Instant now) {
        Past past{std::move(told_), connections_, past_.messages, past_.losses};
        past.messages.add(uplink_.relay().counters());
        if (lane_) past.messages.add(lane_->past(now).messages);
        return past;
    }

    /// The configuration does not have the bridge any more. Its messages stay, as at a start without the bridge, and no
    /// further ones come. Requires has_left().
    void retire(Instant now) {
        if (lane_) lane_->retire(now);
        shard_.keep_subscriptions(client_id_, {}, now);
        if (shard_.find_session(client_id_))
            log_.warning("bridge_session_left", {{"client_id", client_id_}, {"messages", own_messages()}});
        for (const auto& [fact, value] : std::map(told_)) tell(fact, "", now);
    }

    BridgeFigures figures(Instant now) const {
        BridgeFigures figures;
        figures.name = name_;
        figures.stage = stage();
        figures.in_stage = now - stage_since_;
        figures.is_paused = is_paused_;
        figures.server = to_text(uplink_.server());
        figures.degraded = degraded();
        figures.refused_filters = uplink_.relay().refused_filters().size();
        figures.last_problem = uplink_.last_problem();
        figures.connections = connections_;
        figures.queue_messages = queue_messages();
        if (const auto oldest = uplink_.relay().oldest_unanswered()) figures.oldest_unanswered = now - *oldest;
        figures.messages = past_.messages;
        figures.messages.add(uplink_.relay().counters());
        if (is_running()) figures.connected = now - stage_since_;
        figures.queue = meter_.figures(is_own_served(), now);
        add_losses(figures.queue.losses, past_.losses);
        figures.round_trip_mean = uplink_.relay().round_trip().mean();
        figures.round_trip_max = uplink_.relay().round_trip().max(now);
        if (lane_) add_lane_to(figures, now);
        return figures;
    }

private:
    static constexpr Duration facts_interval_max = 10s;  // between two looks at figures that change all the time

    void end_unwanted_subscriptions(Instant now) {
        std::vector<std::string> wanted;
        if (!only_empties_)
            for (const bridge::Subscription& one : filters_) wanted.push_back(one.filter);
        shard_.keep_subscriptions(client_id_, wanted, now);
        if (only_empties_ && shard_.find_session(client_id_))
            log_.info("bridge_priority_left", {{"client_id", client_id_}, {"messages", own_messages()}});
    }

    bool wants_end() const {
        return only_empties_ && !is_stopping_ && own_messages() == 0 &&
               (!is_ended_ || uplink_.state() == Uplink::State::stopped);
    }

    /// For a lane that only empties: ends the connection when no message waits, and then the session. True when all is
    /// done. An operator may have removed the session.
    bool is_emptied(Instant now) {
        if (!wants_end()) return false;
        if (!std::exchange(is_ended_, true) && uplink_.state() != Uplink::State::stopped) uplink_.stop(now);
        if (uplink_.state() != Uplink::State::stopped) return false;
        if (const auto queue = shard_.find_queue(client_id_)) past_.losses = queue->losses;
        shard_.remove_session(client_id_, now);
        return true;
    }

    /// Counters only grow, so what the lane has carried and lost still counts.
    void end_lane() {
        past_.messages.add(lane_->uplink_.relay().counters());
        add_losses(past_.losses, lane_->past_.losses);
        lane_.reset();
    }

    void make_local_session(Instant now) {
        local_session_ = std::make_unique<LocalSession>(driver_, inner_peer_, client_id_, filters_);
        local_session_->begin(shard_.subscriptions_of(client_id_), now);
        if (local_session_->is_done()) prepare(now);
    }

    /// An operator may remove the session, and the local broker may refuse it for a while. Without the session no
    /// message waits for the upstream, so it is made again while the bridge has no connection.
    void renew_local_session(Instant now) {
        const Uplink::State state = uplink_.state();
        if (only_empties_) return;
        if (local_session_ != nullptr || (state != Uplink::State::pausing && state != Uplink::State::idle)) return;
        if (local_problem_.empty() && shard_.find_session(client_id_)) return;
        make_local_session(now);  // the uplink keeps the time of its next attempt
    }

    void prepare(Instant now) {
        local_session_->turn(now);
        if (!local_session_->is_done() || local_session_->wants_turn()) return;
        // A problem that lasts is met again every few seconds, and logged once.
        const bool is_news = local_problem_ != local_session_->problem();
        local_problem_ = local_session_->problem();
        if (is_news && !local_problem_.empty())
            log_.warning("bridge_local_problem", {{"bridge", name_}, {"reason", local_problem_}});
        if (local_session_->is_new()) uplink_.note_new_local_session();
        uplink_.note_retained_owed(local_session_->retained_owed());
        local_session_.reset();
        keep_windows(now);
        note(now);
    }

    /// Starts or stops the uplink as the windows of the day want it.
    void keep_windows(Instant now) {
        const auto time = runtime::read_wall_clock();
        const bool is_stopped = uplink_.state() == Uplink::State::stopped;
        const bool may_run = !is_ended_ && !is_paused_ && is_in_window(windows_, time);
        if (may_run && is_stopped) uplink_.start(now);
        if (!may_run && !is_stopped) uplink_.stop(now);
        // The clock of a gateway may be set at any time, so the windows are looked at every minute.
        if (!windows_.empty()) next_boundary_ = now + std::min<Duration>(until_next_boundary(windows_, time), 1min);
    }

    void add_lane_to(BridgeFigures& figures, Instant now) const {
        const BridgeFigures lane = lane_->figures(now);
        if (is_told_by_lane()) figures.server = lane.server;
        if (figures.last_problem.empty() || is_told_by_lane()) figures.last_problem = lane.last_problem;
        figures.oldest_unanswered = std::max(figures.oldest_unanswered, lane.oldest_unanswered);
        figures.messages.add(lane.messages);
        figures.refused_filters += lane.refused_filters;
        figures.queue.add(lane.queue);
        if (!figures.round_trip_mean) figures.round_trip_mean = lane.round_trip_mean;
        figures.round_trip_max = std::max(figures.round_trip_max, lane.round_trip_max);
        if (figures.degraded.empty()) figures.degraded = lane.degraded;
    }

    /// The stage of a bridge with a lane is that of the connection which is not ready. On demand, a connection that has
    /// nothing to carry is not missing.
    bool is_told_by_lane() const {
        if (!lane_ || lane_->only_empties_) return false;
        const BridgeStage own = own_stage();
        if (own == BridgeStage::idle) return true;
        return own == BridgeStage::running && lane_->own_stage() != BridgeStage::idle;
    }

    BridgeStage stage() const { return is_told_by_lane() ? lane_->own_stage() : own_stage(); }

    BridgeStage own_stage() const {
        if (local_session_ != nullptr) return BridgeStage::preparing;
        switch (uplink_.state()) {
            case Uplink::State::stopped: return BridgeStage::stopped;
            case Uplink::State::idle: return BridgeStage::idle;
            case Uplink::State::pausing: return BridgeStage::pausing;
            case Uplink::State::connecting: return BridgeStage::connecting;
            case Uplink::State::open: break;
        }
        switch (uplink_.relay().stage()) {
            case bridge::Relay::Stage::closed:
            case bridge::Relay::Stage::ending: return BridgeStage::ending;
            case bridge::Relay::Stage::greeting: return BridgeStage::greeting;
            case bridge::Relay::Stage::inner_wanted:
            case bridge::Relay::Stage::inner_greeting:
            case bridge::Relay::Stage::washing:
            case bridge::Relay::Stage::subscribing: return BridgeStage::subscribing;
            case bridge::Relay::Stage::relaying: return BridgeStage::running;
        }
        return BridgeStage::stopped;
    }

    /// BridgeFigures::degraded.
    std::string degraded() const {
        if (!local_problem_.empty()) return local_problem_;
        const std::vector<std::string>& refused = uplink_.relay().refused_filters();
        if (refused.empty())
            return meter_.is_filling() ? "the queue will soon be full; see queue.warn_time_to_full_s" : "";
        const std::string what = refused.size() == 1
                                     ? "the filter " + refused.front() + " was refused, so its"
                                     : std::to_string(refused.size()) + " filters were refused, among them " +
                                           refused.front() + ", so their";
        return what + " messages do not pass; the log line bridge_filter_problem says who has refused";
    }

    bool is_running() const { return stage() == BridgeStage::running; }
    /// Without the lane: the queue of one connection is served while the other connection is away.
    bool is_own_running() const { return own_stage() == BridgeStage::running; }

    /// The queue is served. Messages leave as soon as the local broker has answered CONNECT, before all filters are
    /// granted, so a short backlog can be gone when the bridge runs.
    bool is_own_served() const { return is_own_running() || own_stage() == BridgeStage::subscribing; }

    std::size_t queue_messages() const { return own_messages() + (lane_ ? lane_->own_messages() : 0); }

    std::size_t own_messages() const {
        const auto session = shard_.find_session(client_id_);
        return session ? session->messages : 0;
    }

    /// Publishes what has changed since the last call.
    void note(Instant now) {
        if (is_own_running()) local_problem_.clear();  // the relay has subscribed by itself, and knows what was refused
        if (stage() != published_) publish(now);
    }

    void publish(Instant now) {
        published_ = stage();
        stage_since_ = now;
        if (is_running()) ++connections_;
        tell("state", is_running() ? "1" : "0", now);
        tell("stage", name_of(published_), now);
        const Uplink& told = is_told_by_lane() ? lane_->uplink_ : uplink_;
        if (!told.last_problem().empty()) tell("reason", told.last_problem(), now);
        tell("server", to_text(told.server()), now);
        tell("connections", std::to_string(connections_), now);  // not as late as the other rows of flow_metrics
        publish_figures(now);
    }

    void publish_figures(Instant now) {
        const Duration interval = shard_.sys_interval();
        const bool is_told = interval > Duration::zero();
        next_facts_ =
            is_stopping_ ? never : now + (is_told ? std::min(interval, facts_interval_max) : facts_interval_max);
        tell("queue/messages", std::to_string(queue_messages()), now);
        const std::size_t refused_by_lane = lane_ ? lane_->uplink_.relay().refused_filters().size() : 0;
        tell("filters/refused", std::to_string(uplink_.relay().refused_filters().size() + refused_by_lane), now);
        if (!is_told || now < next_flow_) return;
        next_flow_ = now + interval;
        publish_flow(figures(now), now);
    }

    void publish_flow(const BridgeFigures& figures, Instant now) {
        for (const FlowMetric& row : flow_metrics) {
            const broker::Reading reading = row.read(figures);
            const std::string_view fact = row.topic.substr(flow_topics_begin.size());
            // A topic for each reason that has never occurred would hide the others.
            const bool is_without_case = !row.other_label.empty() && reading.number == 0;
            const bool is_absent = !reading.is_defined || is_without_case;
            if (is_absent && !told_.contains(fact)) continue;
            tell(fact, is_absent ? "" : broker::text_of(reading), now);
        }
    }

    /// "" removes the topic.
    void tell(std::string_view fact, std::string_view value, Instant now) {
        if (is_lane_) return;
        const auto [at, is_first] = told_.try_emplace(fact);
        if (!is_first && at->second == value) return;
        at->second = value;
        shard_.publish_fact("bridges/" + name_ + "/" + std::string(fact), value, now);
    }

    std::string name_;
    std::string client_id_;  // at the local broker
    bool is_on_demand_;
    std::vector<DayWindow> windows_;
    const Log& log_;
    broker::Shard& shard_;
    transport::Driver& driver_;
    InnerPeer inner_peer_;
    bool is_lane_;       // the priority lane of another object
    bool only_empties_;  // a lane that ends when its session has no message
    bool is_ended_ = false;
    std::unique_ptr<bridge::EchoWindow>
        lane_echoes_;                              // outlives both relays; nullptr = the bridge has no priority lane
    std::unique_ptr<Bridge> lane_;                 // nullptr = the bridge has no priority lane
    std::vector<bridge::Subscription> filters_;    // of the session at the local broker
    std::unique_ptr<LocalSession> local_session_;  // until it is done
    std::string local_problem_;                    // of the last one; "" = it had none
    BridgeMeter meter_;
    Uplink uplink_;
    bool is_stopping_ = false;
    Past past_;  // only `messages` and `losses` are used
    std::uint64_t connections_ = 0;
    BridgeStage published_ = BridgeStage::stopped;
    Instant stage_since_{};
    Instant next_facts_ = never;
    Instant next_flow_{};
    bool is_paused_ = false;                        // by an operator
    bool is_reconnecting_ = false;                  // the uplink stops, and starts again afterwards
    Instant next_boundary_ = never;                 // when keep_windows() is due
    std::map<std::string_view, std::string> told_;  // the values that were published last
};

}  // namespace ledge::uplink
