// url  := ("mqtt" | "mqtts" | "http" | "https") "://" host [":" port] ["/"]
//       | ("ws" | "wss") "://" host [":" port] [path] | "unix:" path
//       | "udp://" host [":" port] | "serial:" path ["?" part {"&" part}]
// part := "baud=" number | "flow=" ("none" | "rtscts")
// host := IPv4 | "[" IPv6 ["%" zone] "]" | "localhost"; for the authentication hook and bridges also a host name
#include "listener_url.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "assignment.hpp"
#include "ledge/base/assert.hpp"
#include "ledge/base/ip_text.hpp"
#include "ledge/base/quote.hpp"
#include "ledge/os/address.hpp"
#include "ledge/os/baud.hpp"
#include "nearest.hpp"

namespace ledge::config {
namespace {

using Parsed = Result<Endpoint, std::string>;

constexpr std::string_view shape =
    "use mqtt://HOST:PORT, for example mqtt://0.0.0.0:1883, mqtts://HOST:PORT, ws://HOST:PORT/PATH, wss://, "
    "unix:PATH, or for MQTT-SN devices udp://HOST:PORT or serial:PATH";
constexpr std::string_view admin_shape =
    "use http://HOST:PORT, for example http://127.0.0.1:9883, https://HOST:PORT, or none";

/// A scheme of a URL, and what it means for the listener.
struct Scheme {
    std::string_view start;
    Endpoint::Protocol protocol;
    bool is_tls;
    std::uint16_t port;  // the default port
    std::string_view example;
};

// The default ports are those that IANA has assigned: 1883 and 8883 for MQTT, 80 and 443 for HTTP and WebSocket (RFC
// 6455 section 3).
constexpr Scheme schemes[] = {
    {"mqtt://", Endpoint::Protocol::mqtt, false, 1883, "mqtt://[::1]:1883"},
    {"mqtts://", Endpoint::Protocol::mqtt, true, 8883, "mqtts://[::1]:8883"},
    {"ws://", Endpoint::Protocol::websocket, false, 80, "ws://[::1]:8080/mqtt"},
    {"wss://", Endpoint::Protocol::websocket, true, 443, "wss://[::1]:8443/mqtt"},
    {"http://", Endpoint::Protocol::http, false, 80, "http://[::1]:9883"},
    {"https://", Endpoint::Protocol::http, true, 443, "https://[::1]:9883"},
    {"udp://", Endpoint::Protocol::mqttsn, false, 1883, "udp://[::1]:1883"},
};

/// An IPv6 address, also with a zone ("%eth0"), which names the interface of a link-local address.
bool is_ipv6(std::string_view text) {
    const std::size_t percent = text.find('%');
    if (percent != std::string_view::npos) {
        const std::string_view zone = text.substr(percent + 1);
        // The name of an interface has at most 15 characters (IFNAMSIZ).
        const bool is_zone = !zone.empty() && zone.size() < 16 && std::all_of(zone.begin(), zone.end(), [](char c) {
            return is_bare_key({&c, 1}) || c == '.';
        });
        if (!is_zone) return false;
    }
    // Without a zone `percent` is npos, and substr() takes the whole text.
    return parse_ipv6(text.substr(0, percent)).has_value();
}

/// ::1 is the only loopback address of IPv6 (RFC 4291 section 2.5.3).
bool is_loopback_ipv6(const std::string& text) {
    constexpr IpAddress loopback{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    return parse_ipv6(text) == loopback;
}

/// A decimal number from 0 to 65535 and nothing else. Port 0 lets the system choose a port, as tests do.
std::optional<std::uint16_t> parse_port(std::string_view text) {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    // from_chars() accepts no sign and no blank here, and reports a number above 65535 as an error.
    if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
    return port;
}

/// The part behind "unix:". A path has no escapes: it is the name of a file, as the system takes it.
Parsed parse_unix(std::string_view path) {
    if (path.empty()) return Failure{std::string("no path after 'unix:'")};
    // sun_path has 108 bytes, and the last one is the zero byte (unix(7)).
    if (path.size() > os::SocketAddress::unix_path_bytes_max) {
        return Failure{"the path is longer than " + std::to_string(os::SocketAddress::unix_path_bytes_max) +
                       " bytes, the system's limit "
                       "for the path of a socket"};
    }
    // The system would end the path at the zero byte, and so bind another file than the one that was checked.
    if (path.find('\0') != std::string_view::npos) return Failure{std::string("the path contains a zero byte")};
    Endpoint endpoint;
    endpoint.kind = Endpoint::Kind::unix_socket;
    endpoint.path = path;
    endpoint.is_local = true;
    return endpoint;
}

/// One part of the query of a serial line: baud=NUMBER or flow=WORD. Returns the mistake; "" = none.
std::string read_serial_part(std::string_view part, Endpoint& endpoint) {
    if (part.starts_with("baud=")) {
        const std::string_view digits = part.substr(5);
        std::uint32_t baud = 0;
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), baud);
        const bool is_number = error == std::errc() && end == digits.data() + digits.size();
        if (!is_number || !os::is_baud(baud))
            return quoted(digits) + " is no speed that the system knows; use one of " + os::all_bauds();
        endpoint.baud = baud;
        return {};
    }
    endpoint.has_rtscts = part == "flow=rtscts";
    if (endpoint.has_rtscts || part == "flow=none") return {};
    return quoted(part) + " is unknown; baud=NUMBER and flow=rtscts may follow the path, separated by &";
}

/// The part behind "serial:" := path ["?" part {"&" part}].
Parsed parse_serial(std::string_view rest) {
    const std::size_t question = std::min(rest.find('?'), rest.size());
    Endpoint endpoint;
    endpoint.kind = Endpoint::Kind::serial;
    endpoint.protocol = Endpoint::Protocol::mqttsn;
    endpoint.path = rest.substr(0, question);
    endpoint.is_local = true;  // a line of this machine
    endpoint.baud = 115200;
    if (!endpoint.path.starts_with('/') || endpoint.path.find('\0') != std::string::npos)
        return Failure{
            std::string("a serial line is named by its whole path, for example "
                        "serial:/dev/serial/by-id/usb-FTDI_FT232R-if00-port0?baud=115200")};
    std::string_view query = rest.substr(std::min(question + 1, rest.size()));
    while (!query.empty()) {
        const std::size_t end = std::min(query.find('&'), query.size());
        std::string problem = read_serial_part(query.substr(0, end), endpoint);
        if (!problem.empty()) return Failure{std::move(problem)};
        query.remove_prefix(std::min(end + 1, query.size()));
    }
    return endpoint;
}

/// The path of WebSocket requests. It may have only characters that need no escape; nullopt: it has other ones. ""
/// and "/" both mean any path, and the result is "".
std::optional<std::string> resource_of(std::string_view path) {
    if (path == "/") path = {};
    // The unreserved characters of RFC 3986 section 2.3, and '/'.
    const bool is_plain = path.size() <= resource_bytes_max && std::all_of(path.begin(), path.end(), [](char c) {
                              return is_bare_key({&c, 1}) || c == '/' || c == '.' || c == '~';
                          });
    return is_plain ? std::optional(std::string(path)) : std::nullopt;
}

struct Host {
    std::string text;
    bool is_bracketed = false;  // an IPv6 address
};

/// Removes the host from the front of `rest`. ":PORT" or nothing remains.
Result<Host, std::string> split_host(std::string_view& rest) {
    Host host;
    host.is_bracketed = rest.starts_with('[');
    // An IPv6 address contains colons, so its end is the bracket. Any other host ends at the colon of the port.
    const std::size_t end = host.is_bracketed ? rest.find(']') : std::min(rest.find(':'), rest.size());
    if (end == std::string_view::npos) return Failure{std::string("']' is missing after the IPv6 address")};
    host.text = host.is_bracketed ? rest.substr(1, end - 1) : rest.substr(0, end);
    rest.remove_prefix(host.is_bracketed ? end + 1 : end);
    return host;
}

/// The port in `rest`, or the default port of the scheme.
Result<std::uint16_t, std::string> port_of(const Scheme& scheme, const Host& host, std::string_view rest) {
    if (rest.empty()) return scheme.port;
    // A second colon means an IPv6 address without brackets, whose last part must not be taken for a port.
    if (rest.rfind(':') != 0) {
        return Failure{host.is_bracketed ? "only :PORT may follow the address; " + std::string(shape)
                                         : "an IPv6 address is written in brackets: " + std::string(scheme.example)};
    }
    const auto port = parse_port(rest.substr(1));
    if (!port) return Failure{quoted(rest.substr(1)) + " is not a port: use 0 to 65535"};
    return *port;
}

/// True for fe80::/10 (RFC 4291 section 2.5.6). Every interface has such an address, so the address alone does not
/// name a machine.
bool is_link_local(const std::string& text) {
    constexpr Network link_local{{0xFE, 0x80}, 10};
    const auto address = parse_ipv6(text);
    return address && link_local.contains(*address);
}

/// The mistake in the host, "" if there is none. Replaces localhost by 127.0.0.1.
std::string check_host(Host& host) {
    // No look-up: its answer could be ::1 on one machine and 127.0.0.1 on the next.
    if (host.text == "localhost" && !host.is_bracketed) host.text = "127.0.0.1";
    if (host.is_bracketed && is_link_local(host.text))
        return quoted(host.text) + " is a link-local address, which names no machine without its interface; write [" +
               host.text + "%eth0] with the name of the interface (ip address shows them)";
    // Host names are refused, because a gateway that boots without a network would listen elsewhere (README).
    const bool is_address = host.is_bracketed ? is_ipv6(host.text) : parse_ipv4(host.text).has_value();
    if (is_address) return {};
    return quoted(host.text) + (host.is_bracketed
                                    ? " is not an IPv6 address"
                                    : " is not an IPv4 address or localhost; for every interface use [::]");
}

/// True for a host name (RFC 1123 section 2.1), also with '_', which is common although the RFC does not allow it. A
/// name whose last label is a number is refused, because it is probably a mistyped address.
bool is_host_name(std::string_view text) {
    constexpr std::size_t name_bytes_max = 253;
    constexpr std::size_t label_bytes_max = 63;
    if (text.size() > name_bytes_max) return false;
    while (true) {
        const std::size_t dot = text.find('.');
        const std::string_view label = text.substr(0, dot);
        // A label has at most 63 characters (RFC 1035 section 2.3.4) and does not begin with a hyphen (RFC 952).
        if (!is_bare_key(label) || label.size() > label_bytes_max || label.front() == '-') return false;
        if (dot == std::string_view::npos)
            return !std::ranges::all_of(label, [](char c) { return c >= '0' && c <= '9'; });
        text.remove_prefix(dot + 1);
    }
}

/// The part behind "SCHEME://": host, port, and for WebSocket a path.
Parsed parse_tcp(const Scheme& scheme, std::string_view rest) {
    Endpoint endpoint;
    endpoint.protocol = scheme.protocol;
    endpoint.is_tls = scheme.is_tls;
    if (scheme.protocol == Endpoint::Protocol::mqttsn) endpoint.kind = Endpoint::Kind::udp;
    if (scheme.protocol == Endpoint::Protocol::websocket) {
        const std::size_t slash = std::min(rest.find('/'), rest.size());
        // The path comes first, because what remains must be host and port only.
        auto resource = resource_of(rest.substr(slash));
        if (!resource)
            return Failure{std::string("the path has letters, digits and -_.~/ only, at most 256 characters")};
        endpoint.resource = std::move(*resource);
        rest = rest.substr(0, slash);
    } else if (rest.ends_with('/')) {
        // Many programs add "/" to a url without a path.
        rest.remove_suffix(1);
    }
    // Passwords in URLs end up in logs and process lists, so "user@host" is refused instead of ignored.
    if (rest.find_first_of("/?#@") != std::string_view::npos)
        return Failure{"nothing may follow the port, and no user name may stand before the host; " +
                       std::string(shape)};
    auto host = split_host(rest);
    if (!host) return Failure{host.error()};
    const auto port = port_of(scheme, host.value(), rest);
    if (!port) return Failure{port.error()};
    if (std::string wrong = check_host(host.value()); !wrong.empty()) return Failure{std::move(wrong)};
    endpoint.port = port.value();
    // All of 127.0.0.0/8 stays on this machine (RFC 1122 section 3.2.1.3), not only 127.0.0.1.
    endpoint.is_local = host->is_bracketed ? is_loopback_ipv6(host->text) : host->text.starts_with("127.");
    endpoint.host = std::move(host->text);
    return endpoint;
}

/// The address of a server that the broker connects to. `url` begins with the start of the scheme; `server_shape` says
/// in complaints what would be right. Endpoint::resource is the path as it is written, "" = none.
Parsed parse_server(const Scheme& scheme, std::string_view url, std::string_view server_shape) {
    LEDGE_ASSERT(url.starts_with(scheme.start));
    // The path is sent to the server as it is, in the first line of the request, so it must not have blanks or line
    // ends.
    const std::string_view path = url.substr(std::min(url.find('/', scheme.start.size()), url.size()));
    const bool is_path = path.size() <= resource_bytes_max && path.find('#') == std::string_view::npos &&
                         std::all_of(path.begin(), path.end(), [](char c) { return c > ' ' && c < 0x7F; });
    if (!is_path) return Failure{std::string("the path may have at most 256 visible ASCII characters, and no #")};
    std::string_view rest = url.substr(scheme.start.size(), url.size() - scheme.start.size() - path.size());
    auto host = split_host(rest);
    if (!host) return Failure{host.error()};
    const auto port = port_of(scheme, host.value(), rest);
    // Port 0 names no program to connect to.
    if (!port || port.value() == 0) return Failure{"the port is wrong; " + std::string(server_shape)};
    // Unlike a listener, a server may have a host name.
    const bool is_named = !host->is_bracketed && is_host_name(host->text);
    if (!is_named && !check_host(host.value()).empty())
        return Failure{quoted(host->text) + " is neither a name nor an address of a host; " +
                       std::string(server_shape)};
    Endpoint endpoint;
    endpoint.protocol = scheme.protocol;
    endpoint.is_tls = scheme.is_tls;
    endpoint.port = port.value();
    endpoint.is_local = is_named             ? host->text == "localhost"
                        : host->is_bracketed ? is_loopback_ipv6(host->text)
                                             : host->text.starts_with("127.");
    endpoint.host = std::move(host->text);
    endpoint.resource = path;
    return endpoint;
}

/// True: all bits after the prefix are 0.
bool is_first_of(const Network& network) {
    LEDGE_ASSERT(network.prefix_bits <= ip_address_bits);
    IpAddress address = network.address;
    for (unsigned bit = network.prefix_bits; bit < ip_address_bits; ++bit) {
        // Bit 0 is the highest bit of the first byte (network byte order).
        if ((address[bit / 8U] & (0x80U >> bit % 8U)) != 0) return false;
    }
    return true;
}

}  // namespace

Parsed parse_listener_url(std::string_view url) {
    if (url.starts_with("unix:")) return parse_unix(url.substr(5));
    if (url.starts_with("serial:")) return parse_serial(url.substr(7));
    for (const Scheme& scheme : schemes) {
        if (!url.starts_with(scheme.start)) continue;
        // The pages for operators are not MQTT, and they never share a port with clients.
        if (scheme.protocol == Endpoint::Protocol::http)
            return Failure{"pages for operators have a separate listener: [admin] url; " + std::string(shape)};
        return parse_tcp(scheme, url.substr(scheme.start.size()));
    }
    return Failure{"not a listener address; " + std::string(shape)};
}

Parsed parse_admin_url(std::string_view url) {
    for (const Scheme& scheme : schemes) {
        if (scheme.protocol == Endpoint::Protocol::http && url.starts_with(scheme.start))
            return parse_tcp(scheme, url.substr(scheme.start.size()));
    }
    return Failure{"not an address for pages; " + std::string(admin_shape)};
}

Parsed parse_hook_url(std::string_view url) {
    constexpr std::string_view hook_shape =
        "use https://HOST:PORT/PATH, for example https://login.example.org/mqtt or http://127.0.0.1:8000/login, or "
        "none";
    // The hook is asked by HTTP, so no other scheme of the table is allowed.
    const auto scheme = std::ranges::find_if(schemes, [&](const Scheme& one) {
        return one.protocol == Endpoint::Protocol::http && url.starts_with(one.start);
    });
    if (scheme == std::end(schemes)) return Failure{"not the address of a hook; " + std::string(hook_shape)};
    auto endpoint = parse_server(*scheme, url, hook_shape);
    // A request always has a path: "/" stands for an empty one (RFC 9112 section 3.2.1).
    if (endpoint && endpoint->resource.empty()) endpoint->resource = "/";
    return endpoint;
}

Parsed parse_bridge_url(std::string_view url) {
    constexpr std::string_view bridge_shape =
        "use mqtts://HOST:PORT, for example mqtts://broker.example:8883, mqtt://HOST:PORT, wss://HOST:PORT/PATH or "
        "ws://HOST:PORT/PATH";
    const auto scheme = std::ranges::find_if(schemes, [&](const Scheme& one) {
        const bool is_mqtt = one.protocol == Endpoint::Protocol::mqtt || one.protocol == Endpoint::Protocol::websocket;
        return is_mqtt && url.starts_with(one.start);
    });
    if (scheme == std::end(schemes)) return Failure{"not the address of a broker; " + std::string(bridge_shape)};
    const std::string_view rest = url.substr(scheme->start.size());
    if (rest.substr(0, rest.find('/')).find('@') != std::string_view::npos)
        return Failure{
            std::string("a url has no user name and no password, because urls are logged; use the keys user "
                        "and password_file")};
    auto endpoint = parse_server(*scheme, url, bridge_shape);
    if (!endpoint) return endpoint;
    std::string& path = endpoint->resource;
    if (scheme->protocol == Endpoint::Protocol::websocket) {
        if (path.empty()) path = "/mqtt";  // the path that most brokers serve
        return endpoint;
    }
    if (path.size() > 1) return Failure{"only ws:// and wss:// have a path; remove " + quoted(path)};
    path.clear();
    return endpoint;
}

Result<Network, std::string> parse_network(std::string_view text) {
    const std::size_t slash = std::min(text.find('/'), text.size());
    const std::string host(text.substr(0, slash));
    const auto address = parse_ip(host);
    if (!address || host.find('\0') != std::string::npos)
        return Failure{quoted(text) + " is not a network; write 10.0.0.0/8, 2001:db8::/32 or one address"};
    // Without a prefix the text names one address, so all bits count.
    Network network{*address, ip_address_bits};
    if (slash < text.size()) {
        const bool is_ipv4 = host.find(':') == std::string::npos;
        // An IPv4 address has 32 bits, an IPv6 address 128.
        const unsigned bits_max = is_ipv4 ? ip_address_bits - mapped_prefix_bits : ip_address_bits;
        // parse_port() reads a plain decimal number, which is the form of a prefix too.
        const auto bits = parse_port(text.substr(slash + 1));
        if (!bits || *bits > bits_max)
            return Failure{quoted(text) + " has no prefix of 0 to " + std::to_string(bits_max) + " bits"};
        // An IPv4 network is stored as an IPv6 network of mapped addresses, whose prefix is 96 bits longer.
        network.prefix_bits = static_cast<std::uint8_t>(*bits + (is_ipv4 ? mapped_prefix_bits : 0));
    }
    // 10.0.0.1/8 is probably a slip: either the address or the prefix is wrong, and a guess could let strangers in.
    if (!is_first_of(network)) return Failure{quoted(text) + " has bits set beyond its prefix; set them to 0"};
    return network;
}

}  // namespace ledge::config
