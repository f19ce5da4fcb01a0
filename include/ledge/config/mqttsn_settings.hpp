// [listeners.NAME.mqttsn]: a listener for devices that speak MQTT-SN, as plain values. settings.hpp has the listener.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "ledge/base/time.hpp"
#include "ledge/mqttsn/gateway_options.hpp"

namespace ledge::config {

struct MqttsnSettings {
    std::uint8_t gateway_id = mqttsn::GatewayOptions{}.gateway_id;
    std::string multicast;  // udp: address of the group; "" = none
    std::uint16_t advertise_interval_s = mqttsn::GatewayOptions{}.advertise_interval_s;
    Duration retry_interval{};  // 0 = the default of the link
    std::uint8_t retries_max = mqttsn::EndpointOptions{}.retries_max;
    std::uint32_t packet_bytes_max = 0;  // 0 = the default of the link
    std::uint32_t peers_max = mqttsn::GatewayOptions{}.peers_max;
    std::uint16_t topics_max = mqttsn::EndpointOptions{}.topics_max;
    std::uint32_t session_expiry_s = mqttsn::EndpointOptions{}.session_expiry_s;
    bool roaming = mqttsn::GatewayOptions{}.roaming;
    std::uint32_t unknown_per_second = mqttsn::GatewayOptions{}.unknown_per_second;
    std::string connectionless_user;  // "" = no messages of QoS -1
    std::uint32_t connectionless_per_second = mqttsn::GatewayOptions{}.connectionless_per_second;
    std::map<std::uint16_t, std::string> predefined_topics;  // by topic id
    std::string devices_file;                                // path; "" = everybody may connect

    static constexpr std::uint32_t serial_packet_bytes_max = 250;  // of link format v1 (mqttsn/link_framer.hpp)
    Duration retry_interval_of(bool is_serial) const {
        if (retry_interval > Duration::zero()) return retry_interval;
        return is_serial ? Duration(1s) : Duration(10s);
    }
    std::uint32_t packet_bytes_max_of(bool is_serial) const {
        if (packet_bytes_max > 0) return packet_bytes_max;
        return is_serial ? serial_packet_bytes_max : 1024;
    }
    friend bool operator==(const MqttsnSettings&, const MqttsnSettings&) = default;
};

struct ListenerSocket;
/// What `ledgemq check` says about a listener for devices: the end of a sentence without its point.
std::string explain_devices(const ListenerSocket& socket, bool allows_anonymous);

}  // namespace ledge::config
