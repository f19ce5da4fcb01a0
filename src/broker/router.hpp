// Router: finds the sessions that a publication must reach, decides whether the publication is accepted, and hands it
// to the fanout. Owned by the shard; on the shard's thread.
#pragma once

#include <vector>

#include "fanout.hpp"
#include "ledge/base/log.hpp"
#include "ledge/journal/journal.hpp"
#include "ledge/session/account.hpp"
#include "ledge/session/ack_barrier.hpp"
#include "ledge/session/counters.hpp"
#include "ledge/session/memory_budget.hpp"
#include "ledge/session/tracer.hpp"
#include "retained.hpp"
#include "subscriptions.hpp"

namespace ledge::broker {

struct DurabilityOptions;

class Router {
public:
    struct Services {
        const Log& log;
        session::MemoryBudget& memory;
        session::Accounts& accounts;
        session::Counters& counters;
        session::Tracer& tracer;
        journal::Journal& journal;
        session::AckBarriers& barriers;
    };

    Router(const Services& services, Subscriptions& subscriptions, Retained& retained,
           const DurabilityOptions& durability, bool may_refuse)
        : subscriptions_(subscriptions),
          retained_(retained),
          services_(services),
          fanout_({.memory = services.memory,
                   .tracer = services.tracer,
                   .journal = services.journal,
                   .barriers = services.barriers}),
          durability_(durability),
          may_refuse_(may_refuse) {}
    void set_may_refuse(bool may_refuse) { may_refuse_ = may_refuse; }

    struct Routed {
        wire::ReasonCode code = wire::ReasonCode::success;
        Fanout::AckCondition ack;
    };
    /// How the broker can tell a publisher that its message is refused.
    enum class Refusal : std::uint8_t {
        impossible,      // a will or a $SYS topic: no publisher waits for an answer
        by_closing,      // 3.x: the broker closes the connection; the client may publish the message again
        by_reason_code,  // v5: PUBACK or PUBREC carries the reason code
    };
    /// Keeps the publication if it is to be retained, and delivers it to its subscribers. No subscriber gets the
    /// message before the ticket `not_before` is settled. `publisher` is nullptr for the broker itself. The code is
    /// success or no_matching_subscribers; or quota_exceeded or implementation_specific_error when the publication is
    /// refused: then it reaches no subscriber and is not retained.
    Routed route(const journal::PublicationView& publication, const session::Session* publisher, Refusal refusal,
                 Ticket not_before, Instant now);

    /// The sessions that the last publication was routed to.
    std::size_t receivers() const { return hits_.size(); }

    /// Routes a publication whose acknowledgement nobody waits for: a will or a $SYS topic.
    void route_unacknowledged(const journal::PublicationView& publication, const session::Session* publisher,
                              Instant now);

    /// The durability level of publications to this topic.
    journal::Durability level_of(std::string_view topic) const;

    /// Gives a delivery of a shared subscription to another member of the group [MQTT-4.8.2-6]. False when no member
    /// may receive it, the group is gone, or the message has expired.
    bool reroute(const session::Delivery& delivery, Instant now);

    /// Tells the traces that the shard refuses the publication, because its packet id cannot be recorded.
    void trace_unrecorded(const journal::PublicationView& publication, const session::Session& publisher);

private:
    void collect(const journal::PublicationView& publication, const session::Session* publisher);
    void collect(const Subscriber& subscriber, const journal::PublicationView& publication,
                 const session::Session* publisher);
    void leave_to_others(std::string_view topic);
    void clear_hit_index();
    void collect_shared(const journal::PublicationView& publication, const session::Session* publisher);
    wire::ReasonCode refuse(const journal::PublicationView& publication, const session::Session* publisher,
                            journal::Durability level, Refusal refusal, Ticket not_before, Instant now);
    bool is_over_share(const session::Session* publisher) const;
    void note_over_share(const session::Session& publisher, Instant now);
    bool is_retained_refused(const journal::PublicationView& publication, const session::Session* publisher);
    bool is_refused_by_a_queue(const journal::PublicationView& publication, Refusal refusal, Instant now) const;
    bool needs_store(const journal::PublicationView& publication, journal::Durability level) const;

    // router_trace.cpp, called only while a trace runs
    void trace_received(const journal::PublicationView& publication, const session::Session* publisher,
                        MessageNumber message);
    [[gnu::cold, gnu::noinline]] void trace_routing(const journal::PublicationView& publication,
                                                    const session::Session* publisher, bool is_kept);
    void trace_withheld(const journal::PublicationView& publication, const session::Session* publisher);
    [[gnu::cold, gnu::noinline]] void trace_refused(const journal::PublicationView& publication,
                                                    const session::Session* publisher, journal::Durability level,
                                                    Ticket not_before);
    [[gnu::cold, gnu::noinline]] void trace_not_kept(const journal::PublicationView& publication,
                                                     const session::Session* publisher, std::string_view why);
    void trace_refusal(const journal::PublicationView& publication, const session::Session* publisher,
                       std::string_view why);

    Subscriptions& subscriptions_;
    Retained& retained_;
    Services services_;
    Fanout fanout_;
    std::vector<Hit> hits_;                 // receivers of the publication that is being routed
    std::vector<session::Session*> ruled_;  // of the receivers, the sessions whose queue has rules
    bool is_retained_full_ = false;         // the last retained message was refused, and the refusals are logged
    Instant next_log_at_ = Instant::min();  // of the line about an owner above its share
    bool is_merging_ = false;               // several filters match, so a session may be found more than once
    /// While merging: the index in hits_ of each session's hit.
    boost::unordered_flat_map<const session::Session*, std::uint32_t> hit_of_;
    const DurabilityOptions& durability_;
    bool may_refuse_;  // at least one listener has OverflowPolicy::refuse
};

}  // namespace ledge::broker
