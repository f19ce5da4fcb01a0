// Listeners for MQTT-SN devices: urls, the keys of [listeners.NAME.mqttsn], and where such keys are mistakes.
#include "mqttsn.hpp"

#include <doctest/doctest.h>

#include "helpers.hpp"
#include "listener_url.hpp"
#include "places.hpp"

using namespace ledge;
using namespace ledge::config;

namespace {

std::string first_complaint(const std::string& text) {
    const std::vector<std::string> lines = lines_of(load_text(text));
    return lines.empty() ? std::string() : lines.front();
}

bool mentions(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

const std::string udp_section = "[listeners.a]\nurl = 'udp://127.0.0.1:1883'\n";
const std::string serial_section = "[listeners.a]\nurl = 'serial:/dev/ttyUSB0'\n";

}  // namespace

TEST_CASE("urls of listeners for devices") {
    const auto udp = parse_listener_url("udp://[::1]");
    REQUIRE(udp.ok());
    CHECK(udp->kind == Endpoint::Kind::udp);
    CHECK(udp->port == 1883);
    CHECK((udp->is_local && udp->is_for_devices() && !udp->is_tls));
    const auto serial = parse_listener_url("serial:/dev/serial/by-id/usb-1?baud=9600&flow=rtscts");
    REQUIRE(serial.ok());
    CHECK(serial->kind == Endpoint::Kind::serial);
    CHECK(serial->path == "/dev/serial/by-id/usb-1");
    CHECK((serial->baud == 9600 && serial->has_rtscts && serial->is_for_devices()));
    CHECK(parse_listener_url("serial:/dev/ttyS0")->baud == 115200);
    CHECK_FALSE(parse_listener_url("serial:/dev/ttyS0?flow=none")->has_rtscts);
}

TEST_CASE("mistakes in the urls of listeners for devices") {
    CHECK(mentions(parse_listener_url("serial:ttyUSB0").error(), "whole path"));
    CHECK(mentions(parse_listener_url("serial:").error(), "whole path"));
    CHECK(mentions(parse_listener_url("serial:/dev/ttyS0?baud=12345").error(), "1200, 2400"));
    CHECK(mentions(parse_listener_url("serial:/dev/ttyS0?baud=").error(), "4000000"));
    CHECK(mentions(parse_listener_url("serial:/dev/ttyS0?parity=even").error(), "unknown"));
    CHECK(mentions(parse_listener_url("udp://sensor.example:1883").error(), "IPv4"));
    CHECK_FALSE(parse_bridge_url("udp://127.0.0.1:1883").ok());
    CHECK_FALSE(parse_admin_url("udp://127.0.0.1:1883").ok());
}

TEST_CASE("a listener for devices with its keys") {
    const Loaded loaded = load_text(udp_section +
                                    "user = 'field'\n[listeners.a.mqttsn]\nretry_interval_ms = 500\npeers_max = 7\n"
                                    "[listeners.a.mqttsn.predefined_topics]\n1 = 'plant/a'\n65534 = 'plant/b'\n");
    CHECK(lines_of(loaded) == std::vector<std::string>{});
    const ListenerSocket& socket = loaded.config.sockets.at(0);
    CHECK(socket.user == "field");
    CHECK(socket.mqttsn.peers_max == 7);
    CHECK(socket.mqttsn.retry_interval_of(true) == 500ms);
    CHECK(socket.mqttsn.predefined_topics == std::map<std::uint16_t, std::string>{{1, "plant/a"}, {65534, "plant/b"}});
    CHECK_FALSE(loaded.config.shard.listeners.at(0).has_descriptors);
    CHECK(mentions(explain_devices(socket, false), "the rights of the user field"));
    CHECK(mentions(explain_devices(socket, false), "2 predefined topics"));
}

TEST_CASE("the defaults of a link depend on its kind") {
    const MqttsnSettings settings;
    CHECK(settings.retry_interval_of(true) == 1s);
    CHECK(settings.retry_interval_of(false) == 10s);
    CHECK(settings.packet_bytes_max_of(true) == 250);
    CHECK(settings.packet_bytes_max_of(false) == 1024);
}

TEST_CASE("what is printed of a listener for devices loads as the same") {
    const Loaded loaded = load_text(serial_section +
                                    "user = 'x'\n[listeners.a.mqttsn.predefined_topics]\n7 = 'a/b'\n"
                                    "[listeners.b]\nurl = 'mqtt://127.0.0.1:1'\n");
    REQUIRE(lines_of(loaded) == std::vector<std::string>{});
    const Loaded again = load_text(print(loaded.config));
    CHECK(lines_of(again) == std::vector<std::string>{});
    CHECK(differences(loaded.config, again.config) == std::vector<std::string>{});
    CHECK(again.config.sockets.at(0).mqttsn == loaded.config.sockets.at(0).mqttsn);
}

TEST_CASE("a changed topic is a difference") {
    const Config before = load_text(udp_section + "[listeners.a.mqttsn.predefined_topics]\n7 = 'a'\n").config;
    const Config after = load_text(udp_section + "[listeners.a.mqttsn.predefined_topics]\n7 = 'b'\n").config;
    CHECK(differences(before, after) == std::vector<std::string>{"listeners.a.mqttsn.predefined_topics.7"});
}

TEST_CASE("a topic is set by a flag") {
    Sources sources;
    sources.listen = {"udp://127.0.0.1:1883"};
    sources.set = {"listeners.listen-1.mqttsn.predefined_topics.3=a/b"};
    const Loaded loaded = load(sources);
    CHECK(lines_of(loaded) == std::vector<std::string>{});
    CHECK(loaded.config.sockets.at(0).mqttsn.predefined_topics.at(3) == "a/b");
}

TEST_CASE("a section has the place of its first key, and a key that only begins like it has none of it") {
    const std::map<std::string, std::string> places{{"a.b_c", "f:1"}, {"a.d.x", "f:2"}, {"a.d.y", "f:3"}};
    REQUIRE(find_place(places, "a.d") != nullptr);
    CHECK(*find_place(places, "a.d") == "f:2");
    CHECK(*find_place(places, "a.d.y") == "f:3");
    CHECK(find_place(places, "a.b") == nullptr);
}

TEST_CASE("mistakes of listeners for devices name the line, the key and the fix") {
    const auto complaint_of = [](const std::string& text) { return first_complaint(udp_section + text); };
    CHECK(mentions(complaint_of("proxy_protocol = true\nproxy_from = ['10.0.0.0/8']\n"), ":3"));
    CHECK(mentions(complaint_of("connections_per_second = 5\n"), "mqttsn.unknown_per_second"));
    CHECK(mentions(complaint_of("connections_burst = 5\n"), "remove the key"));
    CHECK(mentions(complaint_of("peer_credentials = true\n"), "Unix sockets only"));
    CHECK(mentions(complaint_of("[listeners.a.tls]\nkey = 'x'\n"), "no TLS"));
    CHECK(mentions(complaint_of("[listeners.a.websocket]\ncompression = true\n"), "not a WebSocket"));
    const std::string section = "[listeners.a.mqttsn]\n";
    CHECK(mentions(complaint_of(section + "multicast = '10.0.0.1'\n"), "224.0.0.0"));
    CHECK(mentions(complaint_of(section + "multicast = 'ff02::1%eth0'\n"), "families"));
    CHECK(mentions(complaint_of(section + "advertise_interval_s = 1000\n"), "mqttsn.multicast"));
    CHECK(mentions(complaint_of(section + "packet_bytes_max = 31\n"), "32 or more"));
    CHECK(mentions(complaint_of(section + "connectionless_per_second = 3\n"), "connectionless_user"));
    CHECK(mentions(complaint_of(section + "retries = 3\n"), "retries_max"));
    CHECK(complaint_of(section + "multicast = '225.1.1.1'\nadvertise_interval_s = 1000\n").empty());
    CHECK(mentions(first_complaint(serial_section + section + "packet_bytes_max = 251\n"), "250 or less"));
    CHECK(mentions(first_complaint(serial_section + section + "multicast = '225.1.1.1'\n"), "serial line"));
    CHECK(first_complaint(serial_section + section + "advertise_interval_s = 1000\n").empty());
}

TEST_CASE("mistakes in predefined topics") {
    const auto complaint_of = [](const std::string& line) {
        return first_complaint(udp_section + "[listeners.a.mqttsn.predefined_topics]\n" + line + "\n");
    };
    for (const char* line : {"0 = 'a'", "65535 = 'a'", "65536 = 'a'", "x = 'a'", "01x = 'a'"})
        CHECK(mentions(complaint_of(line), "1 to 65534"));
    CHECK(mentions(complaint_of("1 = 'a/#'"), "wildcards"));
    CHECK(mentions(complaint_of("1 = ''"), "not a topic"));
    CHECK(mentions(complaint_of("1 = '$SYS/a'"), "no $"));
    CHECK(mentions(complaint_of("1 = 2"), "must be a topic"));
    CHECK(mentions(first_complaint(udp_section + "[listeners.a.mqttsn]\npredefined_topics = 5\n"), "is a section"));
}

TEST_CASE("keys for devices on a listener for MQTT are mistakes") {
    const std::string section = "[listeners.a]\nurl = 'mqtt://127.0.0.1:1883'\n";
    CHECK(mentions(first_complaint(section + "user = 'x'\n"), "remove the key"));
    CHECK(mentions(first_complaint(section + "[listeners.a.mqttsn]\npeers_max = 3\n"), "remove the section"));
    CHECK(
        mentions(first_complaint(section + "[listeners.a.mqttsn.predefined_topics]\n1 = 'a'\n"), "remove the section"));
}

TEST_CASE("a line has one listener") {
    CHECK(mentions(first_complaint(serial_section + "[listeners.b]\nurl = 'serial:/dev/ttyUSB0?baud=9600'\n"),
                   "the same address"));
    // The same port by two names is found where the files are read.
    Sources sources;
    sources.listen = {"serial:/dev/null"};
    CHECK(lines_of(load(sources)).empty());  // a character device; the port itself says whether it is a tty
    sources.listen = {"serial:/dev/null", "serial:/proc/self/root/dev/null"};
    CHECK(mentions(lines_of(load(sources)).at(0), "name each line once"));
    sources.listen = {"serial:/etc/passwd"};
    CHECK(mentions(lines_of(load(sources)).at(0), "not a serial line"));
    sources.listen = {"serial:/dev/serial/by-id/not-plugged-in"};
    CHECK(lines_of(load(sources)).empty());
}

TEST_CASE("notes say where nobody can connect, and where everybody can") {
    const auto notes_of = [](const std::string& text) {
        std::string all;
        for (const std::string& note : load_text(text).notes) all += note + "\n";
        return all;
    };
    const std::string open = "[listeners.a]\nurl = 'udp://0.0.0.0:1883'\n";
    CHECK(mentions(notes_of(open), "no device can connect at udp://0.0.0.0:1883"));
    CHECK(mentions(notes_of(open + "allow_anonymous = true\n"), "can publish and subscribe to everything"));
    CHECK(notes_of(open + "user = 'field'\n").empty());
    CHECK(notes_of(udp_section).empty());
}
