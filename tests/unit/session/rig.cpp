#include "rig.hpp"

#include <cctype>
#include <cstdio>

#include "ledge/journal/journal_options.hpp"
#include "ledge/journal/records.hpp"
#include "ledge/session/listener_options.hpp"

namespace ledge::session {

namespace {

std::string describe(const wire::Properties& properties) {
    std::string out;
    for (auto p = properties.begin(); p != properties.end(); ++p) {
        char id[8];
        std::snprintf(id, sizeof id, "%02x", static_cast<unsigned>(p->id));
        const bool has_text = !p->text.empty();
        out += (out.empty() ? " {" : " ") + std::string(id) + "=";
        out += has_text ? std::string(p->name) + (p->name.empty() ? "" : ":") + std::string(p->text)
                        : std::to_string(p->number);
    }
    return out.empty() ? out : out + "}";
}

std::string describe(const wire::Publish& packet) {
    std::string out = "PUBLISH " + std::string(packet.topic.empty() ? "-" : packet.topic) + " ";
    out +=
        packet.payload.size() > 40 ? std::to_string(packet.payload.size()) + "B" : std::string(as_text(packet.payload));
    if (packet.qos != qos0)
        out += " q" + std::to_string(static_cast<int>(packet.qos)) + "#" + std::to_string(packet.packet_id);
    if (packet.dup) out += " dup";
    if (packet.retain) out += " retain";
    return out + describe(packet.properties);
}

// "PUBACK"
std::string upper(std::string_view name) {
    std::string out(name);
    for (char& c : out) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return out;
}

std::string with_code(std::string text, ReasonCode code) {
    return code == ReasonCode::success ? text : text + " " + std::string(wire::name_of(code));
}

}  // namespace

std::string describe(Bytes frame, Version version) {
    switch (const auto type = wire::type_of(frame)) {
        case wire::PacketType::connack: {
            const auto packet = wire::decode_connack(frame, version);
            return "CONNACK " + std::string(wire::name_of(packet->code)) + (packet->session_present ? " present" : "");
        }
        case wire::PacketType::publish: return describe(*wire::decode_publish(frame, version));
        case wire::PacketType::puback:
        case wire::PacketType::pubrec:
        case wire::PacketType::pubrel:
        case wire::PacketType::pubcomp: {
            const auto packet = wire::decode_ack(frame, version);
            return with_code(upper(wire::name_of(type)) + " " + std::to_string(packet->packet_id), packet->code);
        }
        case wire::PacketType::disconnect:
            return with_code("DISCONNECT", wire::decode_disconnect(frame, version)->code);
        case wire::PacketType::auth: return with_code("AUTH", wire::decode_auth(frame, version)->code);
        default: return upper(wire::name_of(type));
    }
}

std::string unsent(const Outbox& outbox) {
    std::vector<Bytes> parts(100'000);
    std::string out;
    for (std::size_t i = 0, count = outbox.gather(parts); i < count; ++i) out += as_text(parts[i]);
    return out;
}

Delivery copy_of(const Delivery& delivery) {
    Delivery copy;
    copy.publication = delivery.publication;
    copy.ids = delivery.ids;
    copy.share_group = delivery.share_group;
    copy.row = delivery.row;
    copy.ticket = delivery.ticket;
    copy.not_before = delivery.not_before;
    copy.message = delivery.message;
    copy.is_live = delivery.is_live;
    copy.is_stored = delivery.is_stored;
    copy.sent = delivery.sent;
    copy.state = delivery.state;
    copy.qos = delivery.qos;
    copy.retain = delivery.retain;
    return copy;
}

Delivery delivery(std::string_view topic, std::string_view payload, QoS qos, Instant expires_at) {
    Delivery made;
    made.publication = journal::Publication({topic, as_bytes(payload), {}, expires_at, qos, false});
    made.qos = qos;
    return made;
}

std::string encoded(const wire::Connect& packet) {
    std::vector<Byte> bytes(wire::encoded_size(packet));
    wire::Writer writer(bytes);
    wire::encode(packet, writer);
    return std::string(as_text(bytes));
}

namespace {
std::string ack(wire::PacketType type, wire::PacketId id, ReasonCode code) {
    return encoded(wire::Ack{type, id, code, {}}, Version::v5);
}
}  // namespace

std::string puback(wire::PacketId id) { return ack(wire::PacketType::puback, id, ReasonCode::success); }
std::string pubrec(wire::PacketId id, ReasonCode code) { return ack(wire::PacketType::pubrec, id, code); }
std::string pubrel(wire::PacketId id) { return ack(wire::PacketType::pubrel, id, ReasonCode::success); }
std::string pubcomp(wire::PacketId id) { return ack(wire::PacketType::pubcomp, id, ReasonCode::success); }

std::string publish(std::string_view topic, std::string_view payload, QoS qos, wire::PacketId id,
                    wire::PropertyBuilder properties) {
    return encoded(wire::Publish{topic, as_bytes(payload), qos, false, false, id, properties.view()}, Version::v5);
}

Rig::Rig(const journal::JournalOptions& journal, journal::StoreReader* store)
    : services(log, journal, 1, start, 0, store) {
    listener.name = "test";
    listener.allow_anonymous = true;
}

Rig::~Rig() { is_gone(); }

wire::Connect connect_v5(const wire::PropertyBuilder* properties) {
    wire::Connect wish;
    wish.version = Version::v5;
    wish.client_id = "c";
    if (properties != nullptr) wish.properties = properties->view();
    return wish;
}

wire::Connect connect_v311() {
    wire::Connect wish;
    wish.client_id = "c";
    return wish;
}

void Rig::opens() {
    is_gone();
    connection = std::make_unique<Connection>(services.for_connections, listener, "192.0.2.1:1", nullptr, now);
}

void Rig::connects(const wire::Connect& wish, bool resumes) {
    opens();
    resumes_ = resumes;
    sends(encoded(wish));
    REQUIRE(connection->is_connected());
    const std::string answer = takes();
    REQUIRE(answer.substr(0, 15) == "CONNACK success");
    if (resumes) asked = answer;  // with what was sent again, for the test to look at
}

void Rig::sends(std::string_view bytes) {
    Bytes input = as_bytes(bytes);
    while (!connection->is_closing()) {
        const auto next = connection->framer().next(input, connection->packet_size_max());
        if (next.status == wire::Framer::Status::need_more) break;
        if (next.status != wire::Framer::Status::frame) return connection->on_unframeable(next);
        Effect effect;
        connection->on_frame(next.frame, now, effect);
        perform(effect);
    }
}

void Rig::perform(const Effect& effect) {
    if (const auto* open = std::get_if<OpenSession>(&effect)) {
        if (!resumes_) session = std::make_unique<Session>(services.for_sessions, "c", listener.limits);
        connection->accept(*open, *session, resumes_, now);
    } else if (const auto* route = std::get_if<RoutePublication>(&effect)) {
        const journal::PublicationView& p = route->publication;
        const wire::Publish shown{
            p.topic, p.payload, p.qos, p.retain, false, route->packet_id, wire::Properties(p.properties, 0)};
        asked += (asked.empty() ? "" : " | ") + describe(as_bytes(encoded(shown, Version::v5)), Version::v5);
        connection->on_routed(p.qos, route->packet_id, verdict, no_ticket, {});
    } else if (effect.index() != 0) {
        asked += (asked.empty() ? "" : " | ") + std::to_string(effect.index());
    }
}

void Rig::is_gone() {
    if (connection == nullptr) return;
    if (connection->session() != nullptr) connection->session()->detach();
    connection->unlink_dirty();
    connection.reset();
}

std::string Rig::takes() {
    const std::string bytes = unsent(connection->outbox());
    connection->outbox().clear();
    Bytes input = as_bytes(bytes);
    wire::Framer framer;
    std::string out;
    for (;;) {
        const auto next = framer.next(input, 0xFFFF'FFFF);
        if (next.status != wire::Framer::Status::frame) break;
        out += (out.empty() ? "" : " | ") + describe(next.frame, connection->peer().version);
    }
    REQUIRE(framer.pending() == 0);
    return out;
}

void Rig::delivers(Delivery one, Instant at) {
    session->queue().enqueue(std::move(one), session->limits());
    connection->pump(at);
}

void Rig::passes(Duration duration) {
    now += duration;
    while (Timer* timer = services.timers.pop_due(now)) {
        auto& due = static_cast<CoreTimer&>(*timer);
        if (due.wakes() == CoreTimer::Wakes::connection) due.connection().on_timer(now);
    }
}

}  // namespace ledge::session
