// What a table of options cannot do for [listeners.NAME.mqttsn]: topics by their ids, checks, serial ports of this
// machine, and sentences for `ledgemq check`.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "assignment.hpp"
#include "ledge/config/load.hpp"
#include "listener_draft.hpp"

namespace ledge::config {

struct Origin;

inline constexpr std::string_view predefined_topics_name = "mqttsn.predefined_topics";
inline constexpr std::size_t predefined_topics_max = 1000;  // of one listener

/// The part of the key behind listeners.NAME.mqttsn.predefined_topics, with its dot; nullopt = another key.
std::optional<std::string_view> predefined_topics_part(std::string_view key);
/// The name of the listener in such a key.
std::string listener_of_predefined_topics(std::string_view key);
/// Adds a predefined topic; `rest` := "" | "." ID. Returns the mistake, which continues "key '...' "; "" = none.
std::string assign_predefined_topic(MqttsnSettings& settings, const Assignment& assignment, std::string_view rest);

/// Checks the options of one listener that concern MQTT-SN. `prefix`: "listeners.NAME".
void check_mqttsn(const std::string& prefix, const ListenerDraft& draft, const Endpoint& endpoint,
                  const std::map<std::string, std::string>& places, Loaded& loaded);
/// Complains about serial ports that are no ttys, and about ports that two listeners name by different paths. A port
/// that is not there is no mistake: it may be plugged in later.
void check_serial_ports(Loaded& loaded);

/// Appends [listeners.NAME.mqttsn.predefined_topics], if there are any.
void append_predefined_topics(const std::string& listener, const MqttsnSettings& settings, const Origin& all,
                              std::string& out);
/// All predefined topics as keys with their values as TOML.
void flatten_predefined_topics(const std::string& listener, const MqttsnSettings& settings,
                               std::map<std::string, std::string>& out);

}  // namespace ledge::config
