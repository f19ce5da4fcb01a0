#include "rig.hpp"

#include <algorithm>

namespace ledge::client {
namespace {

std::string qos_and_id(const wire::Publish& packet) {
    std::string text;
    if (packet.qos != qos0)
        text = " q" + std::to_string(static_cast<int>(packet.qos)) + "#" + std::to_string(packet.packet_id);
    if (packet.dup) text += " dup";
    if (packet.retain) text += " retain";
    if (const auto alias = packet.properties.number(PropertyId::topic_alias))
        text += " alias " + std::to_string(*alias);
    return text;
}

std::string text_of(const wire::Publish& packet) {
    return std::string(packet.topic) + " " + std::string(as_text(packet.payload)) + qos_and_id(packet);
}

std::string with_code(std::string text, ReasonCode code) {
    if (code == ReasonCode::success) return text;
    return text + " " + std::string(wire::name_of(code));
}

std::string text_of(const wire::Ack& packet) {
    std::string name(wire::name_of(packet.type));
    std::transform(name.begin(), name.end(), name.begin(), [](char c) { return static_cast<char>(std::toupper(c)); });
    return with_code(name + " " + std::to_string(packet.packet_id), packet.code);
}

void join(std::string& all, const std::string& one) {
    if (!one.empty()) all += (all.empty() ? "" : " | ") + one;
}

std::string text_of_request(const wire::SubscribeEntries& entries, PacketId id) {
    std::string text = " " + std::to_string(id);
    for (const auto& entry : entries) text += " " + std::string(entry.filter);
    return text;
}

std::string text_of(const PublishDone& done) {
    static constexpr const char* hows[] = {"", " not_sent", " session_lost", " given_up"};
    return "done " + std::to_string(done.packet_id) + " " + std::string(wire::name_of(done.code)) +
           hows[static_cast<int>(done.how)];
}

std::string text_of(const Ended& ended) {
    static constexpr const char* causes[] = {"refused", "disconnected", "violation", "no_answer", "overload"};
    return std::string("ended ") + causes[static_cast<int>(ended.cause)] + ": " + std::string(ended.text);
}

std::string text_of(const RequestDone& done) {
    std::string text(done.packet.type == PacketType::suback ? "SUBACK" : "UNSUBACK");
    text += " " + std::to_string(done.packet.packet_id);
    for (const Byte code : done.packet.codes) text += " " + std::to_string(code);
    return text;
}

}  // namespace

std::string text_of_frame(Bytes frame, Version version) {
    switch (wire::type_of(frame)) {
        case PacketType::connect: return "CONNECT " + std::string(wire::decode_connect(frame)->client_id);
        case PacketType::publish: return "PUBLISH " + text_of(*wire::decode_publish(frame, version));
        case PacketType::puback:
        case PacketType::pubrec:
        case PacketType::pubrel:
        case PacketType::pubcomp: return text_of(*wire::decode_ack(frame, version));
        case PacketType::subscribe: {
            const auto packet = wire::decode_subscribe(frame, version);
            return "SUBSCRIBE" + text_of_request(packet->entries, packet->packet_id);
        }
        case PacketType::unsubscribe: {
            const auto packet = wire::decode_unsubscribe(frame, version);
            return "UNSUBSCRIBE" + text_of_request(packet->entries, packet->packet_id);
        }
        case PacketType::pingreq: return "PINGREQ";
        case PacketType::disconnect: return with_code("DISCONNECT", wire::decode_disconnect(frame, version)->code);
        case PacketType::auth: {
            const auto packet = wire::decode_auth(frame, version);
            return "AUTH " + std::string(wire::name_of(packet->code)) + " " +
                   std::string(packet->properties.text(PropertyId::authentication_data).value_or(""));
        }
        default: return "a packet of servers";
    }
}

std::string text_of_event(const Event& event) {
    if (const auto* e = std::get_if<Connected>(&event))
        return e->session_present ? "connected to session" : "connected";
    if (const auto* e = std::get_if<Message>(&event)) return "message " + text_of(e->packet);
    if (const auto* e = std::get_if<Dropped>(&event)) return "dropped " + std::string(e->topic);
    if (const auto* e = std::get_if<PublishDone>(&event)) return text_of(*e);
    if (const auto* e = std::get_if<AckPassedOn>(&event)) return text_of(e->packet);
    if (const auto* e = std::get_if<RequestDone>(&event)) return text_of(*e);
    if (const auto* e = std::get_if<AuthStep>(&event))
        return "auth " + std::string(wire::name_of(e->code)) + " " + std::string(e->data);
    if (std::holds_alternative<Pong>(event)) return "pong";
    if (const auto* e = std::get_if<Ended>(&event)) return text_of(*e);
    return "";
}

Options lasting(Version version) {
    Options options;
    options.version = version;
    options.client_id = "meter";
    options.session_expiry_s = 3600;
    return options;
}

Options relay() {
    Options options = lasting();
    options.flow = Flow::passed_on;
    return options;
}

wire::Publish publish(std::string_view topic, std::string_view payload, QoS qos, PacketId id, bool dup) {
    wire::Publish packet;
    packet.topic = topic;
    packet.payload = as_bytes(payload);
    packet.qos = qos;
    packet.packet_id = id;
    packet.dup = dup;
    return packet;
}

wire::Ack ack(PacketType type, PacketId id, ReasonCode code) { return {type, id, code, {}}; }

std::string Rig::connects(bool clean_start, bool session_present, const PropertyBuilder& properties) {
    client.connect(clean_start, now);
    REQUIRE(sent() == "CONNECT " + std::string(client.client_id()));
    wire::Connack connack;
    connack.session_present = session_present;
    connack.properties = properties.view();
    return gets(connack);
}

std::string Rig::resumes(bool session_present, const PropertyBuilder& properties) {
    client.closed();
    unread_.clear();
    return connects(false, session_present, properties);
}

std::string Rig::gets_bytes(Bytes bytes) {
    std::string all;
    for (;;) {
        const Event event = client.on_bytes(bytes, now);
        if (is_nothing(event)) break;
        join(all, text_of_event(event));
    }
    CHECK(bytes.empty());
    return all;
}

std::string Rig::gets_bytes(std::initializer_list<int> bytes) {
    std::vector<Byte> copy;
    for (const int byte : bytes) copy.push_back(static_cast<Byte>(byte));
    return gets_bytes(Bytes(copy));
}

std::string Rig::passes(Duration duration) {
    const Instant target = now + duration;
    std::string all;
    while (client.next_deadline() <= target) {
        now = std::max(now, client.next_deadline());
        join(all, text_of_event(client.on_time(now)));
        client.sent(0, now);
    }
    now = target;
    return all;
}

std::string Rig::sent() {
    unread_ += as_text(client.output());
    client.sent(client.output().size(), now);
    // What is sent frees the outbox, so more may follow.
    while (!client.output().empty()) {
        unread_ += as_text(client.output());
        client.sent(client.output().size(), now);
    }
    std::string all;
    wire::Framer framer;
    Bytes rest = as_bytes(unread_);
    for (;;) {
        const auto next = framer.next(rest, wire::packet_size_max);
        REQUIRE(next.status != wire::Framer::Status::malformed);
        if (next.status != wire::Framer::Status::frame) break;
        join(all, text_of_frame(next.frame, client.options().version));
    }
    unread_.clear();
    return all;
}

PacketId Rig::publishes(std::string_view topic, std::string_view payload, QoS qos) {
    const auto id = client.publish(publish(topic, payload, qos));
    REQUIRE(id.ok());
    return *id;
}

}  // namespace ledge::client
