#include "mqttsn.hpp"

#include <sys/stat.h>

#include <charconv>
#include <functional>

#include "ledge/base/ip_text.hpp"
#include "ledge/base/quote.hpp"
#include "ledge/topic/name.hpp"
#include "places.hpp"
#include "print_option.hpp"

namespace ledge::config {
namespace {

constexpr std::string_view listeners_start = "listeners.";
constexpr std::size_t packet_bytes_min = 32;

bool is_group(std::string_view text) {
    constexpr Network ipv4_groups{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0xE0}, mapped_prefix_bits + 4};
    constexpr Network ipv6_groups{{0xFF}, 8};
    const auto address = parse_ip(text.substr(0, text.find('%')));
    return address && (ipv4_groups.contains(*address) || ipv6_groups.contains(*address));
}

/// A number from 1 to 65534: the ids 0 and 65535 are reserved (MQTT-SN 1.2 section 5.3.11).
std::optional<std::uint16_t> parse_topic_id(std::string_view text) {
    std::uint16_t id = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
    const bool is_whole = error == std::errc() && end == text.data() + text.size() && !text.empty();
    return is_whole && id != 0 && id != 0xFFFF ? std::optional(id) : std::nullopt;
}

/// Checks one listener.
class DeviceChecks {
public:
    DeviceChecks(const std::string& prefix, const ListenerDraft& draft, const Endpoint& endpoint,
                 const std::map<std::string, std::string>& places, Loaded& loaded)
        : prefix_(prefix), draft_(draft), endpoint_(endpoint), places_(places), loaded_(loaded) {}

    /// Of a listener for MQTT: keys without effect are mistakes, since the operator believes that they have one.
    void of_mqtt() {
        if (!draft_.user.empty())
            complain("user", "has no effect on " + draft_.url +
                                 ": clients of MQTT name their user themselves; remove the key, or write "
                                 "url = \"udp://HOST:PORT\" or \"serial:PATH\"");
        if (draft_.mqttsn != MqttsnSettings{})
            complain("mqttsn", "is a section for MQTT-SN devices and has no effect on " + draft_.url +
                                   "; remove the section, or write url = \"udp://HOST:PORT\" or \"serial:PATH\"");
    }

    void of_devices() {
        const bool is_serial = endpoint_.kind == Endpoint::Kind::serial;
        refuse_keys_of_connections();
        const MqttsnSettings& settings = draft_.mqttsn;
        if (settings.packet_bytes_max != 0 && settings.packet_bytes_max < packet_bytes_min)
            complain("mqttsn.packet_bytes_max", "is below 32: a topic would hardly fit; set 32 or more, or 0");
        if (is_serial && settings.packet_bytes_max > MqttsnSettings::serial_packet_bytes_max)
            complain("mqttsn.packet_bytes_max",
                     "is above 250, the most that a frame of a serial line carries; set 250 or less");
        if (is_serial && !settings.multicast.empty())
            complain("mqttsn.multicast", "has no effect on a serial line; remove the key");
        if (!settings.multicast.empty() && !is_serial) check_group();
        if (!is_serial && settings.multicast.empty() && settings.advertise_interval_s != 0)
            complain("mqttsn.advertise_interval_s",
                     "requires mqttsn.multicast, the group that hears the announcements, for example \"225.1.1.1\"");
        if (!settings.connectionless_user.empty()) return;
        if (settings.connectionless_per_second != MqttsnSettings{}.connectionless_per_second)
            complain("mqttsn.connectionless_per_second",
                     "has no effect without mqttsn.connectionless_user; add connectionless_user");
    }

private:
    /// Devices make no connections, so a limit of them would never be reached.
    void refuse_keys_of_connections() {
        constexpr std::string_view why = "has no effect on a listener for MQTT-SN devices; remove the key";
        if (draft_.proxy_protocol) complain("proxy_protocol", std::string(why));
        if (draft_.connections_per_second != 0)
            complain("connections_per_second", std::string(why) + ", or set mqttsn.unknown_per_second");
        if (draft_.connections_burst != 0) complain("connections_burst", std::string(why));
    }

    /// The address is checked here since a group that cannot be joined would be noticed only when the network is up.
    void check_group() {
        const std::string& group = draft_.mqttsn.multicast;
        if (!is_group(group))
            return complain("mqttsn.multicast", "is " + quoted(group) +
                                                    ", which is not the address of a group; use 224.0.0.0 to "
                                                    "239.255.255.255, or an IPv6 address that begins with ff");
        const bool is_ipv6 = group.find(':') != std::string::npos;
        const bool is_ipv6_socket = endpoint_.host.find(':') != std::string::npos;
        if (is_ipv6 != is_ipv6_socket)
            complain("mqttsn.multicast",
                     "and the address of the listener have different families, IPv4 and IPv6; "
                     "choose a group of the family of the url");
    }

    void complain(std::string_view key, const std::string& what) {
        const std::string full = prefix_ + "." + std::string(key);
        const std::string* const place = find_place(places_, full);
        loaded_.complaints.push_back({place != nullptr ? *place : std::string(), "key '" + full + "' " + what});
    }

    const std::string& prefix_;
    const ListenerDraft& draft_;
    const Endpoint& endpoint_;
    const std::map<std::string, std::string>& places_;
    Loaded& loaded_;
};

}  // namespace

// ---------------------------------------------------------------------------------------------------------------------
// Predefined topics

std::optional<std::string_view> predefined_topics_part(std::string_view key) {
    if (!key.starts_with(listeners_start)) return std::nullopt;
    const std::size_t dot = key.find('.', listeners_start.size());
    if (dot == std::string_view::npos || !key.substr(dot + 1).starts_with(predefined_topics_name)) return std::nullopt;
    const std::string_view rest = key.substr(dot + 1 + predefined_topics_name.size());
    return rest.empty() || rest.front() == '.' ? std::optional(rest) : std::nullopt;
}

std::string listener_of_predefined_topics(std::string_view key) {
    key.remove_prefix(listeners_start.size());
    return std::string(key.substr(0, key.find('.')));
}

/// The ids are keys, so this section has no rows of options and is read by hand.
std::string assign_predefined_topic(MqttsnSettings& settings, const Assignment& assignment, std::string_view rest) {
    if (rest.empty()) {
        const auto* other = std::get_if<OtherValue>(&assignment.value);
        return other != nullptr && other->kind == table_kind ? "" : "is a section; write [" + assignment.key + "]";
    }
    const auto id = parse_topic_id(rest.substr(1));
    if (!id) return "is not a topic id: use 1 to 65534, as in 1 = \"meter/energy\"";
    const auto* topic = std::get_if<std::string>(&assignment.value);
    if (topic == nullptr) return "must be a topic, not " + describe(assignment.value);
    if (!topic::is_valid_topic(*topic, topic::levels_hard_max) || topic->starts_with('$'))
        return "is " + quoted(*topic) +
               ", which is not a topic that devices may publish to; it must not be empty, and "
               "have no wildcards and no $ at its start";
    if (settings.predefined_topics.size() >= predefined_topics_max && !settings.predefined_topics.contains(*id))
        return "is one topic too many; at most " + std::to_string(predefined_topics_max) + " are allowed";
    settings.predefined_topics[*id] = *topic;
    return {};
}

void append_predefined_topics(const std::string& listener, const MqttsnSettings& settings, const Origin& all,
                              std::string& out) {
    if (settings.predefined_topics.empty()) return;
    if (!out.ends_with("\n\n")) out += "\n";
    const std::string section = "listeners." + listener + "." + std::string(predefined_topics_name);
    const Origin origin = all.below(section + ".");
    out += "[" + section + "]\n";
    for (const auto& [id, topic] : settings.predefined_topics)
        out += std::to_string(id) + " = " + origin.value_of(std::to_string(id), text_literal(topic)) + "\n";
}

void flatten_predefined_topics(const std::string& listener, const MqttsnSettings& settings,
                               std::map<std::string, std::string>& out) {
    for (const auto& [id, topic] : settings.predefined_topics)
        out["listeners." + listener + "." + std::string(predefined_topics_name) + "." + std::to_string(id)] =
            quoted(topic);
}

// ---------------------------------------------------------------------------------------------------------------------
// For people

/// One sentence for `ledgemq check`. It says first who may connect: UDP proves nothing about a sender.
std::string explain_devices(const ListenerSocket& socket, bool allows_anonymous) {
    const MqttsnSettings& settings = socket.mqttsn;
    std::string out = "for MQTT-SN devices, ";
    if (!settings.devices_file.empty() && socket.user.empty())
        out += "each has the rights of its user";
    else if (!socket.user.empty())
        out += "whoever reaches it has the rights of the user " + socket.user;
    else
        out += allows_anonymous ? "which are anonymous clients" : "but none may connect: set user";
    out += ", up to " + std::to_string(settings.peers_max) + " devices";
    if (!settings.predefined_topics.empty())
        out += ", " + std::to_string(settings.predefined_topics.size()) + " predefined topics";
    if (!settings.devices_file.empty()) out += ", only those of " + settings.devices_file;
    if (!settings.multicast.empty()) out += ", found by the group " + settings.multicast;
    if (!settings.connectionless_user.empty())
        out += ", messages of QoS -1 have the rights of the user " + settings.connectionless_user;
    return out;
}

// ---------------------------------------------------------------------------------------------------------------------
// Checks

void check_mqttsn(const std::string& prefix, const ListenerDraft& draft, const Endpoint& endpoint,
                  const std::map<std::string, std::string>& places, Loaded& loaded) {
    DeviceChecks checks(prefix, draft, endpoint, places, loaded);
    endpoint.is_for_devices() ? checks.of_devices() : checks.of_mqtt();
}

void check_serial_ports(Loaded& loaded) {
    std::map<dev_t, std::string> ports;  // the device -> the listener that names it
    for (std::size_t i = 0; i < loaded.config.sockets.size(); ++i) {
        const Endpoint& endpoint = loaded.config.sockets[i].endpoint;
        if (endpoint.kind != Endpoint::Kind::serial) continue;
        const std::string& name = loaded.config.shard.listeners[i].name;
        const std::string key = "listeners." + name + ".url";
        const auto place = loaded.places.find(key);
        const auto complain = [&](const std::string& text) {
            loaded.complaints.push_back(
                {place != loaded.places.end() ? place->second : std::string(), "key '" + key + "': " + text});
        };
        // Two paths may lead to one port, such as /dev/ttyUSB0 and a link of /dev/serial/by-id.
        struct stat file {};
        // An adapter may be plugged in later; the listener waits for it.
        if (::stat(endpoint.path.c_str(), &file) != 0) continue;
        if (!S_ISCHR(file.st_mode)) {
            complain(endpoint.path +
                     " is not a serial line (a tty); ls -l /dev/serial/by-id shows those of this machine");
            continue;
        }
        // The second listener would find the port locked, and try to open it for ever.
        const auto [other, is_new] = ports.emplace(file.st_rdev, name);
        if (!is_new)
            complain(endpoint.path + " is the serial line of the listener '" + other->second +
                     "', too; name each line once");
    }
}

}  // namespace ledge::config
