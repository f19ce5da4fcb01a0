// url  := "mqtt://" host [":" port] ["/"] | "unix:" path
// host := IPv4 | "[" IPv6 ["%" zone] "]" | "localhost"
#include "listener_url.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "assignment.hpp"
#include "nearest.hpp"

namespace ledge::config {
namespace {

using Parsed = Result<Endpoint, std::string>;

constexpr std::string_view shape = "use mqtt://HOST:PORT, for example mqtt://0.0.0.0:1883, or unix:PATH";

bool is_ipv4(const std::string& text) {
    in_addr address{};
    return inet_pton(AF_INET, text.c_str(), &address) == 1;
}

/// The zone ("%eth0") belongs to link-local addresses.
bool is_ipv6(std::string_view text) {
    const std::size_t percent = text.find('%');
    if (percent != std::string_view::npos) {
        const std::string_view zone = text.substr(percent + 1);
        const bool is_zone = !zone.empty() && zone.size() < 16 && std::all_of(zone.begin(), zone.end(), [](char c) {
            return is_bare_key({&c, 1}) || c == '.';
        });
        if (!is_zone) return false;
    }
    in6_addr address{};
    return inet_pton(AF_INET6, std::string(text.substr(0, percent)).c_str(), &address) == 1;
}

bool is_loopback_ipv6(const std::string& text) {
    in6_addr address{};
    if (inet_pton(AF_INET6, text.c_str(), &address) != 1) return false;
    std::array<std::uint8_t, 16> loopback{};
    loopback.back() = 1;
    return std::equal(loopback.begin(), loopback.end(), std::begin(address.s6_addr));
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
    return port;
}

Parsed parse_unix(std::string_view path) {
    if (path.empty()) return Failure{std::string("no path after 'unix:'")};
    if (path.size() > socket_path_bytes_max) {
        return Failure{"the path is longer than " + std::to_string(socket_path_bytes_max) +
                       " bytes, which is what the "
                       "system takes for a socket"};
    }
    if (path.find('\0') != std::string_view::npos) return Failure{std::string("the path contains a zero byte")};
    return Endpoint{Endpoint::Kind::unix_socket, "", 0, std::string(path), true};
}

Parsed parse_tcp(std::string_view rest) {
    if (rest.ends_with('/')) rest.remove_suffix(1);
    if (rest.find_first_of("/?#@") != std::string_view::npos) {
        return Failure{"nothing may follow the port, and no user precede the host; " + std::string(shape)};
    }
    std::string host;
    bool is_bracketed = false;
    if (rest.starts_with('[')) {
        const std::size_t close = rest.find(']');
        if (close == std::string_view::npos) return Failure{std::string("']' is missing after the IPv6 address")};
        host = rest.substr(1, close - 1);
        rest.remove_prefix(close + 1);
        is_bracketed = true;
    } else {
        const std::size_t colon = std::min(rest.find(':'), rest.size());
        host = rest.substr(0, colon);
        rest.remove_prefix(colon);
    }

    std::uint16_t port = default_port;
    if (!rest.empty()) {
        if (rest.rfind(':') != 0) {
            return Failure{is_bracketed ? "only :PORT may follow the address; " + std::string(shape)
                                        : "an IPv6 address is written in brackets: mqtt://[::1]:1883"};
        }
        const auto parsed = parse_port(rest.substr(1));
        if (!parsed) return Failure{quoted(rest.substr(1)) + " is not a port: use 0 to 65535"};
        port = *parsed;
    }

    if (host == "localhost" && !is_bracketed) host = "127.0.0.1";
    if (host.find('\0') != std::string::npos || (is_bracketed ? !is_ipv6(host) : !is_ipv4(host))) {
        return Failure{quoted(host) + (is_bracketed
                                           ? " is not an IPv6 address"
                                           : " is not an IPv4 address or localhost; for every interface use 0.0.0.0")};
    }
    const bool is_local = is_bracketed ? is_loopback_ipv6(host) : host.starts_with("127.");
    return Endpoint{Endpoint::Kind::tcp, std::move(host), port, "", is_local};
}

}  // namespace

Parsed parse_listener_url(std::string_view url) {
    if (url.starts_with("unix:")) return parse_unix(url.substr(5));
    if (url.starts_with("mqtt://")) return parse_tcp(url.substr(7));
    for (const std::string_view later : {"mqtts:", "ws:", "wss:"}) {
        if (url.starts_with(later)) {
            return Failure{quoted(later) + " is not in this build, which has no TLS and no WebSocket; " +
                           std::string(shape)};
        }
    }
    return Failure{"not a listener address; " + std::string(shape)};
}

}  // namespace ledge::config
