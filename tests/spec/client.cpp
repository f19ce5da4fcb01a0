// Client: what a client of a script does and expects.
#include <doctest/doctest.h>

#include <algorithm>

#include "ledge/journal/records.hpp"
#include "script.hpp"

namespace ledge::spec {

const ConnectOptions resume{.clean = false, .session_expiry = 3600s};

PropertyValue property(PropertyId id, std::uint32_t number) { return {id, number, {}, {}}; }
PropertyValue property(PropertyId id, std::string_view value) { return {id, 0, std::string(value), {}}; }

namespace {

void add(PropertyValues& values, PropertyId id, const std::optional<std::uint32_t>& number) {
    if (number) values.push_back(property(id, *number));
}

PropertyValues connect_properties(const ConnectOptions& options) {
    PropertyValues out;
    if (options.session_expiry)
        out.push_back(
            property(PropertyId::session_expiry_interval, static_cast<std::uint32_t>(options.session_expiry->count())));
    add(out, PropertyId::receive_maximum, options.receive_maximum);
    add(out, PropertyId::maximum_packet_size, options.maximum_packet_size);
    add(out, PropertyId::topic_alias_maximum, options.topic_alias_maximum);
    add(out, PropertyId::request_response_information, options.request_response_information);
    add(out, PropertyId::request_problem_information, options.request_problem_information);
    out.insert(out.end(), options.properties.begin(), options.properties.end());
    return out;
}

int connect_flags(const ConnectOptions& options) {
    int flags = options.clean ? 2 : 0;
    if (options.will) flags |= 4 | static_cast<int>(options.will->qos) << 3 | (options.will->retain ? 0x20 : 0);
    if (options.password) flags |= 0x40;
    if (options.user_name) flags |= 0x80;
    return flags;
}

bool is_publish_accepted(const Packet& ack) {
    return ack.codes[0] == 0 || ack.codes[0] == static_cast<std::uint8_t>(ReasonCode::no_matching_subscribers);
}

}  // namespace

std::string encode_connect(Version version, std::string_view client_id, const ConnectOptions& options) {
    const auto keep_alive = static_cast<int>(options.keep_alive.count());
    std::string body = text(version == v31 ? "MQIsdp" : "MQTT");
    body += bytes({static_cast<int>(version), connect_flags(options), keep_alive >> 8, keep_alive & 0xFF});
    if (version == v5) body += encode(connect_properties(options));
    body += text(client_id);
    if (options.will) {
        if (version == v5) body += encode(options.will->properties);
        body += text(options.will->topic) + text(options.will->payload);
    }
    if (options.user_name) body += text(*options.user_name);
    if (options.password) body += text(*options.password);
    return frame(0x10, body);
}

Client& Client::connects(Version version, const ConnectOptions& options, Here at) {
    opens(version, 0, at);
    options_ = options;
    awaits_connack_ = true;
    script_.note(name_ + " > CONNECT");
    write(encode_connect(version, options.client_id.value_or(name_), options), at);
    return *this;
}

Client& Client::connects(const ConnectOptions& options, Here at) { return connects(script_.version(), options, at); }

Client& Client::opens(Version version, std::uint16_t listener, Here at) {
    settle(at);
    if (connection_ != nullptr) script_.fail(at, name_ + " is connected already");
    if (!is_close_noticed_) script_.fail(at, name_ + " was closed by the broker");
    if (!inbox_.empty()) script_.fail(at, name_ + ": nobody asked for " + describe(inbox_.front()));
    forget_connection();
    version_ = version;
    options_ = {};
    connection_ = script_.shard().open({listener, "192.0.2.1:" + name_}, this, script_.now());
    if (connection_ == nullptr) is_closed_by_broker_ = true;
    is_close_noticed_ = connection_ != nullptr;
    return *this;
}

Client& Client::disconnects(ReasonCode code, Here at) { return disconnects(disconnect(code), at); }

Client& Client::disconnects(const Packet& packet, Here at) {
    sends(packet, at);
    if (connection_ != nullptr) loses_connection(at);
    is_close_noticed_ = true;
    return *this;
}

Client& Client::loses_connection(Here at) {
    settle(at);
    if (connection_ == nullptr) script_.fail(at, name_ + " has no connection to lose");
    script_.note(name_ + " loses its connection");
    script_.shard().on_closed(*connection_, script_.now());
    connection_ = nullptr;
    script_.pump(at);
    return *this;
}

Client& Client::subscribes(const char* filter, QoS qos, std::uint32_t subscription_id, Here at) {
    return subscribes(std::vector<Filter>{Filter(filter, qos)}, subscription_id, at);
}

Client& Client::subscribes(std::vector<Filter> filters, std::uint32_t subscription_id, Here at) {
    Packet packet = subscribe(next_id(), std::move(filters));
    if (subscription_id != 0) packet.with(PropertyId::subscription_identifier, subscription_id);
    sends(packet, at);
    const Packet answer = take(PacketType::suback, *packet.packet_id, at);
    std::vector<std::uint8_t> wanted;
    for (const auto& filter : packet.filters) wanted.push_back(static_cast<std::uint8_t>(filter.qos));
    if (answer.codes != wanted)
        script_.fail(at, name_ + ": " + describe(packet) + " was answered with " + describe(answer));
    return *this;
}

Client& Client::unsubscribes(const char* filter, Here at) {
    const Packet packet = unsubscribe(next_id(), {Filter(filter)});
    sends(packet, at);
    const Packet answer = take(PacketType::unsuback, *packet.packet_id, at);
    if (version_ == v5 && answer.codes != std::vector<std::uint8_t>{0})
        script_.fail(at, name_ + ": " + describe(packet) + " was answered with " + describe(answer));
    return *this;
}

Client& Client::publishes(std::string_view topic, std::string_view payload, QoS qos, Here at) {
    return publishes(publish(topic, payload).qos(qos), at);
}

Client& Client::publishes(Packet packet, Here at) {
    if (packet.qos_level != QoS::at_most_once && !packet.packet_id) packet.id(next_id());
    sends(packet, at);
    if (packet.qos_level == QoS::at_most_once) return *this;
    const bool is_qos1 = packet.qos_level == QoS::at_least_once;
    const Packet answer = take(is_qos1 ? PacketType::puback : PacketType::pubrec, *packet.packet_id, at);
    if (!is_publish_accepted(answer)) script_.fail(at, name_ + ": publication refused with " + describe(answer));
    if (is_qos1) return *this;
    sends(pubrel(*packet.packet_id), at);
    if (take(PacketType::pubcomp, *packet.packet_id, at).codes[0] != 0) script_.fail(at, name_ + ": PUBREL refused");
    return *this;
}

Client& Client::pings(Here at) {
    sends(pingreq(), at);
    return gets(pingresp(), at);
}

Client& Client::sends(const Packet& packet, Here at) {
    settle(at);
    must_be_open(at);
    script_.note(name_ + " > " + describe(packet));
    note_sent(packet);
    write(encode(packet, version_), at);
    return *this;
}

Client& Client::sends_raw(std::string_view raw, Here at) {
    settle(at);
    must_be_open(at);
    script_.note(name_ + " > " + std::to_string(raw.size()) + " raw bytes");
    write(raw, at);
    return *this;
}

Client& Client::sends_raw(std::initializer_list<int> values, Here at) { return sends_raw(bytes(values), at); }

Client& Client::sends_byte_by_byte(std::string_view raw, Here at) {
    settle(at);
    script_.note(name_ + " > " + std::to_string(raw.size()) + " raw bytes, one by one");
    for (std::size_t byte = 0; byte < raw.size() && connection_ != nullptr; ++byte) write(raw.substr(byte, 1), at);
    return *this;
}

Client& Client::acknowledges(std::uint16_t id, Here at) { return sends(puback(id), at); }

Client& Client::receives(std::uint16_t id, Here at) {
    sends(pubrec(id), at);
    return gets(pubrel(id), at);
}

Client& Client::completes(std::uint16_t id, Here at) { return sends(pubcomp(id), at); }

Client& Client::acknowledges_automatically(bool value) {
    acknowledges_ = value;
    return *this;
}

Client& Client::gets(const Packet& expected, Here at) {
    if (expected.type == PacketType::connack || expected.type == PacketType::auth) awaits_connack_ = false;
    settle(at);
    if (inbox_.empty()) script_.fail(at, name_ + ": expected " + describe(expected) + "\n     got nothing");
    const std::string found = difference(expected, inbox_.front(), version_);
    if (!found.empty())
        script_.fail(at, name_ + ": expected " + describe(expected) + "\n     got " + describe(inbox_.front()) +
                             "\n     difference: " + found);
    last_ = inbox_.front();
    inbox_.pop_front();
    CHECK(found.empty());
    return *this;
}

Client& Client::gets_in_any_order(std::vector<Packet> expected, Here at) {
    settle(at);
    for (const auto& packet : expected) {
        const auto fits = [&](const Packet& got) { return difference(packet, got, version_).empty(); };
        const auto found = std::find_if(inbox_.begin(), inbox_.end(), fits);
        if (found == inbox_.end()) {
            std::string all;
            for (const auto& got : inbox_) all += "\n     got " + describe(got);
            script_.fail(at, name_ + ": expected " + describe(packet) + (all.empty() ? "\n     got nothing" : all));
        }
        last_ = *found;
        inbox_.erase(found);
        CHECK(true);
    }
    return *this;
}

Client& Client::gets_nothing(Here at) {
    settle(at);
    if (!inbox_.empty()) script_.fail(at, name_ + ": expected nothing, got " + describe(inbox_.front()));
    CHECK(inbox_.empty());
    return *this;
}

Client& Client::is_disconnected(ReasonCode code, Here at) {
    settle(at);
    if (version_ == v5) gets(disconnect(code), at);
    return is_closed(at);
}

Client& Client::is_refused(ReasonCode code, std::uint8_t return_code_v3, Here at) {
    gets(version_ == v5 ? connack(code) : connack_v3(return_code_v3), at);
    return is_closed(at);
}

Client& Client::is_closed(Here at) {
    if (!inbox_.empty()) settle(at);
    awaits_connack_ = false;
    if (!inbox_.empty()) script_.fail(at, name_ + ": expected to be closed, got " + describe(inbox_.front()));
    if (connection_ != nullptr || !is_closed_by_broker_)
        script_.fail(at, name_ + ": expected to be closed by the broker");
    is_close_noticed_ = true;
    CHECK(is_closed_by_broker_);
    return *this;
}

Client& Client::is_connected(Here at) {
    settle(at);
    must_be_open(at);
    CHECK(connection_ != nullptr);
    return *this;
}

Client& Client::reads_raw() {
    is_raw_ = true;
    return *this;
}

Client& Client::stops_reading() {
    reads_ = false;
    return *this;
}

Client& Client::reads_again() {
    reads_ = true;
    if (connection_ != nullptr) drain();
    script_.pump(Here::now());
    return *this;
}

std::vector<Packet> Client::takes_all(Here at) {
    settle(at);
    std::vector<Packet> out(inbox_.begin(), inbox_.end());
    inbox_.clear();
    return out;
}

std::uint16_t Client::next_id() {
    if (++last_id_ == 0) last_id_ = 1;
    return last_id_;
}

}  // namespace ledge::spec
