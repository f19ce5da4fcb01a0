// Router: from a publication to the sessions it is owed to.
#pragma once

#include <vector>

#include "fanout.hpp"
#include "retained.hpp"
#include "subscriptions.hpp"

namespace ledge::broker {

class Router {
public:
    Router(session::Environment& environment, Subscriptions& subscriptions, Retained& retained, bool may_refuse)
        : subscriptions_(subscriptions),
          retained_(retained),
          environment_(environment),
          fanout_(environment),
          may_refuse_(may_refuse) {}

    /// Keeps it if it is to be retained, and delivers it. success, no_matching_subscribers, or quota_exceeded: then
    /// nobody got it. `publisher` may be nullptr (the broker itself).
    wire::ReasonCode route(const session::PublicationView& publication, const session::Session* publisher, Instant now);

    /// Gives a delivery of a shared subscription to another member [MQTT-4.8.2-6]; dropped when there is none.
    void reroute(const session::Delivery& delivery, Instant now);

private:
    void collect(const session::PublicationView& publication, const session::Session* publisher);
    void collect(const Subscriber& subscriber, const session::PublicationView& publication,
                 const session::Session* publisher);
    void collect_shared(const session::PublicationView& publication, const session::Session* publisher);
    bool is_refused_by_a_queue(const session::PublicationView& publication) const;

    Subscriptions& subscriptions_;
    Retained& retained_;
    session::Environment& environment_;
    Fanout fanout_;
    std::vector<Hit> hits_;
    std::uint64_t stamp_ = 0;  // of the publication being routed
    bool is_merging_ = false;  // several filters match: one copy per session
    bool may_refuse_;          // some listener has OverflowPolicy::refuse
};

}  // namespace ledge::broker
