// Parses the header of the PROXY protocol, versions 1 (text) and 2 (binary). Source: proxy-protocol.txt of HAProxy.
#include "proxy_header.hpp"
#include "ledge/base/assert.hpp"
#include "ledge/base/ip_text.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>

namespace ledge::transport {
namespace {

using Status = ProxyHeader::Status;

constexpr std::string_view v1_start = "PROXY ";
constexpr std::string_view v2_signature{"\r\n\r\n\0\r\nQUIT\n", 12};

const ProxyHeader wrong{Status::wrong, 0, false, {}};

// ---------------------------------------------------------------------------------------------------------------------
// Version 1

/// Removes the next word from a line whose words are separated by one space each, and returns it; nullopt when there is
/// no further word.
std::optional<std::string_view> next_word(std::string_view& line) {
    const std::size_t space = std::min(line.find(' '), line.size());
    if (space == 0) return std::nullopt;
    const std::string_view word = line.substr(0, space);
    line.remove_prefix(std::min(space + 1, line.size()));
    return word;
}

/// A port in decimal digits without leading zeros; nullopt for everything else.
std::optional<std::uint16_t> port_of(std::string_view word) {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), port);
    if (error != std::errc() || end != word.data() + word.size()) return std::nullopt;
    if (word.size() > 1 && word.front() == '0') return std::nullopt;
    return port;
}

std::optional<os::SocketAddress> address_of(std::string_view word, bool is_ipv6, std::uint16_t port) {
    const auto ip = is_ipv6 ? parse_ipv6(word) : parse_ipv4(word);
    if (!ip) return std::nullopt;
    return os::SocketAddress(*ip, port);
}

/// Parses a header of version 1 from `text`, which begins with v1_start.
ProxyHeader parse_v1(std::string_view text) {
    LEDGE_ASSERT(text.starts_with(v1_start));
    const std::size_t end = text.substr(0, ProxyHeader::v1_bytes_max).find("\r\n");
    // A line of version 1 has at most 107 bytes with CR LF. Waiting for more would let a peer send without end.
    if (end == std::string_view::npos) return text.size() < ProxyHeader::v1_bytes_max ? ProxyHeader{} : wrong;
    ProxyHeader header;
    header.status = Status::complete;
    header.size = end + 2;
    std::string_view line = text.substr(v1_start.size(), end - v1_start.size());
    const auto family = next_word(line);
    if (family == "UNKNOWN") return header;  // the rest of the line has no meaning
    const bool is_ipv6 = family == "TCP6";
    if (!is_ipv6 && family != "TCP4") return wrong;
    const auto source = next_word(line);
    const auto destination = next_word(line);
    const auto source_port = port_of(next_word(line).value_or(""));
    const auto destination_port = port_of(line);
    if (!source || !destination || !source_port || !destination_port) return wrong;
    const auto address = address_of(*source, is_ipv6, *source_port);
    // The destination is not used, but a header that is wrong in one part is not trusted in another.
    if (!address || !address_of(*destination, is_ipv6, *destination_port)) return wrong;
    header.has_source = true;
    header.source = *address;
    return header;
}

// ---------------------------------------------------------------------------------------------------------------------
// Version 2

/// A number of two bytes in network byte order.
std::uint16_t u16_of(Bytes bytes) {
    LEDGE_ASSERT(bytes.size() >= 2);
    return static_cast<std::uint16_t>(bytes[0] << 8U | bytes[1]);
}

/// True when the bytes are a sequence of complete TLVs.
bool are_tlvs(Bytes bytes) {
    while (!bytes.empty()) {
        // tlv := type:u8 length:u16 value
        if (bytes.size() < 3) return false;
        const std::size_t size = 3U + u16_of(bytes.subspan(1));
        if (bytes.size() < size) return false;
        bytes = bytes.subspan(size);
    }
    return true;
}

enum Family : Byte { unspecified = 0x00, tcp4 = 0x11, tcp6 = 0x21, unix_stream = 0x31 };

/// The size of both addresses and ports in bytes; nullopt for a family that streams do not have.
std::optional<std::size_t> address_bytes(Byte family) {
    switch (family) {
        case unspecified: return 0;
        case tcp4: return 12;
        case tcp6: return 36;
        case unix_stream: return 216;
        default: return std::nullopt;
    }
}

ProxyHeader parse_v2(Bytes bytes) {
    if (bytes.size() < ProxyHeader::v2_fixed_bytes) return {};
    // v2 := signature:12 version_command:u8 family:u8 length:u16 addresses tlv*
    const Byte command = bytes[12];
    const Byte family = bytes[13];
    const std::size_t variable = u16_of(bytes.subspan(14));
    const bool is_local = command == 0x20;
    if (!is_local && command != 0x21) return wrong;
    // Checked before the bytes have come: the announced length must not make the front wait for 64 KiB.
    if (variable > ProxyHeader::v2_variable_bytes_max) return wrong;
    if (bytes.size() < ProxyHeader::v2_fixed_bytes + variable) return {};
    ProxyHeader header;
    header.status = Status::complete;
    header.size = ProxyHeader::v2_fixed_bytes + variable;
    if (is_local) return header;  // the proxy's own connection, such as a health check; the addresses have no meaning
    const Bytes rest = bytes.subspan(ProxyHeader::v2_fixed_bytes, variable);
    const auto addresses = address_bytes(family);
    if (!addresses || rest.size() < *addresses || !are_tlvs(rest.subspan(*addresses))) return wrong;
    header.has_source = family == tcp4 || family == tcp6;
    if (family == tcp4) {
        // source:4 destination:4 source_port:u16 destination_port:u16
        header.source = os::SocketAddress(mapped_ipv4(rest.first<4>()), u16_of(rest.subspan(8)));
    } else if (family == tcp6) {
        // source:16 destination:16 source_port:u16 destination_port:u16
        IpAddress six{};
        std::copy_n(rest.begin(), six.size(), six.begin());
        header.source = os::SocketAddress(six, u16_of(rest.subspan(32)));
    }
    return header;
}

}  // namespace

ProxyHeader parse_proxy_header(Bytes bytes) {
    const std::string_view text = as_text(bytes);
    // True while the bytes so far agree with `start`. A foreign protocol is refused at its first byte that differs.
    const auto may_become = [&](std::string_view start) {
        return text.substr(0, start.size()) == start.substr(0, text.size());
    };
    if (may_become(v1_start)) return text.size() < v1_start.size() ? ProxyHeader{} : parse_v1(text);
    if (may_become(v2_signature)) return text.size() < v2_signature.size() ? ProxyHeader{} : parse_v2(bytes);
    return wrong;
}

}  // namespace ledge::transport
