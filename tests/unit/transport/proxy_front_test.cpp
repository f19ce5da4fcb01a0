#include <doctest/doctest.h>

#include "ledge/session/listener_options.hpp"
#include "ledge/transport/proxy.hpp"
#include "rig.hpp"

namespace ledge::transport {
namespace {

constexpr std::string_view header = "PROXY TCP4 203.0.113.9 192.0.2.1 51000 1883\r\n";

/// A rig with a listener whose peers begin with a PROXY header; everybody of 127.0.0.0/8 may.
struct ProxyRig : Rig {
    explicit ProxyRig(ProxyOptions options = {}) {
        if (options.from.empty())
            options.from = {{mapped_ipv4(std::array<std::uint8_t, 4>{127, 0, 0, 0}), mapped_prefix_bits + 8}};
        fronts.push_back(make_proxy_front(std::move(options), make_plain_front(0, driver, log), driver, log));
        Endpoint endpoint;
        endpoint.port = 0;
        auto listener = Listener::create(endpoint, *fronts.back(), driver, log);
        REQUIRE(listener.ok());
        REQUIRE(!(*listener)->start());
        const std::string address = (*listener)->addresses().front();
        port = static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
        listeners.push_back(std::move(*listener));
    }

    Front& front() { return *fronts.back(); }
    bool until_closed(Client& client) {
        return until([&] {
            client.read();
            return client.is_ended || client.is_reset;
        });
    }

    std::uint16_t port;
};

}  // namespace

TEST_CASE("what follows the header reaches the shard, from the address of the header") {
    ProxyRig rig;
    std::string received;
    rig.core.on_bytes = [&](session::Connection&, Bytes bytes) { received += as_text(bytes); };
    Client client = Client::to_port(rig.port);
    client.send(std::string(header) + "hello");
    REQUIRE(rig.until([&] { return received == "hello"; }));
    CHECK(rig.core.addresses == std::vector<std::string>{"203.0.113.9:51000"});
    client.send(", again");
    CHECK(rig.until([&] { return received == "hello, again"; }));
}

TEST_CASE("a header in pieces keeps nobody busy") {
    ProxyRig rig;
    Client client = Client::to_port(rig.port);
    for (std::size_t i = 0; i + 1 < header.size(); ++i) {
        client.send(header.substr(i, 1));
        REQUIRE(rig.until([&] { return rig.turn(0) == 0; }));  // what has come is taken, and not reported again
    }
    CHECK(rig.core.open.empty());
    client.send(header.substr(header.size() - 1));
    CHECK(rig.until([&] { return rig.core.open.size() == 1; }));
}

TEST_CASE("a header that does not come in time ends the connection") {
    ProxyRig rig;
    Client client = Client::to_port(rig.port);
    client.send("PROXY ");
    REQUIRE(rig.until([&] { return rig.front().next_deadline() != never; }));
    rig.advance(4s);
    rig.front().on_time(rig.driver.now());
    rig.turn();
    client.read();
    CHECK_FALSE(client.is_ended);
    rig.advance(1s);
    rig.front().on_time(rig.driver.now());
    CHECK(rig.until_closed(client));
    rig.front().on_time(rig.driver.now());
    CHECK(rig.front().next_deadline() == never);
}

TEST_CASE("more than may wait: the one that waits longest goes") {
    ProxyOptions options;
    options.visitors_max = 2;
    ProxyRig rig(options);
    std::vector<Client> clients;
    for (int i = 0; i < 3; ++i) {
        clients.push_back(Client::to_port(rig.port));
        for (int turn = 0; turn < 3; ++turn) rig.turn(10);
    }
    CHECK(rig.until_closed(clients[0]));
    for (std::size_t i = 1; i < 3; ++i) {
        clients[i].send(header);
        CHECK(rig.until([&] { return rig.core.open.size() == i; }));
    }
}

TEST_CASE("a peer of another network is closed before it says anything") {
    ProxyOptions options;
    options.from = {{mapped_ipv4(std::array<std::uint8_t, 4>{10, 0, 0, 0}), mapped_prefix_bits + 8}};
    ProxyRig rig(options);
    Client client = Client::to_port(rig.port);
    CHECK(rig.until_closed(client));
    CHECK(rig.core.open.empty());
    REQUIRE(rig.log_lines.size() == 1);
    CHECK(rig.log_lines[0].find("proxy_refused") != std::string::npos);
}

}  // namespace ledge::transport
