// [bridges.NAME]: values, complaints, files of secrets, and what is printed.
#include "bridges.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "bridge_rig.hpp"
#include "helpers.hpp"
#include "ledge/bridge/relay_options.hpp"
#include "ledge/bridge/upstream.hpp"
#include "ledge/bridge/upstream_profile.hpp"
#include "listener_url.hpp"
#include "options.hpp"
#include "print_option.hpp"

using namespace ledge;
using namespace ledge::config;
using Lines = std::vector<std::string>;

namespace {

/// The error of read_bridge_password() for a file with this text and mode.
std::string password_error(std::string_view text, ::mode_t mode) {
    const SecretFile file(text, mode);
    const auto password = read_bridge_password(file.path());
    REQUIRE_FALSE(password.ok());
    CHECK(password.error().find(file.path()) != std::string::npos);
    return password.error();
}

std::string password_of(std::string_view text) {
    const SecretFile file(text, 0640);
    const auto password = read_bridge_password(file.path());
    REQUIRE(password.ok());
    const Bytes bytes = password.value().bytes();
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

TEST_CASE("without a bridge there is none") {
    CHECK(load({}).config.bridges.empty());
    CHECK(load_text("[bridges]\n").config.bridges.empty());
    CHECK(explain_bridges({}, "gw").empty());
}

TEST_CASE("every key of a bridge is read") {
    const BridgeSettings cloud = one_bridge(
        "[bridges.cloud]\nurls = ['mqtts://Broker.example:8883', 'wss://backup.example']\nclient_id = 'gw-17'\n"
        "protocol = '3.1.1'\nuser = 'gw'\npassword_file = '/etc/pw'\nupstream = 'rabbitmq'\nbridge_bit = true\n"
        "compression = true\nkeep_alive_s = 30\nsession_expiry_s = '1 d'\nconnect_timeout_s = 5\nconnack_timeout_s = "
        "6\n"
        "suback_timeout_s = 7\nretry_first_s = 2\nretry_max_s = '10 min'\nlazy = true\nlazy_idle_s = 9\n"
        "windows = ['22:00-06:00', '12:00-12:30']\ninflight_max = 20\npacket_bytes_max = '64 KiB'\n"
        "state_topic = 'gw/state'\nrepublish_retained = true\nfall_back_to_qos0 = true\nmarks = 'always'\n"
        "character_map = ['_-']\n"
        "[bridges.cloud.tls]\nca = '/ca.pem'\nserver_name = 'b'\nalpn = ['mqtt']\n"
        "[[bridges.cloud.routes]]\ndirection = 'out'\nfilter = 'plant/#'\nremote_prefix = 'site-17/'\nqos = 0\n"
        "[[bridges.cloud.routes]]\ndirection = 'out'\nlocal_prefix = 'l/'\nfilter = '+'\nqos = 0\nretain = 'clear'\n"
        "[bridges.cloud.queue]\nbytes_max = '1 MiB'\nmessages_max = 5\noverflow = 'refuse'\n"
        "rate_bytes_per_second = '2 KiB'\npoison_attempts = 4\ndead_letter_topic = 'dead'\nwarn_time_to_full_s = '2 "
        "h'\n"
        "age_max_s = 3600\nlast_value = ['plant/+/status']\npriority = ['l/alarm', 'plant/alarms/#']\n"
        "order = 'backlog_first'\n");
    CHECK(cloud.queue.warn_time_to_full == 2h);
    CHECK(cloud.name == "cloud");
    REQUIRE(cloud.endpoints.size() == 2);
    CHECK(cloud.endpoints[0].host == "Broker.example");
    CHECK(cloud.endpoints[1].port == 443);
    CHECK(cloud.endpoints[1].resource == "/mqtt");
    CHECK(cloud.uses_tls());
    CHECK(cloud.client_id == "gw-17");
    CHECK(cloud.protocol == bridge::ProtocolChoice::v3_1_1);
    CHECK(cloud.upstream == bridge::UpstreamKind::rabbitmq);
    CHECK(cloud.compression);
    CHECK(cloud.session_expiry == 24h);
    CHECK(cloud.retry_max == 10min);
    CHECK(cloud.day_windows == std::vector<DayWindow>{{1320, 360}, {720, 750}});
    CHECK(cloud.packet_bytes_max == 65'536);
    CHECK(cloud.marks == bridge::MarkRule::always);
    REQUIRE(cloud.character_pairs.size() == 1);
    CHECK(cloud.character_pairs[0].second == '-');
    CHECK(cloud.tls.alpn == Lines{"mqtt"});
    REQUIRE(cloud.routes.size() == 2);
    CHECK(cloud.routes[0].remote_prefix == "site-17/");
    CHECK(cloud.routes[1].retain == bridge::RetainRule::clear);
    CHECK(cloud.queue.bytes_max == 1024 * 1024);
    CHECK(cloud.queue.overflow == BridgeQueueSettings::Overflow::refuse);
    CHECK(cloud.queue.age_max == 1h);
    CHECK(cloud.queue.last_value == Lines{"plant/+/status"});
    CHECK(cloud.queue.priority == Lines{"l/alarm", "plant/alarms/#"});
    CHECK(cloud.queue.rate_bytes_per_second == 2048);
}

TEST_CASE("compression needs a url of WebSocket") {
    const std::string routes = "[[bridges.x.routes]]\ndirection = 'out'\nfilter = 'a/#'\n";
    const std::string begin = "[bridges.x]\ncompression = true\nclient_id = 'x'\nurls = ";
    const Loaded loaded = load_text(begin + "['mqtt://h', 'mqtts://h']\n[bridges.x.tls]\nca = '/ca.pem'\n" + routes);
    REQUIRE(loaded.complaints.size() == 1);
    CHECK(loaded.complaints[0].line().find(
              "'bridges.x.compression': it has no effect, because no url begins with ws://") != std::string::npos);
    CHECK(load_text(begin + "['mqtt://h', 'ws://h']\n" + routes).ok());
}

TEST_CASE("the defaults of a bridge are those of the manual") {
    const BridgeSettings bridge = one_bridge(bridge_text());
    CHECK_FALSE(bridge.compression);
    CHECK(bridge.protocol == bridge::ProtocolChoice::automatic);
    CHECK_FALSE(bridge.upstream.has_value());
    CHECK(bridge.marks == bridge::MarkRule::automatic);
    CHECK(bridge.queue.bytes_max == 256 * 1024 * 1024);
    CHECK(bridge.queue.overflow == BridgeQueueSettings::Overflow::drop_oldest);
    CHECK(bridge.queue.warn_time_to_full == 1h);
    CHECK(bridge.routes[0].direction == bridge::Direction::out);
    CHECK(bridge.routes[0].retain == bridge::RetainRule::keep);
}

TEST_CASE("routes may stand in one line, and flags change them") {
    const BridgeSettings bridge =
        one_bridge("[bridges.x]\nurls = ['mqtt://h']\nroutes = [{filter = 'a'}, {filter = 'b', qos = 1}]\n");
    REQUIRE(bridge.routes.size() == 2);
    CHECK(bridge.routes[1].filter == "b");
    Sources sources;
    sources.set = {"bridges.x.routes.1.filter=c/#", "bridges.x.urls=mqtt://one,mqtt://two", "bridges.x.lazy=true"};
    const Loaded loaded = load_text(bridge_text(), sources);
    CHECK(lines_of(loaded) == Lines{});
    CHECK(loaded.config.bridges[0].routes[0].filter == "c/#");
    CHECK(loaded.config.bridges[0].endpoints.size() == 2);
    CHECK(loaded.config.bridges[0].lazy);
}

TEST_CASE("bridges are sorted by name and limited in number") {
    std::string toml;
    for (std::size_t i = 0; i <= bridges_max; ++i) {
        const std::string name = "b" + std::string(1, static_cast<char>('z' - i));
        toml += "[bridges." + name + "]\nurls = ['mqtt://" + name + "']\nroutes = [{filter = 'a'}]\n";
    }
    const Loaded loaded = load_text(toml);
    REQUIRE(loaded.complaints.size() == 2);  // both keys of the last bridge
    CHECK(loaded.complaints[0].text.find("is one bridge too many; at most 16") != std::string::npos);
    REQUIRE(loaded.config.bridges.size() == bridges_max);
    CHECK(loaded.config.bridges.front().name == "bk");
    CHECK(loaded.config.bridges.back().name == "bz");
}

TEST_CASE("a wrong key has its line and a proposal") {
    CHECK(complaint_about(bridge_text("zzzzzzzzzz = 'a'\n")) ==
          "test.toml:3: key 'bridges.x.zzzzzzzzzz' is unknown; ledgemq --print-config shows all keys");
    CHECK(complaint_about(bridge_text("protocl = '5'\n")) ==
          "test.toml:3: key 'bridges.x.protocl' is unknown; did you mean 'bridges.x.protocol'?");
    CHECK(complaint_about(bridge_text("", "[bridges.x.queue]\noverflw = 'refuse'\n"))
              .find("'bridges.x.queue.overflow'") != std::string::npos);
    CHECK(complaint_about(bridge_text("", "qso = 1\n")).find("did you mean 'bridges.x.routes.1.qos'?") !=
          std::string::npos);
    CHECK(complaint_about("[bridge.x]\nuser = 'a'\n").find("did you mean 'bridges.x.user'?") != std::string::npos);
    CHECK(complaint_about("[[bridges]]\nuser = 'a'\n").find("write [bridges.NAME]") != std::string::npos);
    CHECK(complaint_about("[bridges.'a b']\nuser = 'a'\n").find("letters, digits, '-' and '_'") != std::string::npos);
    CHECK(complaint_about("[bridges.x]\nqueue = 5\n").find("is a section; write [bridges.x.queue]") !=
          std::string::npos);
    CHECK(complaint_about("[bridges.x.routes]\nfilter = 'a'\n").find("write [[bridges.x.routes]]") !=
          std::string::npos);
}

TEST_CASE("a wrong value says what would be right") {
    CHECK(complaint_about(bridge_text("upstream = 'rabitmq'\n")).find("did you mean \"rabbitmq\"?") !=
          std::string::npos);
    CHECK(complaint_about(bridge_text("protocol = '4'\n")).find("one of auto, 5, 3.1.1") != std::string::npos);
    CHECK(complaint_about(bridge_text("keep_alive_s = 0\n")).find("allowed are 5 to 65535 s; use 5") !=
          std::string::npos);
    CHECK(complaint_about(bridge_text("", "qos = 3\n")).find("allowed are 0 to 2") != std::string::npos);
    CHECK(complaint_about(bridge_text("", "direction = 'up'\n")).find("one of out, in, both") != std::string::npos);
    CHECK(complaint_about(bridge_text("windows = ['22-6']\n")).find("\"HH:MM-HH:MM\"") != std::string::npos);
    CHECK(complaint_about(bridge_text("windows = ['24:00-06:00']\n")).starts_with("test.toml:3: "));
    CHECK(complaint_about(bridge_text("windows = ['06:00-06:00']\n")).find("two different times") != std::string::npos);
    CHECK(complaint_about(bridge_text("character_map = ['./']\n")).find("is no replacement") != std::string::npos);
    CHECK(complaint_about(bridge_text("state_topic = 'a/+'\n")).find("is no topic name") != std::string::npos);
    CHECK(complaint_about(bridge_text("retry_first_s = 600\n")).find("below retry_first_s") != std::string::npos);
}

TEST_CASE("urls are those of a server, with a scheme that a bridge speaks") {
    const auto error = [](std::string_view url) {
        const auto endpoint = parse_bridge_url(url);
        return endpoint ? std::string() : endpoint.error();
    };
    for (const char* url : {"mqtt://h", "mqtts://broker.example:8883/", "ws://10.0.0.1:80/mqtt?x=1", "wss://[::1]:443"})
        CHECK(error(url).empty());
    CHECK(parse_bridge_url("mqtts://h")->port == 8883);
    CHECK(parse_bridge_url("ws://h/ws")->resource == "/ws");
    CHECK(parse_bridge_url("mqtt://h/")->resource.empty());
    CHECK(error("http://h").find("use mqtts://HOST:PORT") != std::string::npos);
    CHECK(error("tcp://h").starts_with("not the address of a broker"));
    CHECK(error("unix:/x").starts_with("not the address of a broker"));
    CHECK(error("mqtt://gw:secret@h").find("use the keys user and password_file") != std::string::npos);
    CHECK(error("mqtt://h/path").find("remove \"/path\"") != std::string::npos);
    CHECK(error("mqtt://h:0").starts_with("the port is wrong"));
    CHECK(error("mqtt://h:70000").starts_with("the port is wrong"));
    CHECK(complaint_about("[bridges.x]\nurls = ['amqp://h']\nroutes = [{filter = 'a'}]\n")
              .starts_with("test.toml:2: key 'bridges.x.urls': \"amqp://h\": not the address of a broker"));
}

TEST_CASE("a bridge needs an address and a route") {
    const Loaded loaded = load_text("[log]\n[bridges.x]\n");
    REQUIRE(loaded.complaints.size() == 2);
    CHECK(loaded.complaints[0].line().starts_with("test.toml:2: key 'bridges.x.urls': the bridge has no address"));
    CHECK(loaded.complaints[1].line().starts_with("test.toml:2: key 'bridges.x.routes': the bridge has no routes"));
}

TEST_CASE("a mistake in a bridge is the only complaint about the bridge") {
    CHECK(complaint_about("[bridges.x]\nurls = 5\n").starts_with("test.toml:2: key 'bridges.x.urls' must be a list"));
}

TEST_CASE("a route that is not valid has its line") {
    CHECK(complaint_about("[bridges.x]\nurls = ['mqtt://h']\n[[bridges.x.routes]]\nfilter = 'a'\n"
                          "[[bridges.x.routes]]\nlocal_prefix = 'b'\nfilter = '#'\n")
              .starts_with("test.toml:6: bridge 'x', route 2: "));
}

TEST_CASE("a route without keys is a route without a filter, and the others keep their numbers") {
    const std::string line =
        complaint_about("[bridges.x]\nurls = ['mqtt://h']\n[[bridges.x.routes]]\n[[bridges.x.routes]]\nfilter = 'a'\n");
    CHECK(line.find("bridge 'x', route 1: ") != std::string::npos);
    CHECK(line.find("is empty. Set filter") != std::string::npos);
}

TEST_CASE("a loop is refused, also over two bridges, and an overlap is a note") {
    const Loaded one = load_text(
        "[bridges.x]\nurls = ['mqtt://h']\nroutes = [\n{direction = 'out', filter = 'a/#'},\n"
        "{direction = 'in', filter = 'a/#'}]\n");
    REQUIRE_FALSE(one.ok());
    CHECK(one.complaints[0].line().starts_with("test.toml:4: bridge 'x', route 1: Messages of this route"));
    CHECK(one.complaints[0].text.find("direction = \"both\"") != std::string::npos);
    const std::string out = "[bridges.x]\nurls = ['mqtt://H']\nroutes = [{direction = 'out', filter = 'a/#'}]\n";
    const std::string in = "[bridges.y]\nroutes = [{direction = 'in', filter = 'a/#'}]\n";
    CHECK_FALSE(load_text(out + in + "urls = ['mqtts://h:1883']\ntls = {ca = '/x'}\n").ok());  // the same broker
    CHECK(load_text(out + in + "urls = ['mqtt://other']\n").ok());
    const Loaded overlap =
        load_text("[bridges.x]\nurls = ['mqtt://h']\nroutes = [{filter = 'a/#'}, {filter = 'a/b'}]\n");
    CHECK(lines_of(overlap) == Lines{});
    CHECK(has_note(overlap, "test.toml:3: bridge 'x', route 2: This route and route 1 both match \"a/b\""));
}

TEST_CASE("two bridges with one client id at one broker are refused, also if one of the ids is the default") {
    const auto checked = [](const std::string& toml) {
        Loaded loaded = load_text(toml);
        CHECK(lines_of(loaded) == Lines{});
        check_client_ids(loaded, "gw-1a");
        return loaded;
    };
    const std::string routes = "routes = [{filter = 'a'}]\n";
    const std::string id = "client_id = 'gw'\n" + routes;
    const std::string one = "[bridges.x]\nurls = ['mqtt://h']\n" + id;
    const Loaded same = checked(one + "[bridges.y]\nurls = ['mqtt://g', 'mqtt://H']\n" + id);
    REQUIRE(same.complaints.size() == 1);
    CHECK(same.complaints[0].line().starts_with(
        "test.toml:7: key 'bridges.y.client_id': the bridge 'x' has the client id \"gw\""));
    CHECK(checked(one + "[bridges.y]\nurls = ['mqtt://g']\n" + id).ok());
    const std::string usual = "[bridges.a]\nurls = ['mqtt://h']\n" + routes;
    CHECK(checked(usual + "[bridges.b]\nurls = ['mqtt://h']\n" + routes).ok());
    for (const char* other : {"b", "_"}) {  // sorted behind the bridge a, or before it
        CAPTURE(other);
        const std::string key = "bridges." + std::string(other);
        const Loaded taken = checked(usual + "[" + key + "]\nurls = ['mqtt://h']\nclient_id = 'gw-1a-a'\n" + routes);
        REQUIRE(taken.complaints.size() == 1);
        CHECK(taken.complaints[0].line().starts_with("test.toml:6: key '" + key + ".client_id': the bridge 'a' has"));
    }
}

TEST_CASE("TLS and passwords: what does not fit together is told") {
    CHECK(complaint_about(bridge_text("", "[bridges.x.tls]\nca = '/x'\n"))
              .starts_with("test.toml:6: key 'bridges.x.tls': the section has no effect"));
    const std::string tls = "[bridges.x]\nurls = ['mqtts://h']\nroutes = [{filter = 'a'}]\n";
    CHECK(complaint_about(tls).find("require a file with the authorities") != std::string::npos);
    const std::string section = tls + "[bridges.x.tls]\n";
    CHECK(load_text(section + "psk_file = '/x'\n").ok());
    CHECK(complaint_about(section + "psk_file = '/x'\nca = '/y'\n").starts_with("test.toml:5: "));
    CHECK(complaint_about(section + "ca = '/y'\nkey = '/z'\n").find("must both be set") != std::string::npos);
    CHECK(complaint_about(bridge_text("password_file = '/x'\n")).find("add user, or write protocol = \"5\"") !=
          std::string::npos);
    CHECK(load_text(bridge_text("password_file = '/x'\nprotocol = '5'\n")).ok());
    CHECK(has_note(load_text(bridge_text("password_file = '/x'\nuser = 'gw'\n")), "unencrypted"));
}

TEST_CASE("notes tell what a known kind of upstream does not do, and what lazy means for incoming routes") {
    CHECK(has_note(load_text(bridge_text("upstream = 'nats'\n", "qos = 2\n")), "bridge 'x': "));
    CHECK(load_text(bridge_text("", "qos = 2\n")).notes.empty());
    CHECK(has_note(load_text(bridge_text("lazy = true\n", "direction = 'in'\n")), "lazy = true"));
}

TEST_CASE("a password is the first line of a file that not everybody can read or write") {
    CHECK(password_of("secret\n") == "secret");
    CHECK(password_of("se cret\r\nsecond line\n") == "se cret");
    CHECK(password_of(std::string(bridge_password_bytes_max, 'x') + "\n").size() == bridge_password_bytes_max);
    CHECK(password_error("secret", 0644).find("run chmod o-r ") != std::string::npos);
    CHECK(password_error("secret", 0642).find("can write") != std::string::npos);
    CHECK(password_error("\nsecret", 0600).find("empty first line") != std::string::npos);
    CHECK(password_error("", 0600).find("empty first line") != std::string::npos);
    CHECK(password_error(std::string(bridge_password_bytes_max + 1, 'x'), 0600).find("more than 65535 bytes") !=
          std::string::npos);
    CHECK(read_bridge_password("/nonexistent/pw").error().starts_with("/nonexistent/pw cannot be opened"));
}

TEST_CASE("load() checks the files of secrets, and parse() reads none") {
    const SecretFile password("secret", 0644);
    const SecretFile toml(
        "[bridges.x]\nurls = ['mqtts://h']\nroutes = [{filter = 'a'}]\nuser = 'gw'\npassword_file = '" +
            password.path() + "'\n[bridges.x.tls]\npsk_file = '/nonexistent/psk'\n",
        0600);
    Sources sources;
    sources.file = toml.path();
    const Loaded loaded = load(sources);
    REQUIRE(loaded.complaints.size() == 2);
    CHECK(loaded.complaints[0].line() == toml.path() +
                                             ":5: key 'bridges.x.password_file': every user of this machine " +
                                             "can read " + password.path() + "; run chmod o-r " + password.path());
    CHECK(loaded.complaints[1].line().starts_with(
        toml.path() + ":7: key 'bridges.x.tls.psk_file': /nonexistent/psk cannot be opened"));
    CHECK(load_text(bridge_text("user = 'gw'\npassword_file = '/nonexistent/pw'\n")).ok());
}

TEST_CASE("each route is explained in a sentence") {
    const Loaded loaded = load_text(
        "[bridges.x]\nurls = ['mqtt://h', 'mqtt://g']\nwindows = ['22:00-06:00']\n"
        "routes = [{filter = 'plant/#', remote_prefix = 'site-17/', qos = 1}]\n");
    CHECK(lines_of(loaded) == Lines{});
    const std::string text = explain_bridges(loaded.config.bridges, "gw-1a");
    CHECK(
        text.starts_with("bridge x: mqtt://h, then mqtt://g, in UTC from 22:00-06:00\n"
                         "  client id: gw-1a-x\n"
                         "  route 1: Local messages on \"plant/#\" go to the upstream as \"site-17/plant/#\""));
    CHECK(std::ranges::count(text, '\n') == 3);
}

TEST_CASE(
    "the host names of cloud services tell the kind of the upstream, unless the operator or another url says no") {
    const std::string aws = "'mqtts://x-ats.iot.eu-west-1.amazonaws.com'";
    const auto settings_of = [&](const std::string& urls, const std::string& more = "") {
        return one_bridge("[bridges.x]\nurls = [" + urls + "]\n" + more + "tls.ca = '/c'\nroutes = [{filter = 'a'}]\n");
    };
    CHECK(upstream_kind_of(settings_of(aws)) == bridge::UpstreamKind::aws_iot);
    CHECK(upstream_kind_of(settings_of(aws + ", 'wss://y.iot.eu-west-1.amazonaws.com'")) ==
          bridge::UpstreamKind::aws_iot);
    CHECK_FALSE(upstream_kind_of(settings_of(aws + ", 'mqtt://broker.example'")).has_value());
    CHECK(upstream_kind_of(settings_of(aws, "upstream = 'emqx'\n")) == bridge::UpstreamKind::emqx);
    CHECK(upstream_kind_of(settings_of(aws, "upstream = 'generic'\n")) == bridge::UpstreamKind::generic);
    const std::string text = explain_bridges({settings_of(aws)}, "gw");
    CHECK(text.find("\n  upstream: taken for aws_iot because of the host name") != std::string::npos);
    CHECK(explain_bridges({settings_of(aws, "upstream = 'aws_iot'\n")}, "gw").find("taken for") == std::string::npos);
}

TEST_CASE("filters of the queue must be filters, of topics that the bridge sends, and not too many") {
    const auto complaint = [](const std::string& line, const std::string& route = "") {
        return complaint_about(bridge_text("", route + "[bridges.x.queue]\n" + line + "\n"));
    };
    for (const std::string name : {"last_value", "priority"}) {
        CHECK(complaint(name + " = ['a/#/b']").find("'bridges.x.queue." + name + "': \"a/#/b\" is no topic filter") !=
              std::string::npos);
        CHECK(complaint(name + " = ['$share/g/a']").find("is no topic filter") != std::string::npos);
        CHECK(complaint(name + " = ['a/b', 'b/#']").find("no outgoing route carries a topic that matches \"b/#\"") !=
              std::string::npos);
        CHECK(complaint(name + " = ['a/b']", "direction = 'in'\n").find("no outgoing route") != std::string::npos);
        std::string many = "'a/0'";
        for (int i = 1; i < 65; ++i) many += ", 'a/" + std::to_string(i) + "'";
        CHECK(complaint(name + " = [" + many + "]").find("has more than 64 texts") != std::string::npos);
    }
    CHECK(complaint("order = 'live_first'").find("write \"backlog_first\", and name urgent topics in queue.priority") !=
          std::string::npos);
    CHECK(complaint("order = 'newest'").find("one of backlog_first, live_first") != std::string::npos);
}

TEST_CASE("the check says what the queue leaves out, and what leaves by the priority connection with which client id") {
    const auto text = [](const std::string& id) {
        const std::string queue =
            "[bridges.x.queue]\nage_max_s = 60\nlast_value = ['a/s']\npriority = ['a/1', 'a/2/#']\n";
        return explain_bridges({one_bridge(bridge_text(id, queue))}, "gw-1a");
    };
    CHECK(text("client_id = 'gw'\n")
              .ends_with("  queue: a message that has waited for more than 60 s is not sent any more\n"
                         "  queue: of the topics that match a/s, only the newest message waits\n"
                         "  priority: messages from here with topics that match a/1, a/2/# have a queue and a "
                         "connection of their own, "
                         "whose client id at the upstream is \"gw-priority\"\n"
                         "  priority: messages of these topics that wait already when the key is new leave by the "
                         "first connection, so newer ones may overtake them\n"));
    CHECK(text("").find("is \"gw-1a-x-priority\"\n") != std::string::npos);
}

TEST_CASE("a priority connection is refused for an upstream that accepts one client id only, and noted for others") {
    const auto load = [](const std::string& url, const std::string& keys) {
        return load_text("[bridges.x]\nurls = ['" + url + "']\nclient_id = 'gw'\n" + keys +
                         "routes = [{filter = 'a'}]\nqueue = {priority = ['a']}\n");
    };
    const auto complaint = [&](const std::string& url, const std::string& keys = "") {
        const Lines lines = lines_of(load(url, keys));
        return lines.empty() ? "" : lines.front();
    };
    CHECK(complaint("mqtt://hub.azure-devices.net").find("'bridges.x.queue.priority': Azure IoT Hub accepts") !=
          std::string::npos);
    CHECK(complaint("mqtt://h", "upstream = 'azure_iot'\n").find("remove the key") != std::string::npos);
    const auto has_note = [&](const std::string& keys) {
        const Loaded loaded = load("mqtts://h", "tls = {ca = '/ca.pem'}\n" + keys);
        CHECK(lines_of(loaded) == Lines{});
        return std::ranges::any_of(loaded.notes, [](const std::string& note) {
            return note.find("queue.priority connects with a second client id, which ends in '-priority'") !=
                   std::string::npos;
        });
    };
    CHECK(has_note("upstream = 'aws_iot'\n"));
    CHECK(has_note("user = 'd'\ntoken = {kind = 'sas', key_file = '/k', resource = 'hub/devices/d'}\n"));
    CHECK_FALSE(has_note("upstream = 'emqx'\n"));
}

TEST_CASE("no other bridge to the same broker may have the client id of a priority connection") {
    const auto count = [](const std::string& first, const std::string& second, const std::string& host = "h") {
        Loaded loaded = load_text("[bridges.x]\nurls = ['mqtt://h']\n" + first +
                                  "routes = [{filter = 'a'}]\nqueue = {priority = ['a']}\n[bridges.x-priority]\nurls "
                                  "= ['mqtt://" +
                                  host + "']\n" + second + "routes = [{filter = 'b'}]\n");
        CHECK(lines_of(loaded) == Lines{});
        check_client_ids(loaded, "gw-1a");
        return lines_of(loaded).size();
    };
    CHECK(count("client_id = 'gw'\n", "client_id = 'gw-priority'\n") == 1);
    CHECK(count("client_id = 'gw'\n", "client_id = 'gw-other'\n") == 0);
    CHECK(count("client_id = 'gw'\n", "client_id = 'gw-priority'\n", "g") == 0);
    CHECK(count("", "") == 1);
    CHECK(count("client_id = 'gw'\n", "") == 0);
}

TEST_CASE("printed bridges parse back to the same") {
    const Loaded loaded = load_text(
        "[bridges.b]\nurls = ['mqtts://h', 'ws://g/w']\nupstream = 'emqx'\nprotocol = '5'\nlazy_idle_s = 8\n"
        "windows = ['22:00-06:00']\n[bridges.b.tls]\nca = '/c\"a'\n[bridges.b.queue]\noverflow = 'refuse'\n"
        "[[bridges.b.routes]]\nfilter = 'a/#'\n[[bridges.b.routes]]\ndirection = 'in'\nfilter = 'b/#'\nqos = 0\n"
        "[bridges.a]\nurls = ['mqtt://k']\n[[bridges.a.routes]]\nfilter = 'c'\n");
    REQUIRE(lines_of(loaded) == Lines{});
    const std::string printed = print(loaded.config);
    const Loaded again = load_text(printed);
    CHECK(lines_of(again) == Lines{});
    CHECK(differences(loaded.config, again.config) == Lines{});
    CHECK(print(again.config) == printed);
    Config changed = loaded.config;
    changed.bridges[1].routes[1].qos = changed.bridges[1].routes[0].qos;
    changed.bridges[0].lazy = true;
    CHECK(differences(loaded.config, changed) == Lines{"bridges.a.lazy", "bridges.b.routes.2.qos"});
}

TEST_CASE("without a bridge the printed configuration shows one in comments, which is valid without them") {
    const std::string block = print_bridges({}, Origin{});
    std::string toml;
    std::string_view rest = block;
    for (; rest.size() > 1; rest.remove_prefix(rest.find('\n') + 1)) {
        const std::string_view line = rest.substr(0, rest.find('\n'));
        CHECK(line.starts_with('#'));
        CHECK(line.size() <= 120);
        toml += std::string(line.substr(std::min<std::size_t>(line.size(), 2))) + "\n";
    }
    CHECK(rest == "\n");
    const BridgeSettings example = one_bridge(toml);
    CHECK(example.name == "cloud");
    CHECK(example.keep_alive == BridgeSettings{}.keep_alive);
    CHECK(load({}).config.bridges.empty());
    CHECK(print(load({}).config).ends_with(block.substr(0, block.size() - 1)));
}

TEST_CASE("every row of bridges has a help, a unit in its name, and a range that holds its default") {
    BridgeSettings settings;
    bridge::Route route;
    const Place place{.bridge = &settings, .route = &route};
    for (const Option& option : bridge_options()) {
        INFO(option.key());
        CHECK(option.help.ends_with('.'));
        if (option.unit == "s") CHECK(option.name.ends_with("_s"));
        if (option.unit == "bytes") CHECK(option.name.find("bytes") != std::string_view::npos);
        if (option.type != Type::integer && option.type != Type::size) continue;
        const std::int64_t value = std::get<std::int64_t>(option.get(place));
        CHECK(value >= option.smallest);
        CHECK(value <= option.largest);
        for (const std::int64_t edge : {option.smallest, option.largest}) {  // the member can hold the whole range
            option.set(place, edge);
            CHECK(std::get<std::int64_t>(option.get(place)) == edge);
        }
    }
}
