// Deliveries to one connection: PUBLISH out, and what waits in the session when there is room again.
#include <algorithm>

#include "auth_exchange.hpp"
#include "ledge/session/connection.hpp"

namespace ledge::session {

using wire::PacketType;
using wire::PropertyId;
using wire::QoS;

namespace {
// From here on a payload is referenced instead of copied; below, copying is cheaper than another piece to gather.
constexpr std::size_t referenced_payload_min = 2048;
}  // namespace

bool Connection::has_send_quota() const {
    const Inflight& inflight = session_->inflight();
    const std::size_t quota = std::min(peer_receive_max_, limits().inflight_max);
    // What an earlier connection has left comes first: it would wait for room, and what took that room for its turn.
    const bool is_all_counted = inflight.counted() == inflight.size();
    return is_all_counted && inflight.counted() < quota && session_->may_open_next();
}

bool Connection::send_publish(const journal::PublicationView& publication, const Blob& blob,
                              const PublishHeader& header, Instant now) {
    wire::Publish packet{publication.topic, publication.payload, header.qos, header.retain,
                         header.dup,        header.packet_id,    {}};
    if (version_ == wire::Version::v5) set_outbound_properties(publication, header, now, packet);
    const std::size_t size = wire::encoded_size(packet, version_);
    if (!takes_packet_of(size)) {
        if (outbound_aliases_ != nullptr) outbound_aliases_->take_back();  // the client will not learn it
        ++services_.counters.dropped_too_large;
        services_.log.debug("publish_dropped", {{"client_id", session_->client_id()},
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
    largest_publish_ = std::max(largest_publish_, static_cast<std::uint32_t>(size));
    count_sent(publication.payload.size());
    return true;
}

// Subscription identifiers and topic alias belong to this delivery, the rest is the same for everybody.
void Connection::set_outbound_properties(const journal::PublicationView& publication, const PublishHeader& header,
                                         Instant now, wire::Publish& packet) {
    const bool is_plain = header.ids.empty() && publication.expires_at == never && outbound_aliases_ == nullptr;
    if (is_plain) {
        packet.properties = wire::Properties(publication.properties, 0);
        return;
    }
    wire::PropertyBuilder& properties = services_.scratch.outbound;
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
    largest_publish_ = std::max(largest_publish_, static_cast<std::uint32_t>(frame.size()));
    count_sent(payload_size);
}

void Connection::count_sent(std::size_t payload_size) {
    ++services_.counters.packets_sent;
    ++services_.counters.publish_sent;
    services_.counters.publish_bytes_sent += payload_size;
    mark_dirty();
}

void Connection::pump(Instant now) {
    if (session_ == nullptr || state_ != State::connected) return;
    send_unsent(now);
    while (may_take_next(now)) {
        start_next(now);
        send_unsent(now);  // one by one: QoS 0 behind it must not overtake it without need
    }
    if (session_->pending().empty() && has_outbox_room()) session_->note_recovery();
}

// True when the queue has a front, and its time has come.
bool Connection::may_take_next(Instant now) {
    if (!has_outbox_room()) return false;
    if (!session_->has_next()) return false;
    const Delivery& front = session_->pending().front();
    const bool is_expired = front.publication.expires_at() <= now && !front.is_begun();
    if (front.qos != QoS::at_most_once) return has_send_quota() || is_expired;
    if (services_.journal.is_settled(front.not_before) || services_.journal.is_failed()) return true;
    session_->wait_for_commit();
    return false;
}

// The store has failed. The packet id of the publisher, which had to be kept before anybody gets its message, will
// never be: where an acknowledgement waits for the store, the publisher has not got it. Or the packet id of this client
// cannot be kept: what the store has of the message stays there, for the next start of the broker.
bool Connection::can_never_leave(const Delivery& delivery) const {
    const journal::Journal& journal = services_.journal;
    if (!journal.is_failed()) return false;
    const bool is_new_qos2 =
        delivery.qos == QoS::exactly_once && delivery.state == journal::OutState::done && session_->is_stored();
    return is_new_qos2 || !journal.is_settled(delivery.not_before);
}

void Connection::start_next(Instant now) {
    Delivery delivery = session_->dequeue();
    if (delivery.publication.expires_at() <= now && !delivery.is_begun()) {  // [MQTT-3.3.2-5]
        ++services_.counters.dropped_expired;
        return session_->discard(delivery);
    }
    if (can_never_leave(delivery)) {
        ++services_.counters.dropped_unreadable;
        return session_->discard(delivery);
    }
    // Queued while the client, or its rights, were others.
    if (session_->rights() != nullptr && !delivery.is_begun() &&
        !session_->may_receive(delivery.publication.view().topic)) {
        ++services_.counters.dropped_not_allowed;
        return session_->discard(delivery);
    }
    if (delivery.qos == QoS::at_most_once) {
        const journal::PublicationView view = delivery.publication.view();
        send_publish(view, delivery.publication.blob(), {delivery.ids, QoS::at_most_once, delivery.retain, false, 0},
                     now);
        return;
    }
    const bool is_new_qos2 = delivery.qos == QoS::exactly_once && delivery.state == journal::OutState::done;
    const wire::PacketId id = session_->open_exchange(std::move(delivery), false);
    // The packet id must be durable first: after a crash it could be given to another message, which the client would
    // take for a repetition of this one.
    if (is_new_qos2) session_->record_state(session_->inflight().find(id)->delivery, journal::OutState::sent_qos2, id);
}

// What is open and not sent on this connection, in order: new exchanges, and after a resume the old ones again, with
// DUP [MQTT-4.4.0-1] [MQTT-4.6.0-1] [MQTT-3.3.1-1].
void Connection::send_unsent(Instant now) {
    wire::PacketId id = 0;
    while (Inflight::Entry* entry = session_->inflight().next_unsent(id))
        if (!send_exchange(id, *entry, now)) return;
}

// False: it has to wait, and so has all that follows.
bool Connection::send_exchange(wire::PacketId id, Inflight::Entry& entry, Instant now) {
    Inflight& inflight = session_->inflight();
    Delivery& delivery = entry.delivery;
    const journal::Journal& journal = services_.journal;
    if (journal.is_failed() && !journal.is_settled(delivery.not_before)) {
        ++services_.counters.dropped_unreadable;
        session_->finish_exchange(id);
        return true;
    }
    const journal::Ticket record = delivery.qos == QoS::exactly_once ? delivery.ticket : 0;
    const bool is_first_from_store = delivery.is_stored && !entry.is_repetition();
    const bool waits_for_record =
        !journal.is_durable(record) || (is_first_from_store && !journal.is_settled(session_->may_send_from()));
    // What would have to be known after the next start will never be kept: it waits for that start, the others go on.
    if (journal.is_failed() && waits_for_record) {
        inflight.skip_unsent();
        return true;
    }
    if (waits_for_record || !journal.is_settled(delivery.not_before)) {
        session_->wait_for_commit();
        return false;
    }
    if (entry.state != journal::OutState::released && !entry.is_repetition() &&
        delivery.publication.expires_at() <= now) {
        ++services_.counters.dropped_expired;  // [MQTT-3.3.2-5]: it was never sent
        session_->finish_exchange(id);
        return true;
    }
    if (entry.state == journal::OutState::released) {
        inflight.count(entry);
        inflight.skip_unsent();
        send_ack(PacketType::pubrel, id, wire::ReasonCode::success);
        return true;
    }
    const std::size_t quota = std::min(peer_receive_max_, limits().inflight_max);
    if (!has_outbox_room() || (!entry.is_counted && inflight.counted() >= quota)) return false;
    inflight.count(entry);
    inflight.skip_unsent();
    const bool is_readable = session_->load_publication(delivery);
    if (!is_readable) session_->note_unreadable(delivery.row);
    const bool is_sent = is_readable && session_->may_receive(delivery.publication.view().topic) &&
                         send_publish(delivery.publication.view(), delivery.publication.blob(),
                                      {delivery.ids, delivery.qos, delivery.retain, entry.is_repetition(), id}, now);
    if (!is_sent) session_->finish_exchange(id);  // [MQTT-3.1.2-25]: as if it had been sent and acknowledged
    return true;
}

}  // namespace ledge::session
