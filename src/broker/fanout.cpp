// Fanout: one publication to all its receivers, between begin() and end(). Each receiver gets the message at once, or
// into its queue, or not at all; then the drop is counted.
#include "fanout.hpp"

#include "ledge/base/assert.hpp"
#include "ledge/session/limits.hpp"

namespace ledge::broker {

using session::Connection;
using wire::QoS;

namespace {
// From this payload size on, only the head of a frame is encoded, and the payload is referenced.
constexpr std::size_t shared_frame_payload_max = 2048;
// From this payload size on, the payload is referenced even for a single receiver: a reference costs no more than a
// copy, and the message leaves as one WebSocket frame.
constexpr std::size_t lone_payload_max = 32 * 1024;
}  // namespace

[[gnu::hot]] void Fanout::begin(const journal::PublicationView& publication, const Terms& terms, Instant now) {
    LEDGE_ASSERT(publication_ == nullptr);
    publication_ = &publication;
    terms_ = terms;
    now_ = now;
    ack_ = {};
    // A single receiver never uses a layout, so the tables are cleared only for several.
    if (terms.has_several) {
        layouts_.fill({});
        frames_.clear();
    }
}

[[gnu::hot]] Fanout::AckCondition Fanout::end() {
    LEDGE_ASSERT(publication_ != nullptr);
    publication_ = nullptr;
    // Drops this reference; the queues that keep the message have their own.
    kept_ = {};
    return std::exchange(ack_, {});
}

[[gnu::hot]] void Fanout::deliver(const Hit& hit) {
    LEDGE_ASSERT(publication_ != nullptr && hit.session != nullptr);
    // One publication may double the outbox of every receiver. So the memory budget is checked between two receivers.
    if (services_.memory.must_judge()) services_.memory.judge(terms_.receivers);
    if (hit.qos == QoS::at_most_once)
        deliver_at_most_once(hit);
    else
        deliver_assured(hit);
}

[[gnu::hot]] void Fanout::deliver_at_most_once(const Hit& hit) {
    session::Session& session = *hit.session;
    Connection* connection = session.connection();
    const bool is_early = !services_.journal.is_settled(terms_.not_before);
    // [MQTT-4.6.0-6] A QoS 0 message must not overtake queued messages of the same topic and QoS. Such messages are in
    // the queue in two cases only: the limits queue QoS 0 for offline clients, or the message was published with QoS 2,
    // because only such a message ever waits for `not_before`.
    const bool has_order = session.limits().queue_qos0_offline || publication_->qos == QoS::exactly_once;
    const bool is_behind = is_early || (has_order && !session.queue().pending().empty());
    if (connection != nullptr && connection->is_connected() && !is_behind) {
        if (connection->sender().has_room()) return send(*connection, hit, 0);
        session.note_drop(
            connection->sender().is_within_own_limit() ? session::DropReason::memory : session::DropReason::slow_reader,
            *publication_, number());
        return;
    }
    const bool is_online = connection != nullptr && connection->is_connected();
    if (is_online || session.limits().queue_qos0_offline)
        enqueue(hit);
    else if (services_.tracer.is_on())
        trace(session::TraceStage::dropped, hit,
              "QoS 0, and the client is not connected (limits.queue_qos0_offline = false)");
    if (is_online) connection->pump(now_);
}

[[gnu::hot]] void Fanout::deliver_assured(const Hit& hit) {
    session::Session& session = *hit.session;
    Connection* connection = session.connection();
    const bool is_online = connection != nullptr && connection->is_connected();
    // The session ends with its connection, which is lost already.
    if (!is_online && !session.is_persistent()) return trace_lost_connection(hit);
    bool is_stored = hit.needs_record(terms_.level);
    const bool waits_for_commit =
        (is_stored && hit.qos == QoS::exactly_once) || !services_.journal.is_settled(terms_.not_before);
    const bool goes_now = !waits_for_commit && session.keeps_up();
    // may_queue() logs and counts a message that it drops.
    if (!goes_now && !may_queue(hit, is_stored)) return;
    session::Delivery delivery = delivery_of(hit);
    if (is_stored) keep(hit, is_online, delivery);
    if (goes_now) return send(*connection, hit, session.queue().open_exchange(std::move(delivery), true));
    session.queue().replace_earlier(publication_->topic);
    session.queue().enqueue(std::move(delivery), session.limits());
    if (services_.tracer.is_on())
        trace(session::TraceStage::queued, hit,
              !is_online         ? "the client is not connected"
              : waits_for_commit ? "it waits for a commit of the store"
                                 : "the client has unread output, open exchanges, or earlier messages in its queue");
    if (is_online) connection->pump(now_);
}

// The session ends with its connection, which is lost already.
void Fanout::trace_lost_connection(const Hit& hit) const {
    if (services_.tracer.is_on())
        trace(session::TraceStage::dropped, hit, "the connection is lost, and the session ends with it");
}

void Fanout::trace(session::TraceStage stage, const Hit& hit, std::string_view detail) const {
    services_.tracer.note({.stage = stage,
                           .client_id = hit.session->client_id(),
                           .topic = publication_->topic,
                           .message = number(),
                           .qos = hit.qos,
                           .detail = detail});
}

// Records the delivery in the store, and makes the publisher's acknowledgement wait for that record if its level is
// durable. For a connected client the commit may wait a little (`soon`): the client's own acknowledgement can make the
// record unnecessary.
void Fanout::keep(const Hit& hit, bool is_online, session::Delivery& delivery) {
    using journal::Urgency;
    LEDGE_ASSERT(hit.qos != QoS::at_most_once);
    const bool is_awaited = terms_.level == journal::Durability::durable;
    hit.session->queue().store(delivery, hit.session->is_online(),
                               !is_awaited ? Urgency::lazy
                               : is_online ? Urgency::soon
                                           : Urgency::now);
    if (!is_awaited) return;
    ack_.ticket = std::max(ack_.ticket, delivery.ticket);
    // One barrier for all receivers: it opens when each of them has acknowledged.
    if (!ack_.hold) ack_.hold = services_.barriers.open();
    delivery.hold = ack_.hold.share();
}

[[gnu::hot]] void Fanout::send(Connection& connection, const Hit& hit, wire::PacketId id) {
    if (Layout* layout = shared_layout(connection, hit)) {
        if (layout->size == 0) encode(*layout, hit, connection.peer().version);
        Byte* frame = frames_.data() + layout->offset;
        // The packet id is the only part of the frame that differs between the receivers of one layout.
        if (id != 0) {
            LEDGE_ASSERT(layout->id_from_end <= layout->size);
            const std::size_t at = layout->size - layout->id_from_end;
            frame[at] = static_cast<Byte>(id >> 8U);
            frame[at + 1] = static_cast<Byte>(id);
        }
        // A shared frame that is too large for this client must not be sent; the path below handles this case.
        if (connection.sender().accepts(layout->size))
            return connection.sender().append_frame({frame, layout->size}, publication_->payload.size());
    }
    const bool is_large = publication_->payload.size() >= shared_frame_payload_max;
    const bool is_shared = is_large && (terms_.has_several || publication_->payload.size() >= lone_payload_max);
    const bool is_kept = hit.qos != QoS::at_most_once || is_shared;
    const journal::PublicationView view = is_kept ? kept().view() : *publication_;
    const bool is_sent =
        connection.sender().send_publish(view, is_kept ? kept().blob() : Blob(),
                                         {hit.ids, hit.qos, hit.retain, false, id}, hit.session->client_id(), now_);
    // [MQTT-3.1.2-25] A message that is too large for the client counts as if it had been sent completely.
    if (!is_sent && id != 0) hit.session->queue().finish_exchange(id);
}

// The layout whose frame this receiver can get. nullptr when the frame has to be encoded for this receiver alone: the
// receiver uses topic aliases or has subscription identifiers, the payload is large, or the receiver is the first of
// its layout.
[[gnu::hot]] Fanout::Layout* Fanout::shared_layout(const Connection& connection, const Hit& hit) {
    if (!terms_.has_several || !hit.ids.empty() || !connection.sender().takes_shared_frames()) return nullptr;
    if (publication_->payload.size() >= shared_frame_payload_max) return nullptr;
    const std::size_t version = connection.peer().version == wire::Version::v5 ? 1 : 0;
    const std::size_t index = (version * 3 + static_cast<std::size_t>(hit.qos)) * 2 + (hit.retain ? 1 : 0);
    LEDGE_ASSERT(index < layouts);
    Layout& layout = layouts_[index];
    return ++layout.uses > 1 ? &layout : nullptr;
}

void Fanout::encode(Layout& layout, const Hit& hit, wire::Version version) {
    wire::PropertyBuilder& properties = properties_;
    // A member, so that its memory is reused for every publication.
    properties.clear();
    if (version == wire::Version::v5) session::append_forwarded_properties(*publication_, now_, properties);
    // send() overwrites the id for each receiver; here it only has to be a valid one.
    const wire::PacketId any_id = hit.qos == QoS::at_most_once ? wire::PacketId{0} : wire::PacketId{1};
    const wire::Publish packet{publication_->topic, publication_->payload, hit.qos, hit.retain, false, any_id,
                               properties.view()};
    layout.offset = static_cast<std::uint32_t>(frames_.size());
    layout.size = static_cast<std::uint32_t>(wire::encoded_size(packet, version));
    frames_.resize(frames_.size() + layout.size);
    wire::Writer writer(std::span<Byte>(frames_).subspan(layout.offset));
    wire::encode(packet, version, writer);
    // frame := fixed_header topic packet_id:u16 [properties] payload
    const std::size_t properties_size =
        version == wire::Version::v5
            ? properties.size() + wire::variable_size(static_cast<std::uint32_t>(properties.size()))
            : 0;
    layout.id_from_end = static_cast<std::uint32_t>(2 + properties_size + publication_->payload.size());
}

// For QoS 0. A clean session that has lost its connection gets nothing more.
void Fanout::enqueue(const Hit& hit) {
    session::Session& session = *hit.session;
    if (!session.is_online() && !session.is_persistent()) return trace_lost_connection(hit);
    session::DropReason reason{};
    if (!find_room(hit, false, reason)) return session.note_drop(reason, *publication_, number());
    session.queue().enqueue(delivery_of(hit), session.limits());
    if (services_.tracer.is_on())
        trace(session::TraceStage::queued, hit,
              session.is_online() ? "earlier messages wait" : "the client is not connected");
}

// For QoS 1 and 2. False when the message is dropped; the drop is counted and logged here. `is_stored` becomes true
// when the session begins to spill into the store.
[[gnu::hot]] bool Fanout::may_queue(const Hit& hit, bool& is_stored) {
    session::Session& session = *hit.session;
    session::DropReason reason{};
    if (find_room(hit, is_stored, reason)) return true;
    if (spill_to_store(session, is_stored) && find_room(hit, is_stored, reason)) return true;
    session.note_drop(reason, *publication_, number());
    if (must_not_miss(session))
        session.connection()->close(wire::ReasonCode::quota_exceeded,
                                    "the client's queue is full; its limits are limits.queue_messages_max and "
                                    "queue_bytes_max in memory, limits.queue_stored_messages_max and "
                                    "queue_stored_bytes_max in the store");
    return false;
}

// Makes room in the queue if necessary. False when the message does not fit; `reason` then says why. Under memory
// pressure, a message that only memory would keep is refused for offline sessions and for those above their share.
[[gnu::hot]] bool Fanout::find_room(const Hit& hit, bool is_stored, session::DropReason& reason) {
    const session::Session& session = *hit.session;
    const session::MemoryBudget& memory = services_.memory;
    const bool is_for_memory_only = !is_stored && memory.refuses_to_keep() &&
                                    (!session.is_online() || session.queue().memory() > memory.outbox_bytes_max(~0ULL));
    reason = is_for_memory_only ? session::DropReason::memory : session::DropReason::queue_full;
    return !is_for_memory_only && make_room(hit, is_stored);
}

// True when a drop must end the connection. The publisher is told that its message is safe, so this subscriber may not
// lose the message unnoticed. A lost connection tells the subscriber that messages are missing.
bool Fanout::must_not_miss(const session::Session& session) const {
    return terms_.level != journal::Durability::ram && session.is_online() && !session.is_persistent() &&
           session.limits().overflow == session::OverflowPolicy::spill;
}

// Gives a clean session a record, so that the store can keep its messages. The session still ends with its connection,
// and with a crash of the broker. False when the session does not spill.
bool Fanout::spill_to_store(session::Session& session, bool& is_stored) {
    const journal::Journal& journal = services_.journal;
    if (is_stored || session.is_stored() || !must_not_miss(session)) return false;
    if (!journal.is_enabled() || journal.refuses_publications()) return false;
    session.put_record(never, journal::Urgency::lazy);
    is_stored = true;
    return true;
}

// Removes expired messages, and under OverflowPolicy::drop_oldest the oldest ones, until the publication fits. False
// when the queue stays too full.
[[gnu::hot]] bool Fanout::make_room(const Hit& hit, bool is_stored) {
    session::Session& session = *hit.session;
    const std::size_t bytes = publication_->bytes();
    const session::SessionLimits& limits = session.limits();
    session::SessionQueue& queue = session.queue();
    // The place of an earlier message of the topic may be the room that this message needs. QoS 0 replaces none.
    const auto fits = [&] {
        return hit.qos == QoS::at_most_once ? queue.pending().fits(bytes, is_stored, limits)
                                            : queue.fits(publication_->topic, bytes, is_stored, limits);
    };
    if (fits()) return true;
    // Expired messages go first, because nobody may receive them any more [MQTT-3.3.2-5].
    queue.discard_expired(now_);
    // A message that is larger than the whole queue never fits, so no other message is dropped for it.
    const std::uint64_t bytes_max = is_stored ? limits.queue_stored_bytes_max : limits.queue_bytes_max;
    if (limits.overflow != session::OverflowPolicy::drop_oldest || bytes > bytes_max) return fits();
    while (!fits()) {
        auto oldest = queue.dequeue_oldest_droppable();
        if (!oldest) return false;  // the remaining messages were sent before, or are on their way to the store
        // The newer message replaces the earlier one of its topic in any case: that one is no victim of the overflow.
        if (hit.qos != QoS::at_most_once && queue.is_earlier_value(publication_->topic, *oldest))
            queue.drop_replaced(*oldest);
        else
            session.note_drop(session::DropReason::queue_full, oldest->publication.view(),
                              oldest->publication.message());
        queue.discard(*oldest);
    }
    return true;
}

[[gnu::hot]] session::Delivery Fanout::delivery_of(const Hit& hit) {
    session::Delivery delivery;
    delivery.publication = kept();
    delivery.ids = hit.ids;
    delivery.share_group = hit.share_group;
    delivery.not_before = terms_.not_before;
    delivery.qos = hit.qos;
    delivery.retain = hit.retain;
    session::SessionQueue::note_queued(delivery, now_);
    return delivery;
}

[[gnu::hot]] const journal::Publication& Fanout::kept() {
    LEDGE_ASSERT(publication_ != nullptr);
    // Made for the first receiver that needs it: most QoS 0 publications need no copy at all.
    if (!kept_) kept_ = journal::Publication(*publication_, services_.memory.account());
    return kept_;
}

}  // namespace ledge::broker
