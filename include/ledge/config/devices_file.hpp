// The devices file of a listener for MQTT-SN devices, in TOML, and the files with keys that it names.
//
//   counters_file = PATH               written by the broker; required if a device has a key
//   [[devices]]
//   client_id = "meter-*"              a client id, or all that begin with the text before `*`; the most exact counts
//   user = NAME                        of the device's sessions; left out: the user of the listener
//   key_file = PATH                    see below; left out: the device sends without envelopes
//   messages_per_second_max = NUMBER   0 or left out: unlimited
//   [devices.predefined_topics]
//   1 = "plant/meter/%c/kwh"           %c stands for the client id
//
//   key_file := one key, for all devices of the entry, or lines CLIENT_ID:KEY; also empty lines and `#` comments
//   key      := 64 hexadecimal digits (openssl rand -hex 32)
//
// With lines CLIENT_ID:KEY an entry with `*` admits only the client ids that have a line.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ledge/config/sources.hpp"
#include "ledge/mqttsn/device_table.hpp"

namespace ledge::config {

struct Devices {
    mqttsn::DeviceTable table;          // valid only if ok()
    std::string counters_file;          // "" = no device has a key
    std::vector<std::string> files;     // that were read, also those that could not be read; to be watched
    std::vector<Complaint> complaints;  // at most complaints_max
    std::vector<std::string> notes;

    bool ok() const { return complaints.empty(); }
};

inline constexpr std::size_t devices_max = 100'000;  // of one file, lines of key files included

/// Reads the file and its key files. May wait for the disk; any thread may call it.
Devices read_devices_file(const std::string& path);

}  // namespace ledge::config
