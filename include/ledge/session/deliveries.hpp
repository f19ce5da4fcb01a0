// Deliveries: sends a session's messages to its connected client, and processes the client's answers. The sender's half
// of QoS 1 and 2 [MQTT-4.3.2-1] [MQTT-4.3.3-1]; the states of an exchange are the table in journal/out_state.hpp. A
// part of Connection, on the shard's thread.
#pragma once

#include "ledge/session/ack_queue.hpp"
#include "ledge/session/close_reason.hpp"
#include "ledge/session/inflight.hpp"
#include "ledge/session/peer_facts.hpp"
#include "ledge/session/services.hpp"

namespace ledge::session {

class PacketSender;

class Deliveries {
public:
    Deliveries(const ConnectionServices& services, const PeerFacts& peer, PacketSender& sender, AckQueue& acks)
        : services_(services), peer_(peer), sender_(sender), acks_(acks) {}

    /// Sends what the session holds, oldest first, as far as the client's quota and the outbox allow.
    void pump(Session& session, Instant now);
    /// True when one more QoS 1 or 2 message may be sent now [MQTT-3.3.4-9].
    bool has_quota(const Session& session) const;

    /// PUBACK, PUBREC or PUBCOMP of the client. The caller pumps afterwards: an answer makes room.
    [[nodiscard]] Ending on_answer(const wire::Ack& packet, Session& session);

private:
    Ending on_puback(const wire::Ack& packet, Session& session);
    Ending on_pubrec(const wire::Ack& packet, Session& session);
    Ending on_pubcomp(const wire::Ack& packet, Session& session);
    std::size_t quota() const;
    bool may_take_next(Session& session, Instant now) const;
    bool can_never_leave(const Delivery& delivery, const Session& session) const;
    void start_next(Session& session, Instant now);
    void send_unsent(Session& session, Instant now);
    bool send_exchange(Session& session, wire::PacketId id, Inflight::Entry& entry, Instant now);

    const ConnectionServices& services_;
    const PeerFacts& peer_;
    PacketSender& sender_;
    AckQueue& acks_;
};

}  // namespace ledge::session
