// PskFile: the pre-shared keys of a listener, from lines IDENTITY:HEX, as mosquitto's psk_file has them.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/base/bytes.hpp"
#include "ledge/base/result.hpp"

namespace ledge::net {

using PskTable = std::map<std::string, std::vector<Byte>, std::less<>>;

inline constexpr std::size_t psk_identity_bytes_max = 128;
inline constexpr std::size_t psk_bytes_max = 32;  // mbedTLS takes no longer ones
inline constexpr std::size_t psk_bytes_min = 16;  // shorter ones are found by trying

/// Empty lines and lines that begin with '#' are left out. The error names the line, never a key.
Result<PskTable, std::string> parse_psk_file(std::string_view text);

}  // namespace ledge::net
