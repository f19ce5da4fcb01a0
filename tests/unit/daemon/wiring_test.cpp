#include "wiring.hpp"

#include <doctest/doctest.h>

#include "ledge/config/load.hpp"

using namespace ledge;
using namespace ledge::daemon;
using Kind = transport::Endpoint::Kind;

TEST_CASE("every part of the configuration reaches whom it concerns") {
    const config::Loaded loaded = config::parse(
        "[listeners.a]\nurl = 'mqtt://[::1]:1884'\nconnections_max = 5\n"
        "[listeners.b]\nurl = 'unix:/run/b.sock'\n[listeners.b.limits]\ninflight_max = 7\n"
        "[broker]\nstop_time_max_s = 9\nsessions_max = 8\n[sys]\ninterval_s = 0\n",
        {});
    REQUIRE(loaded.ok());
    const runtime::BrokerLoopOptions options = loop_options(loaded.config, "1.2.3", 42);
    REQUIRE(options.endpoints.size() == 2);
    REQUIRE(options.shard.listeners.size() == 2);
    CHECK(options.endpoints[0].kind == Kind::tcp);
    CHECK(options.endpoints[0].host == "::1");
    CHECK(options.endpoints[0].port == 1884);
    CHECK(options.shard.listeners[0].name == "a");
    CHECK(options.shard.listeners[0].connections_max == 5);
    CHECK(options.endpoints[1].kind == Kind::unix_socket);
    CHECK(options.endpoints[1].path == "/run/b.sock");
    CHECK(options.shard.listeners[1].limits.inflight_max == 7);
    CHECK(options.shard.sessions_max == 8);
    CHECK(options.shard.sys_interval == 0s);
    CHECK(options.shard.server_version == "LedgeMQ 1.2.3");
    CHECK(options.stop_time_max == 9s);
    CHECK(options.seed == 42);
    CHECK(options.handles_signals);
    CHECK(!options.shard.durability.journal.is_enabled);
}

TEST_CASE("a configured store turns the journal on and gets its path and ceiling") {
    const config::Loaded loaded =
        config::parse("[store]\npath = '/s'\nsize_max_bytes = '2 MiB'\ndaily_write_budget_bytes = 9\n", {});
    REQUIRE(loaded.ok());
    CHECK(loop_options(loaded.config, "1", 1).shard.durability.journal.is_enabled);
    CHECK(loop_options(loaded.config, "1", 1).daily_write_budget_bytes == 9);
    const storage::LmdbStoreOptions store = store_options(loaded.config);
    CHECK(store.path == "/s");
    CHECK(store.size_max_bytes == 2 * 1024 * 1024);
    REQUIRE((store.wall_clock != nullptr));
    CHECK(store.wall_clock().count() > 0);
}

TEST_CASE("a listener's address, section and limits say how its peers come in") {
    const config::Loaded loaded = config::parse(
        "[listeners.a]\nurl = 'mqtt://0.0.0.0'\nproxy_protocol = true\nproxy_from = ['10.0.0.0/8']\n"
        "[listeners.b]\nurl = 'ws://127.0.0.1:8080/live'\n"
        "[listeners.b.websocket]\norigins = ['https://a']\ntrusted_proxies = ['::1']\ncompression = true\n"
        "message_bytes_max = 4096\nping_interval_s = 30\nheader_bytes_max = 2048\nhandshake_timeout_s = 3\n"
        "[admin]\nurl = 'http://127.0.0.1:9883'\n",
        {});
    REQUIRE(loaded.ok());
    const runtime::BrokerLoopOptions options = loop_options(loaded.config, "1", 1);
    REQUIRE(options.fronts.size() == 2);
    REQUIRE(options.fronts[0].proxy.has_value());
    CHECK(options.fronts[0].proxy->from.size() == 1);
    CHECK_FALSE(options.fronts[0].websocket.has_value());
    CHECK_FALSE(options.fronts[1].proxy.has_value());
    REQUIRE(options.fronts[1].websocket.has_value());
    const transport::WebSocketOptions& websocket = *options.fronts[1].websocket;
    CHECK(websocket.path == "/live");
    CHECK(websocket.origins == std::vector<std::string>{"https://a"});
    CHECK(websocket.trusted_proxies.size() == 1);
    CHECK(websocket.compression);
    CHECK(websocket.message_bytes_max == options.shard.listeners[1].limits.max_packet_size_bytes);  // more than 4096
    CHECK(websocket.ping_interval == 30s);
    CHECK(options.fronts[1].web_limits.header_bytes_max == 2048);
    CHECK(options.fronts[1].web_limits.request_timeout == 3s);
    REQUIRE(options.admin.has_value());
    CHECK(options.admin->endpoint.port == 9883);
    CHECK_FALSE(options.admin->tls.has_value());
}

TEST_CASE("pages over TLS have the files of [admin.tls], and HTTP for ALPN") {
    const config::Loaded loaded = config::parse(
        "[admin]\nurl = 'https://127.0.0.1'\n[admin.tls]\ncertificate = 'c'\nkey = 'k'\nca = 'a'\ncrl = 'r'\n"
        "client_certificate = 'required'\n",
        {});
    REQUIRE(loaded.ok());
    const runtime::BrokerLoopOptions options = loop_options(loaded.config, "1", 1);
    REQUIRE(options.admin.has_value());
    CHECK(options.admin->endpoint.port == 443);
    REQUIRE(options.admin->tls.has_value());
    const net::TlsOptions& tls = *options.admin->tls;
    CHECK(tls.certificates == std::vector<net::TlsCertificate>{{"c", "k"}});
    CHECK(tls.ca_file == "a");
    CHECK(tls.crl_file == "r");
    CHECK((tls.client_certificate == net::TlsOptions::ClientCertificate::required));
    CHECK(tls.alpn == std::vector<std::string>{"http/1.1"});
}

TEST_CASE("few descriptors are divided so that arriving peers, clients and the operator have some each") {
    const config::Loaded loaded = config::parse(
        "[listeners.a]\nurl = 'mqtt://127.0.0.1:1883'\n[listeners.b]\nurl = 'ws://127.0.0.1:8080/mqtt'\n"
        "[listeners.c]\nurl = 'unix:/run/c.sock'\n",
        {});
    REQUIRE(loaded.ok());
    runtime::BrokerLoopOptions few = loop_options(loaded.config, "1", 1);
    share_descriptors(few, 1024);
    const std::uint32_t arriving = few.shard.listeners[0].arrivals_max + few.shard.listeners[1].arrivals_max +
                                   few.fronts[1].web_limits.visitors_max + few.driver.linger_links_max;
    CHECK(few.shard.listeners[0].arrivals_max == 1024 / 16 / 3);
    CHECK(few.shard.connections_total_max + arriving + 64 == 1024);
    CHECK(few.shard.connections_total_max > 700);
    CHECK(few.shard.listeners[2].is_local);
    CHECK(few.shard.listeners[2].arrivals_max == 64 + 10'000 / 16);
    runtime::BrokerLoopOptions many = loop_options(loaded.config, "1", 1);
    share_descriptors(many, 1'000'000);
    CHECK(many.shard.connections_total_max > 20'000);
    CHECK(many.shard.listeners[0].arrivals_max == 64 + 10'000 / 16);
    CHECK(many.fronts[1].web_limits.visitors_max == 1024);
}
