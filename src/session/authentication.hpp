// Authentication: enhanced authentication of one client (5.0 section 4.12), the exchange before CONNACK and every
// re-authentication after it. Owned by Handshake until CONNACK, by Connection afterwards; on the shard's thread.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "ledge/auth/exchange.hpp"
#include "ledge/auth/identity.hpp"
#include "ledge/auth/login_guard.hpp"
#include "ledge/base/secret.hpp"
#include "ledge/session/close_reason.hpp"
#include "ledge/session/peer_facts.hpp"
#include "ledge/session/services.hpp"
#include "ledge/wire/packets.hpp"

namespace ledge::session {

class PacketSender;

class Authentication {
public:
    /// nullptr when the method that CONNECT asks for is not known. `frame` is the whole CONNECT packet.
    static std::unique_ptr<Authentication> start(const ConnectionServices& services, const PeerFacts& peer,
                                                 PacketSender& sender, std::string_view method, Bytes frame);

    const std::string& method() const { return method_; }
    /// The last data of the server, which CONNACK carries; empty when there is none.
    const std::string& last_data() const { return last_data_; }
    /// CONNECT, kept until the exchange ends.
    Bytes connect_frame() const { return connect_frame_.bytes(); }
    /// CONNACK was sent: forgets the credentials.
    void forget_connect();

    /// Outcome of the client's next message before CONNACK: an identity when the exchange has succeeded, an ending when
    /// it has failed, neither when it goes on.
    struct Step {
        std::optional<auth::Identity> identity{};
        Ending ending{};
    };
    /// `client_id` is the one of CONNECT, for the log.
    Step on_message(std::string_view data, std::string_view client_id, Instant now);
    /// Asks for the client's first message [MQTT-4.12.0-2].
    void ask();

    /// AUTH after CONNACK.
    [[nodiscard]] Ending reauthenticate(const wire::Auth& packet, Session& session, Instant now);
    /// False when AUTH names another method than CONNECT did [MQTT-4.12.0-5] [MQTT-4.12.0-7].
    bool continues(const wire::Auth& packet) const;

private:
    Authentication(const ConnectionServices& services, const PeerFacts& peer, PacketSender& sender,
                   std::string_view method, Bytes frame, std::optional<auth::Exchange> exchange);
    auth::Exchange::Reply reply_to(std::string_view data);
    auth::LoginSource source() const;
    void send(wire::ReasonCode code, std::string_view data);

    const ConnectionServices& services_;
    const PeerFacts& peer_;
    PacketSender& sender_;
    std::string method_;
    Secret connect_frame_;
    std::optional<auth::Exchange> exchange_;  // under way: the first, or a re-authentication
    std::string last_data_;
};

}  // namespace ledge::session
