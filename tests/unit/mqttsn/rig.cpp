#include "rig.hpp"

#include <algorithm>
#include <array>

#include "ledge/broker/session_facts.hpp"

namespace ledge::mqttsn {

// ---------------------------------------------------------------------------------------------------------------------
// Lines to the broker

void BrokerLine::open() {
    REQUIRE(connection_ == nullptr);
    connection_ = core_.shard.open({0, "gateway"}, nullptr, core_.now);
    REQUIRE(connection_ != nullptr);
}

void BrokerLine::write(Bytes bytes) {
    const std::vector<Byte> copy(bytes.begin(), bytes.end());
    if (is_open()) core_.shard.on_bytes(*connection_, copy, core_.now);
}

std::vector<Byte> BrokerLine::read() {
    std::vector<Byte> all;
    while (core_.shard.next_dirty() != nullptr) {
    }
    while (is_open() && !connection_->outbox().empty()) {
        std::array<Bytes, 1> parts;
        REQUIRE(connection_->outbox().gather(parts) > 0);
        all.insert(all.end(), parts[0].begin(), parts[0].end());
        connection_->outbox().consume(parts[0].size());
        core_.shard.on_drained(*connection_, core_.now);
    }
    if (is_open() && connection_->is_closing()) close();
    return all;
}

void BrokerLine::close() {
    if (!is_open()) return;
    core_.shard.on_closed(*std::exchange(connection_, nullptr), core_.now);
}

// ---------------------------------------------------------------------------------------------------------------------
// Watcher

Watcher::Watcher(client::Core& core, const std::string& client_id)
    : core_(core),
      client_([&] {
          client::Options options;
          options.client_id = client_id;
          options.keep_alive_s = 0;
          return options;
      }()),
      line_(core) {
    line_.open();
    client_.connect(true, core.now);
    while (turn()) {
    }
    REQUIRE(client_.is_connected());
}

void Watcher::subscribes(std::string_view filter) {
    REQUIRE(client_.subscribe({{filter, {.qos = wire::QoS::exactly_once}}}).ok());
    while (turn()) {
    }
}

void Watcher::publishes(std::string_view topic, std::string_view payload, wire::QoS qos, bool retain) {
    wire::Publish packet;
    packet.topic = topic;
    packet.payload = as_bytes(payload);
    packet.qos = qos;
    packet.retain = retain;
    REQUIRE(client_.publish(packet).ok());
    while (turn()) {
    }
}

bool Watcher::turn() {
    const bool is_writing = !client_.output().empty();
    line_.write(client_.output());
    client_.sent(client_.output().size(), core_.now);
    const std::vector<Byte> bytes = line_.read();
    Bytes input(bytes);
    for (auto event = client_.on_bytes(input, core_.now); !client::is_nothing(event);
         event = client_.on_bytes(input, core_.now))
        on_event(event);
    return is_writing || !bytes.empty();
}

void Watcher::on_event(const client::Event& event) {
    if (const auto* ended = std::get_if<client::Ended>(&event)) FAIL("the watcher's connection ends: " << ended->text);
    const auto* const message = std::get_if<client::Message>(&event);
    if (message == nullptr) return;
    const wire::Publish& packet = message->packet;
    std::string text = std::string(packet.topic) + " " + std::string(as_text(packet.payload));
    if (packet.qos != wire::QoS::at_most_once) text += " q" + std::to_string(static_cast<int>(packet.qos));
    if (packet.retain) text += " retain";
    join(heard_, text);
    if (packet.qos != wire::QoS::at_most_once) client_.acknowledge(packet.packet_id);
}

// ---------------------------------------------------------------------------------------------------------------------
// Rig

Rig::Rig(GatewayOptions options, PredefinedTopics predefined)
    : options_(std::move(options)), predefined_(std::move(predefined)) {
    gateway = std::make_unique<Gateway>(options_, predefined_, ids_from_1, core.now);
    turn();
}

std::string Rig::says(std::string_view peer, const Message& message) {
    std::string all = says_at_once(peer, message);
    join(all, turn(peer));
    return all;
}

std::string Rig::says_at_once(std::string_view peer, const Message& message) {
    const std::size_t slash = peer.find('/');
    std::vector<Byte> packet = encoded(message);
    if (slash != std::string_view::npos) packet = encoded(Forward{0, as_bytes(peer.substr(slash + 1)), packet});
    gateway->on_packet(as_bytes(peer.substr(0, slash)), packet, core.now);
    return take_output(peer);
}

std::string Rig::says_bytes(std::string_view peer, Bytes packet) {
    gateway->on_packet(as_bytes(peer), packet, core.now);
    return turn(peer);
}

std::string Rig::says_sealed(std::string_view peer, std::string_view client_id, const Secret& key,
                             std::uint32_t counter, const Message& message) {
    return says_bytes(peer, make_envelope(key, sender_of(client_id), counter, encoded(message)));
}

void Rig::set_devices(const DeviceTable& table) {
    devices_ = table;
    gateway->set_devices(table, core.now);
}

bool Rig::write_counters() {
    if (!gateway->wants_counters_written()) return false;
    counters_file = gateway->counters_to_write();
    gateway->counters_written(true, core.now);
    return true;
}

std::string Rig::turn(std::string_view peer) {
    settle();
    return take_output(peer);
}

void Rig::settle() {
    for (int round = 0;; ++round) {
        REQUIRE(round < 1000);  // a loop that never ends would be a gateway that never rests
        const bool is_written = writes_counters && write_counters();
        const bool is_served = serve_inner();
        const bool is_read = read_inner();
        const bool is_watched = watcher.turn();
        if (!is_written && !is_served && !is_read && !is_watched) return;
    }
}

std::string Rig::passes(Duration duration, std::string_view peer) {
    const Instant target = core.now + duration;
    std::string all;
    for (int timers = 0;; ++timers) {
        REQUIRE(timers < 100'000);
        const Instant next = std::min(gateway->next_deadline(), core.shard.next_deadline());
        if (next > target) break;
        core.now = std::max(core.now, next);
        core.advance({});
        if (gateway->next_deadline() <= core.now) gateway->on_time(core.now);
        join(all, turn(peer));
    }
    core.now = target;
    return all;
}

std::string Rig::take_output(std::string_view peer) {
    std::string all;
    for (; gateway->has_output(); gateway->output_sent()) {
        const OutputQueue::Packet& packet = gateway->output();
        Bytes bytes(packet.bytes);
        std::string to = packet.address.empty() ? "*" : packet.address;
        last_sent = packet.bytes;
        const auto message = decode(bytes);
        REQUIRE((message.ok() || is_envelope(bytes)));
        if (const auto* forward = message.ok() ? std::get_if<Forward>(&*message) : nullptr) {
            to += "/" + std::string(as_text(forward->node_id));
            bytes = forward->inner;
        }
        const auto envelope = read_envelope(bytes);
        const std::string text = envelope ? "[" + text_of_packet(envelope->packet) + "]" : text_of_packet(bytes);
        join(all, (to == peer ? "" : to + ": ") + text);
    }
    return all;
}

bool Rig::serve_inner() {
    bool is_busy = false;
    while (const auto id = gateway->take_inner()) {
        is_busy = true;
        BrokerLine& line = lines_.try_emplace(*id, core).first->second;
        if (gateway->wants_inner(*id)) {
            if (!accepts_inner) {
                gateway->inner_closed(*id, core.now);
                continue;
            }
            line.open();
            users[std::string(gateway->client_id(*id))] = gateway->user(*id);
            gateway->inner_opened(*id, core.now);
        }
        const std::size_t size = gateway->inner_output(*id).size();
        line.write(gateway->inner_output(*id));
        gateway->inner_sent(*id, size, core.now);
        if (gateway->wants_inner_close(*id)) close_inner(*id);
    }
    return is_busy;
}

bool Rig::read_inner() {
    bool is_busy = false;
    for (auto& [id, line] : lines_) {
        if (!line.is_open()) continue;
        const std::vector<Byte> bytes = line.read();
        Bytes input(bytes);
        if (!bytes.empty()) gateway->inner_bytes(id, input, core.now);
        is_busy = is_busy || !bytes.empty();
        if (!line.is_open()) {
            gateway->inner_closed(id, core.now);
            is_busy = true;
        }
    }
    return is_busy;
}

void Rig::close_inner(DeviceId id) {
    lines_.at(id).close();
    gateway->inner_closed(id, core.now);
}

void Rig::connects(std::string_view peer, std::string_view client_id, bool clean_session, std::uint16_t keep_alive_s) {
    REQUIRE(says(peer, Connect{false, clean_session, keep_alive_s, client_id}) == "CONNACK");
}

TopicId Rig::subscribes(std::string_view peer, std::string_view filter, QoS qos) {
    const std::string text = says(peer, Subscribe{.qos = qos, .message_id = ++next_id_, .filter = filter});
    const std::string wanted = " #" + std::to_string(next_id_) + " q" + std::to_string(static_cast<int>(qos));
    REQUIRE(text.starts_with("SUBACK "));
    REQUIRE(text.ends_with(wanted));
    return static_cast<TopicId>(std::stoi(text.substr(7)));
}

TopicId Rig::registers(std::string_view peer, std::string_view topic) {
    const std::string text = says(peer, Register{0, ++next_id_, topic});
    REQUIRE(text.starts_with("REGACK "));
    REQUIRE(text.ends_with(" #" + std::to_string(next_id_)));
    return static_cast<TopicId>(std::stoi(text.substr(7)));
}

void Rig::crashes(std::uint64_t seed) {
    lines_.clear();
    gateway = std::make_unique<Gateway>(options_, predefined_, seed, core.now);
    gateway->set_devices(devices_, core.now);
    if (!counters_file.empty()) REQUIRE(gateway->load_counters(counters_file));
    turn();
}

bool Rig::has_session(std::string_view client_id) const { return core.shard.find_session(client_id).has_value(); }

std::size_t Rig::queued(std::string_view client_id) const {
    const auto facts = core.shard.find_session(client_id);
    REQUIRE(facts.has_value());
    return facts->messages;
}

Rig with_predefined(GatewayOptions options) {
    PredefinedTopics predefined;
    REQUIRE(predefined.add(9, "site/meter"));
    REQUIRE(predefined.add(10, "site/+/alarm"));
    REQUIRE_FALSE(predefined.add(9, "other"));
    REQUIRE_FALSE(predefined.add(0xFFFF, "reserved"));
    return Rig(std::move(options), std::move(predefined));
}

Publish publish(TopicId topic, std::string_view data, QoS qos, MessageId id) {
    return {.qos = qos, .topic_id = topic, .message_id = id, .data = as_bytes(data)};
}

}  // namespace ledge::mqttsn
