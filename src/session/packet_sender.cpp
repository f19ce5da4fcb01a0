#include "ledge/session/packet_sender.hpp"

#include <algorithm>

#include "ledge/base/assert.hpp"
#include "ledge/base/log.hpp"
#include "ledge/journal/journal.hpp"
#include "ledge/session/connection.hpp"
#include "ledge/session/counters.hpp"
#include "ledge/session/tracer.hpp"
#include "ledge/wire/utf8.hpp"

namespace ledge::session {

using wire::PropertyId;

namespace {
// From this size on a payload is referenced instead of copied. Below it, copying is cheaper than one more piece for the
// gathering write.
constexpr std::size_t referenced_payload_min = 2048;
constexpr std::size_t reason_bytes_max = 512;
}  // namespace

PacketSender::PacketSender(const ConnectionServices& services, const PeerFacts& peer, Connection& connection)
    : services_(services), peer_(peer), connection_(connection), outbox_(services.buffers) {}

PacketSender::~PacketSender() {
    if (is_waiting_for_commit_) std::erase(services_.waiting, &connection_);
}

void PacketSender::use_topic_aliases(std::uint16_t topic_alias_max) {
    LEDGE_ASSERT(aliases_ == nullptr);
    if (topic_alias_max > 0) aliases_ = std::make_unique<OutboundAliases>(topic_alias_max);
}

void PacketSender::give_up() { connection_.close_silently(); }

[[gnu::hot]] void PacketSender::note_packet() {
    ++services_.counters.packets_sent;
    services_.dirty.add(connection_);
}

[[gnu::hot]] void PacketSender::note_publish(std::size_t payload_size) {
    ++services_.counters.publish_sent;
    if (Session* const session = connection_.session()) ++session->traffic.publish_sent;
    services_.counters.publish_bytes_sent += payload_size;
    note_packet();
}

[[gnu::hot]] void PacketSender::send_ack(wire::PacketType type, wire::PacketId id, wire::ReasonCode code,
                                         std::string_view reason) {
    const wire::Ack packet{type, id, peer_.is_v5() ? code : wire::ReasonCode::success, {}};
    if (reason.empty())
        send(packet);
    else
        send_with_reason(packet, reason);  // [MQTT-3.4.2-2] [MQTT-3.5.2-2]
    if (services_.counters.traces != 0) [[unlikely]]
        services_.tracer.note_answer(connection_.client_id(), type, id, code);
}

void PacketSender::send_pingresp() {
    wire::Writer writer(outbox_.append(wire::ping_size));
    wire::encode(wire::Pingresp{}, writer);  // [MQTT-3.12.4-1]
    note_packet();
}

[[gnu::hot]] bool PacketSender::send_publish(const journal::PublicationView& publication, const Blob& blob,
                                             const PublishHeader& header, std::string_view client_id, Instant now) {
    LEDGE_ASSERT((header.packet_id == 0) == (header.qos == wire::QoS::at_most_once));
    wire::Publish packet{publication.topic, publication.payload, header.qos, header.retain,
                         header.dup,        header.packet_id,    {}};
    if (peer_.is_v5()) set_publish_properties(publication, header, now, packet);
    const std::size_t size = wire::encoded_size(packet, peer_.version);
    if (!accepts(size)) {
        if (aliases_ != nullptr) aliases_->take_back();  // the client never sees the packet that sets this alias
        drop_too_large(publication, blob, header, client_id);
        services_.log.debug("publish_dropped", {{"client_id", client_id},
                                                {"topic", publication.topic},
                                                {"reason", "larger than the client's maximum packet size"},
                                                {"bytes", size}});
        return false;
    }
    if (blob && packet.payload.size() >= referenced_payload_min) {
        wire::Writer writer(outbox_.append(size - packet.payload.size()));
        wire::encode_publish_head(packet, peer_.version, writer);
        outbox_.append_reference(blob, packet.payload);
    } else {
        wire::Writer writer(outbox_.append(size));
        wire::encode(packet, peer_.version, writer);
    }
    largest_publish_ = std::max(largest_publish_, static_cast<std::uint32_t>(size));
    note_publish(publication.payload.size());
    if (services_.counters.traces != 0) [[unlikely]]
        trace_sent(publication, blob, header, client_id);
    return true;
}

// A message without a blob is the one that is being routed.
MessageNumber PacketSender::message_of(const Blob& blob) const {
    return blob ? journal::Publication::message_of(blob) : services_.tracer.routed();
}

void PacketSender::trace_sent(const journal::PublicationView& publication, const Blob& blob,
                              const PublishHeader& header, std::string_view client_id) const {
    services_.tracer.note({.stage = TraceStage::sent,
                           .client_id = client_id,
                           .topic = publication.topic,
                           .message = message_of(blob),
                           .qos = header.qos,
                           .packet_id = header.packet_id,
                           .detail = header.dup      ? "DUP"
                                     : header.retain ? "RETAIN"
                                                     : ""});
}

void PacketSender::drop_too_large(const journal::PublicationView& publication, const Blob& blob,
                                  const PublishHeader& header, std::string_view client_id) const {
    services_.tracer.drop({.reason = &Counters::dropped_too_large,
                           .client_id = client_id,
                           .topic = publication.topic,
                           .message = message_of(blob),
                           .qos = header.qos,
                           .packet_id = header.packet_id});
}

// Subscription identifiers and the topic alias belong to this delivery; all other properties are the publisher's.
[[gnu::hot]] void PacketSender::set_publish_properties(const journal::PublicationView& publication,
                                                       const PublishHeader& header, Instant now,
                                                       wire::Publish& packet) {
    const bool is_plain = header.ids.empty() && publication.expires_at == never && aliases_ == nullptr;
    if (is_plain) {
        packet.properties = wire::Properties(publication.properties, 0);
        return;
    }
    wire::PropertyBuilder& properties = services_.scratch.outbound;
    properties.clear();
    append_forwarded_properties(publication, now, properties);
    header.ids.append_to(properties);
    if (aliases_ != nullptr) {
        const OutboundAliases::Choice choice = aliases_->choose(publication.topic);
        if (choice.alias != 0) properties.number(PropertyId::topic_alias, choice.alias);
        if (choice.is_established) packet.topic = {};
    }
    packet.properties = properties.view();
}

[[gnu::hot]] void PacketSender::append_frame(Bytes frame, std::size_t payload_size) {
    LEDGE_ASSERT(takes_shared_frames() && accepts(frame.size()));
    outbox_.append_copy(frame);
    largest_publish_ = std::max(largest_publish_, static_cast<std::uint32_t>(frame.size()));
    note_publish(payload_size);
}

std::string_view PacketSender::reason_for_client(std::string_view reason) const {
    if (!peer_.is_v5() || !peer_.wants_reasons || !wire::is_valid_utf8(reason)) return {};
    std::size_t size = std::min(reason.size(), reason_bytes_max);
    // A cut in the middle of a character would make the string invalid [MQTT-1.5.4-1].
    while (size < reason.size() && (static_cast<unsigned char>(reason[size]) & 0xC0U) == 0x80U) --size;
    return reason.substr(0, size);
}

void PacketSender::hold(Ticket ticket) {
    if (services_.journal.is_durable(ticket)) return;
    held_until_ = std::max(held_until_, ticket);
    wait_for_commit();
}

[[gnu::hot]] bool PacketSender::is_held() const { return !services_.journal.is_durable(held_until_); }

void PacketSender::drop_all() {
    outbox_.clear();
    held_until_ = no_ticket;
}

void PacketSender::wait_for_commit() {
    if (is_waiting_for_commit_) return;
    is_waiting_for_commit_ = true;
    services_.waiting.push_back(&connection_);
}

}  // namespace ledge::session
