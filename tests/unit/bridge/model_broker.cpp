#include "model_broker.hpp"

#include <algorithm>

namespace ledge::bridge {

using wire::PacketId;
using wire::PacketType;
using wire::QoS;
using wire::ReasonCode;
using wire::Version;

template <class Packet>
void ModelBroker::append(std::string& to, const Packet& packet) {
    std::vector<Byte> bytes(wire::encoded_size(packet, version_));
    wire::Writer writer(bytes);
    wire::encode(packet, version_, writer);
    to += as_text(Bytes(bytes));
}

void ModelBroker::queue(std::string topic, std::string payload, QoS qos) {
    Out one;
    one.id = next_id_;
    next_id_ = next_id_ == 65'535 ? PacketId{1} : static_cast<PacketId>(next_id_ + 1);
    one.topic = std::move(topic);
    one.payload = std::move(payload);
    one.qos = qos;
    queue_.push_back(std::move(one));
}

void ModelBroker::opened() {
    is_open_ = true;
    is_ending_ = is_connected_ = false;
    framer_.emplace();
}

void ModelBroker::closed() {
    is_open_ = is_connected_ = false;
    framer_.reset();
    output_.clear();
    held_back_.clear();
    unanswered_.clear();
    for (Out& one : queue_) one.is_sent_here = false;
}

void ModelBroker::on_bytes(Bytes bytes, Rng& rng) {
    while (is_open_ && !is_ending_) {
        const auto next = framer_->next(bytes, wire::packet_size_max);
        if (next.status != wire::Framer::Status::frame) return;
        on_frame(next.frame, rng);
    }
}

void ModelBroker::on_frame(Bytes frame, Rng& rng) {
    const PacketType type = wire::type_of(frame);
    if (type == PacketType::connect) return on_connect(*wire::decode_connect(frame), rng);
    if (type == PacketType::publish) return on_publish(*wire::decode_publish(frame, version_), rng);
    if (type == PacketType::disconnect) {
        is_ending_ = true;
        return;
    }
    if (type == PacketType::pingreq) {
        output_ += std::string("\xD0\0", 2);
        return;
    }
    if (type != PacketType::subscribe) return on_ack(*wire::decode_ack(frame, version_), rng);
    const auto packet = wire::decode_subscribe(frame, version_);
    if (received_.contains(packet->packet_id) || unanswered_.contains(packet->packet_id))
        complaints.push_back("SUBSCRIBE uses the packet id of a message");
    std::vector<Byte> codes;
    for (const auto& entry : packet->entries) codes.push_back(static_cast<Byte>(entry.options.qos));
    append(output_, wire::Suback{PacketType::suback, packet->packet_id, codes, {}});
    is_subscribed_ = true;
}

void ModelBroker::on_connect(const wire::Connect& packet, Rng& rng) {
    if (quirks.forgets != 0 && rng.one_in(quirks.forgets)) {
        if (has_session_) ++sessions_lost;
        has_session_ = false;
        // The relay has accepted the released ones. The others are messages of the new session.
        std::erase_if(queue_, [](const Out& one) { return one.is_released; });
        for (Out& one : queue_) one.was_sent = false;
    }
    wire::Connack connack;
    connack.session_present = has_session_ && !packet.clean_start;
    if (!connack.session_present) {
        received_.clear();
        is_subscribed_ = false;
    }
    has_session_ = true;
    client_window_ =
        static_cast<std::uint16_t>(packet.properties.number(wire::PropertyId::receive_maximum).value_or(65'535));
    wire::PropertyBuilder properties;
    if (version_ == Version::v5) properties.number(wire::PropertyId::receive_maximum, window_);
    connack.properties = properties.view();
    append(output_, connack);
    is_connected_ = true;
}

void ModelBroker::on_publish(const wire::Publish& packet, Rng& rng) {
    const bool is_poison = !quirks.poison.empty() && as_text(packet.payload) == quirks.poison;
    if (is_poison || (quirks.closes != 0 && rng.one_in(quirks.closes))) {
        is_ending_ = true;
        return;
    }
    const auto take = [&] { arrivals.push_back({std::string(packet.topic), std::string(as_text(packet.payload))}); };
    if (packet.qos == QoS::at_most_once) return take();
    unanswered_.insert(packet.packet_id);
    if (version_ == Version::v5 && unanswered_.size() > window_) complaints.push_back("Receive Maximum is exceeded");
    if (packet.qos == QoS::at_least_once || quirks.lowers_qos2) {
        take();
        return answer(PacketType::puback, packet.packet_id, rng);
    }
    if (received_.insert(packet.packet_id).second) take();
    answer(PacketType::pubrec, packet.packet_id, rng);
}

void ModelBroker::on_ack(const wire::Ack& packet, Rng& rng) {
    const PacketId id = packet.packet_id;
    if (packet.type == PacketType::pubrel) {
        received_.erase(id);
        return answer(PacketType::pubcomp, id, rng);
    }
    const auto one = std::find_if(queue_.begin(), queue_.end(), [&](const Out& out) { return out.id == id; });
    if (one == queue_.end()) return;
    if (packet.type == PacketType::pubrec && (one->is_released || !wire::is_error(packet.code))) {
        if (one->qos != QoS::exactly_once) complaints.push_back("PUBREC answers QoS 1");
        one->is_released = true;
        return append(output_, wire::Ack{PacketType::pubrel, id, ReasonCode::success, {}});
    }
    const bool is_end = packet.type == PacketType::puback   ? one->qos == QoS::at_least_once
                        : packet.type == PacketType::pubrec ? one->qos == QoS::exactly_once
                                                            : one->is_released;
    if (!is_end) complaints.push_back("an answer that does not fit the state of its message");
    if (!one->was_sent) complaints.push_back("an answer to a message that was never sent");
    finished.push_back(id);
    queue_.erase(one);
}

void ModelBroker::answer(PacketType type, PacketId id, Rng& rng) {
    if (type != PacketType::pubrec) unanswered_.erase(id);
    if (quirks.never != 0 && rng.one_in(quirks.never)) return;
    const auto far = static_cast<PacketId>((id + 30'000U) % 65'535U + 1U);
    const wire::Ack packet{type, id, ReasonCode::success, {}};
    const bool is_late = quirks.late != 0 && (!held_back_.empty() || rng.one_in(quirks.late));
    std::string& to = is_late ? held_back_ : output_;  // answers stay in order
    if (quirks.wrong != 0 && rng.one_in(quirks.wrong))
        append(to, wire::Ack{rng.one_in(2) ? type : PacketType::puback, far, ReasonCode::success, {}});
    append(to, packet);
    if (type != PacketType::pubcomp) ++answers;
    if (quirks.twice != 0 && rng.one_in(quirks.twice)) append(to, packet);
}

void ModelBroker::step(Rng& rng) {
    if (!is_connected_ || is_ending_) return;
    if (quirks.late == 0 || rng.one_in(4)) {
        output_ += held_back_;
        held_back_.clear();
    }
    send_queue();
    if (quirks.repeats == 0 || queue_.empty() || !rng.one_in(quirks.repeats)) return;
    Out& one = queue_[rng.below(queue_.size())];
    if (one.is_sent_here && !one.is_released) send_publish(one);
}

void ModelBroker::send_queue() {
    std::size_t in_flight = 0;
    for (Out& one : queue_) {
        if (in_flight >= std::min(client_window_, window_)) return;
        if (!one.was_sent && !is_subscribed_) return;
        ++in_flight;
        if (one.is_sent_here) continue;
        if (one.is_released) {
            append(output_, wire::Ack{PacketType::pubrel, one.id, ReasonCode::success, {}});
            one.is_sent_here = true;
            continue;
        }
        send_publish(one);
    }
}

void ModelBroker::send_publish(Out& one) {
    wire::Publish packet;
    packet.topic = one.topic;
    packet.payload = as_bytes(one.payload);
    packet.qos = one.qos;
    packet.packet_id = one.id;
    packet.dup = one.was_sent;
    append(output_, packet);
    one.was_sent = one.is_sent_here = true;
}

}  // namespace ledge::bridge
