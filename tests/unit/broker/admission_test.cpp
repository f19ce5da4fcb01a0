// Who has a place on a full listener. "Address" below: an IPv4 address, or an IPv6 network of 64 bits.
#include "rig.hpp"

#include "ledge/broker/options.hpp"

namespace ledge::broker {
namespace {

ShardOptions with_places(std::uint32_t connected, std::uint32_t arriving) {
    ShardOptions options = plain_options();
    options.listeners[0].connections_max = connected;
    options.listeners[0].arrivals_max = arriving;
    return options;
}

Wish from(std::string_view address) {
    Wish wish;
    wish.address = address;
    return wish;
}

Client& client(Rig& rig, std::string_view name, int number) { return rig[std::string(name) + std::to_string(number)]; }

session::Connection* arrives(Rig& rig, std::string_view address, Client& whose) {
    whose.connection = rig.shard->open({0, address}, &whose, rig.now);
    return whose.connection;
}

TEST_CASE("the newest client of the address with most of them gives way to a newcomer from elsewhere") {
    Rig rig(with_places(4, 8));
    for (int i = 0; i < 4; ++i) client(rig, "many", i).connects(from("192.0.2.66:1000"));
    rig["other"].connects(from("192.0.2.7:1"));
    CHECK(rig["many3"].takes() == "DISCONNECT quota_exceeded");
    CHECK_FALSE(rig["many3"].is_open());
    CHECK(rig["many0"].is_open());
    CHECK(rig.metrics().clients_connected == 4);
    CHECK(rig.counters().connections_evicted == 1);
    CHECK(rig.log.count("listener_full") == 1);
    rig["other2"].connects(from("[2001:db8::1]:1"));
    CHECK(rig["many2"].takes() == "DISCONNECT quota_exceeded");
}

TEST_CASE("an address that would have more than another then is refused, and told so") {
    Rig rig(with_places(4, 8));
    for (int i = 0; i < 2; ++i) client(rig, "a", i).connects(from("192.0.2.1:1"));
    for (int i = 0; i < 2; ++i) client(rig, "b", i).connects(from("192.0.2.2:1"));
    rig["third"].tries_to_connect(from("192.0.2.1:9"));
    CHECK(rig["third"].takes() == "CONNACK quota_exceeded");
    rig["c"].tries_to_connect(from("192.0.2.3:9"));
    CHECK(rig["c"].takes() == "CONNACK success");
    rig["d"].tries_to_connect(from("192.0.2.4:9"));
    CHECK(rig["d"].takes() == "CONNACK success");
    rig["e"].tries_to_connect(from("192.0.2.5:9"));
    CHECK(rig["e"].takes() == "CONNACK quota_exceeded");
    CHECK(rig.metrics().clients_connected == 4);
}

TEST_CASE("one address may have every place while nobody else wants one") {
    Rig rig(with_places(50, 8));
    for (int i = 0; i < 50; ++i) client(rig, "site", i).connects(from("192.0.2.1:1"));
    CHECK(rig.metrics().clients_connected == 50);
    CHECK(rig.counters().connections_evicted == 0);
}

TEST_CASE("places are charged to the user who has proven his name, not to the address of his site") {
    Rig rig(with_places(4, 8));
    for (int i = 0; i < 4; ++i) {
        Wish wish = from("192.0.2.1:1");
        const std::string user = i == 0 ? "alone" : "fleet";
        wish.proven = user;
        client(rig, "c", i).connects(wish);
    }
    Wish other = from("192.0.2.1:2");
    other.proven = "dash";
    rig["dash"].connects(other);
    CHECK(rig["c3"].takes() == "DISCONNECT quota_exceeded");
    CHECK(rig["c0"].is_open());
}

TEST_CASE("[MQTT-3.1.4-3] a client that comes back takes its own place on a full listener") {
    Rig rig(with_places(2, 8));
    rig["a"].connects(from("192.0.2.1:1"));
    rig["b"].connects(from("192.0.2.1:1"));
    Wish again = from("192.0.2.1:2");
    again.client_id = "b";
    rig["b'"].connects(again);
    CHECK(rig["b"].takes() == "DISCONNECT session_taken_over");
    CHECK(rig["a"].is_open());
    CHECK(rig.metrics().clients_connected == 2);
    rig["a"].loses_connection();
    rig["c"].connects(from("192.0.2.1:1"));
    CHECK(rig.counters().connections_evicted == 0);
}

TEST_CASE("silent peers of the address that has most of them give way to whoever arrives") {
    Rig rig(with_places(1, 3));
    rig["known"].connects(from("192.0.2.1:1"));
    for (int i = 0; i < 3; ++i) arrives(rig, "192.0.2.66:1000", client(rig, "silent", i));
    session::Connection* newcomer = arrives(rig, "192.0.2.7:1", rig["newcomer"]);
    REQUIRE(newcomer != nullptr);
    rig.settle();
    CHECK_FALSE(rig["silent0"].is_open());
    CHECK(rig["silent1"].is_open());
    for (int i = 3; i < 100; ++i) arrives(rig, "192.0.2.66:1000", client(rig, "silent", i));
    rig.settle();
    CHECK(rig["newcomer"].is_open());
    CHECK(rig["known"].is_open());
    CHECK(rig.metrics().connections == 4);
    CHECK(rig.log.count("listener_full") == 1);
}

TEST_CASE("after 10,050 clients without keep alive from three addresses, a client of a fourth gets in") {
    Rig rig(with_places(300, 20));
    const std::string_view addresses[] = {"192.0.2.1:1", "192.0.2.2:1", "192.0.2.3:1"};
    for (int i = 0; i < 310; ++i) client(rig, "x", i).tries_to_connect(from(addresses[i % 3]));
    CHECK(rig.metrics().clients_connected == 300);
    for (int i = 0; i < 20; ++i) client(rig, "new", i).connects(from("192.0.2.4:1"));
    CHECK(rig.metrics().clients_connected == 300);
    CHECK(rig.counters().connections_evicted == 20);
}

TEST_CASE("clients of all listeners with addresses share a limit; a Unix socket is not asked for it") {
    ShardOptions options = with_places(10, 8);
    options.listeners.push_back({"second", true, 10, {}, 8});
    options.listeners.push_back({"operator", true, 10, {}, 8, true});
    options.connections_total_max = 3;
    Rig rig(options);
    for (int i = 0; i < 3; ++i) client(rig, "many", i).connects(from("192.0.2.66:1"));
    Wish second = from("192.0.2.7:1");
    second.listener = 1;
    rig["second"].connects(second);
    CHECK(rig["many2"].takes() == "DISCONNECT quota_exceeded");
    Wish local = from("unix");
    local.listener = 2;
    rig["operator"].connects(local);
    rig["operator2"].connects(local);
    CHECK(rig.counters().connections_evicted == 1);
    CHECK(rig.metrics().clients_connected == 5);
}

TEST_CASE("inner clients have no descriptors: they need no place among those of all listeners, and take none") {
    ShardOptions options = with_places(10, 8);
    options.listeners.push_back({"sensors", true, 10, {}, 8});
    options.listeners[1].has_descriptors = false;
    options.connections_total_max = 2;
    Rig rig(options);
    Wish device = from("192.0.2.66:1");
    device.listener = 1;
    for (int i = 0; i < 4; ++i) client(rig, "device", i).connects(device);
    for (int i = 0; i < 2; ++i) client(rig, "many", i).connects(from("192.0.2.66:1"));
    rig["other"].connects(from("192.0.2.7:1"));
    CHECK(rig["many1"].takes() == "DISCONNECT quota_exceeded");
    CHECK(rig["device3"].is_open());
    CHECK(rig.metrics().clients_connected == 6);
}

}  // namespace
}  // namespace ledge::broker
