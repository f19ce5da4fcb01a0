// LinkFigures: what one listener for MQTT-SN devices tells about itself. link_metrics.hpp has the rows that show it.
#pragma once

#include <cstdint>
#include <string>

#include "ledge/mqttsn/counters.hpp"

namespace ledge::link {

/// Counted by the link, beside the counters of its gateway.
struct LinkCounters {
    std::uint64_t frames = 0;       // packets that came whole
    std::uint64_t bad_crc = 0;      // serial: frames that were damaged on the line
    std::uint64_t too_long = 0;     // frames or datagrams above packet_bytes_max
    std::uint64_t sent = 0;         // packets that the system has taken
    std::uint64_t send_failed = 0;  // packets that the system has refused; they count as lost on the way
    std::uint64_t opened = 0;       // times that the port or socket was opened
};

struct LinkFigures {
    std::string name;
    std::string place;         // "udp://0.0.0.0:1883", "serial:/dev/ttyUSB0"
    bool is_up = false;        // the port or socket is open
    std::string last_problem;  // why it was not open last; "" = it always was
    LinkCounters link;
    mqttsn::Counters gateway;
    std::uint64_t devices = 0;  // that are remembered, connected or not
    std::uint64_t connected = 0;
    std::uint64_t asleep = 0;
};

}  // namespace ledge::link
