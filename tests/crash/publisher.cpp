#include "publisher.hpp"

#include <algorithm>

namespace ledge::crash {
namespace {

constexpr std::size_t window_max = 20;  // exchanges
constexpr double allowance_max = 20;    // publications that may be caught up at once
constexpr Sequence clears_every = 5;    // updates of a retained topic

}  // namespace

void Publisher::on_connected(bool session_present) {
    repeat_all(session_present);
    last_tick_ = stage_.now;
}

// [MQTT-4.4.0-1] in the original order [MQTT-4.6.0-1]. Without its session the broker knows nothing of a released one;
// what was only published is sent as new.
void Publisher::repeat_all(bool session_present) {
    if (!session_present) {
        for (const Exchange& exchange : in_flight_) {
            if (exchange.state == State::released) ledger().finish(exchange.message.stream, exchange.message.sequence);
        }
        std::erase_if(in_flight_, [](const Exchange& exchange) { return exchange.state == State::released; });
    }
    for (Exchange& exchange : in_flight_) {
        exchange.is_repeated = true;
        if (exchange.state == State::published) send_publish(exchange, session_present);
        if (exchange.state == State::released) acknowledge(wire::PacketType::pubrel, exchange.packet_id);
    }
}

void Publisher::on_tick() {
    const std::chrono::duration<double> passed = stage_.now - last_tick_;
    last_tick_ = stage_.now;
    allowance_ = std::min(allowance_ + passed.count() * stage_.publications_per_s, allowance_max);
    if (stage_.phase != Phase::serving) return;
    const std::size_t window = std::min<std::size_t>(window_max, server_receive_maximum());
    while (allowance_ >= 1 && in_flight_.size() < window) {
        allowance_ -= 1;
        start_next();
    }
}

void Publisher::start_next() {
    const auto is_used = [this](wire::PacketId id) {
        return std::any_of(in_flight_.begin(), in_flight_.end(), [&](const Exchange& e) { return e.packet_id == id; });
    };
    do ++last_id_;
    while (last_id_ == 0 || is_used(last_id_));
    const StreamId stream = streams_[stage_.rng.below(streams_.size())];
    in_flight_.push_back({last_id_, {stream, ledger().issue(stream)}, State::published});
    send_publish(in_flight_.back(), false);
}

void Publisher::send_publish(const Exchange& exchange, bool dup) {
    const Stream& stream = ledger().stream(exchange.message.stream);
    wire::Publish packet;
    packet.topic = stream.topic;
    packet.qos = stream.qos;
    packet.retain = stream.is_retained;
    packet.dup = dup;
    packet.packet_id = exchange.packet_id;
    fill_payload(exchange.message, payload_);
    const bool clears = stream.is_retained && exchange.message.sequence % clears_every == 0;
    if (!clears) packet.payload = payload_;
    publish(packet);
}

void Publisher::on_ack(const wire::Ack& ack) {
    switch (ack.type) {
        case wire::PacketType::puback: return on_puback(ack);
        case wire::PacketType::pubrec: return on_pubrec(ack);
        case wire::PacketType::pubcomp: return on_pubcomp(ack);
        default: return;
    }
}

// The oldest unanswered PUBLISH of this QoS is the one to be answered: [MQTT-4.6.0-2] PUBACK, [MQTT-4.6.0-3] PUBREC.
Publisher::Window::iterator Publisher::find_published(wire::PacketId id, QoS qos) {
    const auto is_open = [&](const Exchange& e) { return e.state == State::published && qos_of(e) == qos; };
    const auto oldest = std::find_if(in_flight_.begin(), in_flight_.end(), is_open);
    const auto meant =
        std::find_if(oldest, in_flight_.end(), [&](const Exchange& e) { return is_open(e) && e.packet_id == id; });
    if (meant != in_flight_.end() && meant != oldest) {
        ledger().broken(Count::acks_out_of_order,
                        name() + ": packet id " + std::to_string(id) + " before " + std::to_string(oldest->packet_id));
    }
    return meant;
}

void Publisher::on_puback(const wire::Ack& ack) {
    const auto found = find_published(ack.packet_id, QoS::at_least_once);
    if (found == in_flight_.end()) return;
    ++stage_.progress;
    const auto [stream, sequence] = found->message;
    if (wire::is_error(ack.code)) {
        ledger().refuse(stream, sequence, found->is_repeated);
    } else {
        ledger().accept(stream, sequence);
        ledger().finish(stream, sequence);
    }
    in_flight_.erase(found);
}

void Publisher::on_pubrec(const wire::Ack& ack) {
    const auto found = find_published(ack.packet_id, QoS::exactly_once);
    if (found == in_flight_.end()) return;
    ++stage_.progress;
    const auto [stream, sequence] = found->message;
    if (wire::is_error(ack.code)) {
        ledger().refuse(stream, sequence, found->is_repeated);
        in_flight_.erase(found);
        return;
    }
    if (ledger().stream(stream).level == Level::durable) session_is_kept();  // it now holds our packet id
    ledger().accept(stream, sequence);
    found->state = State::released;
    acknowledge(wire::PacketType::pubrel, ack.packet_id);
}

void Publisher::on_pubcomp(const wire::Ack& ack) {
    const auto found = std::find_if(in_flight_.begin(), in_flight_.end(), [&](const Exchange& e) {
        return e.state == State::released && e.packet_id == ack.packet_id;
    });
    if (found == in_flight_.end()) return;
    ++stage_.progress;
    ledger().finish(found->message.stream, found->message.sequence);
    in_flight_.erase(found);
}

std::string Publisher::unsettled() const {
    if (!is_connected()) return name() + ": not connected";
    if (in_flight_.empty()) return {};
    const Exchange& oldest = in_flight_.front();
    return name() + ": " + std::to_string(in_flight_.size()) + " exchanges in flight, the oldest is packet id " +
           std::to_string(oldest.packet_id) + " QoS " + std::to_string(int(qos_of(oldest))) +
           (oldest.state == State::released ? ", PUBCOMP awaited" : ", PUBACK or PUBREC awaited");
}

}  // namespace ledge::crash
