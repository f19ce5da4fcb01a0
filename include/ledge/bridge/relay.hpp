// Relay: the core of a bridge, without I/O. It stands between two MQTT clients: one connected to the upstream, one to
// the local broker (the inner client). It passes messages and acknowledgements on with the same packet ids, so it keeps
// no delivery state: after a crash of anybody, the broker that owns a message repeats it. Single-threaded.
//
//     local broker ── inner client ──┐                   ┌── upstream client ── upstream
//            PUBLISH n ─────────────►│  map topic, QoS   │─────────────► PUBLISH n
//             PUBACK n ◄─────────────│◄──────────────────│◄───────────── PUBACK n
//
// The order of a connect: the upstream first; after its CONNACK the inner client, with the smaller limits of both
// sides; then the inner client's subscriptions, then the upstream's. When one connection ends, the other one is ended
// too.
//
// The owner moves bytes and tells the time:
//     relay.upstream_opened(now) when the transport to the upstream is open
//     relay.inner_opened(now) when wants_inner() is true and the inner link is open
//     pieces of bytes: upstream_bytes(input, now), inner_bytes(input, now). Bytes that stay in `input` are kept by the
//         owner and given again after any other call (the relay waits for the other side).
//     send upstream_output() and inner_output(), then call upstream_sent() and inner_sent()
//     close a transport when wants_upstream_close() or wants_inner_close(), or when it has ended by itself, then call
//         upstream_closed() or inner_closed()
//     on_time() at next_deadline(); take_event() until it returns nothing
//     when is_closed(): connect again after a pause of retry_class()
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ledge/base/bytes.hpp"
#include "ledge/base/time.hpp"
#include "ledge/bridge/backoff.hpp"
#include "ledge/bridge/echo_window.hpp"
#include "ledge/bridge/exchanges.hpp"
#include "ledge/bridge/poison_guard.hpp"
#include "ledge/bridge/relay_event.hpp"
#include "ledge/bridge/relay_options.hpp"
#include "ledge/bridge/round_trip.hpp"
#include "ledge/bridge/route_set.hpp"
#include "ledge/bridge/upstream.hpp"
#include "ledge/client/client.hpp"

namespace ledge::bridge {

class Relay {
public:
    enum class Stage : std::uint8_t {
        closed,          // no connection
        greeting,        // the upstream has not answered CONNECT yet
        inner_wanted,    // the upstream is connected; the owner opens the inner link
        inner_greeting,  // the local broker has not answered CONNECT yet
        washing,         // the local broker forgets packet ids of a session that the upstream has lost
        subscribing,     // requests are sent, one at a time
        relaying,        // all requests are answered
        ending,          // output is sent, then the transports are closed
    };
    /// How a transport has ended.
    enum class Closed : std::uint8_t {
        by_peer,  // the other end has closed it: FIN, RST, a TLS alert
        lost,     // the network or this side has: a timeout, no route, a local error, a requested close
    };

    /// Bytes of the packet of a dead letter. A larger message is dropped.
    static constexpr std::size_t dead_letter_bytes_max = 32 * 1024 * 1024;

    /// The upstream must outlive the relay.
    Relay(RelayOptions options, Upstream& upstream);
    ~Relay();
    Relay(const Relay&) = delete;
    Relay& operator=(const Relay&) = delete;

    /// The user name and the password of the next CONNECT to the upstream. From `end` on the upstream may close the
    /// connection because the password has expired, so no message is blamed for that. A password with an end also
    /// means planned reconnects, so the will of MQTT 5 gets a delay. Requires is_closed().
    void set_credentials(std::optional<std::string> user_name, std::string_view password, Instant end = never);
    /// The local broker had no session of the bridge, and somebody else has made one since. The relay then acts as if
    /// it had found no session itself. Requires is_closed().
    void note_new_inner_session() { is_inner_session_new_ = true; }
    /// Somebody else has subscribed to these filters of outgoing routes, without their retained messages. The relay
    /// asks for them when it subscribes again, also if the upstream has a session. Requires is_closed().
    void note_retained_owed(std::vector<std::string> filters) { retained_owed_ = std::move(filters); }

    // ---- Transports. Requires the matching stage: upstream_opened() needs is_closed(), inner_opened() wants_inner().
    void upstream_opened(Instant now);
    void upstream_closed(Closed how, Instant now);
    bool wants_inner() const { return stage_ == Stage::inner_wanted; }
    void inner_opened(Instant now);
    void inner_closed(Instant now);
    bool wants_upstream_close() const { return is_ending() && is_upstream_open_ && up_.output().empty(); }
    bool wants_inner_close() const { return is_ending() && is_inner_open_ && in_.output().empty(); }
    bool is_closed() const { return stage_ == Stage::closed; }

    // ---- Bytes
    void upstream_bytes(Bytes& input, Instant now);
    Bytes upstream_output() const { return up_.output(); }
    void upstream_sent(std::size_t count, Instant now);
    void inner_bytes(Bytes& input, Instant now);
    Bytes inner_output() const { return in_.output(); }
    void inner_sent(std::size_t count, Instant now);
    /// Until this time the owner may leave bytes of the local broker unread, in order to send less to the upstream.
    /// A time in the past: the relay waits for an answer of the local broker. `never`: it waits for none.
    Instant inner_due() const;

    // ---- Time and news
    void on_time(Instant now);
    Instant next_deadline() const;
    std::optional<RelayEvent> take_event();
    /// Ends both connections in order; the sessions stay. The owner then sends the output and closes the transports.
    /// `is_back_soon`: the owner connects again at once. If the will is delayed, others then hear of the absence only
    /// when that fails.
    void stop(Instant now, bool is_back_soon = false);

    // ---- State
    Stage stage() const { return stage_; }
    Instant stage_since() const { return stage_since_; }
    /// When the oldest message that the upstream has not answered was sent; nullopt = there is none.
    std::optional<Instant> oldest_unanswered() const;
    /// After the end of a pair of connections: what it says about the next attempt.
    RetryClass retry_class() const { return retry_class_; }
    const RelayCounters& counters() const { return counters_; }
    /// The filters that one of the two brokers has refused when the bridge was connected last: messages of their routes
    /// do not pass. Each has the name that this broker was asked for.
    const std::vector<std::string>& refused_filters() const { return refused_filters_; }
    const RoundTrip& round_trip() const { return round_trip_; }

private:
    /// A PUBLISH that waits until its target has room, or until its packet id is free.
    struct Waiting {
        wire::Publish packet;  // without the views
        std::string topic;
        std::string payload;
        wire::PropertyBuilder properties;
        Instant since{};

        Waiting();  // written out: the compiler would look for it before the class is complete
        wire::Publish view() const;
    };
    /// One SUBSCRIBE.
    struct Request {
        bool is_inner = false;
        std::vector<Subscription> filters;
    };
    /// A message of the relay's own to the local broker: a dead letter.
    struct OwnMessage {
        wire::PacketId id = 0;
        wire::PacketId source_id = 0;  // of the message that is set aside
        std::string why;
    };
    enum class Passed : std::uint8_t { yes, waits, impossible };

    // relay.cpp: the life of a pair of connections
    bool is_ending() const { return stage_ == Stage::ending; }
    bool is_up() const { return stage_ >= Stage::washing && stage_ <= Stage::relaying; }
    void enter(Stage stage, Instant now);
    void end(RetryClass kind, std::string why, Instant now, wire::ReasonCode code = wire::ReasonCode::success);
    void wipe_password();
    bool has_delayed_will() const;
    void tell_absence(bool is_back_soon);
    void finish_if_closed();
    void judge_close(Closed how, Instant now);
    void blame_message(Instant now);
    void return_to_speed(Instant now);
    void tell(RelayEvent::Kind kind, std::string_view topic = {}, wire::ReasonCode code = wire::ReasonCode::success,
              std::string_view text = {});
    void tell_proven();
    client::Options inner_options() const;
    void on_upstream_event(const client::Event& event, Instant now);
    void on_inner_event(const client::Event& event, Instant now);
    void on_upstream_connected(const client::Connected& event, Instant now);
    void on_inner_connected(const client::Connected& event, Instant now);
    void on_upstream_ended(const client::Ended& event, Instant now);
    bool awaits_local_answer() const;
    bool reads_upstream() const;
    /// To be called at the end of each function that may change reads_upstream().
    void note_reading(Instant now) { up_.set_reading(reads_upstream(), now); }
    bool reads_inner() const;

    // relay_requests.cpp: what is sent before messages flow
    bool may_use_qos2(bool is_out) const;
    void begin_washing(Instant now);
    void continue_washing(Instant now);
    void queue_requests();
    void queue_subscriptions(bool is_inner, const std::vector<Subscription>& all);
    void next_request(Instant now);
    void send_request(const Request& request, Instant now);
    void on_request_done(const wire::Suback& packet, bool is_inner, Instant now);
    void on_upstream_grant(const Subscription& asked, wire::ReasonCode code);
    void note_refused(RelayEvent::Kind kind, const std::string& filter, wire::ReasonCode code,
                      std::string_view text = {});
    wire::PacketId free_upstream_id() const;
    wire::PacketId free_inner_id() const;

    // relay_out.cpp: messages of the local broker, and the upstream's answers
    void on_inner_message(const wire::Publish& packet, Instant now);
    Passed pass_out(const wire::Publish& packet, Instant now);
    Passed send_out(const wire::Publish& source, const Route& route, Instant now);
    wire::Publish prepare_out(const wire::Publish& source, const Route& route);
    void note_sent_both_ways(const wire::Publish& out, Instant now);
    bool is_loop_out(const wire::Publish& packet) const;
    bool is_marked(const Route& route, const wire::Properties& properties);
    wire::QoS maximum_qos_out() const;
    void on_upstream_ack(const wire::Ack& packet, Instant now);
    void on_upstream_puback(const wire::Ack& packet, Exchange& exchange, Instant now);
    void on_upstream_pubrec(const wire::Ack& packet, Exchange& exchange, Instant now);
    void on_upstream_pubcomp(const wire::Ack& packet);
    bool is_refused_out(const wire::Ack& packet, const Exchange& exchange, Instant now);
    void on_inner_pubrel(const wire::Ack& packet);
    void settle_out(wire::PacketId id, wire::QoS qos, wire::ReasonCode code);

    // relay_aside.cpp: messages that cannot be sent
    Passed set_aside(const wire::Publish& packet, std::string_view why, Instant now);
    void drop_out(const Exchange& message, std::string_view why);
    void count_drop(std::uint64_t RelayCounters::*reason);
    bool on_dead_letter_ack(const wire::Ack& packet, Instant now);

    // relay_in.cpp: messages of the upstream, and the local broker's answers
    void on_upstream_message(const wire::Publish& packet, Instant now);
    bool is_repeated(const wire::Publish& packet, Exchanges& exchanges, wire::PacketId& last_id);
    Passed pass_in(const wire::Publish& packet, Instant now);
    Passed send_in(const wire::Publish& source, const Route& route, Instant now);
    wire::Publish prepare_in(const wire::Publish& source, const Route& route);
    bool is_echo_of_lane(const wire::Publish& packet, Instant now);
    bool is_returning(const wire::Publish& packet, const Route& route, Instant now);
    void on_inner_ack(const wire::Ack& packet, Instant now);
    void on_inner_answer(const wire::Ack& packet, Exchange& exchange, Instant now);
    void on_upstream_pubrel(const wire::Ack& packet, Instant now);
    void settle_in(wire::PacketId id, wire::QoS qos, wire::ReasonCode code);

    static void keep_waiting(std::optional<Waiting>& place, const wire::Publish& packet, Instant now);
    void retry_waiting(Instant now);

    RelayOptions options_;
    Instant password_end_ = never;  // see set_credentials()
    RouteSet routes_;
    Upstream& upstream_;
    client::Client up_;
    client::Client in_;

    // Knowledge that outlives connections. It only avoids collisions; a restart of the process may forget it.
    client::PacketIdSet open_out_;   // ids of QoS 2 messages to the upstream that it may still know
    client::PacketIdSet open_in_;    // ids of QoS 2 messages to the local broker that it may still know
    bool is_open_in_known_ = false;  // open_in_ has all of them
    wire::PacketId last_out_id_ = 0;
    wire::PacketId last_in_id_ = 0;
    bool is_wash_owed_ = false;  // the local broker may know ids of a session that the upstream has lost
    bool wants_clean_upstream_ = false;
    bool is_inner_session_new_ = false;  // see note_new_inner_session(); until the upstream's session is new as well
    std::vector<std::string> retained_owed_;  // see note_retained_owed(); until the local broker owes the messages
    bool had_upstream_session_ = false;
    bool has_done_qos2_ = false;  // the upstream has answered a PUBLISH of QoS 2 by PUBREC
    PoisonGuard poison_;
    EchoWindow echoes_;
    RelayCounters counters_;
    RoundTrip round_trip_;
    std::uint32_t unmarked_ = 0;  // messages of one-way routes without marks, those included that then got some
    std::vector<std::string> refused_filters_;
    std::deque<RelayEvent> events_;

    // State of one pair of connections
    Stage stage_ = Stage::closed;
    Instant stage_since_{};
    Instant connack_at_{};
    bool is_upstream_open_ = false;
    bool is_inner_open_ = false;
    bool has_upstream_answered_ = false;  // any byte
    bool is_proven_told_ = false;
    bool has_upstream_session_ = false;  // the upstream may know ids of earlier connections
    bool is_careful_ = false;            // one message at a time, for PoisonGuard
    RetryClass retry_class_ = RetryClass::network;
    Exchanges out_;
    Exchanges incoming_;
    client::PacketIdSet released_out_;    // PUBREL passed on for a message of an earlier connection
    client::PacketIdSet released_in_;     // the same for the other direction
    std::optional<Waiting> waiting_out_;  // while it waits, the inner client is not read
    std::optional<Waiting> waiting_in_;   // while it waits, the upstream is not read
    std::deque<Request> requests_;        // not sent yet
    std::optional<Request> request_;      // sent, not answered
    wire::PacketId request_id_ = 0;
    Instant request_deadline_ = never;
    std::vector<OwnMessage> own_messages_;
    client::PacketIdSet washing_;  // PUBREL sent, PUBCOMP awaited
    std::uint32_t wash_next_ = 0;  // the next id to wash; 0 = all are sent
    Instant washed_at_{};          // when washing has moved on last
    std::string mapped_;           // buffers of pass_out() and pass_in()
    std::string response_;
    wire::PropertyBuilder carried_;
    std::uint32_t waited_s_ = 0;  // of the message that retry_waiting() tries; 0 for all others
};

}  // namespace ledge::bridge
