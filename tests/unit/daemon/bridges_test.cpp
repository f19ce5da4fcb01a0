#include "bridges.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "ledge/base/bytes.hpp"
#include "ledge/base/log.hpp"
#include "ledge/config/load.hpp"
#include "ledge/uplink/bridges.hpp"
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

uplink::PasswordResult make(const uplink::UplinkOptions& options) { return options.password.make(os::ProgramStop()); }

std::string made(const uplink::UplinkOptions& options) {
    const uplink::PasswordResult result = make(options);
    REQUIRE_MESSAGE(result.ok(), (result.ok() ? "" : result.error().reason));
    return std::string(as_text(result.value().text.bytes()));
}

uplink::PasswordProblem problem(const uplink::UplinkOptions& options) {
    const uplink::PasswordResult result = make(options);
    REQUIRE_FALSE(result.ok());
    return result.error();
}

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

TEST_CASE("the password is read before each connection, and the error names the file") {
    const std::string path = "/tmp/ledge-bridge-password-" + std::to_string(random_seed());
    std::ofstream(path) << "first\n";
    REQUIRE(::chmod(path.c_str(), 0600) == 0);
    const config::Loaded loaded =
        load("[bridges.cloud]\nurls = ['mqtt://h']\nuser = 'u'\npassword_file = '" + path + "'\n" + route);
    const uplink::UplinkOptions options = uplink_options(loaded.config.bridges.at(0), 1, "host");
    CHECK_FALSE(options.password.is_slow);
    CHECK(made(options) == "first");
    std::ofstream(path) << "second\r\n";
    CHECK(made(options) == "second");
    REQUIRE(::chmod(path.c_str(), 0604) == 0);
    CHECK(problem(options).reason.find("chmod o-r " + path) != std::string::npos);
    CHECK(problem(options).kind == bridge::RetryClass::operator_needed);
    std::filesystem::remove(path);
    CHECK(problem(options).reason.find(path) != std::string::npos);
}

/// A bridge whose password is made by a script of the shell.
uplink::UplinkOptions with_script(const std::string& script) {
    return uplink_options(load("[bridges.cloud]\nurls = ['mqtt://h']\nuser = 'u'\npassword_command = ['/bin/sh', '-c', '" +
                               script + "', 'sh', 'one argument']\n" + route)
                              .config.bridges.at(0),
                          1, "host");
}

TEST_CASE("a password command prints the password in its first line") {
    CHECK(with_script("").password.is_slow);
    CHECK(made(with_script("echo \"$1\"; echo more")) == "one argument");
    CHECK(made(with_script("printf \"secret\\\\r\\\\n\"")) == "secret");
    CHECK(made(with_script("printf secret")) == "secret");
    const uplink::PasswordResult loud = make(with_script("echo secret; echo; echo careful >&2"));
    CHECK(loud.value().origin == "made by /bin/sh");
    CHECK(loud.value().remark == "careful");
    CHECK(loud.value().valid_for == 0s);
}

TEST_CASE("a password command that fails says why, and never what it has printed") {
    const auto reason = [](const std::string& script) {
        const uplink::PasswordProblem found = problem(with_script(script));
        CHECK(found.kind == bridge::RetryClass::network);
        CHECK(found.reason.find("secret") == std::string::npos);
        return found.reason;
    };
    CHECK(reason("echo secret; echo \"no network\" >&2; echo more >&2; exit 4") ==
          "the password command /bin/sh has ended with status 4, and says: no network");
    CHECK(reason("true") == "the password command /bin/sh has printed no password");
    CHECK(reason("echo; echo secret") == "the password command /bin/sh has printed no password");
    CHECK(reason("head -c 70000 /dev/zero | tr \"\\\\0\" x") ==
          "the password command /bin/sh has printed too long a password");
    CHECK(reason("yes secret") == "the password command /bin/sh has printed more than 131072 bytes");
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
