// mqttsn_gateway_fuzz: input := flags:u8 (op:u8 operand)*. A gateway between peers that send anything and a broker
// that sends anything. Whatever comes: packets that decode, to unknown peers never more bytes than they sent, bounded
// memory, timers that make progress, and whole packets of MQTT to the broker.
//   op below 128: a packet of (operand:u8 % 64) bytes from peer op % 4; from op 64 on behind a forwarder
//   128 to 143: CONNECT of client id "d" + op % 4 from peer operand:u8 % 4, with flags by op
//   144 to 159: SUBSCRIBE, REGISTER, PUBLISH, PINGREQ or DISCONNECT(10) by op % 5 from peer operand:u8 % 4
//   160 to 191: the broker answers, or says what it likes: kind operand:u8 to the device op % 8
//   192 to 207: time passes, (op - 191) seconds      208 to 223: the owner opens and closes inner links as wanted
//   224 to 231: the broker closes a link             232 to 239: the link opens, the broker comes and goes
//   240 to 247: an envelope of the device "k" + op % 2 from peer operand:u8 % 4: kind:u8 (CONNECT, what a device says,
//               any bytes, an old or a damaged one)
//   248 to 255: the file of counters is written or not, another devices file is put in force, or the gateway starts
//               again with the file of counters
#include <array>
#include <map>
#include <memory>
#include <string>

#include "input.hpp"
#include "ledge/mqttsn/gateway.hpp"
#include "ledge/wire/framer.hpp"
#include "require.hpp"

namespace {

using namespace ledge;
using namespace ledge::mqttsn;
using fuzz::require;

constexpr std::array<std::string_view, 4> peers = {"a", "b", "c", "d"};
constexpr std::size_t output_bytes_max = 2000;

// Small limits, so that a short input reaches them.
GatewayOptions options_of(unsigned flags) {
    GatewayOptions options;
    options.peers_max = 3;
    options.unknown_per_second = (flags & 1U) != 0 ? 0 : 3;
    options.output_bytes_max = output_bytes_max;
    options.roaming = (flags & 2U) != 0;
    options.advertise_interval_s = (flags & 4U) != 0 ? 5 : 0;
    if ((flags & 8U) != 0) options.connectionless_client_id = "beacons";
    options.endpoint.link_reorders = (flags & 16U) != 0;
    options.endpoint.packet_bytes_max = (flags & 32U) != 0 ? 40 : 250;
    options.endpoint.retry_interval = 2s;
    options.endpoint.retries_max = 2;
    options.endpoint.topics_max = 3;
    options.endpoint.waiting_bytes_max = 50;
    options.endpoint.topic_bytes_max = 20;
    return options;
}

PredefinedTopics predefined() {
    PredefinedTopics topics;
    topics.add(1, "p/1");
    topics.add(2, "p/+");
    return topics;
}

template <class Packet>
std::vector<Byte> encoded_mqtt(const Packet& packet) {
    std::vector<Byte> bytes(wire::encoded_size(packet, wire::Version::v5));
    wire::Writer out(bytes);
    wire::encode(packet, wire::Version::v5, out);
    return bytes;
}

class Stage {
public:
    explicit Stage(unsigned flags) : flags_(flags) { start(); }

    /// The process of the gateway begins, or begins anew. The file of counters stays.
    void start() {
        links_.clear();
        is_writing_ = false;
        gateway_ptr_ = std::make_unique<Gateway>(options_of(flags_), predefined(), flags_, now_);
        gateway_ptr_->set_devices(table(), now_);
        if (!counters_file_.empty()) require(gateway_ptr_->load_counters(counters_file_), "the file is its own");
    }

    void sealed(unsigned device, std::string_view peer, fuzz::Input& input) {
        const std::string client_id = "k" + std::to_string(device);
        std::vector<Byte> inner = encoded_of(Connect{false, (input.byte() & 1U) != 0, 7, client_id});
        const unsigned kind = input.byte() % 8;
        if (kind == 1) inner = encoded_of(Pingreq{client_id});
        if (kind == 2)
            inner = encoded_of(Publish{
                .qos = QoS::at_least_once, .type = TopicIdType::short_name, .topic_id = 0x6162, .message_id = 1});
        if (kind == 3) {
            inner = input.bytes(input.byte() % 32U + 1U);
            if (inner.empty()) inner = {0x02};
        }
        const bool is_new = kind != 4;  // 4: the counter was used before
        sent_[device] += is_new ? 1U : 0U;
        std::vector<Byte> envelope = make_envelope(key_of(device), sender_of(client_id), sent_[device], inner);
        if (kind == 5) envelope[input.byte() % envelope.size()] ^= 1U;
        if (kind == 6) envelope.resize(input.byte() % envelope.size());
        packet(peer, kind == 7, envelope);
    }

    void manage(unsigned kind) {
        if (kind == 0 && gateway().wants_counters_written() && !is_writing_) {
            written_ = gateway().counters_to_write();
            is_writing_ = true;
        } else if (kind < 4 && is_writing_) {
            is_writing_ = false;
            if (kind != 3) counters_file_ = written_;
            gateway().counters_written(kind != 3, now_);
        } else if (kind == 4 || kind == 5) {
            tables_ += 1;
            gateway().set_devices(table(), now_);
        } else if (kind == 6) {
            start();
        }
        drop_output();
        check();
    }

    void packet(std::string_view peer, bool is_forwarded, Bytes bytes) {
        std::vector<Byte> packet;
        if (is_forwarded) packet = {0x05, 0xFE, 0x00, 0x6E, 0x31};
        packet.insert(packet.end(), bytes.begin(), bytes.end());
        const std::uint64_t known = gateway().counters().unknown_answered;
        drop_output();
        gateway().on_packet(as_bytes(peer), packet, now_);
        const bool is_unknown = gateway().counters().unknown_answered != known;
        std::size_t answered = 0;
        for (; gateway().has_output(); gateway().output_sent()) answered += check_output();
        require(!is_unknown || answered <= packet.size(), "no amplification");
        check();
    }
    void message(std::string_view peer, const Message& message) { packet(peer, false, encoded_of(message)); }

    void from_broker(DeviceId id, unsigned kind, fuzz::Input& input) {
        if (!links_.contains(id)) return;
        std::vector<Byte> bytes = what_brokers_say(kind, input);
        Bytes rest(bytes);
        gateway().inner_bytes(id, rest, now_);
        require(rest.empty(), "all bytes of the broker are read");
        drop_output();
        check();
    }

    void serve_inner() {
        for (unsigned calls = 0;; ++calls) {
            require(calls < 1000, "inner links come to rest");
            const auto id = gateway().take_inner();
            if (!id) break;
            if (gateway().wants_inner(*id)) {
                require(!links_.contains(*id), "one link per device");
                links_.try_emplace(*id);
                gateway().inner_opened(*id, now_);
            }
            read_output_of(*id);
            if (gateway().wants_inner_close(*id)) close(*id);
        }
        check();
    }

    void close(DeviceId id) {
        if (links_.erase(id) == 0) return;
        gateway().inner_closed(id, now_);
        drop_output();
    }

    void wait(Duration by) {
        now_ += by;
        for (unsigned timers = 0; gateway().next_deadline() <= now_; ++timers) {
            require(timers < 1000, "timers make progress");
            gateway().on_time(now_);
            drop_output();
        }
        check();
    }

    void change(unsigned kind) {
        if (kind % 3 == 0) gateway().link_opened(now_);
        if (kind % 3 == 1) gateway().set_usable(false, now_);
        if (kind % 3 == 2) gateway().set_usable(true, now_);
        drop_output();
    }

    void stop() {
        gateway().stop(now_);
        serve_inner();
        drop_output();
        require(gateway().count_in(Endpoint::State::disconnected) == gateway().devices(), "all devices have left");
        require(links_.empty(), "no inner link is left");
    }

private:
    Gateway& gateway() { return *gateway_ptr_; }

    static std::vector<Byte> encoded_of(const Message& message) {
        std::vector<Byte> bytes(encoded_size(message));
        wire::Writer out(bytes);
        encode(message, out);
        return bytes;
    }

    static Secret key_of(unsigned device) {
        return Secret(std::vector<Byte>(device_key_bytes, static_cast<Byte>(device + 1)));
    }

    /// Every fourth table has no file, so that everybody may connect; the others have devices with and without a key.
    DeviceTable table() const {
        if (tables_ % 4 == 0) return {};
        DeviceTable table = DeviceTable::of_file();
        for (unsigned device = 0; device < 2; ++device) {
            DeviceRule rule;
            rule.client_id = "k" + std::to_string(device);
            rule.key = key_of(device);
            rule.topics[1] = "own/%c";
            if (tables_ % 4 == 2) rule.user = "other";
            table.add(std::move(rule));
        }
        DeviceRule rest;
        rest.client_id = tables_ % 4 == 3 ? "d1" : "d*";
        rest.messages_per_second_max = 2;
        table.add(std::move(rest));
        return table;
    }

    std::vector<Byte> what_brokers_say(unsigned kind, fuzz::Input& input) {
        const auto id = static_cast<wire::PacketId>(1 + input.below(4));
        const auto request = static_cast<wire::PacketId>(0xFFFF - input.below(2));
        wire::Connack connack;
        static constexpr Byte granted[] = {0x01};
        wire::Publish publish;
        static constexpr std::array<std::string_view, 5> topics = {"ab", "p/1", "long/topic/name/that/fits", "x", "y"};
        publish.topic = topics[input.below(5)];
        publish.qos = static_cast<wire::QoS>(kind / 16 % 3);
        publish.packet_id = publish.qos == wire::QoS::at_most_once ? wire::PacketId{0} : id;
        publish.payload = as_bytes(std::string_view("a payload of some bytes"));
        switch (kind % 8) {
            case 0: return encoded_mqtt(connack);
            case 1: connack.code = wire::ReasonCode::server_busy; return encoded_mqtt(connack);
            case 2: return encoded_mqtt(publish);
            case 3: {
                const auto type =
                    static_cast<wire::PacketType>(static_cast<unsigned>(wire::PacketType::puback) + kind / 8 % 4);
                return encoded_mqtt(wire::Ack{type, id, wire::ReasonCode::success, {}});
            }
            case 4: return encoded_mqtt(wire::Suback{wire::PacketType::suback, request, granted, {}});
            case 5: return {0xD0, 0x00};
            case 6: return encoded_mqtt(wire::Disconnect{wire::ReasonCode::server_shutting_down, {}});
            default: return input.bytes(20);
        }
    }

    /// The gateway's packets of MQTT are whole and begin with CONNECT; the client's own fuzz target checks the rest.
    void read_output_of(DeviceId id) {
        const Bytes output = gateway().inner_output(id);
        const auto link = links_.find(id);
        require(output.empty() || link != links_.end(), "no bytes without a link");
        if (link == links_.end()) return;
        const std::vector<Byte> copy(output.begin(), output.end());
        Bytes rest(copy);
        for (;;) {
            const auto next = link->second.next(rest, wire::packet_size_max);
            require(next.status != wire::Framer::Status::malformed, "whole packets to the broker");
            if (next.status != wire::Framer::Status::frame) break;
        }
        gateway().inner_sent(id, copy.size(), now_);
    }

    std::size_t check_output() {
        const Bytes bytes = gateway().output().bytes;
        const auto message = decode(bytes);
        const auto* const forward = message.ok() ? std::get_if<Forward>(&*message) : nullptr;
        const Bytes inner = forward != nullptr ? forward->inner : bytes;
        const auto envelope = read_envelope(inner);
        require(decode(envelope ? envelope->packet : inner).ok(), "the gateway sends correct packets");
        return bytes.size();
    }
    void drop_output() {
        for (; gateway().has_output(); gateway().output_sent()) check_output();
    }
    void check() {
        require(gateway().devices() <= 3, "devices are bounded");
        while (gateway().take_event()) {
        }
    }

    Instant now_ = Instant{} + 1h;
    const unsigned flags_;
    std::unique_ptr<Gateway> gateway_ptr_;
    unsigned tables_ = 0;  // devices files since the start
    std::array<std::uint32_t, 2> sent_{};
    std::string counters_file_;
    std::string written_;
    bool is_writing_ = false;
    std::map<DeviceId, wire::Framer> links_;
};

void say(Stage& stage, unsigned op, std::string_view peer, fuzz::Input& input) {
    const auto id = static_cast<MessageId>(1 + input.below(4));
    const auto topic = static_cast<TopicId>(1 + input.below(4));
    switch (op % 5) {
        case 0: return stage.message(peer, Subscribe{.qos = QoS::at_least_once, .message_id = id, .filter = "x/#"});
        case 1: return stage.message(peer, Register{0, id, topic % 2 == 0 ? "x" : "y/z"});
        case 2:
            return stage.message(peer, Publish{.qos = static_cast<QoS>(topic % 3),
                                               .type = static_cast<TopicIdType>(id % 3),
                                               .topic_id = topic,
                                               .message_id = id});
        case 3: return stage.message(peer, Pingreq{topic % 2 == 0 ? "d0" : ""});
        default: return stage.message(peer, Disconnect{10});
    }
}

void act(Stage& stage, unsigned op, fuzz::Input& input) {
    if (op < 128) return stage.packet(peers[op % 4], op >= 64, input.bytes(input.byte() % 64U));
    if (op < 144) {
        const std::string client_id = "d" + std::to_string(op % 4);
        return stage.message(peers[input.below(4)], Connect{(op & 8U) != 0, (op & 4U) != 0, 7, client_id});
    }
    if (op < 160) return say(stage, op, peers[input.below(4)], input);
    if (op < 192) return stage.from_broker(op % 8, input.byte(), input);
    if (op < 208) return stage.wait(1s * (op - 191U));
    if (op < 224) return stage.serve_inner();
    if (op < 232) return stage.close(op % 8);
    if (op < 240) return stage.change(op);
    if (op < 248) return stage.sealed(op % 2, peers[input.below(4)], input);
    stage.manage(op % 8);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input(data, size);
    Stage stage(input.byte());
    while (!input.empty()) {
        const unsigned op = input.byte();
        act(stage, op, input);
    }
    stage.stop();
    return 0;
}
