// Client: the client's side of MQTT 3.1, 3.1.1 and 5 without I/O. Bytes and time go in, bytes and events come out. One
// object stands for one client id. The object outlives its connections and so keeps the session state. Single-threaded.
//
// For each connection, after the transport (TCP, TLS, an inner link) is open:
//     client.connect(clean_start, now)                       output() now holds CONNECT
//     for each piece of bytes from the server:
//         do event = client.on_bytes(input, now)             `input` shrinks
//         while event is not Nothing
//     send client.output(), then client.sent(count, now)
//     at client.next_deadline(): client.on_time(now), until it returns Nothing
//     when client.wants_close() or the transport has ended:  close the transport, client.closed()
//
// A function that sends returns a reason code if the client refuses to send. The server then gets nothing:
//     server_unavailable            there is no connection
//     quota_exceeded                a limit of Options::limits is reached; try again later
//     receive_maximum_exceeded      Flow::passed_on: the server's Receive Maximum is reached [MQTT-3.3.4-7]
//     packet_identifier_in_use      the packet id belongs to another exchange
//     topic_name_invalid, topic_filter_invalid, protocol_error    the packet would break the standard
//     qos_not_supported, retain_not_supported, packet_too_large, wildcard_subscriptions_not_supported,
//     subscription_identifiers_not_supported, shared_subscriptions_not_supported    CONNACK does not allow it
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/base/bytes.hpp"
#include "ledge/base/result.hpp"
#include "ledge/base/ring.hpp"
#include "ledge/base/time.hpp"
#include "ledge/client/event.hpp"
#include "ledge/client/held_messages.hpp"
#include "ledge/client/options.hpp"
#include "ledge/client/outbox.hpp"
#include "ledge/client/packet_id_set.hpp"
#include "ledge/client/received_messages.hpp"
#include "ledge/client/server_limits.hpp"
#include "ledge/client/topic_aliases.hpp"
#include "ledge/wire/framer.hpp"
#include "ledge/wire/packets.hpp"

namespace ledge::client {

using wire::PacketId;
using wire::ReasonCode;

class Client {
public:
    enum class State : std::uint8_t {
        closed,     // no transport
        greeting,   // CONNECT sent, CONNACK awaited; AUTH packets may come first
        connected,  // CONNACK received
        ending,     // input is ignored; the rest of output() is sent, then the transport is closed
    };

    explicit Client(Options options);
    /// Wipes the password, as set_options() does with the former one.
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    // ---- Connection

    /// Call when the transport is open. Requires State::closed. `clean_start` (3.x: clean session): both sides
    /// discard the session [MQTT-3.1.2-4]. Flow::kept: later connections repeat a clean start until a CONNACK has
    /// come. 3.1.1 without a client id always has a clean session [MQTT-3.1.3-7].
    void connect(bool clean_start, Instant now);
    /// Call when the transport has ended, for whatever reason. Output that was not sent is dropped.
    void closed();
    State state() const { return state_; }
    bool is_connected() const { return state_ == State::connected; }
    /// True: all output has been sent, and the transport must be closed.
    bool wants_close() const { return state_ == State::ending && outbox_.empty(); }
    /// False: too many answers wait in output(). Stop reading from the server until the value is true.
    bool wants_input() const { return outbox_.size() < options_.limits.outbox_bytes_max; }
    /// Tells whether the application reads from the server now. connect() sets the value to true. While the application
    /// does not read, an answer may wait unread, so silence proves nothing: PINGREQ is still sent, but no PINGRESP is
    /// missed. When the application reads again, the server gets the whole response_timeout.
    void set_reading(bool is_reading, Instant now);

    /// The new options are in force from the next connect() on. Requires State::closed.
    void set_options(Options options);
    const Options& options() const { return options_; }
    /// The limits that CONNACK has set; before CONNACK, the defaults of the standard.
    const ServerLimits& limits() const { return limits_; }
    /// The client id in force: the one that the server has assigned, or else the one of the options.
    std::string_view client_id() const;

    // ---- Bytes and time

    /// Reads at most one packet and shrinks `input`. Call again with the same `input` until the result is Nothing.
    Event on_bytes(Bytes& input, Instant now);
    /// The bytes to send to the server. Valid until the next call of a member function that is not const.
    Bytes output() const { return outbox_.unsent(); }
    /// Call when the transport has sent the first `count` bytes of output().
    void sent(std::size_t count, Instant now);
    /// Gives memory back that a client without unsent bytes does not need. For owners of very many clients.
    void release_memory() { outbox_.release_memory(); }
    /// Keep alive and timeouts. Call again until the result is Nothing.
    Event on_time(Instant now);
    /// The time at which on_time() must be called. `never`: no timer runs. A time in the past: an event waits.
    Instant next_deadline() const;

    // ---- Publishing

    /// Flow::kept: a message of QoS 0 needs a connection. A message of QoS 1 or 2 needs none: it is held until it is
    /// acknowledged. With `packet_id` 0 the client chooses the packet id, and it always sets DUP itself. Returns the
    /// packet id, 0 for QoS 0. Flow::passed_on: the packet is sent at once, unchanged. In both flows the client sets
    /// topic aliases itself.
    Result<PacketId, ReasonCode> publish(const wire::Publish& packet);
    /// Flow::kept. Drops the oldest held message that the server cannot know: a message that was never sent, or any
    /// message while the server has no session. Returns its packet id; 0: there is no such message.
    PacketId withdraw_oldest();
    /// Flow::kept. The number of messages of QoS 1 and 2 whose exchange is not finished.
    std::size_t held_messages() const { return kept_ ? kept_->held.size() : 0; }
    /// Bytes of these messages, as held_bytes_max limits them.
    std::size_t held_bytes() const { return kept_ ? kept_->held.bytes() : 0; }
    /// Flow::passed_on. True: the server's Receive Maximum leaves room for one more PUBLISH of QoS 1 or 2.
    bool has_window() const { return window_out_.has_room(); }

    // ---- Acknowledging

    /// Flow::kept. Answers a Message of QoS 1 or 2; an error code refuses the message. The answer is sent after the
    /// answers to earlier messages of the same QoS. A message of QoS 2 may be acknowledged without a connection.
    /// False: no message with this packet id waits for an answer, for example because the connection was lost; the
    /// server then sends a message of QoS 1 again.
    bool acknowledge(PacketId packet_id, ReasonCode code = ReasonCode::success);
    /// Flow::passed_on. Sends PUBACK, PUBREC, PUBREL or PUBCOMP. Leaves out properties that would make the packet too
    /// large for the server [MQTT-3.4.2-2] [MQTT-3.4.2-3]. False: there is no connection.
    bool send_ack(const wire::Ack& packet);

    // ---- Requests

    /// Returns the packet id; the event RequestDone brings the answer. When a connection is lost, its unanswered
    /// requests are forgotten. Requires at least one entry. `packet_id` 0 = the client chooses the packet id. A relay
    /// chooses it, because it knows the ids of exchanges that began on earlier connections.
    Result<PacketId, ReasonCode> subscribe(const std::vector<wire::SubscribeEntry>& entries,
                                           const wire::Properties& properties = {}, PacketId packet_id = 0);
    Result<PacketId, ReasonCode> unsubscribe(const std::vector<std::string_view>& filters,
                                             const wire::Properties& properties = {}, PacketId packet_id = 0);
    /// Sends PINGREQ; the event Pong brings the answer. False: there is no connection.
    bool ping(Instant now);

    // ---- Authentication (MQTT 5, with Options::authentication_method)

    /// Sends AUTH 0x18, the answer to AuthStep. False: the server has not asked, or there is no connection.
    bool send_auth(std::string_view data);
    /// Sends AUTH 0x19, which begins a re-authentication. False: there is no connection, an exchange is in progress,
    /// or the options name no method.
    bool reauthenticate(std::string_view data);

    // ---- The end

    /// Sends DISCONNECT. With 0x00 the server deletes the will, with disconnect_with_will it publishes the will. 3.x
    /// has only 0x00; with another code the connection ends without DISCONNECT. Without a connection nothing happens.
    void disconnect(ReasonCode code = ReasonCode::success, const wire::Properties& properties = {});

private:
    /// What only a client in Flow::kept has.
    struct Kept {
        HeldMessages held;
        ReceivedMessages received;
        Ring<PublishDone> outcomes;  // events that wait for on_bytes() or on_time(); each is about a held message
    };
    /// What only a connection with topic aliases has.
    struct Aliases {
        AliasesIn in;
        AliasesOut out;
        wire::PropertyBuilder without_alias;  // properties of the last PUBLISH received
        wire::PropertyBuilder with_alias;     // properties of the last PUBLISH sent
    };
    struct Request {
        PacketId id;
        wire::PacketType answer;
        std::size_t entries;
    };

    // client.cpp
    bool is_v5() const { return options_.version == wire::Version::v5; }
    bool is_kept() const { return options_.flow == Flow::kept; }
    Event on_frame(Bytes frame);
    Event on_pingresp(Bytes frame);
    Event on_disconnect(Bytes frame);
    Event take_outcome();
    Event fail(Fault fault, wire::Rule rule = wire::Rule::none);
    Event end(Ended::Cause cause, ReasonCode code, std::string_view text, wire::Properties properties = {});
    Event overload_if_full();
    bool breaks_problem_information(const wire::Properties& properties) const;
    template <class Packet>
    void append(const Packet& packet);
    void append_ack(wire::PacketType type, PacketId id, ReasonCode code = ReasonCode::success);

    // connect.cpp
    void append_connect();
    wire::PropertyBuilder connect_properties() const;
    Event on_connack(Bytes frame);
    Fault fault_of(const wire::Connack& connack) const;
    void begin_session(bool session_present);
    void lose_session();

    // publish.cpp
    std::optional<ReasonCode> refusal_of(const wire::Publish& packet) const;
    std::optional<ReasonCode> refusal_by_server(const wire::Publish& packet) const;
    Result<PacketId, ReasonCode> hold(wire::Publish packet);
    Result<PacketId, ReasonCode> pass_on(const wire::Publish& packet);
    void append_publish(wire::Publish packet);
    void pump();
    bool pump_one(HeldMessages::Entry& entry);
    PacketId next_packet_id();
    void finish(HeldMessages::Entry& entry, ReasonCode code, PublishDone::How how = PublishDone::How::answered);

    // on_publish.cpp
    Event on_publish(Bytes frame);
    Event receive(const wire::Publish& packet);
    Event drop_message(Bytes frame);
    Fault resolve_alias(wire::Publish& packet);
    Event receive_kept(const wire::Publish& packet);
    void send_answers();

    // on_acks.cpp
    Event on_ack(Bytes frame);
    Event on_puback(const wire::Ack& ack);
    Event on_pubrec(const wire::Ack& ack);
    Event on_pubcomp(const wire::Ack& ack);
    Event on_pubrel(const wire::Ack& ack);
    Event pass_on(const wire::Ack& ack);

    // requests.cpp
    std::optional<ReasonCode> refusal_of_request() const;
    std::optional<ReasonCode> refusal_of(const wire::SubscribeEntry& entry) const;
    template <class Packet>
    Result<PacketId, ReasonCode> send_request(const Packet& packet, wire::PacketType answer, std::size_t entries);
    Event on_request_done(Bytes frame);
    bool is_free_for_request(PacketId id) const;
    PacketId next_request_id() const;

    // on_auth.cpp
    Event on_auth(Bytes frame);
    void append_auth(ReasonCode code, std::string_view data);

    Options options_;
    Boxed<std::string> assigned_client_id_;
    State state_ = State::closed;
    Outbox outbox_;

    // Session state, which outlives the connection
    bool has_session_ = false;          // the server may have a session, and this object has its whole state
    bool is_clean_start_owed_ = false;  // the application asked for a clean start, and no CONNACK has come since
    std::unique_ptr<Kept> kept_;        // nullptr in Flow::passed_on: a gateway has a client for each of its devices
    PacketIdSet ids_in_use_;            // of held messages and requests
    PacketId last_id_ = 0;

    // State of one connection
    std::optional<wire::Framer> framer_;
    ServerLimits limits_;
    bool is_clean_start_ = false;
    bool is_accepted_ = false;          // CONNACK with success was received
    bool is_auth_asked_ = false;        // AuthStep was returned, send_auth() is awaited
    bool is_reauthenticating_ = false;  // AUTH 0x19 sent, AUTH 0x00 awaited
    Window window_out_;
    Window window_in_;
    std::unique_ptr<Aliases> aliases_;  // nullptr: neither side may use any
    std::vector<Request> requests_;
    Instant last_sent_{};
    Instant last_received_{};
    Instant last_ping_{};
    bool is_reading_ = true;   // see set_reading()
    std::uint32_t pings_ = 0;  // PINGREQ packets without PINGRESP
};

}  // namespace ledge::client
