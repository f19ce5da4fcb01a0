// Parses the text of a key file of devices (ledge/config/devices_file.hpp has its grammar). Stateless.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "ledge/base/result.hpp"
#include "ledge/base/secret.hpp"

namespace ledge::config {

struct DeviceKeys {
    Secret shared;  // the key of all devices; empty = there are lines CLIENT_ID:KEY
    std::map<std::string, Secret, std::less<>> by_client_id;
};

struct KeyFileProblem {
    std::size_t line = 0;  // 0 = the file as a whole
    std::string text;      // never contains a part of a key
};

Result<DeviceKeys, KeyFileProblem> parse_device_keys(std::string_view text);

}  // namespace ledge::config
