#include "ws_script.hpp"

#include <doctest/doctest.h>

#include <boost/beast/websocket/detail/hybi13.hpp>

namespace ledge::uplink {
namespace {

std::size_t length_at(std::string_view bytes, std::size_t at, std::size_t size) {
    std::size_t length = 0;
    for (std::size_t i = 0; i < size; ++i) length = length << 8U | static_cast<std::uint8_t>(bytes[at + i]);
    return length;
}

}  // namespace

std::string ws_accepting(std::string_view request, std::string_view subprotocol) {
    constexpr std::string_view field = "Sec-WebSocket-Key: ";
    const std::size_t at = request.find(field);
    REQUIRE(at != std::string_view::npos);
    const std::string_view rest = request.substr(at + field.size());
    const std::string_view key = rest.substr(0, rest.find("\r\n"));
    boost::beast::websocket::detail::sec_ws_accept_type accept;
    boost::beast::websocket::detail::make_sec_ws_accept(accept, {key.data(), key.size()});
    std::string answer =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ";
    answer.append(accept.data(), accept.size());
    if (!subprotocol.empty()) answer.append("\r\nSec-WebSocket-Protocol: ").append(subprotocol);
    return answer + "\r\n\r\n";
}

std::string ws_frame(std::uint8_t opcode, std::string_view payload, bool is_final) {
    std::string frame(1, static_cast<char>((is_final ? 0x80U : 0U) | opcode));
    std::size_t length_bytes = 0;
    if (payload.size() < 126) {
        frame += static_cast<char>(payload.size());
    } else {
        length_bytes = payload.size() <= 0xFFFF ? 2 : 8;
        frame += static_cast<char>(length_bytes == 2 ? 126 : 127);
    }
    for (std::size_t i = length_bytes; i > 0; --i) frame += static_cast<char>(payload.size() >> 8U * (i - 1) & 0xFFU);
    return frame.append(payload);
}

std::string ws_close_payload(std::uint16_t code, std::string_view reason) {
    return std::string{static_cast<char>(code >> 8U), static_cast<char>(code & 0xFFU)}.append(reason);
}

std::optional<WsFrame> ws_take_frame(std::string& bytes) {
    if (bytes.size() < 2) return std::nullopt;
    const auto first = static_cast<std::uint8_t>(bytes[0]);
    const auto second = static_cast<std::uint8_t>(bytes[1]);
    WsFrame frame;
    frame.is_final = (first & 0x80U) != 0;
    frame.opcode = first & 0x7FU;  // with the reserved bits, which must be 0
    frame.is_masked = (second & 0x80U) != 0;
    std::size_t length = second & 0x7FU;
    const std::size_t length_bytes = length < 126 ? 0 : length == 126 ? 2 : 8;
    const std::size_t mask_at = 2 + length_bytes;
    const std::size_t payload_at = mask_at + (frame.is_masked ? 4 : 0);
    if (bytes.size() < payload_at) return std::nullopt;
    if (length_bytes > 0) length = length_at(bytes, 2, length_bytes);
    if (bytes.size() - payload_at < length) return std::nullopt;
    frame.payload = bytes.substr(payload_at, length);
    for (std::size_t i = 0; frame.is_masked && i < length; ++i)
        frame.payload[i] = static_cast<char>(frame.payload[i] ^ bytes[mask_at + i % 4]);
    bytes.erase(0, payload_at + length);
    return frame;
}

}  // namespace ledge::uplink
