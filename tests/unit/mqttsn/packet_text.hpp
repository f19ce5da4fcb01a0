// Packets of MQTT-SN as bytes and as text, for tests: "PUBLISH n5 on q1#3 dup", "REGACK 5 #1", "CONNACK congestion".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ledge/mqttsn/messages.hpp"

namespace ledge::mqttsn {

/// Encodes into memory of exactly encoded_size() bytes and demands that all of it is used.
std::vector<Byte> encoded(const Message& message);
/// "0a 04 04 01" as bytes.
std::vector<Byte> bytes_of(std::string_view hex);
std::string hex_of(Bytes bytes);
/// The text of one packet; for a packet that decode() refuses, "bad: " and the rule.
std::string text_of_packet(Bytes packet);
std::string text_of_message(const Message& message);

/// Adds `one` to a list whose elements are separated by " | ".
void join(std::string& all, std::string_view one);

}  // namespace ledge::mqttsn
