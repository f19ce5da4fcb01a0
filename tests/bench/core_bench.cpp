// Figures of the core without sockets: bytes go into a Shard, what comes out is gathered and thrown away, as a driver
// would write it. `name value unit` per line. Argument: messages per figure, without it enough to be worth measuring.
#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/auth/authenticator.hpp"
#include "ledge/auth/text_file.hpp"
#include "ledge/base/log.hpp"
#include "ledge/broker/metrics.hpp"
#include "ledge/broker/options.hpp"
#include "ledge/broker/shard.hpp"
#include "ledge/journal/records.hpp"
#include "ledge/session/connection.hpp"
#include "ledge/wire/packets.hpp"

namespace {

using namespace ledge;
using session::Connection;
using wire::QoS;
using wire::Version;

constexpr Instant start{};
constexpr std::string_view payload = "{\"temperature\":21.5,\"humidity\":48.0,\"battery\":3.71}";
constexpr std::uint16_t batch = 20;  // messages that a publisher has under way at a time

/// Bytes on the heap in blocks that are in use, their headers included.
std::size_t heap_bytes() {
    const struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

void print(const std::string& name, double value, const char* unit) {
    std::printf("%s %.1f %s\n", name.c_str(), value, unit);
}

template <class Packet>
void append(std::vector<Byte>& out, const Packet& packet, Version version) {
    const std::size_t at = out.size();
    out.resize(at + wire::encoded_size(packet, version));
    wire::Writer writer(std::span<Byte>(out).subspan(at));
    wire::encode(packet, version, writer);
}

template <class Packet>
std::vector<Byte> encoded(const Packet& packet, Version version = Version::v5) {
    std::vector<Byte> out;
    append(out, packet, version);
    return out;
}

broker::ShardOptions options() {
    broker::ShardOptions made;
    made.listeners.push_back({"bench", true, 2'000'000, {}});
    made.sessions_max = 2'000'000;
    made.retained.messages_max = 10'000'000;
    made.sys_interval = Duration::zero();
    return made;
}

/// What a client does when its turn comes: reads, and acknowledges QoS 1 and 2.
class World {
public:
    Connection& connect(const std::string& client_id, Version version = Version::v5) {
        Connection& connection = *shard.open({0, "192.0.2.1:51123"}, nullptr, start);
        wire::Connect packet;
        packet.version = version;
        packet.client_id = client_id;
        packet.keep_alive_s = 60;
        std::vector<Byte> bytes(wire::encoded_size(packet));
        wire::Writer writer(bytes);
        wire::encode(packet, writer);
        shard.on_bytes(connection, bytes, start);
        return connection;
    }

    void subscribe(Connection& connection, std::string_view filter, QoS qos, std::uint32_t id = 0) {
        std::vector<Byte> entries;
        wire::append_entry(entries, {filter, {qos}}, true);
        wire::PropertyBuilder properties;
        if (id != 0) properties.number(wire::PropertyId::subscription_identifier, id);
        const wire::Subscribe packet{1, {entries, true}, properties.view()};
        shard.on_bytes(connection, encoded(packet, connection.peer().version), start);
    }

    /// Turns until nothing is left to say; clients acknowledge what they get.
    void settle() {
        answers_.clear();
        while (Connection* connection = shard.next_dirty()) {
            read(*connection);
            shard.on_drained(*connection, start);
            if (!answers_.empty()) shard.on_bytes(*connection, answers_, start);
            answers_.clear();
        }
    }

    Log log;
    broker::Shard shard{options(), log, 20261122, start};

private:
    void read(Connection& connection) {
        Bytes parts[64];
        while (!connection.outbox().empty()) {
            const std::size_t count = connection.outbox().gather(parts);
            std::size_t size = 0;
            for (std::size_t i = 0; i < count; ++i) {
                size += parts[i].size();
                answer(parts[i]);
            }
            connection.outbox().consume(size);
        }
    }

    // Small packets only: frames do not span pieces. Type in the first byte, length in the second, or two.
    void answer(Bytes piece) {
        while (piece.size() >= 2) {
            const bool is_long = (piece[1] & 0x80U) != 0;
            const std::size_t head = is_long ? 3 : 2;
            const std::size_t size = head + (is_long ? (piece[1] & 0x7FU) + piece[2] * std::size_t{128} : piece[1]);
            if (size > piece.size()) return;
            const unsigned type = piece[0] >> 4U, qos = piece[0] >> 1U & 3U;
            const std::size_t id = type == 3 ? head + 2 + (piece[head] * std::size_t{256} + piece[head + 1]) : head;
            if (type == 3 && qos == 1) reply(0x40, &piece[id]);
            if (type == 3 && qos == 2) reply(0x50, &piece[id]);
            if (type == 5) reply(0x62, &piece[id]);
            if (type == 6) reply(0x70, &piece[id]);
            piece = piece.subspan(size);
        }
    }

    void reply(Byte type, const Byte* id) {
        for (const Byte byte : {type, Byte{2}, id[0], id[1]}) answers_.push_back(byte);
    }

    std::vector<Byte> answers_;
};

double ns_since(std::chrono::steady_clock::time_point began) {
    return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - began).count();
}

/// One publisher's next `batch` messages as bytes. Ids are used again in the next batch: by then they are free.
std::vector<Byte> messages(std::string_view topic, QoS qos, Version version) {
    std::vector<Byte> out;
    for (std::uint16_t i = 1; i <= batch; ++i) {
        const wire::PacketId id = qos == QoS::at_most_once ? wire::PacketId{0} : i;
        append(out, wire::Publish{topic, as_bytes(payload), qos, false, false, id, {}}, version);
    }
    return out;
}

/// An ACL that gives each client one rule for each of so many subtrees.
auth::Policy rules_for(std::size_t subtrees) {
    std::string text;
    for (std::size_t i = 0; i < subtrees; ++i) text += "topic readwrite plant/" + std::to_string(i) + "/#\n";
    auth::Policy policy;
    policy.acl = std::move(*auth::Acl::parse(text, "bench"));
    return policy;
}

/// 100 pairs, each with a topic of its own; ns of the core per message from PUBLISH in to the last acknowledgement.
/// With rules each message is judged twice, when it comes and when it goes.
void pairs(const char* name, QoS qos, std::size_t iterations, std::size_t rules = 0) {
    constexpr std::size_t count = 100;
    World world;
    if (rules > 0) world.shard.set_policy(std::make_shared<auth::Policy>(rules_for(rules)), start);
    std::vector<Connection*> publishers;
    std::vector<std::vector<Byte>> bytes;
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t subtree = rules > 0 ? i * rules / count : i;
        const std::string topic = "plant/" + std::to_string(subtree) + "/telemetry/" + std::to_string(i);
        world.subscribe(world.connect("s" + std::to_string(i)), topic, qos);
        publishers.push_back(&world.connect("p" + std::to_string(i)));
        bytes.push_back(messages(topic, qos, Version::v5));
    }
    world.settle();
    const auto round = [&] {
        for (std::size_t i = 0; i < count; ++i) {
            world.shard.on_bytes(*publishers[i], bytes[i], start);
            world.settle();
        }
    };
    round();
    const std::size_t rounds = std::max<std::size_t>(1, iterations / (count * batch));
    const auto began = std::chrono::steady_clock::now();
    for (std::size_t i = 0; i < rounds; ++i) round();
    const double sent = static_cast<double>(rounds * count * batch);
    print(std::string(name) + "_pair", ns_since(began) / sent, "ns/message");
}

struct Audience {
    std::size_t receivers;
    QoS qos = QoS::at_most_once;
    std::size_t payload_size = payload.size();  // bytes
    bool has_ids = false;                       // each receiver has a subscription identifier: encoded alone
};

/// One publisher, many receivers, half of them 3.1.1 if they have no identifiers; ns per delivered message.
void fan_out(const char* name, const Audience& audience, std::size_t iterations) {
    const auto [receivers, qos, payload_size, has_ids] = audience;
    World world;
    for (std::size_t i = 0; i < receivers; ++i) {
        const Version version = has_ids || i % 2 == 0 ? Version::v5 : Version::v3_1_1;
        world.subscribe(world.connect("s" + std::to_string(i), version), "news/all", qos, has_ids ? 7 : 0);
    }
    Connection& publisher = world.connect("p");
    world.settle();
    const std::string text(payload_size, 'x');
    std::vector<Byte> bytes;
    for (std::uint16_t i = 1; i <= batch; ++i) {
        const wire::PacketId id = qos == QoS::at_most_once ? wire::PacketId{0} : i;
        append(bytes, wire::Publish{"news/all", as_bytes(text), qos, false, false, id, {}}, Version::v5);
    }
    const std::size_t rounds = std::max<std::size_t>(1, iterations / (receivers * batch));
    const auto began = std::chrono::steady_clock::now();
    for (std::size_t i = 0; i < rounds; ++i) {
        world.shard.on_bytes(publisher, bytes, start);
        world.settle();
    }
    print(std::string(name) + "_" + std::to_string(receivers),
          ns_since(began) / static_cast<double>(rounds * batch * receivers), "ns/delivery");
}

void idle_connections(std::size_t iterations) {
    const std::size_t count = std::clamp<std::size_t>(iterations / 10, 100, 10'000);
    World world;
    const auto grow = [&](const char* name, auto&& add) {
        const std::size_t before = heap_bytes();
        for (std::size_t i = 0; i < count; ++i) {
            add(std::to_string(i));
            world.settle();
        }
        print(name, static_cast<double>(heap_bytes() - before) / static_cast<double>(count), "bytes/connection");
    };
    grow("idle_before_connect", [&](const std::string&) { world.shard.open({0, "192.0.2.1:51123"}, nullptr, start); });
    grow("idle_connection", [&](const std::string& number) { world.connect("device-" + number); });
    grow("idle_connection_with_subscription", [&](const std::string& number) {
        world.subscribe(world.connect("subscriber-" + number), "plant/" + number + "/commands", QoS::at_least_once);
    });
}

void retained(std::size_t iterations) {
    const std::size_t count = std::clamp<std::size_t>(iterations / 10, 100, 100'000);
    World world;
    Connection& publisher = world.connect("p");
    std::vector<std::vector<Byte>> packets;
    for (std::size_t i = 0; i < count; ++i) {
        const std::string topic = "plant/" + std::to_string(i % 100) + "/sensor/" + std::to_string(i);
        packets.push_back(encoded(wire::Publish{topic, as_bytes(payload), QoS::at_most_once, true, false, 0, {}}));
    }
    const auto store_all = [&](const char* name) {
        const auto began = std::chrono::steady_clock::now();
        for (const std::vector<Byte>& packet : packets) world.shard.on_bytes(publisher, packet, start);
        print(name, ns_since(began) / static_cast<double>(count), "ns/message");
    };
    const std::size_t before = heap_bytes();
    store_all("retained_store");
    print("retained_memory", static_cast<double>(heap_bytes() - before) / static_cast<double>(count), "bytes/message");
    store_all("retained_replace");

    Connection& subscriber = world.connect("s");
    world.settle();
    const std::uint64_t sent_before = world.shard.metrics().counters.publish_sent;
    const auto began = std::chrono::steady_clock::now();
    world.subscribe(subscriber, "plant/#", QoS::at_most_once);
    world.settle();
    while (world.shard.next_deadline() <= start) {
        world.shard.on_time(start);
        world.settle();
    }
    const std::uint64_t sent = world.shard.metrics().counters.publish_sent - sent_before;
    if (sent != count) std::printf("retained_feed sent %llu of %zu\n", static_cast<unsigned long long>(sent), count);
    print("retained_feed", ns_since(began) / static_cast<double>(count), "ns/message");
}

}  // namespace

int main(int argc, char** argv) {
    const std::size_t iterations = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 1'000'000;
    pairs("q0", QoS::at_most_once, iterations);
    pairs("q1", QoS::at_least_once, iterations);
    pairs("q2", QoS::exactly_once, iterations);
    pairs("q0_acl_10", QoS::at_most_once, iterations, 10);
    pairs("q0_acl_1000", QoS::at_most_once, iterations, 1000);
    for (const std::size_t receivers : {100U, 1000U}) {
        fan_out("q0_fanout", {receivers}, iterations * 2);
        fan_out("q0_fanout_alone", {.receivers = receivers, .has_ids = true}, iterations);
        fan_out("q0_fanout_4k", {.receivers = receivers, .payload_size = 4096}, iterations);
        fan_out("q1_fanout", {receivers, QoS::at_least_once}, iterations);
    }
    idle_connections(iterations);
    retained(iterations);
    return 0;
}
