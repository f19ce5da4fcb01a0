#include "model_gateway.hpp"

namespace fwclient {

namespace {

constexpr std::uint32_t retry_ms = 1000;

std::uint16_t u16(const Packet& packet, std::size_t at) {
    return static_cast<std::uint16_t>(packet.at(at) << 8U | packet.at(at + 1));
}

std::uint8_t high(std::uint16_t value) { return static_cast<std::uint8_t>(value >> 8U); }
std::uint8_t low(std::uint16_t value) { return static_cast<std::uint8_t>(value); }

}  // namespace

void ModelGateway::input(const Packet& packet, std::uint32_t now_ms) {
    REQUIRE(packet.size() >= 2);
    REQUIRE(packet[0] == packet.size());
    const std::uint8_t type = packet[1];
    if (type == 0x04 || type == 0x07 || type == 0x09) {
        on_connect(packet);
    } else if (!is_connected_) {
        sent.push_back({2, 0x18});  // a device that this gateway does not know
    } else if (type == 0x0a || type == 0x12) {
        on_setup(packet);
    } else if (type == 0x0c) {
        on_publish(packet);
    } else if (type == 0x0d || type == 0x0e || type == 0x0f) {
        on_ack(packet, now_ms);
    } else if (type == 0x10) {
        received_.erase(u16(packet, 2));
        sent.push_back({4, 0x0e, packet[2], packet[3]});
    } else if (type == 0x16 && is_asleep_) {
        REQUIRE(packet.size() > 2);  // with the client id
        is_awake_ = true;
    } else if (type == 0x16) {
        sent.push_back({2, 0x17});
    } else if (type == 0x18) {
        on_disconnect(packet);
    } else {
        REQUIRE(type == 0x0b);  // nothing else comes from a device in these scripts
    }
    go_on(now_ms);
}

void ModelGateway::on_connect(const Packet& packet) {
    if (packet[1] == 0x04 && (packet.at(2) & 0x08) != 0) {
        is_connected_ = false;
        sent.push_back({2, 0x06});
        return;
    }
    if (packet[1] == 0x07) {
        sent.push_back({2, 0x08});
        return;
    }
    is_connected_ = true;
    is_asleep_ = is_awake_ = false;
    topic_ids_.clear();
    subscribed_id_ = 0;
    if (out_) out_->is_sent = false;
    sent.push_back({3, 0x05, 0});
}

void ModelGateway::on_setup(const Packet& packet) {
    const bool is_register = packet[1] == 0x0a;
    const std::string name(packet.begin() + (is_register ? 6 : 5), packet.end());
    std::uint16_t& id = topic_ids_[name];
    if (id == 0) id = ++next_topic_id_;
    if (is_register) {
        sent.push_back({7, 0x0b, high(id), low(id), packet.at(4), packet.at(5), 0});
    } else {
        subscribed_id_ = id;
        sent.push_back({8, 0x13, packet.at(2), high(id), low(id), packet.at(3), packet.at(4), 0});
    }
}

void ModelGateway::on_publish(const Packet& packet) {
    const unsigned qos = packet.at(2) >> 5U & 3U;
    const std::uint16_t id = u16(packet, 5);
    bool is_known = false;
    for (const auto& [name, topic_id] : topic_ids_) is_known = is_known || topic_id == u16(packet, 3);
    if (!is_known) {
        sent.push_back({7, 0x0d, packet[3], packet[4], packet[5], packet[6], 2});
        return;
    }
    if (qos != 2 || received_.insert(id).second) accepted.emplace_back(packet.begin() + 7, packet.end());
    if (qos == 1) sent.push_back({7, 0x0d, packet[3], packet[4], packet[5], packet[6], 0});
    if (qos == 2) sent.push_back({4, 0x0f, packet[5], packet[6]});
}

void ModelGateway::on_ack(const Packet& packet, std::uint32_t now_ms) {
    const std::uint16_t id = u16(packet, packet[1] == 0x0d ? 4 : 2);
    if (!out_ || !out_->is_sent || out_->id != id) return;
    if (packet[1] == 0x0f && out_->qos == 2) {
        out_->is_released = true;
        put_out(now_ms);
    } else if (packet[1] == (out_->qos == 2 ? 0x0e : 0x0d)) {
        if (out_->qos != 2 || out_->is_released) out_.reset();
    }
}

void ModelGateway::on_disconnect(const Packet& packet) {
    if (packet.size() == 4) {
        is_asleep_ = true;
        is_awake_ = false;
    } else {
        is_connected_ = false;
    }
    sent.push_back({2, 0x18});
}

void ModelGateway::put_out(std::uint32_t now_ms) {
    if (out_->is_released) {
        sent.push_back({4, 0x10, high(out_->id), low(out_->id)});
    } else {
        const auto flags = static_cast<std::uint8_t>(unsigned{out_->qos} << 5U | (out_->is_sent ? 0x80U : 0U));
        Packet packet{0, 0x0c, flags, high(subscribed_id_), low(subscribed_id_), high(out_->id), low(out_->id)};
        packet.insert(packet.end(), out_->data.begin(), out_->data.end());
        packet[0] = static_cast<std::uint8_t>(packet.size());
        sent.push_back(packet);
    }
    out_->is_sent = true;
    out_->sent_ms = now_ms;
}

/// Sends the next message when the device may have one, and ends a wake-up when there is none.
void ModelGateway::go_on(std::uint32_t now_ms) {
    if (!is_connected_ || (is_asleep_ && !is_awake_)) return;
    if (subscribed_id_ != 0) {
        if (!out_ && !queue_.empty()) {
            out_ = queue_.front();
            queue_.pop_front();
            out_->id = ++next_id_;
        }
        if (out_ && !out_->is_sent) put_out(now_ms);
    }
    if (is_awake_ && is_done()) {
        is_awake_ = false;
        ++ping_answers;
        sent.push_back({2, 0x17});
    }
}

void ModelGateway::poll(std::uint32_t now_ms) {
    const bool may_send = is_connected_ && (!is_asleep_ || is_awake_) && subscribed_id_ != 0;
    if (may_send && out_ && out_->is_sent && now_ms - out_->sent_ms >= retry_ms) put_out(now_ms);
    go_on(now_ms);
}

void ModelGateway::restart() {
    is_connected_ = is_asleep_ = is_awake_ = false;
    topic_ids_.clear();
    subscribed_id_ = 0;
    if (out_) out_->is_sent = false;
    sent.clear();
}

}  // namespace fwclient
