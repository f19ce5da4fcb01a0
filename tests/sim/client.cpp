#include "client.hpp"

#include <algorithm>

namespace ledge::sim {

using wire::PacketType;
using wire::PropertyId;
using wire::QoS;

namespace {

constexpr const char* topics[] = {"a/x", "a/y", "a/x/1",    "b/x",     "b", "/", "a//x", "deep/1/2/3/4/5/6",
                                  "r/1", "r/2", "shared/1", "shared/2"};
constexpr const char* filters[] = {"a/x",
                                   "a/+",
                                   "a/#",
                                   "+/x",
                                   "#",
                                   "+",
                                   "b/#",
                                   "b",
                                   "/+",
                                   "r/#",
                                   "r/+",
                                   "r/1",
                                   "+/+/1",
                                   "a//x",
                                   "deep/#",
                                   "+/+",
                                   "a/y",
                                   "shared/1",
                                   "$SYS/broker/uptime"};
// A member of a shared subscription has no other one for the same topics: one could not tell which copy is which.
constexpr const char* member_filters[] = {"a/x", "a/+", "b/#", "r/1"};

std::uint16_t as_u16(std::size_t value) { return static_cast<std::uint16_t>(value); }

}  // namespace

Label Press::label(std::int32_t publisher, const std::string& topic, QoS qos, bool is_will) {
    Label label;
    label.uid = ++uid;
    label.publisher = publisher;
    label.is_will = is_will;
    label.qos = qos;
    label.seq =
        ++numbers[std::to_string(publisher) + (is_will ? "w" : "p") + std::to_string(static_cast<int>(qos)) + topic];
    return label;
}

Client::Client(std::int32_t number, const ClientPlan& plan, const Plan& world, Press& press, Rng& rng)
    : number_(number),
      plan_(plan),
      world_(world),
      press_(press),
      rng_(rng),
      id_(plan.is_anonymous ? "" : "client-" + std::to_string(number)) {}

// ---- Sending

template <class Packet>
void Client::send(const Packet& packet) {
    std::vector<Byte> frame(wire::encoded_size(packet, plan_.version));
    wire::Writer writer(frame);
    wire::encode(packet, plan_.version, writer);
    link_->send_up(frame);
}

void Client::connect(Link& link, bool clean_start) {
    link_ = &link;
    is_accepted_ = is_over_ = false;
    aliases_.clear();
    awaited_ids_.clear();
    acks_.clear();
    alias_max_ = 0;
    wire::Connect packet;
    packet.version = plan_.version;
    packet.client_id = id_;
    packet.clean_start = clean_start;
    packet.keep_alive_s = plan_.keep_alive_s;
    wire::PropertyBuilder properties;
    if (is_v5()) {
        if (plan_.session_expiry_s != 0) properties.number(PropertyId::session_expiry_interval, plan_.session_expiry_s);
        if (plan_.receive_maximum != 0) properties.number(PropertyId::receive_maximum, plan_.receive_maximum);
        if (plan_.packet_size_max != 0) properties.number(PropertyId::maximum_packet_size, plan_.packet_size_max);
        if (plan_.alias_maximum != 0) properties.number(PropertyId::topic_alias_maximum, plan_.alias_maximum);
        packet.properties = properties.view();
    }
    std::string topic;
    std::vector<Byte> payload;
    wire::PropertyBuilder will_properties;
    if (plan_.has_will) add_will(packet, topic, payload, will_properties);
    std::vector<Byte> frame(wire::encoded_size(packet));
    wire::Writer writer(frame);
    wire::encode(packet, writer);
    link_->send_up(frame);
    if (rng_.one_in(4) && !is_calm_) pipeline();
}

void Client::add_will(wire::Connect& packet, std::string& topic, std::vector<Byte>& payload,
                      wire::PropertyBuilder& properties) {
    wire::Will will;
    will.qos = static_cast<QoS>(rng_.below(3));
    topic = topics[rng_.below(5)];
    payload = make_payload(press_.label(number_, topic, will.qos, true), 20);
    will.topic = topic;
    will.payload = payload;
    if (is_v5() && plan_.will_delay_s != 0) properties.number(PropertyId::will_delay_interval, plan_.will_delay_s);
    will.properties = properties.view();
    packet.will = will;
}

// (5.0 section 3.1.4) A client may go on without waiting for CONNACK.
void Client::pipeline() {
    subscribe();
    const std::string topic = choose_topic();
    const std::vector<Byte> payload = make_payload(press_.label(number_, topic, QoS::at_most_once, false), 20);
    wire::Publish packet;
    packet.topic = topic;
    packet.payload = payload;
    send(packet);
}

void Client::ping() {
    std::vector<Byte> frame(wire::ping_size);
    wire::Writer writer(frame);
    wire::encode(wire::Pingreq{}, writer);
    link_->send_up(frame);
}

void Client::disconnect(bool ends_session) {
    wire::Disconnect packet;
    wire::PropertyBuilder properties;
    if (is_v5() && ends_session) properties.number(PropertyId::session_expiry_interval, 0);
    if (is_v5() && !ends_session && plan_.session_expiry_s != 0 && rng_.one_in(3)) {
        properties.number(PropertyId::session_expiry_interval, static_cast<std::uint32_t>(1 + rng_.below(10)));
    }
    packet.properties = properties.view();
    if (is_v5() && !is_calm_ && rng_.one_in(3)) packet.code = wire::ReasonCode::disconnect_with_will;
    send(packet);
    is_over_ = true;
}

wire::PacketId Client::new_id() {
    constexpr wire::PacketId ids = 25;  // few, so that they come back soon
    for (unsigned tries = 0; tries < ids; ++tries) {
        last_id_ = static_cast<wire::PacketId>(last_id_ % ids + 1);
        const bool is_pending =
            std::any_of(pending_.begin(), pending_.end(), [&](const Pending& any) { return any.id == last_id_; });
        if (!is_pending && !awaited_ids_.contains(last_id_)) return last_id_;
    }
    return 0;
}

std::string Client::choose_topic() { return topics[rng_.below(std::size(topics))]; }

std::string Client::choose_filter() {
    if (!plan_.is_sharer) return filters[rng_.below(std::size(filters))];
    if (rng_.one_in(2)) return std::string("$share/group") + (number_ % 2 == 0 ? "0" : "1") + "/shared/#";
    return member_filters[rng_.below(std::size(member_filters))];
}

wire::SubscribeOptions Client::choose_options(bool is_shared) {
    wire::SubscribeOptions options;
    options.qos = static_cast<QoS>(rng_.below(3));
    if (!is_v5() || is_shared) return options;
    options.no_local = rng_.one_in(4);
    options.retain_as_published = rng_.one_in(3);
    options.retain_handling = static_cast<wire::RetainHandling>(rng_.below(3));
    return options;
}

// A topic that was sent with an alias before goes by the alias alone, now and then.
std::uint32_t Client::choose_alias(std::string& topic_on_wire) {
    if (alias_max_ == 0 || rng_.one_in(2)) return 0;
    const auto known = aliases_.find(topic_on_wire);
    if (known != aliases_.end()) {
        topic_on_wire.clear();
        return known->second;
    }
    const auto alias = static_cast<std::uint32_t>(1 + rng_.below(alias_max_));
    std::erase_if(aliases_, [&](const auto& entry) { return entry.second == alias; });
    aliases_[topic_on_wire] = alias;
    return alias;
}

void Client::publish() {
    Pending message;
    message.topic = choose_topic();
    message.qos = static_cast<QoS>(rng_.below(3));
    if (message.qos != QoS::at_most_once) {
        if (pending_.size() >= quota_) return;
        message.id = new_id();
        if (message.id == 0) return;
    }
    message.retain = message.topic.starts_with("r/") && rng_.one_in(2);
    if (is_v5() && rng_.one_in(5))
        message.expiry_s = static_cast<std::uint32_t>(rng_.one_in(2) ? 1 + rng_.below(5) : 1000);
    const std::size_t size = rng_.one_in(world_.large_one_in) ? 500 + rng_.below(5000) : 14 + rng_.below(60);
    const bool clears = message.retain && rng_.one_in(4);  // [MQTT-3.3.1-6]
    if (!clears) message.payload = make_payload(press_.label(number_, message.topic, message.qos, false), size);
    publish_in_flight(message, false);
    if (message.qos != QoS::at_most_once) pending_.push_back(std::move(message));
}

void Client::publish_in_flight(const Pending& message, bool dup) {
    wire::Publish packet;
    std::string topic = message.topic;
    wire::PropertyBuilder properties;
    if (is_v5()) {
        if (const std::uint32_t alias = choose_alias(topic); alias != 0)
            properties.number(PropertyId::topic_alias, alias);
        if (message.expiry_s != 0) properties.number(PropertyId::message_expiry_interval, message.expiry_s);
    }
    packet.topic = topic;
    packet.payload = message.payload;
    packet.qos = message.qos;
    packet.retain = message.retain;
    packet.dup = dup;
    packet.packet_id = message.id;
    packet.properties = properties.view();
    send(packet);
}

void Client::subscribe() {
    const wire::PacketId id = new_id();
    if (id == 0) return;
    std::vector<Byte> entries;
    std::set<std::string> chosen;  // one filter twice in a packet has no meaning
    for (std::uint64_t count = 1 + rng_.below(3); count > 0; --count) {
        const std::string filter = choose_filter();
        if (!chosen.insert(filter).second) continue;
        wire::append_entry(entries, {filter, choose_options(filter.starts_with("$share/"))}, true);
        filters_.insert(filter);
    }
    wire::PropertyBuilder properties;
    if (is_v5() && rng_.one_in(2))
        properties.number(PropertyId::subscription_identifier, static_cast<std::uint32_t>(1 + rng_.below(300)));
    wire::Subscribe packet;
    packet.packet_id = id;
    packet.entries = wire::SubscribeEntries(entries, true);
    packet.properties = properties.view();
    awaited_ids_[id] = PacketType::suback;
    send(packet);
}

void Client::unsubscribe() {
    const wire::PacketId id = new_id();
    if (id == 0 || filters_.empty()) return;
    const auto chosen = std::next(filters_.begin(), static_cast<std::ptrdiff_t>(rng_.below(filters_.size())));
    std::vector<Byte> entries;
    wire::append_entry(entries, {*chosen, {}}, false);
    filters_.erase(chosen);
    wire::Unsubscribe packet;
    packet.packet_id = id;
    packet.entries = wire::SubscribeEntries(entries, false);
    awaited_ids_[id] = PacketType::unsuback;
    send(packet);
}

// 3.1.1 allows to send again whenever the client likes; 5 only when it resumes [MQTT-4.4.0-1].
void Client::repeat_unreleased() {
    if (is_v5()) return;
    for (const Pending& message : pending_) {
        if (message.qos == QoS::exactly_once && !message.is_released) return publish_in_flight(message, true);
    }
}

// ---- Doing

void Client::act() {
    if (link_ == nullptr || is_over_ || rng_.below(100) >= plan_.chattiness) return;
    if (is_accepted_) act_connected();
}

void Client::act_connected() {
    const std::uint64_t dice = rng_.below(100);
    if (dice < 50) return publish();
    if (dice < 65) return subscribe();
    if (dice < 71) return unsubscribe();
    if (dice < 80) return ping();
    if (dice < 96) return acknowledge(plan_.acking == Acking::never ? 0 : 1 + rng_.below(5));
    if (dice < 98) return repeat_unreleased();
    if (rng_.one_in(3)) disconnect(false);
}

// In the order the messages came [MQTT-4.6.0-2].
void Client::acknowledge(std::size_t most) {
    while (link_ != nullptr && !is_over_ && !acks_.empty() && most-- > 0) {
        const OwedAck ack = acks_.front();
        acks_.pop_front();
        send_ack(ack);
    }
}

void Client::send_ack(const OwedAck& ack) {
    wire::Ack packet;
    packet.type = ack.type;
    packet.packet_id = ack.id;
    packet.code = ack.code;
    send(packet);
}

// ---- Hearing

void Client::lose_link() {
    link_ = nullptr;
    is_accepted_ = false;
    acks_.clear();
    awaited_ids_.clear();
}

void Client::forget_session() {
    pending_.clear();
    received_.clear();
    filters_.clear();
}

void Client::on_packet(Event& event, Bytes frame) {
    switch (event.type) {
        case PacketType::connack: return on_connack(event, frame);
        case PacketType::publish: return on_publish(event);
        case PacketType::puback:
        case PacketType::pubrec:
        case PacketType::pubrel:
        case PacketType::pubcomp: return on_ack(event);
        case PacketType::suback:
        case PacketType::unsuback: awaited_ids_.erase(event.packet_id); return;
        default: return;
    }
}

// Its own state goes only when the broker says that there is none: CONNECT may have been lost on its way.
void Client::on_connack(const Event& event, Bytes frame) {
    if (wire::is_error(event.code)) return;
    is_accepted_ = true;
    const auto packet = wire::decode_connack(frame, plan_.version);
    quota_ = is_v5() ? packet->properties.number(PropertyId::receive_maximum).value_or(65'535) : 20;
    alias_max_ = is_v5() ? packet->properties.number(PropertyId::topic_alias_maximum).value_or(0) : 0;
    // A broker that refuses publications may refuse the same one for ever, when its way out is blocked by ourselves.
    const auto overflow = world_.options.listeners[0].limits.overflow;
    if (is_calm_ && !is_v5() && overflow == session::OverflowPolicy::refuse) pending_.clear();
    if (event.flag) {
        resend();
    } else {
        forget_session();
    }
}

// [MQTT-4.4.0-1] In the original order, with the original packet ids.
void Client::resend() {
    for (const Pending& message : pending_) {
        if (message.is_released) {
            send_ack({PacketType::pubrel, message.id, wire::ReasonCode::success});
        } else {
            publish_in_flight(message, true);
        }
    }
}

void Client::on_publish(Event& event) {
    event.flag = event.qos != QoS::exactly_once || received_.insert(event.packet_id).second;
    if (event.qos == QoS::at_most_once) return;
    const bool is_first = event.qos == QoS::at_least_once;
    acks_.push_back({is_first ? PacketType::puback : PacketType::pubrec, event.packet_id, wire::ReasonCode::success});
    if (is_calm_ || plan_.acking == Acking::prompt) acknowledge(as_u16(acks_.size()));
}

void Client::on_ack(const Event& event) {
    if (event.type == PacketType::pubrel) {
        received_.erase(event.packet_id);
        acks_.push_back({PacketType::pubcomp, event.packet_id, wire::ReasonCode::success});
        if (is_calm_ || plan_.acking == Acking::prompt) acknowledge(acks_.size());
        return;
    }
    settle_ack(event);
}

// A late answer to a repetition must not be taken for one to the next message with the same packet id.
void Client::settle_ack(const Event& event) {
    const auto found =
        std::find_if(pending_.begin(), pending_.end(), [&](const Pending& any) { return any.id == event.packet_id; });
    if (found == pending_.end()) return;
    const bool is_done = event.type == PacketType::puback ? found->qos == QoS::at_least_once
                         : event.type == PacketType::pubcomp
                             ? found->is_released
                             : found->qos == QoS::exactly_once && wire::is_error(event.code);
    if (is_done) {
        pending_.erase(found);
    } else if (event.type == PacketType::pubrec && found->qos == QoS::exactly_once && !found->is_released) {
        found->is_released = true;
        if (!is_over_) send_ack({PacketType::pubrel, event.packet_id, wire::ReasonCode::success});
    }
}

}  // namespace ledge::sim
