#include "fanout.hpp"

namespace ledge::broker {

using session::Connection;
using wire::QoS;

namespace {
constexpr std::size_t shared_frame_payload_max = 2048;  // larger payloads are referenced, only their heads are encoded
}

void Fanout::begin(const session::PublicationView& publication, bool has_several, Instant now) {
    publication_ = &publication;
    has_several_ = has_several;
    now_ = now;
    if (has_several) {
        layouts_.fill({});
        frames_.clear();
    }
}

void Fanout::end() {
    publication_ = nullptr;
    kept_ = {};
}

void Fanout::deliver(const Hit& hit) {
    if (hit.qos == QoS::at_most_once)
        deliver_at_most_once(hit);
    else
        deliver_assured(hit);
}

void Fanout::deliver_at_most_once(const Hit& hit) {
    session::Session& session = *hit.session;
    Connection* connection = session.connection();
    const bool is_behind = session.limits().queue_qos0_offline && !session.pending().empty();  // [MQTT-4.6.0-6]
    if (connection != nullptr && connection->is_connected() && !is_behind) {
        if (connection->has_outbox_room()) return send(*connection, hit, 0);
        session.note_drop(session::DropReason::slow_reader, *publication_);
        return;
    }
    if (session.limits().queue_qos0_offline && session.is_persistent()) enqueue(hit);
}

void Fanout::deliver_assured(const Hit& hit) {
    session::Session& session = *hit.session;
    Connection* connection = session.connection();
    const bool is_ready = connection != nullptr && connection->is_connected() && session.pending().empty() &&
                          connection->has_outbox_room() && connection->has_send_quota() &&
                          !session.inflight().has_unsent();
    if (!is_ready) return enqueue(hit);
    const wire::PacketId id = session.open_exchange(delivery_of(hit));
    send(*connection, hit, id);
}

void Fanout::send(Connection& connection, const Hit& hit, wire::PacketId id) {
    if (Layout* layout = shared_layout(connection, hit)) {
        if (layout->size == 0) encode(*layout, hit, connection.version());
        Byte* frame = frames_.data() + layout->offset;
        if (id != 0) {
            const std::size_t at = layout->size - layout->id_from_end;
            frame[at] = static_cast<Byte>(id >> 8U);
            frame[at + 1] = static_cast<Byte>(id);
        }
        if (connection.takes_packet_of(layout->size))
            return connection.append_frame({frame, layout->size}, publication_->payload.size());
    }
    const bool is_large = publication_->payload.size() >= shared_frame_payload_max;
    const bool is_kept = hit.qos != QoS::at_most_once || (is_large && has_several_);
    const session::PublicationView view = is_kept ? kept().view() : *publication_;
    const bool is_sent = connection.send_publish(view, is_kept ? kept().blob() : Blob(),
                                                 {hit.ids, hit.qos, hit.retain, false, id}, now_);
    if (!is_sent && id != 0) hit.session->finish_exchange(id);  // [MQTT-3.1.2-25]: as if it had been sent
}

// The layout whose frame suits this receiver, from its second use on; nullptr: encode for it alone.
Fanout::Layout* Fanout::shared_layout(const Connection& connection, const Hit& hit) {
    if (!has_several_ || !hit.ids.empty() || !connection.takes_shared_frames()) return nullptr;
    if (publication_->payload.size() >= shared_frame_payload_max) return nullptr;
    const std::size_t version = connection.version() == wire::Version::v5 ? 1 : 0;
    Layout& layout = layouts_[(version * 3 + static_cast<std::size_t>(hit.qos)) * 2 + (hit.retain ? 1 : 0)];
    return ++layout.uses > 1 ? &layout : nullptr;
}

void Fanout::encode(Layout& layout, const Hit& hit, wire::Version version) {
    wire::PropertyBuilder& properties = environment_.properties;
    properties.clear();
    if (version == wire::Version::v5) session::append_forwarded_properties(*publication_, now_, properties);
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

void Fanout::enqueue(const Hit& hit) {
    session::Session& session = *hit.session;
    if (!session.is_online() && !session.is_persistent()) return;
    const std::size_t bytes = publication_->bytes();
    const bool makes_room =
        session.limits().overflow == session::OverflowPolicy::drop_oldest && bytes <= session.limits().queue_bytes_max;
    if (makes_room) {
        while (!session.pending().empty() && !session.pending().fits(bytes, session.limits())) {
            const session::Delivery oldest = session.dequeue();
            session.note_drop(session::DropReason::queue_full, oldest.publication.view());
        }
    }
    if (!session.pending().fits(bytes, session.limits())) {
        return session.note_drop(session::DropReason::queue_full, *publication_);
    }
    session.enqueue(delivery_of(hit));
}

session::Delivery Fanout::delivery_of(const Hit& hit) {
    return {kept(), hit.ids, hit.share_group, hit.qos, hit.retain};
}

const session::Publication& Fanout::kept() {
    if (!kept_) kept_ = session::Publication(*publication_);
    return kept_;
}

}  // namespace ledge::broker
