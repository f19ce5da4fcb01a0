// PublishReceiver: judges the PUBLISH and PUBREL packets of one client, and answers them once the broker has routed the
// message. The receiver's half of QoS 1 and 2 [MQTT-4.3.2-4] [MQTT-4.3.3-8]. A part of Connection, on the shard's
// thread.
#pragma once

#include <memory>
#include <string>

#include "ledge/session/ack_queue.hpp"
#include "ledge/session/close_reason.hpp"
#include "ledge/session/effects.hpp"
#include "ledge/session/peer_facts.hpp"
#include "ledge/session/services.hpp"
#include "ledge/session/topic_alias.hpp"

namespace ledge::session {

class PublishReceiver {
public:
    PublishReceiver(const ConnectionServices& services, const PeerFacts& peer, AckQueue& acks)
        : services_(services), peer_(peer), acks_(acks) {}

    /// One PUBLISH. Sets `effect` when the message is to be routed; on_routed() must follow then.
    [[nodiscard]] Ending on_publish(Bytes frame, Session& session, Instant now, Effect& effect);
    /// The broker has routed a PUBLISH, or refused it with `code`. PUBACK or PUBREC leaves when `ticket` is durable, or
    /// when the last hold that shares the barrier of `hold` has ended.
    [[nodiscard]] Ending on_routed(Session& session, wire::QoS qos, wire::PacketId id, wire::ReasonCode code,
                                   Ticket ticket, AckHold hold, std::string_view reason = {});
    void on_pubrel(const wire::Ack& packet, Session& session);

    /// QoS 2 messages of this connection that await PUBREL.
    std::uint32_t unreleased() const { return unreleased_; }

    /// The store has failed: forgets the packet ids of messages that were not kept.
    void on_store_failed(Session& session);

    /// True for the first few refusals: a client that repeats what is refused does not fill the log.
    bool may_log_refusal() { return logged_refusals_ < 10 && ++logged_refusals_ > 0; }

private:
    Ending resolve_topic(wire::Publish& packet);
    Ending check_against_connack(const wire::Publish& packet) const;
    Ending check_receive_maximum() const;
    Ending owe_repeated_pubrec(const wire::Publish& packet, const Session& session);
    wire::ReasonCode check_publish(const wire::Publish& packet, const Session& session) const;
    std::string rule_against(std::string_view topic, wire::ReasonCode code, const Session& session) const;
    Ending refuse(const wire::Publish& packet, wire::ReasonCode code, Session& session);
    void read_properties(const wire::Properties& properties, journal::PublicationView& publication, Instant now);

    const ConnectionServices& services_;
    const PeerFacts& peer_;
    AckQueue& acks_;
    std::unique_ptr<InboundAliases> aliases_;
    std::uint32_t unreleased_ = 0;  // QoS 2 messages received on this connection that await PUBREL
    std::uint8_t logged_refusals_ = 0;
};

/// The text for the client: `detail`, followed by the access rule if the policy explains itself to clients.
std::string detail_for_client(const ConnectionServices& services, std::string_view detail, std::string_view rule);

}  // namespace ledge::session
