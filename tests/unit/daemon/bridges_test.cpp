#include "bridges.hpp"

#include <doctest/doctest.h>

#include "ledge/base/log.hpp"
#include "ledge/config/load.hpp"
#include "ledge/uplink/options.hpp"
#include "live_bridges.hpp"
#include "machine_name.hpp"
#include "process.hpp"
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
        "protocol = '3.1.1'\nupstream = 'mosquitto'\nbridge_bit = true\ncompression = true\nkeep_alive_s = "
        "30\nsession_expiry_s = 5\n"
        "connect_timeout_s = 3\nconnack_timeout_s = 4\nsuback_timeout_s = 6\nretry_first_s = 7\nretry_max_s = 8\n"
        "lazy = true\nlazy_idle_s = 9\nwindows = ['01:00-02:00']\ninflight_max = 20000\npacket_bytes_max = 2048\n"
        "state_topic = 'gw/state'\nrepublish_retained = true\nfall_back_to_qos0 = true\nmarks = 'never'\ncharacter_map "
        "= ['._']\n"
        "[bridges.cloud.tls]\nca = '/ca.pem'\nserver_name = 's'\nalpn = ['mqtt']\n"
        "[bridges.cloud.queue]\nrate_bytes_per_second = 5000\npoison_attempts = 4\ndead_letter_topic = "
        "'dead'\nwarn_time_to_full_s = 11\n"
        "messages_max = 12\nbytes_max = 2048\n" +
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
    REQUIRE(options.servers.size() == 3);
    CHECK(options.servers[0].expanded_bytes_max == 0);
    CHECK(options.servers[1].expanded_bytes_max == 2048 + 1024 * 1024);  // above the largest packet
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
    CHECK(options.relay.marks == bridge::MarkRule::never);
    CHECK(options.relay.character_map == std::vector<std::pair<char, char>>{{'.', '_'}});
    REQUIRE(options.tls.has_value());
    CHECK(options.tls->ca_file == "/ca.pem");
    CHECK(options.tls->alpn == std::vector<std::string>{"mqtt"});
    CHECK(options.server_name == "s");
    CHECK(options.rate_bytes_per_second == 5000);
    CHECK(options.relay.poison_attempts == 4);
    CHECK(options.relay.dead_letter_topic == "dead");
    CHECK(options.queue.warn_time_to_full == 11s);
    CHECK(options.queue.capacity.messages == 12);
    CHECK(options.queue.capacity.bytes == 2048);
    CHECK(options.relay.routes.size() == 1);
}

TEST_CASE("a bridge has a listener of its own, whose limits are those of its queue") {
    const std::string text = "[bridges.cloud]\nurls = ['mqtt://h']\n" + route +
                             "[bridges.cloud.queue]\nbytes_max = '64 MiB'\nmessages_max = 5\noverflow = 'refuse'\n";
    const Log log;
    for (const bool has_store : {true, false}) {
        LiveBridges bridges;
        const config::Loaded loaded = load(text + (has_store ? "[store]\npath = '/s'\n" : ""));
        runtime::BrokerLoopOptions options = loop_options(loaded.config, "1", 1);
        const std::size_t listeners = options.shard.listeners.size();
        bridges.add_to(options, loaded.config, log, 1);
        REQUIRE(options.shard.listeners.size() == listeners + (has_store ? 2 : 1));
        CHECK(options.endpoints.size() == listeners);
        CHECK(options.parts.size() == 1);
        CHECK_FALSE(options.needs_tls_workers);
        const broker::ListenerOptions& listener = options.shard.listeners[listeners];
        CHECK(listener.name == "bridge:cloud");
        CHECK(listener.limits.queue_stored_messages_max == 5);
        CHECK(listener.limits.queue_stored_bytes_max == 64 * 1024 * 1024);
        CHECK(listener.limits.queue_bytes_max == (has_store ? 16 : 64) * 1024 * 1024);
        CHECK(listener.limits.overflow == session::OverflowPolicy::refuse);
        CHECK_FALSE(listener.allow_anonymous);
    }
    runtime::BrokerLoopOptions none = loop_options(load("").config, "1", 1);
    LiveBridges no_bridges;
    no_bridges.add_to(none, load("").config, log, 1);
    CHECK(none.shard.listeners.size() == 1);
    CHECK(none.parts.size() == 1);  // a reload may add bridges
}

TEST_CASE("a default client id that another machine may have too is noted") {
    config::Loaded loaded = load("[bridges.cloud]\nurls = ['mqtt://h']\n" + route);
    check_bridge_client_ids(loaded, {"gw-1a2b3c4d", true});
    CHECK(loaded.notes.empty());
    check_bridge_client_ids(loaded, {"gw", false});
    REQUIRE(loaded.notes.size() == 1);
    CHECK(loaded.notes[0].find("client id, gw-cloud,") != std::string::npos);
    loaded = load("[bridges.cloud]\nurls = ['mqtt://h']\nclient_id = 'gw-17'\n" + route);
    check_bridge_client_ids(loaded, {"gw", false});
    CHECK(loaded.notes.empty());
}

TEST_CASE("without queue.priority, a bridge with a store gets a lane that only sends what waits in its session") {
    const Log log;
    LiveBridges bridges;
    const config::Loaded loaded = load("[store]\npath = '/s'\n[bridges.cloud]\nurls = ['mqtt://h']\n" + route);
    REQUIRE(loaded.config.store.is_used());
    runtime::BrokerLoopOptions options = loop_options(loaded.config, "1", 1);
    bridges.add_to(options, loaded.config, log, 1);
    const broker::ListenerOptions& lane = options.shard.listeners.back();
    CHECK(lane.name == "bridge:cloud/priority");
    REQUIRE(lane.queue_rules.has_value());
    CHECK(lane.queue_rules->only_empties);
    CHECK(lane.queue_rules->excluded_client.empty());
    const config::BridgeSettings& settings = loaded.config.bridges.at(0);
    CHECK(priority_options(settings, uplink_options(settings, 3, "host"), 4).relay.only_empties);
}

TEST_CASE("rules of the queue reach its listener, and priority makes a second listener and a second connection") {
    const Log log;
    LiveBridges bridges;
    const config::Loaded loaded =
        load("[bridges.cloud]\nurls = ['mqtt://h']\nstate_topic = 's'\n" + route +
             "[bridges.cloud.queue]\nage_max_s = 60\nlast_value = ['plant/+']\npriority = ['plant/alarms/#']\n"
             "messages_max = 7\n[[bridges.plain.routes]]\nfilter = 'b'\n[bridges.plain]\nurls = ['mqtt://h']\n");
    runtime::BrokerLoopOptions options = loop_options(loaded.config, "1", 1);
    const std::size_t listeners = options.shard.listeners.size();
    bridges.add_to(options, loaded.config, log, 1);
    REQUIRE(options.shard.listeners.size() == listeners + 3);
    const broker::ListenerOptions& main = options.shard.listeners[listeners];
    const broker::ListenerOptions& lane = options.shard.listeners[listeners + 1];
    CHECK(main.name == "bridge:cloud");
    CHECK(lane.name == "bridge:cloud/priority");
    CHECK(options.shard.listeners[listeners + 2].name == "bridge:plain");
    CHECK(lane.limits.queue_stored_messages_max == 7);
    for (const broker::ListenerOptions* one : {&main, &lane}) {
        REQUIRE(one->queue_rules.has_value());
        CHECK(one->queue_rules->age_max == 60s);
        CHECK(one->queue_rules->last_value == std::vector<std::string>{"plant/+"});
    }
    CHECK(main.queue_rules->excluded == std::vector<std::string>{"plant/alarms/#"});
    CHECK(main.queue_rules->excluded_client == "$bridge/cloud/priority");
    CHECK(lane.queue_rules->excluded.empty());
    CHECK(lane.queue_rules->excluded_client == "$bridge/cloud");
    CHECK(options.shard.listeners[listeners + 2].queue_rules->excluded_client.empty());

    const config::BridgeSettings& settings = loaded.config.bridges.at(0);
    const uplink::UplinkOptions first = uplink_options(settings, 3, "host");
    const uplink::UplinkOptions second = priority_options(settings, first, 4);
    CHECK(second.priority_of == first.name);
    CHECK(second.relay.client_id == "host-cloud-priority");
    CHECK(second.relay.inner_client_id == "$bridge/cloud/priority");
    CHECK(second.inner_user == first.inner_user);
    CHECK(second.inner_listener == 4);
    CHECK(second.relay.own_id == first.relay.own_id);
    CHECK(second.relay.local_filters == std::vector<std::string>{"plant/alarms/#"});
    CHECK_FALSE(second.relay.carries_incoming);
    CHECK(first.relay.will.has_value());
    CHECK_FALSE(second.relay.will.has_value());
    CHECK_FALSE(second.relay.online_message.has_value());
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
