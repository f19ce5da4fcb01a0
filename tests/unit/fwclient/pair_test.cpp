// The C client, the gateway of src/mqttsn and the real broker, in virtual time. The line loses and doubles packets but
// keeps their order, the device sleeps, the gateway dies now and then. The claims: QoS 1 arrives at least once, QoS 2
// exactly once, in both directions, and nothing gets stuck. Everything follows from the seed. The same in envelopes,
// where the disk that keeps the counters is slow, and somebody repeats old packets of the device.
#include <algorithm>
#include <sstream>

#include "../mqttsn/rig.hpp"
#include "device.hpp"
#include "ledge/base/rng.hpp"
#include "ledge/mqttsn/envelope.hpp"

namespace ledge::mqttsn {
namespace {

constexpr int pair_messages = 50;
constexpr std::uint32_t pair_step_ms = 20;
constexpr int pair_steps_max = 60'000;  // 20 minutes

/// The device "dev1" with a key in the C client and in the gateway.
struct PairKey {
    PairKey() {
        fwb_name_key(&key, "dev1");
        for (std::uint8_t i = 0; i < 32; ++i) key.secret[i] = static_cast<std::uint8_t>(7 * i);
    }
    DeviceTable table() const {
        DeviceRule rule;
        rule.client_id = "dev1";
        rule.key = Secret(Bytes(key.secret));
        DeviceTable table = DeviceTable::of_file();
        REQUIRE(table.add(std::move(rule)));
        return table;
    }
    fwb_key key{};
    fwb_seals seals{&key, 0, 0};
};

class Pair {
public:
    Pair(std::uint64_t seed, bool is_sealed)
        : rng_(seed),
          rig_(options()),
          device_({FWB_PUB("up"), FWB_SUB("down", 2)}, static_cast<std::uint16_t>(seed)),
          is_sealed_(is_sealed) {
        if (is_sealed) rig_.set_devices(key_.table());
        rig_.writes_counters = !is_sealed;
        rig_.watcher.subscribes("up");
        device_.open();
    }

    /// True = all messages have arrived.
    bool run() {
        for (; step_ < pair_steps_max; ++step_) {
            rig_.core.advance(std::chrono::milliseconds(pair_step_ms));
            if (is_lossy() && step_ >= dead_until_ && rng_.one_in(1000)) {
                ++deaths;
                dead_until_ = step_ + 60;
                rig_.crashes(rng_.next());
            }
            if (is_sealed_ && rng_.one_in(5)) rig_.write_counters();
            act();
            device_.pass(pair_step_ms);
            carry();
            note();
            if (sent_ == pair_messages && has_all(heard, 1) && has_all(got, 0)) return true;
        }
        return false;
    }

    static int qos_of(int number) { return number % 3; }  // of a message of the device
    std::vector<int> heard;                               // by the watcher, of the device
    std::vector<int> got;                                 // by the device, of the watcher
    int deaths = 0;
    int sleeps = 0;
    const Counters& counters() const { return rig_.counters(); }

private:
    static GatewayOptions options() {
        GatewayOptions options;
        options.endpoint.retry_interval = 1s;
        options.endpoint.packet_bytes_max = FWB_MTU;
        return options;
    }

    bool is_lossy() const { return step_ < pair_steps_max / 2; }
    bool is_lucky() { return !is_lossy() || !rng_.one_in(8); }

    void act() {
        const bool is_asleep = !device_.events.empty() && device_.events.back().first == FWB_ASLEEP;
        if (is_asleep && is_lossy() && !rng_.one_in(100)) return;
        if (is_asleep && rng_.one_in(2)) fwb_check_mail(&device_.client, device_.now);
        if (is_ready_ && published_ < pair_messages && rng_.one_in(20)) {
            const auto qos = published_ % 2 == 0 ? wire::QoS::exactly_once : wire::QoS::at_least_once;
            rig_.watcher.publishes("down", std::to_string(published_++), qos);
        }
        if (is_lossy() && rng_.one_in(50) && fwb_sleep(&device_.client, 5, device_.now) == FWB_OK) ++sleeps;
        if (sent_ == pair_messages || is_in_flight_ || !rng_.one_in(10)) return;
        const auto flags = static_cast<std::uint8_t>(qos_of(sent_) << 5);
        if (device_.publish(0, flags, std::to_string(sent_)) != FWB_OK) return;
        is_in_flight_ = qos_of(sent_) != 0;
        if (!is_in_flight_) ++sent_;
    }

    void carry() {
        for (int turns = 0; turns < 10; ++turns) {
            if (step_ >= dead_until_ && rig_.gateway->next_deadline() <= rig_.now()) rig_.gateway->on_time(rig_.now());
            for (const fwclient::Packet& plain : std::exchange(device_.sent_packets, {})) {
                const fwclient::Packet packet = is_sealed_ ? sealed(plain) : plain;
                for (int copy = rng_.one_in(20) ? 2 : 1; copy > 0; --copy)
                    if (step_ >= dead_until_ && is_lucky()) rig_.gateway->on_packet(as_bytes("a"), packet, rig_.now());
                remember(packet);
            }
            if (step_ >= dead_until_ && !old_.empty() && rng_.one_in(10))
                rig_.gateway->on_packet(as_bytes("evil"), old_[rng_.below(old_.size())], rig_.now());
            rig_.settle();
            for (; rig_.gateway->has_output(); rig_.gateway->output_sent()) {
                const std::vector<Byte>& bytes = rig_.gateway->output().bytes;
                for (int copy = rng_.one_in(20) ? 2 : 1; copy > 0; --copy)
                    if (is_lucky()) give(fwclient::Packet(bytes.begin(), bytes.end()));
            }
            if (device_.sent_packets.empty()) return;
        }
    }

    fwclient::Packet sealed(const fwclient::Packet& plain) {
        fwclient::Packet envelope(FWB_MTU);
        const auto size = static_cast<std::uint8_t>(plain.size());
        envelope.resize(fwb_seal(&key_.seals, plain.data(), size, nullptr, 0, static_cast<std::uint32_t>(rng_.next()),
                                 envelope.data()));
        REQUIRE(!envelope.empty());
        return envelope;
    }

    /// Keeps some packets for somebody who repeats them, from another address and also after restarts.
    void remember(const fwclient::Packet& packet) {
        if (is_sealed_ && old_.size() < 500) old_.push_back(packet);
    }

    void give(const fwclient::Packet& packet) {
        if (!is_sealed_) return device_.input(packet);
        const std::uint8_t* inner = nullptr;
        const std::uint8_t size =
            fwb_unseal(&key_.seals, packet.data(), static_cast<std::uint16_t>(packet.size()), &inner);
        if (size > 0) device_.input(fwclient::Packet(inner, inner + size));
    }

    void note() {
        for (; told_ < device_.events.size(); ++told_) {
            const fwclient::Event event = device_.events[told_];
            is_ready_ = is_ready_ || event.first == FWB_READY;
            if (event == fwclient::Event{FWB_DELIVERED, 0}) ++sent_;
            if (event.first == FWB_DELIVERED || event.first == FWB_REJECTED) is_in_flight_ = false;
        }
        for (const fwclient::Received& message : std::exchange(device_.messages, {}))
            got.push_back(std::stoi(message.data));
        std::istringstream words(rig_.watcher.heard());  // "up 7 q2 | up 8 q2"
        for (std::string word; words >> word;)
            if (std::isdigit(static_cast<unsigned char>(word.front()))) heard.push_back(std::stoi(word));
    }

    /// Messages of the device below `qos_min` may be lost.
    static bool has_all(const std::vector<int>& numbers, int qos_min) {
        for (int number = 0; number < pair_messages; ++number) {
            if (qos_of(number) < qos_min) continue;
            if (std::find(numbers.begin(), numbers.end(), number) == numbers.end()) return false;
        }
        return true;
    }

    Rng rng_;
    Rig rig_;
    fwclient::Device device_;
    bool is_sealed_;
    PairKey key_;
    std::vector<fwclient::Packet> old_;
    int step_ = 0;
    int dead_until_ = 0;
    int sent_ = 0;
    int published_ = 0;
    std::size_t told_ = 0;
    bool is_ready_ = false;  // for the first time: the subscription exists
    bool is_in_flight_ = false;
};

void run_pairs(bool is_sealed) {
    int deaths = 0;
    int sleeps = 0;
    std::uint64_t replayed = 0;
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        CAPTURE(seed);
        Pair pair(seed, is_sealed);
        REQUIRE(pair.run());
        deaths += pair.deaths;
        sleeps += pair.sleeps;
        replayed += pair.counters().envelopes_replayed;
        CHECK(pair.counters().envelopes_forged == 0);
        for (int number = 0; number < pair_messages; ++number) {
            CAPTURE(number);
            if (Pair::qos_of(number) == 2) CHECK(std::count(pair.heard.begin(), pair.heard.end(), number) == 1);
            if (number % 2 == 0) CHECK(std::count(pair.got.begin(), pair.got.end(), number) == 1);
        }
    }
    MESSAGE(deaths, " restarts of the gateway, ", sleeps, " sleeps, ", replayed, " repeated envelopes refused");
    CHECK(deaths > 0);
    CHECK(sleeps > 0);
    CHECK((replayed > 0) == is_sealed);
}

TEST_CASE("the C client and the gateway: 200 lossy lines with sleep, mail and restarts of the gateway") {
    run_pairs(false);
}

TEST_CASE("the same in envelopes, with somebody who repeats old packets and a slow disk for the counters") {
    run_pairs(true);
}

TEST_CASE("envelope: the C client and the gateway read each other's, and name the ends alike") {
    PairKey one;
    const Secret key(Bytes(one.key.secret));
    CHECK(fwclient::shown(fwclient::Packet(one.key.device, one.key.device + 8)) == fwclient::shown([] {
              fwclient::Packet bytes;
              for (unsigned i = 0; i < 8; ++i)
                  bytes.push_back(static_cast<std::uint8_t>(sender_of("dev1") >> (56 - 8 * i)));
              return bytes;
          }()));
    const fwclient::Packet ping = {0x02, 0x16};
    fwclient::Packet sealed(FWB_MTU);
    sealed.resize(fwb_seal(&one.seals, ping.data(), 2, nullptr, 0, 0x01020304, sealed.data()));
    const auto envelope = read_envelope(sealed);
    REQUIRE(envelope.has_value());
    CHECK(envelope->sender == sender_of("dev1"));
    CHECK(envelope->counter == 1);
    CHECK(envelope->has_tag_of(key));
    const std::vector<Byte> answer =
        make_envelope(key, gateway_sender(sender_of("dev1")), 9, fwclient::Packet{0x02, 0x17});
    const std::uint8_t* inner = nullptr;
    REQUIRE(fwb_unseal(&one.seals, answer.data(), static_cast<std::uint16_t>(answer.size()), &inner) == 2);
    CHECK(inner[1] == 0x17);
    // The gateway's envelope for another device with the same key is refused.
    const std::vector<Byte> foreign =
        make_envelope(key, gateway_sender(sender_of("dev2")), 10, fwclient::Packet{0x02, 0x17});
    CHECK(fwb_unseal(&one.seals, foreign.data(), static_cast<std::uint16_t>(foreign.size()), &inner) == 0);
}

TEST_CASE("a message larger than FWB_MTU does not keep the later ones from the device") {
    Rig rig;  // whose packets have up to 250 bytes
    fwclient::Device device({FWB_SUB("down", 1)});
    device.open();
    for (int second = 0; second < 300; ++second) {
        if (second == 5) {
            rig.watcher.publishes("down", std::string(150, 'x'), wire::QoS::at_least_once);
            rig.watcher.publishes("down", "small", wire::QoS::at_least_once);
        }
        rig.core.advance(1s);
        device.pass(1000);
        if (rig.gateway->next_deadline() <= rig.now()) rig.gateway->on_time(rig.now());
        for (int turns = 0; turns < 10; ++turns) {
            for (const fwclient::Packet& packet : std::exchange(device.sent_packets, {}))
                rig.gateway->on_packet(as_bytes("a"), packet, rig.now());
            rig.settle();
            for (; rig.gateway->has_output(); rig.gateway->output_sent()) device.input(rig.gateway->output().bytes);
        }
    }
    REQUIRE(device.messages.size() == 1);
    CHECK(device.messages.front().data == "small");
    CHECK(rig.counters().oversize == 1);
}

}  // namespace
}  // namespace ledge::mqttsn
