// The server's side of WebSocket for tests: texts in, texts out, written by hand from RFC 6455.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ledge::uplink {

inline constexpr std::uint8_t ws_more = 0x0;  // the opcode of a continued message
inline constexpr std::uint8_t ws_text = 0x1;
inline constexpr std::uint8_t ws_binary = 0x2;
inline constexpr std::uint8_t ws_close = 0x8;
inline constexpr std::uint8_t ws_ping = 0x9;
inline constexpr std::uint8_t ws_pong = 0xA;

/// The answer 101 to a request. `subprotocol` "" = without one.
std::string ws_accepting(std::string_view request, std::string_view subprotocol = "mqtt");

/// A frame of a server, which is not masked.
std::string ws_frame(std::uint8_t opcode, std::string_view payload, bool is_final = true);
/// The payload of a close frame.
std::string ws_close_payload(std::uint16_t code, std::string_view reason = "");

struct WsFrame {
    std::uint8_t opcode = 0;
    bool is_final = false;
    bool is_masked = false;
    std::string payload;
};
/// Removes a client's frame from the front of `bytes`; nullopt = it is not complete.
std::optional<WsFrame> ws_take_frame(std::string& bytes);

}  // namespace ledge::uplink
