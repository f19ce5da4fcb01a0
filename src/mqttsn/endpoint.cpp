// The endpoint's connection to the broker, its timers, and its end. The files endpoint_<part>.cpp handle packets.
#include "ledge/mqttsn/endpoint.hpp"

#include <algorithm>
#include <functional>
#include <utility>

#include "ledge/base/assert.hpp"

namespace ledge::mqttsn {

using wire::ReasonCode;

namespace {

/// How long a device may be silent that promised a packet every `seconds` (MQTT-SN section 7.2, table of timers).
Duration tolerance_of(std::uint16_t seconds) {
    const Duration promised = std::chrono::seconds(seconds);
    return seconds > 60 ? promised + promised / 10 : promised + promised / 2;
}

// Messages of QoS 0 that the broker has not read yet; further ones are refused.
constexpr std::size_t outbox_bytes_max = 16 * 1024;

constexpr wire::PacketId will_packet_id = 0xF000;

// So often a device is lost over one message before the message is left out.
constexpr std::uint8_t ignored_times_max = 2;

/// The refusals that may pass are congestion: the device tries again later. The others need an operator.
ReturnCode return_code_of_refusal(ReasonCode code) {
    const bool may_pass = code == ReasonCode::server_busy || code == ReasonCode::server_unavailable ||
                          code == ReasonCode::quota_exceeded || code == ReasonCode::connection_rate_exceeded;
    return may_pass ? ReturnCode::congestion : ReturnCode::not_supported;
}

}  // namespace

void Endpoint::on_message(const Message& message, Moment at) {
    if (const auto* m = std::get_if<Disconnect>(&message)) return on_disconnect(*m, at);
    LEDGE_ASSERT(state_ != State::disconnected);
    if (state_ == State::active) set_liveness(at.now);
    if (const auto* m = std::get_if<Willtopic>(&message)) return on_will_topic(*m, at);
    if (const auto* m = std::get_if<Willmsg>(&message)) return on_will_message(*m, at);
    if (!is_connected()) {  // a packet of an earlier connection came late
        ++services_.counters.packets_unexpected;
        return;
    }
    is_fresh_ = false;
    if (const auto* m = std::get_if<Publish>(&message)) return on_publish(*m, at);
    if (const auto* m = std::get_if<Puback>(&message)) return on_puback(*m, at);
    if (const auto* m = std::get_if<Answer>(&message)) return on_answer(*m, at);
    if (const auto* m = std::get_if<Register>(&message)) return on_register(*m, at);
    if (const auto* m = std::get_if<Regack>(&message)) return on_regack(*m, at);
    if (const auto* m = std::get_if<Subscribe>(&message)) return on_subscribe(*m, at);
    if (const auto* m = std::get_if<Pingreq>(&message)) return on_pingreq(*m, at);
    ++services_.counters.packets_unexpected;  // a packet that only gateways send
}

// ---------------------------------------------------------------------------------------------------------------------
// The broker

// The endpoint watches the device's keep alive itself (set_liveness), with the tolerance of the specification and with
// sleep. The inner connection needs none: both of its ends are in this process.
client::Options Endpoint::inner_options() const {
    client::Options options;
    options.client_id = client_id_;
    options.flow = client::Flow::passed_on;
    options.keep_alive_s = 0;
    options.session_expiry_s = is_clean_ ? 0 : services_.options.session_expiry_s;
    options.receive_maximum = 1;
    options.maximum_packet_size = services_.options.inner_packet_bytes_max;
    options.topic_alias_maximum_out = 0;
    options.request_problem_information = false;
    options.limits.outbox_bytes_max = outbox_bytes_max;
    if (will_) options.will = *will_;
    return options;
}

void Endpoint::inner_bytes(Bytes& input, Moment at) {
    while (inner_.stage() >= InnerSession::Stage::greeting) {
        const client::Event event = inner_.next_event(input, at.now);
        if (client::is_nothing(event)) break;
        on_event(event, at);
    }
    input = {};
    serve(at);
}

void Endpoint::on_event(const client::Event& event, Moment at) {
    if (const auto* e = std::get_if<client::Ended>(&event)) return on_inner_ended(*e, at);
    if (std::holds_alternative<client::Connected>(event)) {
        if (state_ == State::connecting) enter_active(at);
        return;
    }
    if (!inner_.is_up()) return;
    if (const auto* e = std::get_if<client::Message>(&event)) return take_message(e->packet);
    if (const auto* e = std::get_if<client::AckPassedOn>(&event)) return on_broker_ack(e->packet, at);
    if (const auto* e = std::get_if<client::RequestDone>(&event)) return on_request_done(e->packet, at);
    if (std::holds_alternative<client::Pong>(event)) on_pong(at);
}

void Endpoint::on_inner_ended(const client::Ended& event, Moment at) {
    if (state_ == State::connecting) {
        const bool is_refused = event.cause == client::Ended::Cause::refused;
        return refuse_connect(is_refused ? return_code_of_refusal(event.code) : ReturnCode::congestion, event.text, at);
    }
    if (!is_connected()) return;
    services_.events.tell(GatewayEvent::Kind::ended, client_id_, event.text);
    at.peer.send(Disconnect{});
    leave(false);
}

void Endpoint::inner_closed(Moment at) {
    const InnerSession::Stage stage = inner_.stage();
    inner_.closed();
    if (state_ == State::connecting) {
        // The connection of an earlier CONNECT had to end first.
        if (stage == InnerSession::Stage::ending) return begin_connecting();
        return refuse_connect(ReturnCode::congestion, "the broker accepts no connection", at);
    }
    const bool is_expected = stage == InnerSession::Stage::ending || stage == InnerSession::Stage::closed;
    if (is_expected || !is_connected()) return;
    services_.events.tell(GatewayEvent::Kind::ended, client_id_, "the broker has closed the inner connection");
    at.peer.send(Disconnect{});
    leave(false);
}

// ---------------------------------------------------------------------------------------------------------------------
// Time

/// The device shows that it lives. Awake and asleep devices have promised a packet within the duration of their sleep.
void Endpoint::set_liveness(Instant now) {
    const std::uint16_t seconds = state_ == State::active ? keep_alive_s_ : sleep_s_;
    liveness_at_ = seconds == 0 ? never : now + tolerance_of(seconds);
}

Instant Endpoint::next_deadline() const {
    return std::min({liveness_at_, retry_at_, drain_at_, inner_.next_deadline()});
}

void Endpoint::on_time(Moment at) {
    while (inner_.next_deadline() <= at.now) {
        const client::Event event = inner_.next_event_of_time(at.now);
        if (client::is_nothing(event)) break;
        on_event(event, at);
    }
    if (at.now >= liveness_at_) return lose();
    if (at.now >= retry_at_) on_retry(at);
    if (at.now >= drain_at_) {
        drain_at_ = never;
        continue_awake(at);
    }
}

/// Rule 11: an unanswered packet is sent again after T_retry, and after N_retry repetitions the device is lost.
void Endpoint::on_retry(Moment at) {
    if (state_ == State::asleep) {  // the device hears nothing; everything is sent again when it wakes
        retry_at_ = never;
        return;
    }
    std::uint8_t& retries = is_connected() ? out_.retries : handshake_retries_;
    if (retries >= services_.options.retries_max && state_ == State::awake) {
        // Perhaps the device fell asleep before the end, or a late copy of its PINGREQ came. Its sleep has a limit.
        state_ = State::asleep;
        retry_at_ = drain_at_ = never;
        return;
    }
    if (retries >= services_.options.retries_max) {
        if (is_ignored_again()) {
            static_cast<void>(skip_oversize());
            return serve(at);
        }
        at.peer.send(Disconnect{});  // a device that only had bad luck connects again
        return lose();
    }
    ++retries;
    ++services_.counters.repetitions;
    retry_at_ = at.now + services_.options.retry_interval;
    if (state_ == State::will_topic) return at.peer.send(Willtopicreq{});
    if (state_ == State::will_message) return at.peer.send(Willmsgreq{});
    resend(at);
}

/// True = the device was lost twice over this message, has come back, and was heard in this connection: its receiver is
/// smaller than our packets. Without an end the message would cut every connection. Once may be bad luck, and
/// on a link that loses every fifth packet so was the second time (lossy_link_test).
bool Endpoint::is_ignored_again() {
    if (out_.step != OutStep::registering && out_.step != OutStep::publishing) return false;
    const std::size_t hash = std::hash<std::string_view>{}(out_.message.text) ^ out_.message.id;
    if (std::exchange(ignored_, hash) != hash) ignored_times_ = 0;
    return ++ignored_times_ > ignored_times_max && out_.message.dup && !is_fresh_;
}

// ---------------------------------------------------------------------------------------------------------------------
// The end

void Endpoint::lose() {
    ++services_.counters.lost;
    services_.events.tell(GatewayEvent::Kind::lost, client_id_);
    leave(true);
}

void Endpoint::expel(std::string_view why, Moment at) {
    if (state_ == State::disconnected) return;
    services_.events.tell(GatewayEvent::Kind::ended, client_id_, why);
    at.peer.send(Disconnect{});
    leave(true);
}

void Endpoint::stop(Moment at) {
    if (state_ == State::disconnected) return;
    at.peer.send(Disconnect{});
    leave(false);
}

/// Ends the connection to the broker. The session stays as long as it shall, with all messages that the device has not
/// answered.
void Endpoint::leave(bool with_will) {
    if (with_will && is_will_changed_ && inner_.is_up()) {
        // The broker has an older will, or none: the newer one is published as a message, and the older one deleted.
        if (will_) publish_will();
        with_will = false;
    }
    inner_.end(with_will);
    state_ = State::disconnected;
    reset_exchanges();
}

/// Publishes the will as a message of QoS 0 or 1, whose PUBACK is not awaited: an exchange of QoS 2 could not end.
void Endpoint::publish_will() {
    wire::Publish packet;
    packet.topic = will_->topic;
    packet.payload = as_bytes(will_->payload);
    packet.retain = will_->retain;
    packet.qos = std::min(will_->qos, wire::QoS::at_least_once);
    // Devices count up from 1, and requests of the client down from 65,535; an id between them is free in practice.
    if (packet.qos != wire::QoS::at_most_once) packet.packet_id = in_.id == will_packet_id ? 1 : will_packet_id;
    static_cast<void>(inner_.client().publish(packet));  // refused: the device has no right to publish this will
}

/// Forgets what belongs to one connection of the broker.
void Endpoint::reset_exchanges() {
    out_ = {};
    waiting_.clear();
    waiting_bytes_ = 0;
    in_ = {};
    request_ = {};
    liveness_at_ = retry_at_ = drain_at_ = never;
    is_fresh_ = is_coming_back_ = is_pong_awaited_ = needs_pause_ = false;
}

}  // namespace ledge::mqttsn
