// Handshake: a connection from its first byte to CONNACK. Judges CONNECT, has the login checked, and asks the broker
// for the session. Owned by Connection, which destroys it once the client is connected; on the shard's thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "authentication.hpp"
#include "ledge/auth/identity.hpp"
#include "ledge/auth/login_check.hpp"
#include "ledge/auth/login_guard.hpp"
#include "ledge/base/secret.hpp"
#include "ledge/base/time.hpp"
#include "ledge/session/close_reason.hpp"
#include "ledge/session/effects.hpp"
#include "ledge/session/peer_facts.hpp"
#include "ledge/session/services.hpp"

namespace ledge::session {

class Handshake {
public:
    enum class Step : std::uint8_t {
        awaiting_connect,  // nothing but CONNECT is allowed
        authenticating,    // an AUTH exchange is under way: nothing but AUTH and DISCONNECT is allowed
        awaiting_login,    // the login is being checked; what the client sends meanwhile is kept
        awaiting_turn,     // several connections compete for the session; the one that has it keeps it for some seconds
    };

    /// `connection` identifies this handshake in the login queue.
    Handshake(const ConnectionServices& services, PeerFacts& peer, PacketSender& sender, Connection& connection);
    ~Handshake();
    Handshake(const Handshake&) = delete;
    Handshake& operator=(const Handshake&) = delete;

    Step step() const { return step_; }
    /// CONNECT has come and is not answered yet: bytes from the client are for hold_input().
    bool is_awaiting_answer() const { return step_ == Step::awaiting_login || step_ == Step::awaiting_turn; }

    /// The user is known without CONNECT: no password is asked for, and a user name in CONNECT means nothing. `proof`
    /// is Proof::tls, or Proof::program for a part of this program.
    void set_proven_user(std::string_view user, auth::Proof proof);
    /// The client's identity once it is settled; nullptr when the client is anonymous and there are no rules.
    const auth::Identity* identity() const { return identity_.get(); }
    std::unique_ptr<auth::Identity> take_identity() { return std::move(identity_); }
    /// When the proof of the login is no longer valid; `never` without such an end.
    Instant login_ends_at() const { return login_ends_at_; }

    /// The first packet. Sets `effect` when the login needs no check. The views of the effect stay valid until end().
    [[nodiscard]] Ending on_connect(Bytes frame, Instant now, Effect& effect);
    /// AUTH before CONNACK.
    [[nodiscard]] Ending on_auth(Bytes frame, Instant now, Effect& effect);
    /// The verdict on the login.
    [[nodiscard]] Ending on_login_checked(auth::LoginOutcome outcome, Instant now, Effect& effect);
    /// Keeps what must not be processed before CONNECT is answered; at most LoginQueue::held_bytes_max.
    [[nodiscard]] Ending hold_input(Bytes bytes);

    /// CONNECT was accepted, but the session is asked for again later, by reopen().
    void postpone(const OpenSession& open);
    [[nodiscard]] Ending reopen(Effect& effect);

    /// Adds the client id of CONNECT and the user to the reason, as far as they are known, for the log.
    void add_names(CloseReason& reason) const;
    /// Ends the wait for an answer. Returns the input that was held meanwhile.
    std::vector<Byte> end();
    /// Forgets CONNECT and the held input, and leaves the login queue.
    void drop();
    /// The exchange outlives the handshake, because the client may re-authenticate; nullptr without one.
    std::unique_ptr<Authentication> take_authentication() { return std::move(authentication_); }
    const Authentication* authentication() const { return authentication_.get(); }
    /// True while end() is still to be called.
    bool has_pending_login() const { return login_ != nullptr; }
    /// Bytes of CONNECT and of the held input.
    std::size_t memory() const;

private:
    /// A client between its CONNECT and the verdict on its password, or its turn after a take-over.
    struct PendingLogin {
        Secret connect_frame;          // CONNECT, kept until the verdict
        std::vector<Byte> held_input;  // what came after CONNECT [MQTT-3.1.4-6]
        auth::LoginSource source{};
        std::string client_id{};  // of a postponed client; chosen by the broker if the client left it empty
    };

    Ending judge(const wire::Connect& packet, Bytes frame, Instant now, Effect& effect);
    void read_limits(const wire::Connect& packet);
    Ending check(const wire::Connect& packet) const;
    Ending check_will(const wire::Will& will) const;
    Ending start_authentication(const wire::Connect& packet, Bytes frame, Instant now, Effect& effect);
    Ending continue_authentication(std::string_view data, Instant now, Effect& effect);
    Ending await_login(const wire::Connect& packet, Bytes frame, auth::LoginCheck login, Instant now);
    Ending refuse_login(const wire::Connect& packet, const auth::LoginOutcome& outcome, Instant now);
    Ending admit(const wire::Connect& packet, auth::Identity identity, Effect& effect);
    Ending check_right_to_will(wire::Connect& packet, std::string_view client_id);

    const ConnectionServices& services_;
    PeerFacts& peer_;
    PacketSender& sender_;
    Connection& connection_;
    std::unique_ptr<Authentication> authentication_;  // if the client asked for enhanced authentication
    std::unique_ptr<PendingLogin> login_;             // in awaiting_login and awaiting_turn
    std::unique_ptr<auth::Identity> identity_;        // until the session takes it
    Instant login_ends_at_ = never;
    Step step_ = Step::awaiting_connect;
};

Ending busy_with_logins();

}  // namespace ledge::session
