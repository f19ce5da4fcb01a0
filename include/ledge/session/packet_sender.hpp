// PacketSender: encodes packets for one client into its outbox, within what the client accepts. A part of Connection,
// on the shard's thread.
#pragma once

#include <memory>
#include <string_view>

#include "ledge/base/ids.hpp"
#include "ledge/journal/publication.hpp"
#include "ledge/session/limits.hpp"
#include "ledge/session/memory_budget.hpp"
#include "ledge/session/outbox.hpp"
#include "ledge/session/peer_facts.hpp"
#include "ledge/session/services.hpp"
#include "ledge/session/topic_alias.hpp"
#include "ledge/wire/packets.hpp"
#include "ledge/wire/writer.hpp"

namespace ledge::session {

class SubscriptionIds;

/// The fields of a PUBLISH that differ from receiver to receiver.
struct PublishHeader {
    const SubscriptionIds& ids;
    wire::QoS qos = wire::QoS::at_most_once;
    bool retain = false;
    bool dup = false;
    wire::PacketId packet_id = 0;  // 0 exactly when qos is 0
};

class PacketSender {
public:
    PacketSender(const ConnectionServices& services, const PeerFacts& peer, Connection& connection);
    ~PacketSender();
    PacketSender(const PacketSender&) = delete;
    PacketSender& operator=(const PacketSender&) = delete;

    Outbox& outbox() { return outbox_; }
    const Outbox& outbox() const { return outbox_; }

    /// The client accepts topic aliases up to `topic_alias_max`; 0 = none.
    void use_topic_aliases(std::uint16_t topic_alias_max);

    /// Encodes a packet of the broker's own. A client whose Maximum Packet Size has no room for the packet cannot be
    /// served: its connection is closed, and nothing is sent [MQTT-3.1.2-24].
    template <class Packet>
    void send(const Packet& packet) {
        const std::size_t size = wire::encoded_size(packet, peer_.version);
        if (!accepts(size)) return give_up();
        wire::Writer writer(outbox_.append(size));
        wire::encode(packet, peer_.version, writer);
        note_packet();
    }

    /// As send(), with a Reason String if the client wants reasons and has room for this one. The packet's other
    /// properties are replaced.
    template <class Packet>
    void send_with_reason(Packet packet, std::string_view reason) {
        reason = reason_for_client(reason);
        if (!reason.empty()) {
            services_.scratch.outbound.clear();
            packet.properties = services_.scratch.outbound.text(wire::PropertyId::reason_string, reason).view();
            if (!accepts(wire::encoded_size(packet, peer_.version))) packet.properties = {};
        }
        send(packet);
    }

    void send_ack(wire::PacketType type, wire::PacketId id, wire::ReasonCode code, std::string_view reason = {});
    void send_pingresp();

    /// Encodes and appends one PUBLISH; `blob` holds the publication, or is empty when nobody owns the bytes. False
    /// when the packet is larger than the client accepts: nothing is appended, and the message counts as delivered
    /// [MQTT-3.1.2-25].
    bool send_publish(const journal::PublicationView& publication, const Blob& blob, const PublishHeader& header,
                      std::string_view client_id, Instant now);
    /// True when a frame that was encoded for another client of the same version suits this client unchanged.
    bool takes_shared_frames() const { return aliases_ == nullptr; }
    /// Appends such a frame; `payload_size` in bytes, for the counters.
    void append_frame(Bytes frame, std::size_t payload_size);

    /// The part of `reason` that may be sent: empty when the client does not want reasons [MQTT-3.1.2-29].
    std::string_view reason_for_client(std::string_view reason) const;
    /// False when a packet of `bytes` exceeds the client's Maximum Packet Size [MQTT-3.1.2-24].
    bool accepts(std::size_t bytes) const { return bytes <= peer_.packet_size_max; }

    /// True while the outbox takes more messages: the client reads fast enough, and the memory budget has room.
    bool has_room() const {
        return outbox_.size() < services_.memory.outbox_bytes_max(peer_.limits().outbox_bytes_max);
    }
    /// The unsent bytes are below the connection's own limit. If has_room() is false nevertheless, the memory budget is
    /// the cause.
    bool is_within_own_limit() const { return outbox_.size() < peer_.limits().outbox_bytes_max; }
    /// The unsent bytes exceed outbox_bytes_fatal by more than the largest message that was sent.
    bool is_beyond_fatal_limit() const { return outbox_.size() > peer_.limits().outbox_bytes_fatal + largest_publish_; }

    /// Nothing leaves the outbox before `ticket` is durable: CONNACK of a resumed session, SUBACK.
    void hold(Ticket ticket);
    bool is_held() const;
    /// Drops everything that was not sent yet.
    void drop_all();

    /// Calls Connection::on_committed after the next commit.
    void wait_for_commit();
    /// The shard has taken the connection off the list of those that wait.
    void stop_waiting() { is_waiting_for_commit_ = false; }

    /// Topic aliases that are in use at most.
    std::uint16_t topic_alias_max() const { return aliases_ == nullptr ? std::uint16_t{0} : aliases_->maximum(); }

    /// The connection is closing: nothing is appended to the outbox any more.
    void seal() { is_sealed_ = true; }
    bool is_sealed() const { return is_sealed_; }

private:
    void give_up();
    void note_packet();
    void note_publish(std::size_t payload_size);
    MessageNumber message_of(const Blob& blob) const;
    [[gnu::cold, gnu::noinline]] void trace_sent(const journal::PublicationView& publication, const Blob& blob,
                                                 const PublishHeader& header, std::string_view client_id) const;
    [[gnu::cold]] void drop_too_large(const journal::PublicationView& publication, const Blob& blob,
                                      const PublishHeader& header, std::string_view client_id) const;
    void set_publish_properties(const journal::PublicationView& publication, const PublishHeader& header, Instant now,
                                wire::Publish& packet);

    const ConnectionServices& services_;
    const PeerFacts& peer_;
    Connection& connection_;
    std::unique_ptr<OutboundAliases> aliases_;
    Ticket held_until_ = no_ticket;
    std::uint32_t largest_publish_ = 0;  // bytes of the largest PUBLISH that was put into the outbox
    bool is_waiting_for_commit_ = false;
    bool is_sealed_ = false;
    Outbox outbox_;
};

}  // namespace ledge::session
