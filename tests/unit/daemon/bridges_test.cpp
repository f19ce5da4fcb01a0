#include "bridges.hpp"

#include <doctest/doctest.h>

#include "ledge/base/log.hpp"
#include "ledge/config/load.hpp"
#include "ledge/uplink/bridges.hpp"
#include "tls_files.hpp"
#include "wiring.hpp"

namespace ledge::daemon {
namespace {

config::Loaded load(const std::string& text) {
    config::Loaded loaded = config::parse(text, {});
    REQUIRE(loaded.ok());
    return loaded;
}

const std::string route = "[[bridges.cloud.routes]]\nfilter = 'plant/#'\nqos = 2\n";

TEST_CASE("every key of a bridge reaches whom it concerns") {
    const config::Loaded loaded = load(
        "[bridges.cloud]\nurls = ['mqtts://a.example', 'ws://b.example:81/x', 'mqtt://[::1]:1884']\nuser = 'gw'\n"
        "protocol = '3.1.1'\nupstream = 'mosquitto'\nbridge_bit = true\nkeep_alive_s = 30\nsession_expiry_s = 5\n"
        "connect_timeout_s = 3\nconnack_timeout_s = 4\nsuback_timeout_s = 6\nretry_first_s = 7\nretry_max_s = 8\n"
        "lazy = true\nlazy_idle_s = 9\nwindows = ['01:00-02:00']\ninflight_max = 20000\npacket_bytes_max = 2048\n"
        "state_topic = 'gw/state'\nrepublish_retained = true\nfall_back_to_qos0 = true\ncharacter_map = ['._']\n"
        "[bridges.cloud.tls]\nca = '/ca.pem'\nserver_name = 's'\nalpn = ['mqtt']\n"
        "[bridges.cloud.queue]\nrate_bytes_per_second = 5000\npoison_attempts = 4\ndead_letter_topic = 'dead'\n" +
        route);
    const uplink::UplinkOptions options = uplink_options(loaded.config.bridges.at(0), 3, "host");
    CHECK(options.name == "cloud");
    REQUIRE(options.servers.size() == 3);
    CHECK(to_text(options.servers[0]) == "mqtts://a.example:8883");
    CHECK(to_text(options.servers[1]) == "ws://b.example:81/x");
    CHECK(to_text(options.servers[2]) == "mqtt://[::1]:1884");
    CHECK(options.relay.client_id == "host-cloud");
    CHECK(options.relay.inner_client_id == "$bridge/cloud");
    CHECK(options.inner_user == "$bridge/cloud");
    CHECK(options.inner_listener == 3);
    CHECK(options.relay.user_name == "gw");
    CHECK(options.upstream.protocol == bridge::ProtocolChoice::v3_1_1);
    CHECK(options.upstream.kind == bridge::UpstreamKind::mosquitto);
    CHECK(options.upstream.uses_bridge_bit);
    CHECK(options.relay.keep_alive_s == 30);
    CHECK(options.relay.session_expiry_s == 5);
    CHECK(options.connect_timeout == 3s);
    CHECK(options.relay.connack_timeout == 4s);
    CHECK(options.relay.suback_timeout == 6s);
    CHECK(options.backoff.first == 7s);
    CHECK(options.backoff.largest == 8s);
    CHECK(options.backoff.operator_smallest == 8s);
    CHECK(options.is_on_demand);
    CHECK(options.idle_time == 9s);
    REQUIRE(options.windows.size() == 1);
    CHECK(options.windows[0].end_minute == 120);
    CHECK(options.relay.inflight_max == session::inflight_ceiling);  // the queue can have no more under way
    CHECK(options.relay.packet_bytes_max == 2048);
    REQUIRE(options.relay.will.has_value());
    CHECK(options.relay.will->topic == "gw/state");
    CHECK(options.relay.will->payload == "0");
    CHECK(options.relay.online_message->payload == "1");
    CHECK(options.relay.republishes_retained);
    CHECK(options.relay.falls_back_to_qos0);
    CHECK(options.relay.character_map == std::vector<std::pair<char, char>>{{'.', '_'}});
    REQUIRE(options.tls.has_value());
    CHECK(options.tls->ca_file == "/ca.pem");
    CHECK(options.tls->alpn == std::vector<std::string>{"mqtt"});
    CHECK(options.server_name == "s");
    CHECK(options.rate_bytes_per_second == 5000);
    CHECK(options.relay.poison_attempts == 4);
    CHECK(options.relay.dead_letter_topic == "dead");
    CHECK(options.relay.routes.size() == 1);
}

TEST_CASE("a bridge has a listener of its own, whose limits are those of its queue") {
    const std::string text = "[bridges.cloud]\nurls = ['mqtt://h']\n" + route +
                             "[bridges.cloud.queue]\nbytes_max = '64 MiB'\nmessages_max = 5\noverflow = 'refuse'\n";
    const Log log;
    const uplink::Bridges* bridges = nullptr;
    for (const bool has_store : {true, false}) {
        const config::Loaded loaded = load(text + (has_store ? "[store]\npath = '/s'\n" : ""));
        runtime::BrokerLoopOptions options = loop_options(loaded.config, "1", 1);
        const std::size_t listeners = options.shard.listeners.size();
        add_bridges(options, loaded.config, log, 1, bridges);
        REQUIRE(options.shard.listeners.size() == listeners + 1);
        CHECK(options.endpoints.size() == listeners);
        CHECK(options.parts.size() == 1);
        CHECK_FALSE(options.needs_tls_workers);
        const broker::ListenerOptions& listener = options.shard.listeners.back();
        CHECK(listener.name == "bridge:cloud");
        CHECK(listener.limits.queue_stored_messages_max == 5);
        CHECK(listener.limits.queue_stored_bytes_max == 64 * 1024 * 1024);
        CHECK(listener.limits.queue_bytes_max == (has_store ? 16 : 64) * 1024 * 1024);
        CHECK(listener.limits.overflow == session::OverflowPolicy::refuse);
        CHECK_FALSE(listener.allow_anonymous);
    }
    runtime::BrokerLoopOptions none = loop_options(load("").config, "1", 1);
    add_bridges(none, load("").config, log, 1, bridges);
    CHECK(none.parts.empty());
}

TEST_CASE("a TLS file of a bridge that is missing is a complaint about its key") {
    config::Loaded loaded =
        load("[bridges.cloud]\nurls = ['mqtts://h']\n[bridges.cloud.tls]\nca = '/no/ca.pem'\n" + route);
    check_bridge_tls_files(loaded);
    REQUIRE(loaded.complaints.size() == 1);
    CHECK(loaded.complaints[0].text.find("key 'bridges.cloud.tls.ca': ") == 0);
}

}  // namespace
}  // namespace ledge::daemon
