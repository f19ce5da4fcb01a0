#include "model_device.hpp"

#include <algorithm>

namespace ledge::mqttsn {

void ModelDevice::send(const Message& message) { sent.push_back(encoded(message)); }

void ModelDevice::enter(State state, Instant now) {
    state_ = state;
    retries_ = 0;
    retry_at_ = now + retry;
    ping_at_ = now + 20s;
    send_request();
}

/// The packet of a state that waits for an answer.
void ModelDevice::send_request() {
    const bool is_again = retries_ > 0;
    if (!is_again) request_id_ = ++last_id_;
    switch (state_) {
        case State::connecting: return send(Connect{false, false, 30, "model"});
        case State::registering: return send(Register{0, request_id_, "data"});
        case State::subscribing:
            return send(Subscribe{.dup = is_again, .qos = plan_.qos, .message_id = request_id_, .filter = "cmd/+"});
        case State::falling_asleep: return send(Disconnect{60});
        case State::awake: return send(Pingreq{"model"});
        default: return;
    }
}

void ModelDevice::reconnect(Instant now) {
    ++reconnects;
    topics_.clear();
    publish_retry_at_ = never;
    enter(State::connecting, now);
}

void ModelDevice::step(Instant now) {
    if (state_ == State::away) return enter(State::connecting, now);
    if (state_ == State::asleep) {
        if (now < wake_at_) return;
        return enter(State::awake, now);
    }
    if (state_ != State::active && now >= retry_at_) {
        if (++retries_ > retries_max) return reconnect(now);
        retry_at_ = now + retry;
        send_request();
    }
    if (state_ != State::active) return;
    if (outgoing_ && publish_retry_at_ == never) {  // an exchange of an earlier connection
        publish_retries_ = 0;
        publish_retry_at_ = now + retry;
        send_publish(true);
    } else if (outgoing_ && now >= publish_retry_at_) {
        if (++publish_retries_ > retries_max) return reconnect(now);
        publish_retry_at_ = now + retry;
        send_publish(true);
    } else if (!outgoing_ && published < plan_.messages && rng_.one_in(4)) {
        outgoing_ = Outgoing{++last_id_, published++};
        publish_retries_ = 0;
        publish_retry_at_ = now + retry;
        send_publish(false);
    } else if (!outgoing_ && plan_.sleeps && rng_.one_in(100)) {
        return enter(State::falling_asleep, now);
    }
    if (now >= ping_at_) {
        ping_at_ = now + 20s;
        send(Pingreq{});
    }
}

void ModelDevice::send_publish(bool is_dup) {
    if (outgoing_->is_released) return send(Answer{MessageType::pubrel, outgoing_->id});
    const std::string text = std::to_string(outgoing_->number);
    send(Publish{
        .dup = is_dup, .qos = plan_.qos, .topic_id = data_topic_, .message_id = outgoing_->id, .data = as_bytes(text)});
}

void ModelDevice::on_packet(Bytes packet, Instant now) {
    if (state_ == State::asleep || state_ == State::away) return;  // the receiver is off
    const Message message = *decode(packet);
    if (const auto* m = std::get_if<Publish>(&message)) return on_publish(*m);
    if (const auto* m = std::get_if<Answer>(&message)) return on_answer(*m, now);
    if (const auto* m = std::get_if<Register>(&message)) {
        if (state_ == State::connecting) return;  // of before the CONNECT
        topics_[m->topic_id] = m->topic;
        return send(Regack{m->topic_id, m->message_id, ReturnCode::accepted});
    }
    if (const auto* m = std::get_if<Connack>(&message)) {
        if (state_ == State::connecting && m->code == ReturnCode::accepted) enter(State::registering, now);
        return;
    }
    if (const auto* m = std::get_if<Regack>(&message)) {
        if (state_ != State::registering || m->message_id != request_id_) return;
        data_topic_ = m->topic_id;
        return enter(was_subscribed_ ? State::active : State::subscribing, now);
    }
    if (const auto* m = std::get_if<Suback>(&message)) {
        if (state_ != State::subscribing || m->message_id != request_id_) return;
        if (m->code != ReturnCode::accepted) return;  // again after the pause
        was_subscribed_ = true;
        return enter(State::active, now);
    }
    if (const auto* m = std::get_if<Puback>(&message)) {
        const bool is_mine = outgoing_ && !outgoing_->is_released && outgoing_->id == m->message_id;
        if (m->code == ReturnCode::invalid_topic_id && state_ == State::active) return enter(State::registering, now);
        if (is_mine && m->code == ReturnCode::accepted && plan_.qos == QoS::at_least_once) outgoing_.reset();
        return;
    }
    if (std::holds_alternative<Disconnect>(message)) {
        if (state_ == State::falling_asleep) {
            ++sleeps;
            state_ = State::asleep;
            wake_at_ = now + 1s * (1 + rng_.below(40));
        } else if (state_ != State::connecting) {
            reconnect(now);
        }
        return;
    }
    if (std::holds_alternative<Pingresp>(message) && state_ == State::awake) {
        ++pingresps;
        if (plan_.sleeps && rng_.one_in(2)) {
            state_ = State::asleep;
            wake_at_ = now + 1s * (1 + rng_.below(40));
        } else {
            reconnect(now);  // CONNECT makes it active
        }
    }
}

void ModelDevice::on_publish(const Publish& m) {
    if (state_ == State::connecting) return;  // of before the CONNECT
    if (m.type != TopicIdType::normal || !topics_.contains(m.topic_id))
        return send(Puback{m.topic_id, m.message_id, ReturnCode::invalid_topic_id});
    const int number = std::stoi(std::string(as_text(m.data)));
    if (m.qos == QoS::at_least_once) {
        got.push_back(number);
        return send(Puback{m.topic_id, m.message_id, ReturnCode::accepted});
    }
    const bool is_late = std::find(done_lately_.begin(), done_lately_.end(), m.message_id) != done_lately_.end();
    if (!is_late && recorded_.insert(m.message_id).second) got.push_back(number);
    send(Answer{MessageType::pubrec, m.message_id});
}

void ModelDevice::on_answer(const Answer& m, Instant now) {
    if (m.type == MessageType::pubrel) {
        if (recorded_.erase(m.message_id) != 0) done_lately_.push_back(m.message_id);
        if (done_lately_.size() > 8) done_lately_.pop_front();
        return send(Answer{MessageType::pubcomp, m.message_id});
    }
    if (!outgoing_ || outgoing_->id != m.message_id || state_ == State::connecting) return;
    if (m.type == MessageType::pubrec && !outgoing_->is_released) {
        outgoing_->is_released = true;
        publish_retries_ = 0;
        publish_retry_at_ = now + retry;
        send_publish(false);
    } else if (m.type == MessageType::pubcomp && outgoing_->is_released) {
        outgoing_.reset();
    }
}

}  // namespace ledge::mqttsn
