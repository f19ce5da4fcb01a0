// CONNACK: built from the wishes of the client and the limits of its listener and session. Stateless; on the shard's
// thread.
#pragma once

#include "authentication.hpp"
#include "ledge/session/effects.hpp"
#include "ledge/session/peer_facts.hpp"
#include "ledge/session/services.hpp"

namespace ledge::session {

class PacketSender;

/// Accepts the client. `authentication` = nullptr without enhanced authentication.
void send_connack(const ConnectionServices& services, const PeerFacts& peer, PacketSender& sender,
                  const OpenSession& open, const Session& session, bool session_present,
                  const Authentication* authentication);
/// Refuses the client; no packet when the client's version has none for this code.
void send_refusal(const PeerFacts& peer, PacketSender& sender, wire::ReasonCode code, std::string_view reason);

}  // namespace ledge::session
