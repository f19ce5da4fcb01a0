// LinkOptions: plain values of one listener for MQTT-SN devices. daemon/links.cpp fills them from the configuration.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "ledge/link/serial_port.hpp"
#include "ledge/mqttsn/device_table.hpp"
#include "ledge/mqttsn/gateway_options.hpp"
#include "ledge/mqttsn/predefined_topics.hpp"

namespace ledge::link {

struct UdpAddress {
    std::string host;           // an IPv4 or IPv6 address; "::" and "0.0.0.0" stand for all of this machine
    std::uint16_t port = 0;     // 0 = the system chooses
    bool is_ipv6_only = false;  // "::" without IPv4
    std::string multicast;      // address of the group for ADVERTISE and SEARCHGW; "" = none
};

struct LinkOptions {
    std::string name;            // of the listener
    std::uint16_t listener = 0;  // its index in ShardOptions::listeners
    std::variant<UdpAddress, SerialLine> place;
    std::string user;                 // user of all devices; "" = anonymous, if the listener admits such clients
    std::string connectionless_user;  // user of messages of QoS -1
    mqttsn::GatewayOptions gateway;
    mqttsn::PredefinedTopics predefined;
    mqttsn::DeviceTable devices;  // of the devices file; without one, everybody may connect
    std::string counters_file;    // of devices with a key; "" = there are none
};

}  // namespace ledge::link
