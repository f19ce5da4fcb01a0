// What a peer speaks that has come to the wrong port, told by its first bytes, for the words of a refusal.
#pragma once

#include <string_view>

#include "ledge/base/bytes.hpp"

namespace ledge {

/// "a TLS ClientHello", "an HTTP request", "a PROXY header", "an MQTT CONNECT", "an SSH greeting"; empty: unknown, or
/// too few bytes. Five bytes are enough.
std::string_view protocol_of(Bytes first_bytes);

}  // namespace ledge
