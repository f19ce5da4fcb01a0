// PskFile: parses the pre-shared keys of a listener. The file has lines IDENTITY:HEX, as mosquitto's psk_file.
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
inline constexpr std::size_t psk_bytes_max = 32;  // mbedTLS accepts no longer keys
inline constexpr std::size_t psk_bytes_min = 16;  // shorter keys can be found by trying all of them
static_assert(psk_bytes_min <= psk_bytes_max);

/// Parses the content of the file. Empty lines and lines that begin with '#' are ignored. The error names the line and
/// never contains a key.
Result<PskTable, std::string> parse_psk_file(std::string_view text);

}  // namespace ledge::net
