// LocalSession: makes the session of a bridge at the local broker, before the upstream is reached for the first time.
// From then on the messages of the outgoing routes wait in the session, whether the upstream can be reached or not.
//
//     begin() ──► connecting ──CONNACK──► subscribing ──all answers──► done: the client disconnects, the session stays
//                      └────────── refused, or time is over ─────────► done, with problem()
//
// What the bridge owes for a subscription must survive a restart, because the upstream may be away for days. So the
// debt is the Subscription Identifier, which the store keeps with the subscription. The relay subscribes without an
// identifier when it pays, and a message that has one loses it on its way to the upstream.
//
// Owned by Bridges; on the loop's thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/base/time.hpp"
#include "ledge/bridge/route_set.hpp"
#include "ledge/broker/session_facts.hpp"
#include "ledge/client/client.hpp"
#include "ledge/transport/inner_link.hpp"
#include "ledge/uplink/pump.hpp"

namespace ledge::transport {
class Driver;
}

namespace ledge::uplink {

/// What the bridge owes for one subscription. The values are Subscription Identifiers and stand in stores.
enum class Debt : std::uint32_t {
    none = 0,
    retained = 1,  // the upstream has not got the retained messages: the route is new
    session = 2,   // the same, and the upstream may have a session that belongs to a lost local session
};

class LocalSession {
public:
    static constexpr Duration time_max = 30s;  // from begin() until done

    /// `filters`: the subscriptions that the session shall have. The driver must outlive the object.
    LocalSession(transport::Driver& driver, InnerPeer peer, const std::string& client_id,
                 std::vector<bridge::Subscription> filters);

    /// `present`: the subscriptions that the session has. Those of an earlier configuration end. If the session is as
    /// it should be, nothing is done: a connection would be sent the first message that waits, which then counts as
    /// sent. Call once.
    void begin(std::vector<broker::SubscriptionFacts> present, Instant now);
    void turn(Instant now);
    bool wants_turn() const;
    void on_time(Instant now);
    Instant next_deadline() const { return is_done_ ? never : deadline_; }

    bool is_done() const { return is_done_; }
    /// After is_done(): the local broker had no session of this bridge before, or had none when the bridge was last
    /// connected.
    bool is_new() const { return is_new_; }
    /// After is_done(): the filters whose retained messages the upstream has not got.
    std::vector<std::string> retained_owed() const;
    /// After is_done(): why the session is not as it should be, in words; "" = it is.
    const std::string& problem() const { return problem_; }

private:
    /// A subscription that the session shall have.
    struct Wanted {
        bridge::Subscription subscription;
        Debt debt = Debt::none;
    };

    bool is_as_wanted() const;
    bool is_begun() const { return deadline_ != never; }
    void read(Instant now);
    void on_event(const client::Event& event);
    void plan(bool session_present);
    Debt debt_of(const bridge::Subscription& wanted) const;
    void send_next_request();
    void send_next_subscribe();
    void send_next_unsubscribe();
    void end(std::string problem);

    InnerPeer peer_;
    client::Client client_;
    transport::InnerEnd end_;
    std::vector<Wanted> wanted_;                      // sorted by debt, as soon as the plan is made
    std::vector<broker::SubscriptionFacts> present_;  // at the beginning
    std::vector<std::string> retired_;                // filters that the session shall not have
    std::size_t next_wanted_ = 0;
    Instant deadline_ = never;
    bool is_new_ = false;
    bool is_done_ = false;
    std::string problem_;
};

}  // namespace ledge::uplink
