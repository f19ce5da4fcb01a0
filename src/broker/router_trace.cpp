// Router: what it tells the traces (session/tracer.hpp) about the publications that it routes. Nothing here runs while
// no trace does.
#include "ledge/auth/rights.hpp"
#include "ledge/session/applied_rules.hpp"
#include "router.hpp"

namespace ledge::broker {

using session::TraceStage;

namespace {

std::string_view name_of_publisher(const session::Session* publisher) {
    return publisher == nullptr ? std::string_view() : std::string_view(publisher->client_id());
}

}  // namespace

void Router::trace_received(const journal::PublicationView& publication, const session::Session* publisher,
                            MessageNumber message) {
    const wire::PacketId id = services_.tracer.packet_id_of(publication);
    // The effect of a packet is not the publication that is routed: the broker publishes on behalf of the client.
    const bool is_from_packet = services_.tracer.is_from_packet(publication);
    services_.tracer.note({.stage = TraceStage::received,
                           .client_id = name_of_publisher(publisher),
                           .topic = publication.topic,
                           .message = message,
                           .qos = publication.qos,
                           .packet_id = id,
                           .detail = is_from_packet         ? (publication.retain ? "RETAIN" : "")
                                     : publisher == nullptr ? "published by the broker"
                                                            : "the will of the client"});
}

// Before the first receiver: gives the publication its number, and tells who is going to get it.
void Router::trace_routing(const journal::PublicationView& publication, const session::Session* publisher,
                           bool is_kept) {
    session::Tracer& tracer = services_.tracer;
    fanout_.send_one_by_one();
    tracer.identify(fanout_.kept(), services_.journal);
    trace_received(publication, publisher, tracer.routed());
    if (is_kept)
        tracer.note({.stage = TraceStage::retained,
                     .client_id = name_of_publisher(publisher),
                     .topic = publication.topic,
                     .message = tracer.routed(),
                     .qos = publication.qos,
                     .detail = publication.payload.empty() ? "the empty payload removes the retained message" : ""});
    std::string from("published by ");
    from += publisher == nullptr ? "the broker" : publisher->client_id();
    for (const Hit& hit : hits_) {
        if (!tracer.is_on()) return;  // the last trace has all its events
        tracer.note({.stage = TraceStage::matched,
                     .client_id = hit.session->client_id(),
                     .topic = publication.topic,
                     .message = tracer.routed(),
                     .qos = hit.qos,
                     .detail = hit.share_group == no_share_group ? from : from + ", for a shared subscription"});
    }
    trace_withheld(publication, publisher);
}

// collect() passes over these subscribers without a word, because it runs for each message.
void Router::trace_withheld(const journal::PublicationView& publication, const session::Session* publisher) {
    const auto withheld = [&](const Subscriber& subscriber, TraceStage stage, std::string_view why) {
        services_.tracer.note({.stage = stage,
                               .client_id = subscriber.session->client_id(),
                               .topic = publication.topic,
                               .message = services_.tracer.routed(),
                               .qos = subscriber.options.qos,
                               .detail = why});
    };
    for (const FilterId filter : subscriptions_.match(publication.topic)) {
        for (const Subscriber& subscriber : subscriptions_.subscribers(filter).items()) {
            if (!services_.tracer.is_on()) return;
            const auth::Rights* rights = subscriber.session->rights();
            const session::AppliedRules* rules = subscriber.session->queue().rules();
            if (subscriber.options.no_local && subscriber.session == publisher)
                withheld(subscriber, TraceStage::dropped, "No Local: the client has published the message itself");
            else if (rules != nullptr && publisher != nullptr && rules->excludes_publisher(publisher->client_id()))
                withheld(subscriber, TraceStage::dropped, "the rules of this queue exclude the publisher");
            else if (!auth::may_receive(rights, publication.topic))
                withheld(subscriber, TraceStage::refused,
                         rights->explain(rights->judge(publication.topic, auth::Access::read)));
        }
    }
}

// The causes in the order in which refuse() finds them.
void Router::trace_refused(const journal::PublicationView& publication, const session::Session* publisher,
                           journal::Durability level, Ticket not_before) {
    const bool is_store_needed = needs_store(publication, level);
    const bool is_of_store = services_.journal.refuses_publications() && (not_before != no_ticket || is_store_needed);
    const bool is_of_share = !is_of_store && is_over_share(publisher) && is_store_needed;
    trace_refusal(publication, publisher,
                  is_of_store   ? "the store is full, or has failed"
                  : is_of_share ? "the owner of the publisher has used up its share of the store"
                                : "the queue of a subscriber is full (limits.overflow = refuse)");
}

void Router::trace_unrecorded(const journal::PublicationView& publication, const session::Session& publisher) {
    if (services_.tracer.is_on())
        trace_refusal(publication, &publisher, "the store cannot keep the packet id of a QoS 2 message");
}

void Router::trace_not_kept(const journal::PublicationView& publication, const session::Session* publisher,
                            std::string_view why) {
    trace_refusal(publication, publisher, "as retained message: " + std::string(why));
}

void Router::trace_refusal(const journal::PublicationView& publication, const session::Session* publisher,
                           std::string_view why) {
    services_.tracer.note({.stage = TraceStage::refused,
                           .client_id = name_of_publisher(publisher),
                           .topic = publication.topic,
                           .qos = publication.qos,
                           .packet_id = services_.tracer.packet_id_of(publication),
                           .detail = why});
}

}  // namespace ledge::broker
