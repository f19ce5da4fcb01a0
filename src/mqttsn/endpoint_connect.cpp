// CONNECT and the handshake of the will, DISCONNECT and sleep, PINGREQ.
#include "ledge/base/assert.hpp"
#include "ledge/mqttsn/endpoint.hpp"

namespace ledge::mqttsn {

// ---------------------------------------------------------------------------------------------------------------------
// CONNECT

void Endpoint::on_connect(const Connect& message, bool is_elsewhere, Moment at) {
    if (!is_elsewhere && is_repeated(message, at.now)) return repeat_answer(at);
    // A session that goes on needs no second connection to the broker, unless a message of the device is under way: the
    // device may use its id for another message. A session that ends with its connection has to go on as it is.
    const bool may_go_on = is_connected() && inner_.is_up() && !message.clean_session;
    if (may_go_on && (in_.step == InStep::idle || is_clean_)) return come_back(message, at);
    restart(message, at);
}

/// Rule 14: a copy of the CONNECT that was accepted, or is being answered.
bool Endpoint::is_repeated(const Connect& message, Instant now) const {
    const bool is_same =
        message.will == has_will_flag_ && message.clean_session == is_clean_ && message.keep_alive_s == keep_alive_s_;
    if (!is_same || state_ == State::disconnected) return false;
    if (!is_connected()) return true;
    const bool may_be_late = services_.options.link_reorders && now < connected_at_ + services_.options.retry_interval;
    return state_ == State::active && (is_fresh_ || may_be_late);
}

/// While the broker is asked there is no answer yet; CONNACK follows by itself.
void Endpoint::repeat_answer(Moment at) {
    if (state_ == State::will_topic) at.peer.send(Willtopicreq{});
    if (state_ == State::will_message) at.peer.send(Willmsgreq{});
    if (state_ == State::active) at.peer.send(Connack{});
}

/// Begins a new connection to the broker. A former one ends in order: the device is alive, so no will is published.
void Endpoint::restart(const Connect& message, Moment at) {
    inner_.end(false);
    reset_exchanges();
    has_will_flag_ = message.will;
    is_clean_ = message.clean_session;
    keep_alive_s_ = message.keep_alive_s;
    // MQTT-SN section 6.3: without CleanSession, subscriptions and will stay.
    if (is_clean_) {
        will_.reset();
        recent_.reset();
        topics_.clear();
    }
    topics_.forget_known();  // rule 7
    is_will_changed_ = false;
    if (message.will) return ask_will_topic(at);
    begin_connecting();
}

void Endpoint::come_back(const Connect& message, Moment at) {
    has_will_flag_ = message.will;
    keep_alive_s_ = message.keep_alive_s;
    // is_clean_ stays: the broker ends the session with the inner connection if that connection began with it.
    topics_.forget_known();  // rule 7
    retry_at_ = drain_at_ = liveness_at_ = never;
    is_pong_awaited_ = needs_pause_ = false;
    is_coming_back_ = true;
    if (message.will) return ask_will_topic(at);
    end_handshake(at);
}

void Endpoint::refuse_connect(ReturnCode code, std::string_view why, Moment at) {
    ++services_.counters.connects_refused;
    if (code == ReturnCode::congestion) ++services_.counters.congested;
    services_.events.tell(GatewayEvent::Kind::refused, client_id_, why);
    at.peer.send(Connack{code});
    leave(false);
}

void Endpoint::begin_connecting() {
    state_ = State::connecting;
    retry_at_ = never;
    // An ending connection is closed first; inner_closed() then calls again.
    if (inner_.stage() == InnerSession::Stage::closed) inner_.want(inner_options(), is_clean_);
}

void Endpoint::enter_active(Moment at) {
    state_ = State::active;
    connected_at_ = at.now;
    is_fresh_ = true;
    is_coming_back_ = false;
    set_liveness(at.now);
    services_.events.tell(GatewayEvent::Kind::connected, client_id_);
    at.peer.send(Connack{});
    open_window(at);
}

/// The device listens again: what is under way is sent again, then what waits.
void Endpoint::open_window(Moment at) {
    out_.retries = 0;
    // The device may have forgotten the topic id, or refused it just before it fell asleep.
    if (out_.step == OutStep::registering || out_.step == OutStep::publishing) begin_message(at);
    if (out_.step == OutStep::released) send_pubrel(at);
    serve(at);
}

// ---------------------------------------------------------------------------------------------------------------------
// The will (rule 13). A repeated packet of the device is answered again, one that comes too early is ignored: the
// device sends it again when it is asked.

void Endpoint::ask_will_topic(Moment at) {
    state_ = State::will_topic;
    handshake_retries_ = 0;
    retry_at_ = at.now + services_.options.retry_interval;
    at.peer.send(Willtopicreq{});
}

void Endpoint::on_will_topic(const Willtopic& message, Moment at) {
    if (message.is_update && !is_connected()) {
        ++services_.counters.packets_unexpected;
        return;
    }
    if (!message.is_update && state_ == State::will_message) return at.peer.send(Willmsgreq{});
    if (!message.is_update && state_ != State::will_topic) {
        ++services_.counters.packets_unexpected;
        return;
    }
    if (message.topic.empty()) {
        will_.reset();
    } else {
        if (!will_) will_ = std::make_unique<client::WillOptions>();
        will_->topic = message.topic;
        will_->qos = static_cast<wire::QoS>(message.qos);
        will_->retain = message.retain;
    }
    if (message.is_update) {
        is_will_changed_ = true;
        return at.peer.send(Willresp{MessageType::willtopicresp, ReturnCode::accepted});
    }
    if (!will_) return end_handshake(at);
    state_ = State::will_message;
    handshake_retries_ = 0;
    retry_at_ = at.now + services_.options.retry_interval;
    at.peer.send(Willmsgreq{});
}

void Endpoint::on_will_message(const Willmsg& message, Moment at) {
    if (message.is_update && is_connected()) {
        if (!will_) return at.peer.send(Willresp{MessageType::willmsgresp, ReturnCode::not_supported});
        will_->payload = as_text(message.message);
        is_will_changed_ = true;
        return at.peer.send(Willresp{MessageType::willmsgresp, ReturnCode::accepted});
    }
    if (!message.is_update && state_ == State::will_message) {
        will_->payload = as_text(message.message);
        return end_handshake(at);
    }
    // CONNACK was lost: WILLMSG is the packet that the device repeats.
    if (!message.is_update && state_ == State::active && is_fresh_) return at.peer.send(Connack{});
    ++services_.counters.packets_unexpected;
}

void Endpoint::end_handshake(Moment at) {
    retry_at_ = never;
    if (!is_coming_back_) return begin_connecting();
    // The inner connection goes on with the will of its CONNECT, so leave() publishes the new one.
    if (has_will_flag_) is_will_changed_ = true;
    // The broker may have ended the connection during the handshake, and with it what was under way.
    if (!inner_.is_up()) {
        reset_exchanges();
        return begin_connecting();
    }
    enter_active(at);
}

// ---------------------------------------------------------------------------------------------------------------------
// DISCONNECT and sleep

void Endpoint::on_disconnect(const Disconnect& message, Moment at) {
    at.peer.send(Disconnect{});
    if (state_ == State::disconnected) return;
    if (!message.duration_s || *message.duration_s == 0 || !is_connected()) {
        services_.events.tell(GatewayEvent::Kind::left, client_id_);
        return leave(false);
    }
    state_ = State::asleep;
    sleep_s_ = *message.duration_s;
    is_fresh_ = false;
    // The window closes: what is unanswered is sent again when the device wakes.
    retry_at_ = drain_at_ = never;
    set_liveness(at.now);
}

void Endpoint::on_pingreq(const Pingreq& message, Moment at) {
    if (state_ == State::active) return at.peer.send(Pingresp{});
    // Rule 4: a repeated PINGREQ does not disturb the delivery, whose end is told by one PINGRESP.
    if (state_ == State::awake) return;
    LEDGE_ASSERT(state_ == State::asleep);
    // The address says whose packet it is, so a client id may be missing: some clients of the wild leave it out, and a
    // PINGREQ of before the sleep may have been overtaken by its DISCONNECT.
    if (!message.client_id.empty() && message.client_id != client_id_) {
        at.peer.send(Disconnect{});
        return leave(true);
    }
    state_ = State::awake;
    is_pong_awaited_ = needs_pause_ = false;
    set_liveness(at.now);
    open_window(at);
}

/// When nothing is left here, the broker is asked whether it has more: its PINGRESP comes behind its messages.
void Endpoint::continue_awake(Moment at) {
    if (state_ != State::awake || !inner_.is_up() || is_pong_awaited_ || drain_at_ != never) return;
    if (out_.step != OutStep::idle || !waiting_.empty()) return;
    is_pong_awaited_ = inner_.client().ping(at.now);
}

void Endpoint::on_pong(Moment at) {
    if (!std::exchange(is_pong_awaited_, false) || state_ != State::awake) return;
    if (out_.step != OutStep::idle || !waiting_.empty()) return;  // the question comes again behind them
    if (std::exchange(needs_pause_, false)) {
        drain_at_ = at.now + services_.options.drain_pause;
        return;
    }
    fall_asleep(at);
}

/// PINGRESP ends the waking. A message that is not answered is sent again at the next one.
void Endpoint::fall_asleep(Moment at) {
    at.peer.send(Pingresp{});
    state_ = State::asleep;
    retry_at_ = drain_at_ = never;
    is_pong_awaited_ = needs_pause_ = false;
    set_liveness(at.now);
}

}  // namespace ledge::mqttsn
