// Client, the socket side: bytes to and from the shard, and the rules every packet of the broker has to keep.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <utility>

#include "ledge/journal/records.hpp"
#include "script.hpp"

namespace ledge::spec {

/// connects() wants a CONNACK of success unless the script looks at it with gets() or is_refused().
void Client::settle(Here at) {
    if (!awaits_connack_) return;
    awaits_connack_ = false;
    if (inbox_.empty()) script_.fail(at, name_ + ": CONNECT was not answered");
    const Packet answer = inbox_.front();
    inbox_.pop_front();
    if (answer.type != PacketType::connack || answer.codes[0] != 0)
        script_.fail(at, name_ + ": CONNECT was answered with " + describe(answer));
}

/// The first packet of that type and id, wherever it stands: an answer may come before or after messages.
Packet Client::take(PacketType type, std::uint16_t id, Here at) {
    const auto fits = [&](const Packet& got) { return got.type == type && got.packet_id == id; };
    const auto found = std::find_if(inbox_.begin(), inbox_.end(), fits);
    if (found == inbox_.end())
        script_.fail(at, name_ + ": expected " + std::string(wire::name_of(type)) + " id " + std::to_string(id) +
                             (inbox_.empty() ? "\n     got nothing" : "\n     got " + describe(inbox_.front())));
    Packet out = *found;
    inbox_.erase(found);
    return out;
}

void Client::write(std::string_view raw, Here at) {
    must_be_open(at);
    script_.shard().on_bytes(*connection_, as_bytes(raw), script_.now());
    script_.pump(at);
}

void Client::must_be_open(Here at) {
    if (connection_ == nullptr) script_.fail(at, name_ + " is not connected");
}

void Client::note_sent(const Packet& packet) {
    const bool is_final = packet.type == PacketType::puback || packet.type == PacketType::pubcomp ||
                          (packet.type == PacketType::pubrec && packet.codes[0] >= 0x80);
    if (is_final && packet.packet_id) unacknowledged_.erase(*packet.packet_id);
}

/// Empties the outbox; true when something was there.
bool Client::drain() {
    bool is_busy = false;
    while (reads_ && !connection_->outbox().empty()) {
        std::array<Bytes, 16> parts;
        const std::size_t count = connection_->outbox().gather(parts);
        std::size_t size = 0;
        for (std::size_t part = 0; part < count; ++part) {
            incoming_ += as_text(parts[part]);
            size += parts[part].size();
        }
        connection_->outbox().consume(size);
        is_busy = true;
    }
    if (is_busy) script_.shard().on_drained(*connection_, script_.now());
    if (connection_->is_closing() && connection_->outbox().empty()) {
        on_close_by_broker();
        return true;
    }
    return is_busy;
}

void Client::on_close_by_broker() {
    script_.note(name_ + " is closed by the broker");
    script_.shard().on_closed(*connection_, script_.now());
    connection_ = nullptr;
    is_closed_by_broker_ = true;
    is_close_noticed_ = false;
}

void Client::forget_connection() {
    incoming_.clear();
    awaits_connack_ = has_connack_ = has_disconnect_ = is_closed_by_broker_ = false;
    unacknowledged_.clear();
    aliases_.clear();
    reads_ = true;
    is_raw_ = false;
}

/// Cuts what came into packets; true when there was one.
bool Client::digest(Here at) {
    if (incoming_.empty() || is_raw_) return false;
    const std::string taken = std::exchange(incoming_, {});
    wire::Framer framer;
    Bytes rest = as_bytes(taken);
    for (;;) {
        const auto next = framer.next(rest, 0xFFFF'FFFF);
        if (next.status == wire::Framer::Status::need_more) break;
        if (next.status != wire::Framer::Status::frame)
            script_.fail(at, name_ + ": the broker sent bytes that are no packet");
        on_frame(next.frame, at);
    }
    if (framer.pending() != 0) {
        if (connection_ == nullptr) script_.fail(at, name_ + ": the broker closed within a packet");
        incoming_ = taken.substr(taken.size() - framer.pending()) + incoming_;
    }
    const std::string answers = std::exchange(answers_, {});
    if (!answers.empty() && connection_ != nullptr)
        script_.shard().on_bytes(*connection_, as_bytes(answers), script_.now());
    return true;
}

void Client::on_frame(Bytes frame, Here at) {
    Received received = decode(frame, version_);
    if (!received.error.empty())
        script_.fail(at, name_ + ": the broker sent a " + std::string(wire::name_of(wire::type_of(frame))) +
                             " that its own decoder refuses: " + received.error);
    script_.note(name_ + " < " + describe(received.packet));
    check(received.packet, frame.size(), at);
    if (acknowledges_) {
        acknowledge_automatically(received.packet);
        if (received.packet.type == PacketType::pubrel) return;
    }
    inbox_.push_back(std::move(received.packet));
}

void Client::violation(std::string_view rule, const Packet& packet, Here at) {
    script_.fail(at, name_ + ": " + std::string(rule) + "\n     packet: " + describe(packet));
}

/// Rules that hold for whatever the broker sends to a client, in every script.
void Client::check(const Packet& packet, std::size_t size, Here at) {
    const bool is_connack = packet.type == PacketType::connack;
    if (has_disconnect_) violation("[MQTT-3.14.4-1] a packet after DISCONNECT", packet, at);
    if (!has_connack_ && !is_connack && packet.type != PacketType::auth)
        violation("[MQTT-3.2.0-1] a packet before CONNACK", packet, at);
    if (has_connack_ && is_connack) violation("[MQTT-3.2.0-2] a second CONNACK", packet, at);
    if (version_ != v5 && (packet.type == PacketType::disconnect || packet.type == PacketType::auth))
        violation("a packet that 3.x does not know", packet, at);
    if (version_ == v5 && size > options_.maximum_packet_size.value_or(0xFFFF'FFFF))
        violation("[MQTT-3.1.2-24] larger than the client's Maximum Packet Size", packet, at);
    if (packet.type == PacketType::disconnect && packet.has(PropertyId::session_expiry_interval))
        violation("[MQTT-3.14.2-2] Session Expiry Interval from the server", packet, at);
    const bool may_explain = is_connack || packet.type == PacketType::disconnect || packet.type == PacketType::publish;
    if (options_.request_problem_information == 0U && !may_explain &&
        (packet.has(PropertyId::reason_string) || packet.has(PropertyId::user_property)))
        violation("[MQTT-3.1.2-29] the client did not ask for problem information", packet, at);
    if (is_connack) has_connack_ = true;
    if (packet.type == PacketType::disconnect) has_disconnect_ = true;
    if (packet.type == PacketType::publish) check_publish(packet, at);
}

void Client::check_publish(const Packet& packet, Here at) {
    if (packet.is_dup && packet.qos_level == QoS::at_most_once) violation("[MQTT-3.3.1-2] DUP with QoS 0", packet, at);
    if (const auto alias = packet.number(PropertyId::topic_alias)) {
        if (*alias == 0 || *alias > options_.topic_alias_maximum.value_or(0))
            violation("[MQTT-3.1.2-26] a topic alias the client does not take", packet, at);
        if (!packet.topic.empty()) aliases_[*alias] = packet.topic;
        if (!aliases_.contains(*alias)) violation("a topic alias that was never set", packet, at);
    } else if (packet.topic.empty()) {
        violation("[MQTT-4.7.3-1] an empty topic name without an alias", packet, at);
    }
    if (packet.qos_level == QoS::at_most_once) return;
    if (!unacknowledged_.insert(*packet.packet_id).second)
        violation("[MQTT-2.2.1-4] [MQTT-4.4.0-1] an id in use, or a repetition within one connection", packet, at);
    if (version_ == v5 && unacknowledged_.size() > options_.receive_maximum.value_or(65'535))
        violation("[MQTT-3.3.4-9] more than the client's Receive Maximum", packet, at);
}

void Client::acknowledge_automatically(const Packet& packet) {
    Packet answer;
    if (packet.type == PacketType::pubrel) {
        answer = pubcomp(*packet.packet_id);
    } else if (packet.type == PacketType::publish && packet.qos_level != QoS::at_most_once) {
        answer = packet.qos_level == QoS::at_least_once ? puback(*packet.packet_id) : pubrec(*packet.packet_id);
    } else {
        return;
    }
    note_sent(answer);
    answers_ += encode(answer, version_);
}

}  // namespace ledge::spec
