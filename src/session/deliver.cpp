// Deliveries to one connection: PUBLISH out, and what waits in the session when there is room again.
#include "auth_exchange.hpp"
#include "ledge/session/connection.hpp"
#include "ledge/session/retained_feed.hpp"

namespace ledge::session {

using wire::PacketType;
using wire::PropertyId;
using wire::QoS;

namespace {
// From here on a payload is referenced instead of copied; below, copying is cheaper than another piece to gather.
constexpr std::size_t referenced_payload_min = 2048;
}  // namespace

bool Connection::has_send_quota() const {
    const std::size_t quota = std::min(peer_receive_max_, limits().inflight_max);
    return session_->inflight().sent() < quota && session_->inflight().has_room();
}

bool Connection::send_publish(const PublicationView& publication, const Blob& blob, const PublishHeader& header,
                              Instant now) {
    wire::Publish packet{publication.topic, publication.payload, header.qos, header.retain,
                         header.dup,        header.packet_id,    {}};
    if (version_ == wire::Version::v5) set_outbound_properties(publication, header, now, packet);
    const std::size_t size = wire::encoded_size(packet, version_);
    if (!takes_packet_of(size)) {
        if (outbound_aliases_ != nullptr) outbound_aliases_->take_back();  // the client will not learn it
        ++environment_.counters.dropped_too_large;
        environment_.log.debug("publish_dropped", {{"client_id", session_->client_id()},
                                                   {"topic", publication.topic},
                                                   {"reason", "larger than the client's maximum packet size"},
                                                   {"bytes", size}});
        return false;
    }
    if (blob && packet.payload.size() >= referenced_payload_min) {
        wire::Writer writer(outbox_.append(size - packet.payload.size()));
        wire::encode_publish_head(packet, version_, writer);
        outbox_.append_reference(blob, packet.payload);
    } else {
        wire::Writer writer(outbox_.append(size));
        wire::encode(packet, version_, writer);
    }
    count_sent(publication.payload.size());
    return true;
}

// Subscription identifiers and topic alias belong to this delivery, the rest is the same for everybody.
void Connection::set_outbound_properties(const PublicationView& publication, const PublishHeader& header, Instant now,
                                         wire::Publish& packet) {
    const bool is_plain = header.ids.empty() && publication.expires_at == never && outbound_aliases_ == nullptr;
    if (is_plain) {
        packet.properties = wire::Properties(publication.properties, 0);
        return;
    }
    wire::PropertyBuilder& properties = environment_.properties;
    properties.clear();
    append_forwarded_properties(publication, now, properties);
    header.ids.append_to(properties);
    if (outbound_aliases_ != nullptr) {
        const OutboundAliases::Choice choice = outbound_aliases_->choose(publication.topic);
        if (choice.alias != 0) properties.number(PropertyId::topic_alias, choice.alias);
        if (choice.is_established) packet.topic = {};
    }
    packet.properties = properties.view();
}

void Connection::append_frame(Bytes frame, std::size_t payload_size) {
    outbox_.append_copy(frame);
    count_sent(payload_size);
}

void Connection::count_sent(std::size_t payload_size) {
    ++environment_.counters.packets_sent;
    ++environment_.counters.publish_sent;
    environment_.counters.publish_bytes_sent += payload_size;
    mark_dirty();
}

void Connection::pump(Instant now) {
    if (session_ == nullptr) return;
    resend_unsent(now);
    while (!session_->pending().empty() && has_outbox_room()) {
        const bool needs_quota = session_->pending().front().qos != QoS::at_most_once;
        if (needs_quota && !has_send_quota()) return;
        send_now(session_->dequeue(), now);
    }
    if (session_->pending().empty() && has_outbox_room()) session_->note_recovery();
}

// After a resume: in the original order, DUP set, only on a new connection [MQTT-4.4.0-1] [MQTT-4.6.0-1] [MQTT-3.3.1-1].
void Connection::resend_unsent(Instant now) {
    Inflight& inflight = session_->inflight();
    wire::PacketId id = 0;
    while (Inflight::Entry* entry = inflight.next_unsent(id)) {
        if (entry->state == OutState::released) {
            inflight.mark_sent(*entry);
            send_ack(PacketType::pubrel, id, wire::ReasonCode::success);
            continue;
        }
        if (!has_outbox_room() || inflight.sent() >= std::min(peer_receive_max_, limits().inflight_max)) return;
        inflight.mark_sent(*entry);
        const Delivery& delivery = entry->delivery;
        const PublishHeader header{delivery.ids, delivery.qos, delivery.retain, true, id};
        if (!send_publish(delivery.publication.view(), delivery.publication.blob(), header, now))
            session_->finish_exchange(id);  // [MQTT-3.1.2-25]: as if it had been sent and acknowledged
    }
}

void Connection::send_now(Delivery delivery, Instant now) {
    if (delivery.publication.expires_at() <= now) {  // [MQTT-3.3.2-5]
        ++environment_.counters.dropped_expired;
        return;
    }
    const Publication publication = delivery.publication;
    const SubscriptionIds ids = delivery.ids;
    const QoS qos = delivery.qos;
    const bool retain = delivery.retain;
    const wire::PacketId id =
        qos == QoS::at_most_once ? wire::PacketId{0} : session_->open_exchange(std::move(delivery));
    if (!send_publish(publication.view(), publication.blob(), {ids, qos, retain, false, id}, now) && id != 0)
        session_->finish_exchange(id);
}

}  // namespace ledge::session
