// One publication to many: the frame that is shared must be what each would have got alone.
#include "fanout.hpp"

#include "allocations.hpp"
#include "ledge/session/limits.hpp"
#include "rig.hpp"

namespace ledge::broker {
namespace {

struct Receiver {
    Version version;
    QoS qos;
    bool retain_as_published;
    std::uint32_t id;         // subscription identifier
    std::uint32_t alias_max;  // v5
};

// Every mix of what makes a layout, several of each.
std::vector<Receiver> receivers(std::size_t of_each) {
    std::vector<Receiver> out;
    for (std::size_t i = 0; i < of_each; ++i) {
        for (const QoS qos : {qos0, qos1, qos2}) {
            out.push_back({v311, qos, false, 0, 0});
            for (const bool retain : {false, true}) {
                out.push_back({v5, qos, retain, 0, 0});
                out.push_back({v5, qos, retain, 5, 0});
                out.push_back({v5, qos, retain, 0, 3});
            }
        }
    }
    return out;
}

std::string expected(const Receiver& r, std::string_view payload, QoS published, bool retain, int number,
                     const char* properties) {
    const QoS qos = std::min(published, r.qos);
    std::string out =
        "PUBLISH a/b " + (payload.size() > 40 ? std::to_string(payload.size()) + "B" : std::string(payload));
    if (qos != qos0) out += " q" + std::to_string(static_cast<int>(qos)) + "#" + std::to_string(number);
    if (retain && r.retain_as_published) out += " retain";
    if (r.version != v5) return out;
    std::string all = properties;
    if (r.id != 0) all += (all.empty() ? "" : " ") + ("0b=" + std::to_string(r.id));
    return all.empty() ? out : out + " {" + all + "}";
}

void check_all(std::size_t of_each, const std::string& payload, const wire::PropertyBuilder& properties,
               const char* shown) {
    const std::vector<Receiver> all = receivers(of_each);
    for (const QoS published : {qos0, qos1, qos2}) {
        for (const bool retain : {false, true}) {
            Rig rig;
            for (std::size_t i = 0; i < all.size(); ++i) {
                Client& client = rig["c" + std::to_string(i)];
                client.connects({.version = all[i].version,
                                 .alias_max = all[i].version == v5 ? std::optional(all[i].alias_max) : std::nullopt});
                // Packet ids differ between the receivers: some have had a message before.
                client.subscribes("before", qos1);
                client.subscribes("a/b",
                                  {all[i].qos, false, all[i].retain_as_published, wire::RetainHandling::do_not_send},
                                  all[i].id);
            }
            rig["p"].connects();
            rig["c1"].publishes("before", "x", qos1);
            for (std::size_t i = 0; i < all.size(); ++i) rig["c" + std::to_string(i)].acks(1).forgets();
            rig["p"].publishes("a/b", payload, published, retain, properties);
            for (std::size_t i = 0; i < all.size(); ++i) {
                CAPTURE(i);
                CHECK(rig["c" + std::to_string(i)].takes() == expected(all[i], payload, published, retain, 2, shown));
            }
            CHECK(rig.counters().publish_bytes_sent == all.size() * (payload.size() + 1));
        }
    }
}

TEST_CASE("1 to 4 receivers of every version, QoS, RETAIN, identifier and alias get the same message") {
    for (const std::size_t of_each : {1U, 2U, 4U}) check_all(of_each, "on", {}, "");
}

TEST_CASE("with properties the packet id stands elsewhere: it is patched there") {
    wire::PropertyBuilder properties;
    properties.user("key", "value").number(PropertyId::message_expiry_interval, 30);
    check_all(3, "on", properties, "26=key:value 02=30");
    wire::PropertyBuilder long_ones;
    const std::string text(200, 't');  // a property length of two bytes
    long_ones.text(PropertyId::content_type, text);
    check_all(2, "", long_ones, ("03=" + text).c_str());
}

TEST_CASE("payloads around the limit from which they are referenced") {
    for (const std::size_t size : {2047U, 2048U, 5000U}) check_all(2, std::string(size, 'x'), {}, "");
}

TEST_CASE("a large payload is kept once, however many receivers it waits for") {
    Rig rig;
    constexpr int count = 50;
    for (int i = 0; i < count; ++i) {
        const std::string name = "c" + std::to_string(i);
        rig[name].connects().subscribes("t", i % 2 == 0 ? qos0 : qos1).stops_reading();
    }
    rig["p"].connects();
    rig["p"].publishes("t", std::string(3000, 'x'));  // outboxes have their buffers
    const std::string payload(500'000, 'x');
    const std::size_t before = live_bytes();
    rig["p"].publishes("t", payload, qos1);
    CHECK(live_bytes() - before < 600'000 + count * 1000);
    const std::size_t waiting = rig["c1"].connection->outbox().size();
    CHECK(waiting > 500'000);
    for (int i = 0; i < count; ++i) {
        Client& client = rig["c" + std::to_string(i)];
        client.reads_again();
        CHECK(client.takes() == std::string("PUBLISH t 3000B | PUBLISH t 500000B") + (i % 2 == 0 ? "" : " q1#1"));
        if (i % 2 != 0) client.acks(1);
    }
    CHECK(live_bytes() < before + 100'000);
}

TEST_CASE("a receiver for which the shared frame is too large is left out and counted, the others are not") {
    Rig rig;
    for (int i = 0; i < 5; ++i) {
        const std::optional<std::uint32_t> max = i == 3 ? std::optional(60U) : std::nullopt;
        rig["c" + std::to_string(i)].connects({.packet_size_max = max}).subscribes("t", qos1);
    }
    rig["p"].connects().publishes("t", std::string(60, 'x'), qos1);
    for (int i = 0; i < 5; ++i) CHECK(rig["c" + std::to_string(i)].takes() == (i == 3 ? "" : "PUBLISH t 60B q1#1"));
    CHECK(rig.counters().dropped_too_large == 1);
    CHECK(rig.counters().queued_messages == 4);
    rig["p"].publishes("t", "y", qos1);
    CHECK(rig["c3"].takes() == "PUBLISH t y q1#2");
}

TEST_CASE("a slow reader loses QoS 0 and is counted, keeps QoS 1, gets every control packet, and stalls nobody") {
    session::SessionLimits limits;
    limits.outbox_bytes_max = 1000;
    Rig rig(limits);
    rig["slow"].connects().subscribes("t", qos1).stops_reading();
    rig["fast"].connects().acknowledges().subscribes("t", qos1);
    rig["p"].connects();
    for (int i = 0; i < 100; ++i) rig["p"].publishes("t", std::string(50, 'x'));
    CHECK(rig["slow"].connection->outbox().size() < 1100);
    const std::uint64_t dropped = rig.counters().dropped_slow_reader;
    CHECK(dropped > 75);
    for (int i = 0; i < 10; ++i) rig["p"].publishes("t", std::to_string(i), qos1);
    for (int i = 0; i < 3; ++i) rig["slow"].sends(std::string("\xC0\x00", 2));
    CHECK(rig["fast"].waiting().size() == 110);
    rig["slow"].reads_again();
    std::size_t qos0s = 0, qos1s = 0, pings = 0;
    for (const std::string& packet : rig["slow"].waiting()) {
        if (packet == "PUBLISH t 50B") ++qos0s;
        if (packet.starts_with("PUBLISH t ") && packet.find(" q1#") != std::string::npos) ++qos1s;
        if (packet == "PINGRESP") ++pings;
    }
    CHECK(qos0s == 100 - dropped);
    CHECK(qos1s == 10);
    CHECK(pings == 3);
    CHECK(rig.counters().dropped() == dropped);
    CHECK(rig.log.count("publish_dropping") == 1);
    CHECK(rig.log.count("publish_dropping_ended") == 1);
}

TEST_CASE("when a client goes that has lost messages while it was connected, one line has the account of it") {
    session::SessionLimits limits;
    limits.outbox_bytes_max = 1000;
    limits.inflight_max = 2;
    limits.queue_messages_max = 5;
    limits.overflow = session::OverflowPolicy::drop_newest;
    Rig rig(limits);
    rig["slow"].connects(lasting).subscribes("t", qos1).stops_reading();
    rig["p"].connects();
    while (rig.counters().dropped_slow_reader < 3) rig["p"].publishes("t", std::string(50, 'x'));
    for (int i = 0; i < 11; ++i) rig["p"].publishes("t", "y", qos1);
    const std::uint64_t queue_full = rig.counters().dropped_queue_full;
    CHECK(queue_full >= 4);  // of 11, two are in flight and five wait at most
    const std::size_t queued = rig.shard->find_queue("slow")->messages;
    rig["slow"].loses_connection();
    REQUIRE(rig.log.count("slow_client_gone") == 1);
    CHECK(rig.log.last["slow_client_gone"] ==
          "client_id=slow address=192.0.2.1:1 dropped=" + std::to_string(3 + queue_full) +
              " slow_reader=3 memory=0 queue_full=" + std::to_string(queue_full) +
              " queued_max=" + std::to_string(queued) + " queued=" + std::to_string(queued));
    // What is dropped while the client is away belongs to no connection, and the next one begins at 0.
    rig["p"].publishes("t", "z", qos1);
    rig["slow"].connects(lasting).loses_connection();
    CHECK(rig.log.count("slow_client_gone") == 1);
}

}  // namespace
}  // namespace ledge::broker
