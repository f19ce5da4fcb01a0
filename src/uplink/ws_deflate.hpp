// Compression of WebSocket messages (permessage-deflate, RFC 7692): the offer of a client, and what the server's answer
// agrees to. Stateless; without I/O.
//
// Both directions keep their window across messages, which makes the topics of a bridge short. The memory is bounded:
// the client compresses with a window of client_window_bits, whatever the server allows, and expands with the server's.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ledge/base/result.hpp"

namespace ledge::uplink {

/// Bits of the client's window: 4 KiB, some dozens of messages. 32 KiB would cost 110 KiB more memory.
inline constexpr int client_window_bits = 12;
inline constexpr int memory_level = 5;             // of zlib; with the window above, compression takes 32 KiB
inline constexpr std::size_t smallest_bytes = 32;  // a shorter message is sent as it is: it would become longer

/// The value of Sec-WebSocket-Extensions in the request.
std::string deflate_offer();

/// What the server has agreed to.
struct DeflateAgreement {
    bool server_forgets = false;  // server_no_context_takeover: each message of the server stands alone
    bool client_forgets = false;  // client_no_context_takeover: so does each message of the client
    int server_bits = 15;         // bits of the server's window
    int client_bits = client_window_bits;
};

/// Reads the value of Sec-WebSocket-Extensions in the answer; "" = the answer has no such field. nullopt = without
/// compression. The error says why the connection must fail: the server uses what was not offered (RFC 6455 section
/// 4.1), or answers with parameters that the offer does not allow (RFC 7692 section 5.1).
Result<std::optional<DeflateAgreement>, std::string> read_deflate_answer(std::string_view value, bool is_offered);

/// The agreement as the value of Sec-WebSocket-Extensions.
std::string to_text(const DeflateAgreement& agreement);

}  // namespace ledge::uplink
