// Endpoint: one device. It is a relay between the device, which speaks MQTT-SN, and a client of the broker, with the
// same message ids in both directions. The broker keeps the session: subscriptions, queue, exchanges of QoS 2. So a
// message leaves the broker's queue only when the device itself has answered PUBACK or PUBCOMP (rule 3).
//
//     device ──PUBLISH n──► Endpoint ──PUBLISH n──► broker          device ◄─PUBLISH m── Endpoint ◄─PUBLISH m── broker
//            ◄─PUBACK n───           ◄─PUBACK n────                        ──PUBACK m──►          ──PUBACK m──►
//
// The window (rule 2): the broker sends at most one message of QoS 1 or 2 before its answer (Receive Maximum 1). While
// the device sleeps this message waits here unanswered, and all others wait in the broker's queue.
//
//     state         CONNECT        will packets  DISCONNECT(s)  DISCONNECT    PINGREQ         broker      no packet
//     disconnected  handshake      -             -              -             -               -           -
//     will_topic    repeat         will_message  disconnected   disconnected  -               -           retry, lost
//     will_message  repeat         connecting    disconnected   disconnected  -               -           retry, lost
//     connecting    -              -             disconnected   disconnected  -               active      disconnected
//     active        new handshake  update        asleep         disconnected  PINGRESP        (messages)  lost
//     asleep        active         update        asleep         disconnected  awake           (wait)      lost
//     awake         active         update        asleep         disconnected  -               (messages)  lost
// "handshake" is will_topic if the device has a will, and connecting otherwise. `awake` returns to asleep by PINGRESP
// when all messages are answered. DISCONNECT is always answered by DISCONNECT, "-" changes nothing.
//
// The rules are those of src/mqttsn/README.md. Owned by Gateway. No I/O, no clock, no threads.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "ledge/base/bytes.hpp"
#include "ledge/base/ring.hpp"
#include "ledge/base/time.hpp"
#include "ledge/mqttsn/endpoint_options.hpp"
#include "ledge/mqttsn/gateway_event.hpp"
#include "ledge/mqttsn/inner_session.hpp"
#include "ledge/mqttsn/messages.hpp"
#include "ledge/mqttsn/out_message.hpp"
#include "ledge/mqttsn/output_queue.hpp"
#include "ledge/mqttsn/predefined_topics.hpp"
#include "ledge/mqttsn/recent_exchanges.hpp"
#include "ledge/mqttsn/topic_table.hpp"

namespace ledge::mqttsn {

/// What all endpoints of a gateway share. Everything outlives the endpoints.
struct EndpointServices {
    const EndpointOptions& options;
    const PredefinedTopics& predefined;
    Counters& counters;
    GatewayEvents& events;
};

class Endpoint {
public:
    enum class State : std::uint8_t {
        disconnected,  // the device has no connection
        will_topic,    // WILLTOPICREQ sent, WILLTOPIC awaited
        will_message,  // WILLMSGREQ sent, WILLMSG awaited
        connecting,    // the broker has not answered CONNECT yet
        active,        // connected, messages flow
        asleep,        // the device hears nothing; its messages wait
        awake,         // a sleeping device fetches its messages
    };
    /// The time of a call, and where answers to the device go.
    struct Moment {
        Instant now;
        PeerOutput& peer;
    };

    Endpoint(std::string client_id, TopicId first_topic_id, const EndpointServices& services)
        : services_(services), client_id_(std::move(client_id)), topics_(first_topic_id) {}
    Endpoint(const Endpoint&) = delete;
    Endpoint& operator=(const Endpoint&) = delete;

    State state() const { return state_; }
    const std::string& client_id() const { return client_id_; }
    /// True in the states from `active` on.
    bool is_connected() const { return state_ >= State::active; }
    bool is_asleep() const { return state_ == State::asleep; }
    /// The device was replaced: its address belongs to another client id now. The will is published.
    void lose();

    // ---- The device
    /// `is_elsewhere`: the packet comes from another address than the one before. Never a repetition, then.
    void on_connect(const Connect& message, bool is_elsewhere, Moment at);
    /// Any other message than CONNECT. Requires a state other than `disconnected`, except for DISCONNECT.
    void on_message(const Message& message, Moment at);
    /// The operator no longer admits the device as it is: the device is told, and the will is published.
    void expel(std::string_view why, Moment at);
    /// The gateway stops: the device is told, and the broker keeps its session.
    void stop(Moment at);

    // ---- The inner link; the head of gateway.hpp shows the order of calls
    InnerSession& inner() { return inner_; }
    const InnerSession& inner() const { return inner_; }
    /// Reads all of `input`.
    void inner_bytes(Bytes& input, Moment at);
    void inner_closed(Moment at);

    // ---- Time
    void on_time(Moment at);
    Instant next_deadline() const;

private:
    /// The message that is on its way to the device.
    enum class OutStep : std::uint8_t {
        idle,         // none
        registering,  // REGISTER sent, REGACK awaited
        publishing,   // PUBLISH of QoS 1 or 2 sent, PUBACK or PUBREC awaited
        recorded,     // PUBREC passed on, PUBREL of the broker awaited
        released,     // PUBREL sent, PUBCOMP awaited
    };
    struct Outgoing {
        OutMessage message;
        OutStep step = OutStep::idle;
        MessageId register_id = 0;
        TopicId topic_id = 0;
        TopicIdType type = TopicIdType::normal;
        std::uint8_t retries = 0;
        std::uint8_t registrations = 0;  // of the topic for this message, after the device has refused its id
        bool was_sent = false;
    };
    enum class TopicChoice : std::uint8_t {
        known,         // out_ has a topic id that the device knows
        unregistered,  // out_ has a topic id that the device must learn first
        left_out,      // there is no way to send the message, so out_ is empty
    };
    /// The message of QoS 1 or 2 that the device has sent.
    enum class InStep : std::uint8_t {
        idle,      // none
        sent,      // PUBLISH passed on, PUBACK or PUBREC of the broker awaited
        recorded,  // PUBREC passed on, PUBREL of the device awaited
        released,  // PUBREL passed on, PUBCOMP of the broker awaited
    };
    struct Incoming {
        InStep step = InStep::idle;
        QoS qos = QoS::at_most_once;
        MessageId id = 0;
        TopicId topic_id = 0;
        std::uint32_t fingerprint = 0;
    };
    /// The SUBSCRIBE or UNSUBSCRIBE of the device that the broker has not answered.
    struct Request {
        MessageId id = 0;  // of the device; 0 = none
        wire::PacketId packet_id = 0;
        TopicId topic_id = 0;
        bool is_unsubscribe = false;
        bool is_new_topic = false;  // the topic got its id for this request
    };

    // endpoint.cpp: the broker's side, time, the end
    void on_event(const client::Event& event, Moment at);
    void on_inner_ended(const client::Ended& event, Moment at);
    client::Options inner_options() const;
    void set_liveness(Instant now);
    void on_retry(Moment at);
    bool is_ignored_again();
    bool is_window_open() const { return state_ == State::active || state_ == State::awake; }
    void leave(bool with_will);
    void publish_will();
    void reset_exchanges();

    // endpoint_connect.cpp: CONNECT, the will, sleep
    bool is_repeated(const Connect& message, Instant now) const;
    void repeat_answer(Moment at);
    void restart(const Connect& message, Moment at);
    void come_back(const Connect& message, Moment at);
    void ask_will_topic(Moment at);
    void on_will_topic(const Willtopic& message, Moment at);
    void on_will_message(const Willmsg& message, Moment at);
    void end_handshake(Moment at);
    void begin_connecting();
    void enter_active(Moment at);
    void open_window(Moment at);
    void refuse_connect(ReturnCode code, std::string_view why, Moment at);
    void on_disconnect(const Disconnect& message, Moment at);
    void on_pingreq(const Pingreq& message, Moment at);
    void continue_awake(Moment at);
    void on_pong(Moment at);
    void fall_asleep(Moment at);

    // endpoint_in.cpp: messages of the device, and the broker's answers
    void on_publish(const Publish& message, Moment at);
    bool is_repetition(const Publish& message, Moment at);
    void pass_on(const Publish& message, std::string_view topic, Moment at);
    void refuse_publish(TopicId topic_id, MessageId id, ReturnCode code, Moment at);
    void on_pubrel(MessageId id);
    void on_broker_ack(const wire::Ack& ack, Moment at);

    // endpoint_out.cpp: messages of the broker, and the device's answers
    void take_message(const wire::Publish& packet);
    void serve(Moment at);
    void begin_message(Moment at);
    TopicChoice choose_topic(Moment at);
    void send_register(Moment at);
    void send_publish(Moment at);
    void send_pubrel(Moment at);
    void resend(Moment at);
    void skip();
    TopicChoice skip_oversize();
    TopicChoice skip_refused();
    void on_broker_pubrel(MessageId id);
    void on_puback(const Puback& message, Moment at);
    void postpone(Moment at);
    void on_invalid_topic_id(const Puback& message, Moment at);
    void on_answer(const Answer& message, Moment at);
    void finish_message(Moment at);

    // endpoint_topics.cpp: registration and subscriptions
    void on_register(const Register& message, Moment at);
    void on_regack(const Regack& message, Moment at);
    void refuse_topic();
    void start_over(Moment at);
    void on_subscribe(const Subscribe& message, Moment at);
    ReturnCode prepare(const Subscribe& message, std::string_view filter, Request& request);
    void send_request(const Subscribe& message, std::string_view filter, const Request& request, Moment at);
    void refuse_request(const Subscribe& message, ReturnCode code, Moment at);
    void on_request_done(const wire::Suback& packet, Moment at);

    const EndpointServices& services_;
    const std::string client_id_;
    InnerSession inner_;
    TopicTable topics_;
    std::unique_ptr<client::WillOptions> will_;
    std::unique_ptr<RecentExchanges> recent_;  // exists from the first message of QoS 2 on
    Outgoing out_;
    Ring<OutMessage> waiting_;  // behind out_
    std::uint32_t waiting_bytes_ = 0;
    std::size_t ignored_ = 0;  // hash of the message over which the device was lost last
    Incoming in_;
    Request request_;
    Instant liveness_at_ = never;  // the device is lost
    Instant retry_at_ = never;     // out_, or a packet of the handshake, is sent again
    Instant drain_at_ = never;     // the broker is asked again whether messages are left
    Instant connected_at_{};
    std::uint16_t keep_alive_s_ = 0;
    std::uint16_t sleep_s_ = 0;
    MessageId last_register_id_ = 0;
    State state_ = State::disconnected;
    std::uint8_t handshake_retries_ = 0;
    std::uint8_t ignored_times_ = 0;  // the device was lost over the message of ignored_
    bool has_will_flag_ = false;      // of the last CONNECT
    bool is_clean_ = false;           // of the last CONNECT
    bool is_fresh_ = false;           // nothing came since CONNACK
    bool is_coming_back_ = false;     // the handshake is one of a device whose session goes on
    bool is_will_changed_ = false;    // will_ is newer than the one that the broker has
    bool is_pong_awaited_ = false;    // awake: the broker was asked whether messages are left
    bool needs_pause_ = false;        // awake: a message of QoS 2 was the last one
};

}  // namespace ledge::mqttsn
