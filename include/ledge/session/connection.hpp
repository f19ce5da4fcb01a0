// Connection: everything that dies with the socket: protocol state, framing, quotas, aliases, the outbox. Frames go in
// (on_frame), bytes for the peer go to the outbox, wishes for the broker come out as an Effect. Owned by the shard.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/auth/identity.hpp"
#include "ledge/auth/login_check.hpp"
#include "ledge/base/owner.hpp"
#include "ledge/base/timer_wheel.hpp"
#include "ledge/journal/journal.hpp"
#include "ledge/session/ack_queue.hpp"
#include "ledge/session/core_timer.hpp"
#include "ledge/session/counters.hpp"
#include "ledge/session/dirty_list.hpp"
#include "ledge/session/effects.hpp"
#include "ledge/session/listener_options.hpp"
#include "ledge/session/memory_budget.hpp"
#include "ledge/session/outbox.hpp"
#include "ledge/session/read_rate.hpp"
#include "ledge/session/services.hpp"
#include "ledge/session/session.hpp"
#include "ledge/session/topic_alias.hpp"
#include "ledge/wire/framer.hpp"

namespace ledge::auth {
struct LoginSource;
struct Policy;
}  // namespace ledge::auth

namespace ledge::session {

struct AuthExchange;
struct PendingLogin;

/// What one PUBLISH to one client has of its own.
struct PublishHeader {
    const SubscriptionIds& ids;
    wire::QoS qos = wire::QoS::at_most_once;
    bool retain = false;
    bool dup = false;
    wire::PacketId packet_id = 0;  // 0 exactly when qos is 0
};

class Connection {
public:
    enum class State : std::uint8_t {
        awaiting_connect,  // nothing but CONNECT is allowed
        authenticating,    // AUTH exchange before CONNACK
        awaiting_login,    // its login is being checked; what comes meanwhile is kept
        awaiting_turn,     // its session is fought for; the connection that has it keeps it for some seconds
        connected,
        closing,  // nothing is read any more; the outbox is written, then the socket is closed
    };

    enum class Place : std::uint8_t {
        arriving,   // its CONNECT has not been accepted
        connected,  // it is a client
        leaving,    // it is closing: its place is another's
    };

    /// Limits of the acknowledgements that wait for the store. When one of them is reached, the connection is not read
    /// until some acknowledgements have left. The limit within exchanges is larger: on a full disk PUBCOMP waits
    /// until there is room again, and a publisher that returns with many open exchanges must still be told that its new
    /// messages are refused.
    static constexpr std::size_t owed_acks_max = 1024;
    static constexpr std::size_t owed_exchange_acks_max = 8192;

    Connection(const ConnectionServices& services, const ListenerOptions& listener, std::string address,
               void* driver_data, Instant now);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    // For the driver
    Outbox& outbox() { return outbox_; }
    const Outbox& outbox() const { return outbox_; }
    bool is_closing() const { return state_ == State::closing; }
    void* driver_data() const { return driver_data_; }
    /// "192.0.2.7:51123"
    const std::string& address() const { return address_; }
    NetworkId network() const { return network_; }
    const std::string& listener_name() const { return listener_.name; }
    /// Bytes that one read may bring.
    std::uint32_t read_bytes_max() const { return ReadRate::read_bytes_max(limits()); }
    /// False: the driver must not read the connection. The connection is marked dirty when this becomes true again.
    bool wants_input() const { return is_closing() || !is_held_back(); }

    /// True while the broker does not read the connection: it has used up its rate, it waits for its session, or too
    /// many of its acknowledgements wait for the store. The last slows down clients that ignore Receive Maximum.
    bool is_held_back() const {
        return (rate_ != nullptr && rate_->is_paused()) || state_ == State::awaiting_turn ||
               owed_acks_.of_messages() >= owed_acks_max || owed_acks_.within_exchanges() >= owed_exchange_acks_max;
    }

    // For the shard
    wire::Framer& framer() { return framer_; }
    /// Largest packet the peer may send now, in bytes, fixed header included.
    std::uint32_t packet_size_max() const;
    /// One whole packet.
    void on_frame(Bytes frame, Instant now, Effect& effect);
    /// The framer refused the stream.
    void on_unframeable(const wire::Framer::Next& next);
    /// TLS has proven who it is: no password is asked for, and a user name in CONNECT means nothing.
    void take_proven_user(std::string_view user);
    /// CONNECT has come and is not answered yet: bytes from the peer are for hold_input.
    bool is_awaiting_answer() const { return state_ == State::awaiting_login || state_ == State::awaiting_turn; }
    /// Keeps what may not be looked at before CONNECT is answered; more than LoginQueue::held_bytes_max: closed.
    void hold_input(Bytes bytes);
    /// The verdict. Then end_login(), once the effect is done.
    void on_login_checked(auth::LoginOutcome outcome, Instant now, Effect& effect);
    /// CONNECT was accepted, but the session is asked for again at `until`: reopen(), or earlier.
    void postpone(const OpenSession& open, Instant until);
    bool is_postponed() const { return state_ == State::awaiting_turn; }
    /// The connection that had the session is gone: reopen() in the next turn.
    void hasten(Instant now);
    /// Asks for the session again. Then end_login(), once the effect is done. Requires is_postponed().
    void reopen(Effect& effect);
    /// Its address has been blocked before its turn came.
    void refuse_blocked();
    /// Its place in the queue of logins is another's, or it never had one.
    void refuse_busy();
    /// What has been kept meanwhile.
    std::vector<Byte> end_login();
    /// Its listener lets in who proves no name.
    bool allows_anonymous() const { return listener_.allow_anonymous; }
    /// Who it is, for its session; nullptr: anonymous, and there are no rules.
    const auth::Identity* identity() const { return identity_.get(); }
    std::unique_ptr<auth::Identity> take_identity() { return std::move(identity_); }
    /// The connection's timer: connect timeout, or keep alive and the end of its login.
    void on_timer(Instant now);
    void on_received(Instant now) { last_received_ = now; }
    /// nullptr: as fast as it sends.
    ReadRate* read_rate() { return rate_.get(); }
    const ReadRate* read_rate() const { return rate_.get(); }

    /// Answers CONNECT with a refusal.
    void refuse(const OpenSession& open, wire::ReasonCode code, std::string_view detail) {
        refuse_connect(code, detail, {}, &open.connect);
    }
    /// Answers CONNECT; `session` is this connection's from now on.
    void accept(const OpenSession& open, Session& session, bool session_present, Instant now);
    /// Answers a PUBLISH of this connection with PUBACK / PUBREC; `code` success, 0x10, or why it was not routed.
    /// It leaves when `ticket` is durable, or when the last hold that shares the barrier of `hold` has ended.
    void on_routed(wire::QoS qos, wire::PacketId id, wire::ReasonCode code, journal::Ticket ticket, AckHold hold,
                   std::string_view reason = {});
    /// `reason`: why something in it is refused.
    void send_suback(const wire::Suback& packet, std::string_view reason = {}) { send_with_reason(packet, reason); }
    /// `detail` and behind it the rule, if clients are told: for the peer.
    std::string told(std::string_view detail, std::string_view rule) const;

    /// Refuses CONNECT with CONNACK, or disconnects a connected v5 peer with DISCONNECT; then closes. `detail` is
    /// logged and, where the client allows it, sent as Reason String; so is `rule`, as far as clients are told.
    void close(wire::ReasonCode code, std::string_view detail, std::string_view rule = {});
    /// For a packet that did not decode; `packet` is its name, "PUBLISH".
    void close(wire::Violation violation, std::string_view packet);
    /// Closes without a word.
    void close_silently();

    State state() const { return state_; }
    bool is_connected() const { return state_ == State::connected; }
    wire::Version version() const { return version_; }
    Session* session() const { return session_; }
    const ListenerOptions& listener() const { return listener_; }
    /// True for the first few: a peer that repeats what is refused does not fill the log.
    bool may_log_refusal() { return logged_refusals_ < 10 && ++logged_refusals_ > 0; }
    const SessionLimits& limits() const { return listener_.limits; }
    /// True when the will has to be published although the session or connection ends.
    bool is_will_due() const { return is_will_due_; }
    /// In seconds; not always what the client asked for [MQTT-3.1.2-21]. 0: none.
    std::uint16_t effective_keep_alive(const wire::Connect& packet) const;
    void forget_session();

    // Acknowledgements that wait for the store (ack_queue.hpp).
    /// All subscribers that could make the ticket of acknowledgement `number` of a kind unnecessary are done with the
    /// message. It may leave now, unless `is_commit_required`.
    void on_holds_ended(wire::PacketType kind, std::uint32_t number, bool is_commit_required);
    /// A commit is through: sends what waited for it.
    void on_committed();
    /// Nothing leaves the outbox before `ticket` is durable: CONNACK of a resumed session, SUBACK.
    void hold_output(journal::Ticket ticket);
    /// The store has failed, so the tickets that this connection waits for will never be durable. Ends the connection.
    void on_store_failed();
    /// The unsent bytes are below the connection's own limit. If has_outbox_room() is false nevertheless, the memory
    /// budget is the cause.
    bool is_within_own_limit() const { return outbox_.size() < limits().outbox_bytes_max; }
    bool is_output_held() const { return !services_.journal.is_durable(held_until_); }
    void stop_waiting() { is_waiting_for_commit_ = false; }

    /// The outbox takes more messages: the reader keeps up.
    bool has_outbox_room() const {
        return outbox_.size() < services_.memory.outbox_bytes_max(limits().outbox_bytes_max);
    }
    /// Another QoS 1/2 message may be sent now [MQTT-3.3.4-9].
    bool has_send_quota() const;
    /// False: more than Maximum Packet Size of the client [MQTT-3.1.2-24].
    bool takes_packet_of(std::size_t bytes) const { return bytes <= peer_packet_size_max_; }

    /// Sends what the session holds for it, oldest first, as far as quota and outbox allow.
    void pump(Instant now);
    /// Encodes and appends one PUBLISH; `blob` holds the publication, or is empty when nobody owns it. False when it is
    /// larger than the client takes: nothing is appended, it counts as delivered [MQTT-3.1.2-25].
    bool send_publish(const journal::PublicationView& publication, const Blob& blob, const PublishHeader& header,
                      Instant now);
    /// True when a frame made for another connection of the same version suits this one as it is.
    bool takes_shared_frames() const { return outbound_aliases_ == nullptr; }
    /// Appends such a frame; `payload_size` in bytes, for the counters.
    void append_frame(Bytes frame, std::size_t payload_size);
    /// Puts it on the shard's list for the driver.
    void mark_dirty();
    void unlink_dirty();
    /// Closes a peer whose unread answers exceed outbox_bytes_fatal, beside one message however large.
    void check_outbox_bound();
    /// After its input was looked at: the memory of an unfinished packet counts.
    void count_input();
    /// Bytes of its unfinished packet, and of what waits for the answer to CONNECT, when last counted.
    std::uint64_t input_memory() const { return counted_input_; }
    /// True until the broker has accepted its CONNECT.
    bool is_stranger() const { return is_stranger_; }
    /// Ends the connection of a stranger whose unfinished packets take too much memory. Nothing is sent.
    void refuse_unfinished();
    /// About how many bytes shed() frees. Messages that the session keeps do not count.
    std::uint64_t memory() const;
    /// Ends the connection to free memory. The peer gets nothing more; what it has not read is lost. A session that
    /// outlives the connection keeps its messages.
    void shed();

private:
    std::string told_size(const wire::Framer::Next& next) const;
    void dispatch(Bytes frame, Instant now, Effect& effect);
    void on_connect(const wire::Connect& packet, Bytes frame, Instant now, Effect& effect);
    void on_publish(Bytes frame, Effect& effect, Instant now);
    void on_ack(Bytes frame, Instant now);
    void on_puback(const wire::Ack& packet);
    void on_pubrec(const wire::Ack& packet);
    void on_pubrel(const wire::Ack& packet);
    void on_pubcomp(const wire::Ack& packet);
    void on_subscribe(Bytes frame, Effect& effect);
    void on_unsubscribe(Bytes frame, Effect& effect);
    void on_pingreq(Bytes frame);
    void on_disconnect(Bytes frame, Effect& effect);
    void on_auth(Bytes frame, Instant now, Effect& effect);

    void take_connect_properties(const wire::Connect& packet);
    wire::ReasonCode check_connect(const wire::Connect& packet, std::string& detail) const;
    wire::ReasonCode check_will(const wire::Will& will, std::string& detail) const;
    void await_login(const wire::Connect& packet, Bytes frame, auth::LoginCheck check, Instant now);
    void refuse_login(const wire::Connect& connect, const auth::LoginOutcome& outcome, Instant now);
    void admit(const wire::Connect& packet, auth::Identity identity, Effect& effect);
    bool may_leave_will(wire::Connect& packet, std::string_view client_id);
    void start_keep_alive(std::uint16_t seconds, Instant now);
    void set_timer(Instant keep_alive_deadline);
    void send_connack(const OpenSession& open, bool session_present);
    void add_response_information(wire::Connack& packet, wire::PropertyBuilder& properties) const;
    void append_server_limits(const OpenSession& open, wire::PropertyBuilder& properties);
    /// `asker`: the CONNECT, where its names can be logged.
    void refuse_connect(wire::ReasonCode code, std::string_view detail, std::string_view rule = {},
                        const wire::Connect* asker = nullptr);
    std::string_view reason_for_peer(std::string_view reason) const;
    void refuse_undecodable_connect(Bytes frame, wire::Violation violation);

    void start_authentication(const wire::Connect& packet, Bytes frame, Instant now, Effect& effect);
    void continue_authentication(std::string_view data, Instant now, Effect& effect);
    void reauthenticate(wire::ReasonCode step, std::optional<std::string_view> data, Instant now);
    void send_auth(wire::ReasonCode code, std::string_view data);
    void note_failed_login(std::string_view user, std::string_view client_id, std::string_view reason);
    void note_guess(const auth::LoginSource& source, Instant now);
    auth::LoginSource source_of_exchange() const;

    bool resolve_topic(wire::Publish& packet);
    bool is_allowed_by_connack(const wire::Publish& packet);
    bool admit_exactly_once(wire::PacketId id);
    bool is_within_receive_maximum();
    wire::ReasonCode check_publish(const wire::Publish& packet) const;
    std::string rule_against(std::string_view topic, wire::ReasonCode code) const;
    void refuse_publish(const wire::Publish& packet, wire::ReasonCode code);
    void take_properties(const wire::Properties& properties, journal::PublicationView& publication, Instant now);
    void send_ack(wire::PacketType type, wire::PacketId id, wire::ReasonCode code, std::string_view reason = {});
    void owe_repeated_pubrec(wire::PacketId id);
    void forget_unkept_ids();
    /// Sends it once `ticket` is durable and all earlier ones of its kind have left.
    void owe_ack(wire::PacketType kind, wire::PacketId id, wire::ReasonCode code, journal::Ticket ticket,
                 const AckHold& hold = {}, std::string_view reason = {});
    void flush_acks();
    void flush_acks(wire::PacketType kind);
    void wait_for_commit();

    void set_outbound_properties(const journal::PublicationView& publication, const PublishHeader& header, Instant now,
                                 wire::Publish& packet);
    void count_sent(std::size_t payload_size);
    void send_unsent(Instant now);
    bool send_exchange(wire::PacketId id, Inflight::Entry& entry, Instant now);
    bool may_take_next(Instant now);
    bool can_never_leave(const Delivery& delivery) const;
    void start_next(Instant now);
    void start_closing();

    /// Encodes a packet of our own; a client whose Maximum Packet Size has no room for it cannot be served: close.
    template <class Packet>
    void send_packet(const Packet& packet) {
        const std::size_t size = wire::encoded_size(packet, version_);
        if (!takes_packet_of(size)) return start_closing();  // [MQTT-3.1.2-24]: nothing else can be said
        wire::Writer writer(outbox_.append(size));
        wire::encode(packet, version_, writer);
        ++services_.counters.packets_sent;
        mark_dirty();
    }

    /// The same with a Reason String, if the client wants one and has room for it; its other properties are gone then.
    template <class Packet>
    void send_with_reason(Packet packet, std::string_view reason) {
        reason = reason_for_peer(reason);
        if (!reason.empty()) {
            services_.scratch.outbound.clear();
            packet.properties = services_.scratch.outbound.text(wire::PropertyId::reason_string, reason).view();
            if (!takes_packet_of(wire::encoded_size(packet, version_))) packet.properties = {};
        }
        send_packet(packet);
    }

public:
    Connection* next_ = nullptr;  // intrusive hooks of the shard's lists
    Connection* previous_ = nullptr;
    OwnerId owner_{};  // who is charged with its place, once it is connected
    std::uint16_t listener_index = 0;
    Place place_ = Place::arriving;

private:
    friend class DirtyList;

    const ConnectionServices& services_;
    Connection* next_dirty_ = nullptr;  // hook of DirtyList
    const ListenerOptions& listener_;
    std::string address_;
    NetworkId network_;
    void* driver_data_;
    Outbox outbox_;
    wire::Framer framer_;
    CoreTimer timer_;
    Instant last_received_;
    Instant ends_at_ = never;  // what its login was proven with is no longer valid then
    Session* session_ = nullptr;
    std::unique_ptr<InboundAliases> inbound_aliases_;
    std::unique_ptr<OutboundAliases> outbound_aliases_;
    std::unique_ptr<ReadRate> rate_;
    std::unique_ptr<AuthExchange> auth_;        // enhanced authentication, if the client asked for it
    std::unique_ptr<PendingLogin> login_;       // in awaiting_login
    std::unique_ptr<auth::Identity> identity_;  // until the session takes it
    AckQueue owed_acks_;
    journal::Ticket held_until_ = 0;
    std::uint32_t peer_packet_size_max_ = 0xFFFF'FFFF;
    std::uint32_t counted_input_ = 0;    // bytes of the framer, in the memory budget
    std::uint32_t keep_alive_ms_ = 0;    // one and a half times what the client was told; 0: none
    std::uint32_t unreleased_ = 0;       // QoS 2 messages received on this connection, PUBREL awaited
    std::uint32_t largest_publish_ = 0;  // bytes of the largest PUBLISH that was put into the outbox
    std::uint16_t peer_receive_max_ = receive_maximum_unlimited;
    wire::Version version_ = wire::Version::v3_1_1;
    State state_ = State::awaiting_connect;
    bool is_stranger_ = true;
    bool is_dirty_ = false;
    bool is_will_due_ = false;
    bool wants_problem_information_ = true;
    bool is_waiting_for_commit_ = false;
    std::uint8_t logged_refusals_ = 0;
};

}  // namespace ledge::session
