// Rules for the HTTP requests of the web front, as functions of text: subprotocols, origins, proxies and tokens.
#include "rules.hpp"
#include "ledge/base/ip_text.hpp"
#include "ledge/base/lower_case.hpp"

#include <algorithm>

namespace ledge::transport {
namespace {

constexpr std::string_view blanks = " \t";

std::string_view trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blanks) + 1 - first);
}

/// Removes the first element from a list whose elements are separated by commas, and returns it.
std::string_view next_element(std::string_view& list) {
    const std::size_t comma = std::min(list.find(','), list.size());
    const std::string_view element = trimmed(list.substr(0, comma));
    list.remove_prefix(std::min(comma + 1, list.size()));
    return element;
}

/// Removes the last element from such a list, and returns it.
std::string_view last_element(std::string_view& list) {
    const std::size_t comma = list.rfind(',');
    const std::size_t begin = comma == std::string_view::npos ? 0 : comma + 1;
    const std::string_view element = trimmed(list.substr(begin));
    list = list.substr(0, begin == 0 ? 0 : comma);
    return element;
}

bool equal_without_case(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](char x, char y) { return lower_case(x) == lower_case(y); });
}

}  // namespace

std::string_view choose_subprotocol(std::string_view offered) {
    constexpr std::string_view current = "mqtt";
    constexpr std::string_view former = "mqttv3.1";
    bool is_former_offered = false;
    while (!offered.empty()) {
        const std::string_view name = next_element(offered);
        if (name == current) return current;
        if (name == former) is_former_offered = true;
    }
    return is_former_offered ? former : std::string_view();
}

bool is_allowed_origin(std::string_view origin, std::span<const std::string> allowed) {
    return allowed.empty() ||
           std::any_of(allowed.begin(), allowed.end(), [&](const auto& a) { return equal_without_case(origin, a); });
}

bool is_websocket_key(std::string_view key) {
    constexpr std::size_t characters = 22;  // in front of "=="
    // RFC 6455 section 4.1: 16 random bytes in base64, which are 22 characters and "==".
    if (key.size() != characters + 2 || !key.ends_with("==")) return false;
    return std::all_of(key.begin(), key.begin() + characters, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
    });
}

std::optional<IpAddress> forwarded_client(std::string_view forwarded_for, std::span<const Network> trusted) {
    while (!forwarded_for.empty()) {
        const std::string_view element = last_element(forwarded_for);
        const auto address = parse_ip(host_of(element));
        // The trusted proxies wrote the elements behind this one. The elements before it may be forged by the client,
        // so the search ends here.
        if (!address) return std::nullopt;
        // The first address from the right that is no trusted proxy: the last trusted proxy has seen this peer.
        if (!is_in(trusted, *address)) return address;
    }
    return std::nullopt;
}

std::string_view bearer_token(std::string_view authorization) {
    constexpr std::string_view scheme = "bearer ";
    if (!equal_without_case(authorization.substr(0, scheme.size()), scheme)) return {};
    return trimmed(authorization.substr(scheme.size()));
}

std::string_view host_without_port(std::string_view host) {
    if (host.starts_with('[')) return host.substr(1, std::min(host.find(']'), host.size()) - 1);
    return host.substr(0, std::min(host.find(':'), host.size()));
}

}  // namespace ledge::transport
