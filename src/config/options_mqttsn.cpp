// The options of a listener for MQTT-SN devices: [listeners.NAME.mqttsn]. Its section predefined_topics, whose keys are
// topic ids, is read by mqttsn.cpp.
#include "option_rows.hpp"
#include "options.hpp"

namespace ledge::config {
namespace {

/// A row of [listeners.NAME.mqttsn].
template <auto Member>
constexpr Option device(std::string_view name, std::string_view unit, Range range, std::string_view help) {
    return row<Scope::listener, &ListenerDraft::mqttsn, Member>("mqttsn", name, unit, range, help);
}

/// As device(), in milliseconds.
template <auto Member>
constexpr Option device_ms(std::string_view name, Range range, std::string_view help) {
    Option option = device<Member>(name, "ms", range, help);
    option.get = [](Place place) { return read_ms(field_of<Scope::listener, &ListenerDraft::mqttsn, Member>(place)); };
    option.set = [](Place place, const PlainValue& value) {
        write_ms(field_of<Scope::listener, &ListenerDraft::mqttsn, Member>(place), value);
    };
    return option;
}

constexpr Option mqttsn_rows[] = {
    device<&MqttsnSettings::devices_file>("devices_file", "", {},
                                          "A file in TOML that lists the client ids which may connect, with a user, "
                                          "predefined topics, a rate and a key for "
                                          "each, as in config/devices.toml. It is read again when it changes. \"\" = "
                                          "every client id may connect, as `user`."),
    // ADVERTISE and GWINFO: MQTT-SN 1.2 sections 5.4.1 and 5.4.3.
    device<&MqttsnSettings::gateway_id>("gateway_id", "", {1, 255},
                                        "The number by which devices tell this gateway from others in the network."),
    device<&MqttsnSettings::multicast>(
        "multicast", "", {},
        "UDP: the group address at which devices may search for the gateway, for example \"225.1.1.1\". \"\" = none: "
        "devices know the gateway's address."),
    device<&MqttsnSettings::advertise_interval_s>(
        "advertise_interval_s", "s", {0, u16_max},
        "Seconds between two announcements (ADVERTISE) of the gateway; 0 = none. On UDP they go to the multicast "
        "group. "
        "MQTT-SN recommends more than 15 minutes. On a serial line one is sent whenever the port opens."),
    // T_retry and N_retry: section 7.2.
    device_ms<&MqttsnSettings::retry_interval>(
        "retry_interval_ms", {0, 600'000},
        "Milliseconds after which a packet that a device has not answered is sent again; 0 = 10000 on UDP, 1000 on a "
        "serial line."),
    device<&MqttsnSettings::retries_max>(
        "retries_max", "repetitions", {1, 20},
        "Repetitions without an answer after which a device counts as lost, and its will is published."),
    // The range ends with the payload of the largest UDP datagram; mqttsn.cpp checks the smaller limit of serial lines.
    device<&MqttsnSettings::packet_bytes_max>(
        "packet_bytes_max", "bytes", {0, 65'507},
        "The largest packet in bytes, in both directions, at least 32; 0 = 1024 on UDP, 250 on a serial line, which is "
        "the most there. Messages that do not fit are left out for the device and counted."),
    device<&MqttsnSettings::peers_max>(
        "peers_max", "devices", {1, 1'000'000},
        "Devices that are remembered, connected or not. At the limit a new device takes the place of the one that was "
        "not heard for longest; if all are connected, the new one is refused."),
    // Topic ids have 16 bits, and a connection gives none twice.
    device<&MqttsnSettings::topics_max>("topics_max", "topics", {1, 60'000},
                                        "Topics that one device may register or be told, beside the predefined ones."),
    device<&MqttsnSettings::session_expiry_s>(
        "session_expiry_s", "s", {0, u32_max},
        "Seconds that subscriptions and messages of a device without CleanSession outlive its connection; at most "
        "limits.session_expiry_max_s."),
    device<&MqttsnSettings::roaming>(
        "roaming", "", {},
        "Whether a sleeping device may wake at another address, as behind a NAT router. Its client id is then all that "
        "somebody else has to know to get its messages."),
    // Such answers go to addresses that anybody may have written into a packet.
    device<&MqttsnSettings::unknown_per_second>(
        "unknown_per_second", "packets", {0, 1'000'000},
        "Packets per second of peers that have not connected which are answered; 0 = unlimited. CONNECT packets of "
        "such peers have a rate of their own, as large. Further packets are ignored."),
    // QoS -1: section 6.8.
    device<&MqttsnSettings::connectionless_user>(
        "connectionless_user", "", {},
        "The user whose rights messages of QoS -1 have: these are published without a connection, to predefined topics "
        "and short names only. \"\" = such messages are dropped."),
    device<&MqttsnSettings::connectionless_per_second>(
        "connectionless_per_second", "messages", {0, 1'000'000},
        "Messages of QoS -1 per second and address; 0 = unlimited. Further ones are dropped."),
};

}  // namespace

std::span<const Option> mqttsn_options() { return mqttsn_rows; }

}  // namespace ledge::config
