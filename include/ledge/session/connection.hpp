// Connection: everything that dies with the socket, and the state machine that holds its parts together. Frames go in
// (on_frame), bytes for the peer go to the outbox, requests to the broker come out as an Effect. Owned by the shard, on
// its thread.
//
//     Handshake        first byte to CONNACK          PublishReceiver   PUBLISH and PUBREL in
//     PacketSender     packets into the outbox        Deliveries        the session's messages out
//     AckQueue         acknowledgements that wait for the store
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/base/ids.hpp"
#include "ledge/base/owner.hpp"
#include "ledge/session/ack_queue.hpp"
#include "ledge/session/close_reason.hpp"
#include "ledge/session/core_timer.hpp"
#include "ledge/session/deliveries.hpp"
#include "ledge/session/dirty_list.hpp"
#include "ledge/session/effects.hpp"
#include "ledge/session/packet_sender.hpp"
#include "ledge/session/peer_facts.hpp"
#include "ledge/session/publish_receiver.hpp"
#include "ledge/session/read_rate.hpp"
#include "ledge/session/services.hpp"
#include "ledge/session/session.hpp"
#include "ledge/wire/framer.hpp"

namespace ledge::auth {
enum class Proof : std::uint8_t;
struct Identity;
struct LoginOutcome;
}  // namespace ledge::auth

namespace ledge::session {

class Authentication;
class Handshake;
class LinkHandle;
struct ListenerCounters;

class Connection {
public:
    /// The kind of place that the connection occupies on its listener.
    enum class Place : std::uint8_t {
        arriving,   // no CONNECT of the peer was accepted yet
        connected,  // the peer is a client
        leaving,    // the connection is closing, so another connection may have the place
    };

    Connection(const ConnectionServices& services, const ListenerOptions& listener, std::string address,
               LinkHandle* link, Instant now);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    /// "" while the connection has no session.
    std::string_view client_id() const;
    // The parts, for the broker.
    const PeerFacts& peer() const { return peer_; }
    const SessionLimits& limits() const { return peer_.limits(); }
    PacketSender& sender() { return sender_; }
    const PacketSender& sender() const { return sender_; }
    /// nullptr before CONNACK, and after forget_session().
    Session* session() const { return session_; }

    // For the driver.
    Outbox& outbox() { return sender_.outbox(); }
    const Outbox& outbox() const { return sender_.outbox(); }
    bool is_closing() const { return state_ == State::closing; }
    /// The link that the driver gave to Shard::open().
    LinkHandle* link() const { return link_; }
    /// Bytes that one read may bring.
    std::uint32_t read_bytes_max() const { return ReadRate::read_bytes_max(limits()); }
    /// False while the driver must not read the connection. When the result becomes true again, the connection is
    /// marked dirty.
    bool wants_input() const { return is_closing() || !is_held_back(); }
    /// True while the broker does not read the connection: the client has used up its rate, the connection waits for
    /// its session, or too many acknowledgements wait for the store. The last case slows down clients that ignore
    /// Receive Maximum.
    bool is_held_back() const;
    /// Puts the connection on the shard's list for the driver.
    void mark_dirty() { services_.dirty.add(*this); }
    void unlink_dirty() { services_.dirty.remove(*this); }

    // Input.
    wire::Framer& framer() { return framer_; }
    /// Largest packet that the peer may send now, in bytes, fixed header included.
    std::uint32_t packet_size_max() const;
    /// One whole packet. Sets `effect` when the broker has to act.
    void on_frame(Bytes frame, Instant now, Effect& effect);
    /// The framer refused the stream.
    void on_unframeable(const wire::Framer::Next& next);
    void on_received(Instant now) { last_received_ = now; }
    /// The connection's timer: connect timeout, keep alive, or the end of the login's validity.
    void on_timer(Instant now);
    /// nullptr when the connection has no rate limit.
    ReadRate* read_rate() { return rate_.get(); }
    const ReadRate* read_rate() const { return rate_.get(); }

    // From the first byte to CONNACK (handshake.hpp).
    bool is_connected() const { return state_ == State::connected; }
    /// True until the broker has accepted the CONNECT.
    bool is_unauthenticated() const { return is_unauthenticated_; }
    /// Nothing but CONNECT is allowed now.
    bool is_awaiting_connect() const;
    /// CONNECT has come and is not answered yet: bytes from the peer are for hold_input().
    bool is_awaiting_answer() const;
    /// Keeps what must not be processed before CONNECT is answered. Closes when that is too much.
    void hold_input(Bytes bytes);
    /// The user is known without CONNECT: by Proof::tls, or by Proof::program.
    void set_proven_user(std::string_view user, auth::Proof proof);
    /// The client's identity between its login and accept(); nullptr when the client is anonymous and there are no
    /// rules.
    const auth::Identity* identity() const;
    std::unique_ptr<auth::Identity> take_identity();
    /// The verdict on the login. end_login() follows once the effect is done.
    void on_login_checked(auth::LoginOutcome outcome, Instant now, Effect& effect);
    /// CONNECT was accepted, but the session is asked for again at `until`: by reopen(), or earlier.
    void postpone(const OpenSession& open, Instant until);
    bool is_postponed() const;
    /// The connection that had the session is gone: reopen() in the next turn.
    void reopen_soon(Instant now);
    /// Asks for the session again. end_login() follows once the effect is done. Requires is_postponed().
    void reopen(Effect& effect);
    /// The input that was held meanwhile.
    std::vector<Byte> end_login();
    /// The source of the login was blocked before its turn came.
    void refuse_blocked();
    /// Another connection has the place in the queue of logins.
    void refuse_busy();
    /// Answers CONNECT with a refusal.
    void refuse(const OpenSession& open, wire::ReasonCode code, std::string_view detail, std::string_view rule = {});
    /// Answers CONNECT; `session` belongs to this connection from now on.
    void accept(const OpenSession& open, Session& session, bool session_present, Instant now);

    // Messages.
    /// Answers a PUBLISH of this connection with PUBACK or PUBREC; see PublishReceiver::on_routed.
    void on_routed(wire::QoS qos, wire::PacketId id, wire::ReasonCode code, Ticket ticket, AckHold hold,
                   std::string_view reason = {});
    /// Sends what the session holds, oldest first, as far as quota and outbox allow.
    void pump(Instant now);
    /// True when one more QoS 1 or 2 message may be sent now [MQTT-3.3.4-9].
    bool has_send_quota() const { return deliveries_.has_quota(*session_); }
    /// The client keeps up: nothing waits for it, so a QoS 1 or 2 message that is routed now may be sent at once.
    bool keeps_up() const;
    /// `detail` and the rule behind it, as far as the policy explains itself to clients.
    std::string detail_for_client(std::string_view detail, std::string_view rule) const {
        return session::detail_for_client(services_, detail, rule);
    }
    /// True for the first few refusals: a client that repeats what is refused does not fill the log.
    bool may_log_refusal() { return receiver_.may_log_refusal(); }

    // The store.
    /// A commit is through, and the shard has taken the connection off the list of those that wait: sends what waited.
    void on_committed();
    /// The store has failed, and the shard has taken the connection off that list: the tickets that this connection
    /// waits for will never be durable. Ends the connection.
    void on_store_failed();

    // For operators.
    const PublishReceiver& receiver() const { return receiver_; }
    std::uint32_t keep_alive_s() const { return keep_alive_ms_ / 1500; }
    /// Acknowledgements, or output, of this connection wait for a commit.
    bool waits_for_commit() const { return !acks_.empty() || sender_.is_held(); }

    // The end.
    /// Refuses CONNECT with CONNACK, or disconnects a connected v5 peer with DISCONNECT; then closes. `detail` is
    /// logged and, where the client allows it, sent as Reason String; so is `rule`, as far as the policy explains
    /// itself.
    void close(wire::ReasonCode code, std::string_view detail, std::string_view rule = {});
    /// The network has ended the connection of a client.
    void end_by_network();
    /// Closes without a further packet to the peer; what is queued is still sent.
    void close_silently();
    /// True when the will has to be published although the session or connection ends.
    bool is_will_due() const { return is_will_due_; }
    /// Drops the session, and the acknowledgements that still wait.
    void forget_session();

    // Memory.
    /// Closes the connection when its unsent bytes exceed outbox_bytes_fatal by more than the largest message sent.
    void check_outbox_bound();
    /// Brings the memory budget up to date after input was processed: an unfinished packet takes memory.
    void count_input();
    /// Bytes of the unfinished packet, and of what waits for the answer to CONNECT, when last counted.
    std::uint64_t input_memory() const { return counted_input_; }
    /// Ends an unauthenticated connection whose unfinished packets take too much memory. Nothing is sent.
    void refuse_unfinished();
    /// About how many bytes close_for_memory() frees. Messages that the session keeps do not count.
    std::uint64_t memory() const;
    /// Ends the connection to free memory. The peer gets nothing more, and unsent bytes are lost. A session that
    /// outlives the connection keeps its messages.
    void close_for_memory();

private:
    friend class DirtyList;

    enum class State : std::uint8_t {
        handshake,
        connected,
        closing,  // nothing is read any more; the outbox is written, then the socket is closed
    };

    Ending dispatch(Bytes frame, Instant now, Effect& effect);
    Ending on_handshake_frame(Bytes frame, Instant now, Effect& effect);
    Ending on_ack(Bytes frame, Instant now);
    Ending on_subscribe(Bytes frame, Effect& effect) const;
    Ending on_unsubscribe(Bytes frame, Effect& effect) const;
    Ending on_pingreq(Bytes frame);
    Ending on_disconnect(Bytes frame, Effect& effect);
    Ending on_auth(Bytes frame, Instant now);

    void end(const Ending& ending);
    void refuse_connect(const CloseReason& reason);
    CloseReason with_names(CloseReason reason) const;
    void refuse_stream();
    void count_refusal(wire::ReasonCode code);
    std::string told_size(const wire::Framer::Next& next) const;
    void log_cut_off(std::string_view reason) const;
    void log_refused(std::string_view reason, std::optional<wire::ReasonCode> code, const CloseReason& unnamed) const;
    void note_disconnected(std::string_view reason, std::optional<wire::ReasonCode> code, std::string_view detail = {},
                           std::string_view rule = {}) const;
    void start_keep_alive(std::uint16_t seconds, Instant now);
    void set_timer(Instant keep_alive_deadline);

    // What one delivery touches lies together at the front: cache misses bound a fan-out to a thousand clients.
    const ConnectionServices& services_;
    Session* session_ = nullptr;
    Connection* next_dirty_ = nullptr;  // hook of DirtyList
    State state_ = State::handshake;
    bool is_dirty_ = false;
    bool is_unauthenticated_ = true;
    bool is_will_due_ = false;
    std::uint32_t counted_input_ = 0;  // bytes of unfinished input, in the memory budget
    PacketSender sender_;
    PeerFacts peer_;
    AckQueue acks_;
    Deliveries deliveries_;
    PublishReceiver receiver_;
    wire::Framer framer_;
    std::unique_ptr<ReadRate> rate_;
    LinkHandle* link_;
    Instant last_received_;
    Instant login_ends_at_ = never;                   // the proof of the login is no longer valid then
    std::unique_ptr<Handshake> handshake_;            // until the client is connected
    std::unique_ptr<Authentication> authentication_;  // for re-authentication, if the client uses AUTH
    CoreTimer timer_;
    std::uint32_t keep_alive_ms_ = 0;  // one and a half times the client's keep alive; 0 = none

public:
    // Two small members first: they fill the gap behind keep_alive_ms_.
    std::uint16_t listener_index = 0;
    Place place_ = Place::arriving;
    Connection* next_ = nullptr;  // intrusive hooks of the shard's lists
    Connection* previous_ = nullptr;
    OwnerId owner_{};                               // the owner who is charged with the place of a connected client
    ListenerCounters* listener_counters = nullptr;  // nullptr = nobody counts by listener (unit tests)
};

}  // namespace ledge::session
