// Recognises the protocol of a peer by the first bytes that the peer sends. The text of a refusal names this protocol
// when the peer has connected to the wrong port. Stateless.
#pragma once

#include <string_view>

#include "ledge/base/bytes.hpp"

namespace ledge {

/// Returns "a TLS ClientHello", "an HTTP request", "a PROXY header", "an MQTT CONNECT" or "an SSH greeting". Returns an
/// empty text when the protocol is unknown or the bytes are too few. Five bytes are always enough.
std::string_view protocol_of(Bytes first_bytes);

}  // namespace ledge
