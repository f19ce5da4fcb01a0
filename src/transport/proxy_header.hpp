// The header of the PROXY protocol, version 1 (text) and version 2 (binary). It names the client for whom a proxy has
// opened the connection. The parser is strict: it refuses everything that a proxy by the specification (haproxy.org,
// proxy-protocol.txt) never sends. Any thread.
//
//     v1 := "PROXY " ("TCP4" | "TCP6") " " source " " destination " " port " " port CRLF
//         | "PROXY UNKNOWN" any* CRLF                                        at most 107 bytes
//     v2 := signature:12 0x2_:version 0x_0:LOCAL|0x_1:PROXY family:u8 length:u16be addresses tlv*
//     tlv := type:u8 length:u16be value
#pragma once

#include <cstddef>
#include <cstdint>

#include "ledge/base/bytes.hpp"
#include "ledge/os/address.hpp"

namespace ledge::transport {

struct ProxyHeader {
    enum class Status : std::uint8_t {
        need_more,  // the bytes are the beginning of a header; all of them belong to it
        complete,   // the bytes begin with a complete header
        wrong,      // the bytes are no header
    };

    static constexpr std::size_t v1_bytes_max = 107;
    static constexpr std::size_t v2_fixed_bytes = 16;
    static constexpr std::size_t v2_variable_bytes_max = 2048;  // for the addresses and TLVs of version 2
    static constexpr std::size_t bytes_max = v2_fixed_bytes + v2_variable_bytes_max;

    Status status = Status::need_more;
    std::size_t size = 0;  // if complete: the size of the header in bytes
    /// If complete: the header names a client. False for UNKNOWN, LOCAL and address families other than IP; the proxy
    /// itself is the peer then.
    bool has_source = false;
    os::SocketAddress source{};  // if has_source: the client's address
};
static_assert(ProxyHeader::v1_bytes_max <= ProxyHeader::bytes_max);

ProxyHeader parse_proxy_header(Bytes bytes);

}  // namespace ledge::transport
