// Router: from a publication to the sessions it is owed to.
#pragma once

#include <vector>

#include "fanout.hpp"
#include "ledge/base/log.hpp"
#include "ledge/journal/journal.hpp"
#include "ledge/session/account.hpp"
#include "ledge/session/ack_barrier.hpp"
#include "ledge/session/counters.hpp"
#include "ledge/session/memory_budget.hpp"
#include "retained.hpp"
#include "subscriptions.hpp"

namespace ledge::broker {

class Router {
public:
    struct Services {
        const Log& log;
        session::MemoryBudget& memory;
        session::Accounts& accounts;
        session::Counters& counters;
        journal::Journal& journal;
        session::AckBarriers& barriers;
    };

    Router(const Services& services, Subscriptions& subscriptions, Retained& retained,
           const DurabilityOptions& durability, bool may_refuse)
        : subscriptions_(subscriptions),
          retained_(retained),
          services_(services),
          fanout_({.memory = services.memory, .journal = services.journal, .barriers = services.barriers}),
          durability_(durability),
          may_refuse_(may_refuse) {}
    void set_may_refuse(bool may_refuse) { may_refuse_ = may_refuse; }

    struct Routed {
        wire::ReasonCode code = wire::ReasonCode::success;
        Fanout::AckCondition ack;
    };
    /// How a publisher can be told that its message was not taken.
    enum class Refusal : std::uint8_t {
        impossible,      // not at all: a will, a $SYS topic
        by_closing,      // 3.x: its connection is closed, it may publish again
        by_reason_code,  // v5
    };
    /// Keeps it if it is to be retained, and delivers it, to nobody before `not_before` is settled. Code: success,
    /// no_matching_subscribers, or quota_exceeded or implementation_specific_error: then nobody got it. `publisher` may
    /// be nullptr (the broker itself).
    Routed route(const journal::PublicationView& publication, const session::Session* publisher, Refusal refusal,
                 journal::Ticket not_before, Instant now);

    /// The same for a publication that nobody waits to be acknowledged.
    void route_unacknowledged(const journal::PublicationView& publication, const session::Session* publisher,
                              Instant now);

    /// What a publication to this topic survives.
    journal::Durability level_of(std::string_view topic) const;

    /// Gives a delivery of a shared subscription to another member [MQTT-4.8.2-6]; false when there is none.
    bool reroute(const session::Delivery& delivery, Instant now);

private:
    void collect(const journal::PublicationView& publication, const session::Session* publisher);
    void collect(const Subscriber& subscriber, const journal::PublicationView& publication,
                 const session::Session* publisher);
    void collect_shared(const journal::PublicationView& publication, const session::Session* publisher);
    wire::ReasonCode refuse(const journal::PublicationView& publication, const session::Session* publisher,
                            journal::Durability level, Refusal refusal, journal::Ticket not_before, Instant now);
    bool is_over_share(const session::Session* publisher) const;
    void note_over_share(const session::Session& publisher, Instant now);
    bool is_retained_refused(const journal::PublicationView& publication, const session::Session* publisher);
    bool is_refused_by_a_queue(const journal::PublicationView& publication, Refusal refusal, Instant now) const;
    bool needs_store(const journal::PublicationView& publication, journal::Durability level) const;

    Subscriptions& subscriptions_;
    Retained& retained_;
    Services services_;
    Fanout fanout_;
    std::vector<Hit> hits_;
    std::uint64_t stamp_ = 0;               // of the publication being routed
    bool is_retained_full_ = false;         // and that has been logged
    Instant next_log_at_ = Instant::min();  // owners over their share are told of once in a while
    bool is_merging_ = false;               // several filters match: one copy per session
    const DurabilityOptions& durability_;
    bool may_refuse_;  // some listener has OverflowPolicy::refuse
};

}  // namespace ledge::broker
