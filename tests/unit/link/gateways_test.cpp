// All listeners together: what they cost, what they tell, how they stop.
#include "ledge/link/gateways.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <set>

#include "ledge/link/link_metrics.hpp"
#include "ledge/mqttsn/device_table.hpp"
#include "ledge/mqttsn/envelope.hpp"
#include "rig.hpp"

namespace ledge::link {
namespace {

using mqttsn::QoS;

TEST_CASE("devices that are silent make no turn and no wake-up") {
    Rig rig;
    rig.starts();
    std::vector<std::unique_ptr<UdpDevice>> devices;
    for (int i = 0; i < 50; ++i) {
        devices.push_back(std::make_unique<UdpDevice>(rig, rig.port()));
        auto connect = connect_as("");
        const std::string id = "device-" + std::to_string(i);
        connect.client_id = id;
        connect.keep_alive_s = 0xFFFF;
        devices.back()->sends(connect);
        REQUIRE(devices.back()->gets() == accepted);
    }
    CHECK(rig.figures().connected == 50);
    CHECK(!rig.gateways->wants_turn());
    // But for the look at the store every 10 s.
    rig.passes(1h);
    CHECK(rig.figures().connected == 50);
    CHECK(rig.figures().link.sent == 50);
}

TEST_CASE("two listeners share nothing but the broker") {
    Rig rig;
    Line line(rig);
    rig.links.push_back(serial_listener(line.path()));
    rig.starts();
    UdpDevice lamp(rig, rig.port());
    lamp.sends(connect_as("lamp"));
    REQUIRE(lamp.gets() == accepted);
    mqttsn::Subscribe subscribe;
    subscribe.type = mqttsn::TopicIdType::short_name;
    subscribe.topic_id = mqttsn::short_id_of("ab");
    subscribe.message_id = 1;
    lamp.sends(subscribe);
    REQUIRE(lamp.gets().starts_with("0813"));
    REQUIRE(line.gets() == hex_of(mqttsn::Advertise{1, 0xFFFF}));
    line.sends(connect_as("meter"));
    REQUIRE(line.gets() == accepted);
    line.sends(publish_short("ab", "1", QoS::at_most_once, 0));
    CHECK(rig.until([&] { return rig.figures(1).gateway.messages_in == 1; }));
    CHECK(lamp.gets() == "080c02" + hex(as_bytes("ab")) + "0000" + hex(as_bytes("1")));
    CHECK(rig.figures(0).connected == 1);
    CHECK(rig.figures(1).connected == 1);
}

TEST_CASE("a device whose listener is full is told congestion, and one that leaves makes room") {
    Rig rig;
    rig.options.listeners[0].connections_max = 1;
    rig.starts();
    UdpDevice first(rig, rig.port());
    UdpDevice second(rig, rig.port());
    first.sends(connect_as("first"));
    CHECK(first.gets() == accepted);
    second.sends(connect_as("second"));
    CHECK(second.gets() == hex_of(mqttsn::Connack{mqttsn::ReturnCode::congestion}));
    first.sends(mqttsn::Disconnect{});
    CHECK(first.gets() == hex_of(mqttsn::Disconnect{}));
    second.sends(connect_as("second"));
    CHECK(second.gets() == accepted);
}

TEST_CASE("the limits of the listener hold for a device, and the log names them") {
    Rig rig;
    rig.options.listeners[0].limits.client_id_bytes_max = 4;
    rig.starts();
    UdpDevice meter(rig, rig.port());
    meter.sends(connect_as("meter"));
    CHECK(meter.gets() == hex_of(mqttsn::Connack{mqttsn::ReturnCode::not_supported}));
    CHECK(rig.has_logged("limits.client_id_bytes_max"));
}

TEST_CASE("a device cannot take the session of a bridge over") {
    Rig rig;
    rig.starts();
    UdpDevice meter(rig, rig.port());
    meter.sends(connect_as("$bridge/cloud"));
    CHECK(meter.gets() == hex_of(mqttsn::Connack{mqttsn::ReturnCode::not_supported}));
}

TEST_CASE("messages of QoS -1 have the rights of their user, and are dropped without one") {
    for (const char* user : {"", "beacons"}) {
        Rig rig;
        rig.links[0].connectionless_user = user;
        if (*user != '\0') rig.links[0].gateway.connectionless_client_id = "mqttsn-connectionless-sensors";
        rig.starts();
        // The session of these messages connects in the first turn, which nothing else calls for.
        CHECK(rig.gateways->wants_turn() == (*user != '\0'));
        rig.rests();
        UdpDevice beacon(rig, rig.port());
        beacon.sends(publish_short("ab", "1", QoS::without_connection, 0));
        CHECK(beacon.gets() == "");
        CHECK(rig.figures().gateway.connectionless == (*user != '\0' ? 1 : 0));
        CHECK(rig.has_logged("user=beacons") == (*user != '\0'));
    }
}

TEST_CASE("counters of devices with a key are written to a new file as soon as a reload names one") {
    Rig rig;
    rig.starts();
    const std::array<Byte, mqttsn::device_key_bytes> key_bytes{1};
    mqttsn::DeviceRule rule;
    rule.client_id = "meter";
    rule.key = Secret(key_bytes);
    mqttsn::DeviceTable table = mqttsn::DeviceTable::of_file();
    REQUIRE(table.add(rule));
    const std::string folder = "/tmp/ledge-counters-" + std::to_string(::getpid());
    std::filesystem::create_directory(folder);
    // The report of the writer's thread comes by `io`, which stops whenever it has no work.
    const auto comes = [&](const std::function<bool()>& holds) {
        return rig.until([&] {
            rig.io.restart();
            rig.io.poll();
            return holds();
        });
    };
    const auto is_written = [&](const std::string& path) {
        return comes([&] { return std::filesystem::exists(path); });
    };
    rig.gateways->set_devices(rig.links[0].name, table, folder + "/first");
    UdpDevice meter(rig, rig.port());
    meter.sends_bytes(mqttsn::make_envelope(rule.key, mqttsn::sender_of("meter"), 1, bytes_of(connect_as("meter"))));
    CHECK(is_written(folder + "/first"));
    CHECK(comes([&] { return rig.figures().connected == 1; }));
    rig.passes(1s);  // the pause between two writes
    rig.gateways->set_devices(rig.links[0].name, table, folder + "/second");
    CHECK(is_written(folder + "/second"));
    std::filesystem::remove_all(folder);
}

TEST_CASE("a stop says DISCONNECT to devices, and publishes no will") {
    Rig rig;
    rig.starts();
    UdpDevice meter(rig, rig.port());
    meter.sends(connect_as("meter"));
    REQUIRE(meter.gets() == accepted);
    rig.gateways->stop(rig.clock.now());
    rig.rests();
    CHECK(rig.gateways->is_stopped());
    CHECK(meter.gets() == hex_of(mqttsn::Disconnect{}));
    CHECK(rig.has_logged("client_disconnected client_id=meter"));
    CHECK(rig.has_logged("by=client reason=success"));
}

TEST_CASE("after the store has failed no device is accepted, and the gateway advertises itself no more") {
    Rig rig;
    rig.options.durability.journal.is_enabled = true;
    rig.starts();
    UdpDevice first(rig, rig.port());
    first.sends(connect_as("first"));
    CHECK(first.gets() == accepted);
    rig.shard->on_store_failed(rig.clock.now());
    rig.passes(10s);
    UdpDevice second(rig, rig.port());
    second.sends(connect_as("second"));
    CHECK(second.gets() == hex_of(mqttsn::Connack{mqttsn::ReturnCode::congestion}));
}

TEST_CASE("the metrics of a listener have different topics, and one help text for each family") {
    std::set<std::string_view> topics;
    std::string_view family;
    for (const LinkMetric& row : link_metrics) {
        CHECK(row.topic.starts_with(link_topics_begin));
        CHECK(topics.insert(row.topic).second);
        CHECK(row.help.empty() == (row.name == family));
        family = row.name;
    }
}

TEST_CASE("the figures are published below $SYS, and again only when they have changed") {
    Rig rig;
    rig.options.sys_interval = 10s;
    rig.starts();
    CHECK(rig.gateways->next_deadline() <= rig.clock.now() + 10s);
    UdpDevice meter(rig, rig.port());
    meter.sends(connect_as("meter"));
    REQUIRE(meter.gets() == accepted);
    mqttsn::Subscribe subscribe;
    subscribe.filter = "$SYS/broker/mqttsn/sensors/devices/#";
    subscribe.message_id = 1;
    meter.sends(subscribe);
    REQUIRE(meter.gets().starts_with("0813"));
    std::vector<std::string> topics;
    for (int i = 0; i < 4; ++i) {
        rig.passes(10s);
        for (std::string packet = meter.gets(); !packet.empty(); packet = meter.gets()) {
            if (packet.substr(2, 2) == "0a") topics.push_back(packet.substr(12));
        }
    }
    CHECK(std::ranges::any_of(topics, [](const std::string& topic) {
        return topic == hex(as_bytes("$SYS/broker/mqttsn/sensors/devices/connected"));
    }));
}

}  // namespace
}  // namespace ledge::link
