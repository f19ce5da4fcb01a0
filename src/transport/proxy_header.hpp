// The PROXY protocol's header, version 1 (text) and 2 (binary): who the peer behind a proxy is. Strict: what a proxy
// that follows the specification (haproxy.org, proxy-protocol.txt) never sends is refused.
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
        need_more,  // so far it is one; all bytes are part of it
        complete,
        wrong,
    };

    static constexpr std::size_t v1_bytes_max = 107;
    static constexpr std::size_t v2_fixed_bytes = 16;
    static constexpr std::size_t v2_variable_bytes_max = 2048;  // addresses and TLVs
    static constexpr std::size_t bytes_max = v2_fixed_bytes + v2_variable_bytes_max;

    Status status = Status::need_more;
    std::size_t size = 0;     // with complete: bytes of the header
    bool has_source = false;  // with complete; false: UNKNOWN, LOCAL, or a family that is no IP: the peer is the proxy
    os::SocketAddress source{};  // with has_source
};

ProxyHeader parse_proxy_header(Bytes bytes);

}  // namespace ledge::transport
