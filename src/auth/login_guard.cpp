#include "ledge/auth/login_guard.hpp"

#include <algorithm>

namespace ledge::auth {
namespace {

constexpr std::size_t network_groups = 4;  // of 16 bits: what one IPv6 customer gets

/// The first four groups of an IPv6 address, "::" filled with zeros.
std::string network_of(std::string_view address) {
    std::string out;
    std::size_t groups = 0;
    while (groups < network_groups) {
        const std::size_t colon = std::min(address.find(':'), address.size());
        const std::string_view group = address.substr(0, colon);
        if (group.empty()) break;  // "::", or the end
        if (groups > 0) out += ':';
        out += group;
        ++groups;
        address.remove_prefix(std::min(colon + 1, address.size()));
    }
    // Behind "::" the groups count from the end: unless seven of them follow, the network is zeros from here on.
    const auto behind = static_cast<std::size_t>(std::ranges::count(address, ':'));
    const std::size_t zeros = groups < network_groups ? std::min(network_groups - groups, 8 - groups - behind) : 0;
    for (std::size_t i = 0; i < zeros; ++i) out += groups + i > 0 ? ":0" : "0";
    return out;
}

}  // namespace

std::string address_of(std::string_view peer) {
    if (peer.starts_with('[')) return network_of(peer.substr(1, peer.find_first_of("]%") - 1));
    const std::size_t colon = peer.rfind(':');
    return colon == std::string_view::npos ? std::string() : std::string(peer.substr(0, colon));
}

bool LoginGuard::is_blocked(std::string_view peer, Instant now) const {
    const Entry* entry = find(peer);
    return entry != nullptr && entry->blocked_until > now;
}

bool LoginGuard::is_suspect(std::string_view peer, Instant now) const {
    const Entry* entry = find(peer);
    return entry != nullptr && entry->since + limits_.window > now;
}

bool LoginGuard::on_failure(std::string_view peer, Instant now) {
    std::string address = address_of(peer);
    if (limits_.failures_max == 0 || address.empty()) return false;
    const auto found = std::ranges::find(entries_, address, &Entry::address);
    Entry& entry = found != entries_.end() ? *found : make_room(std::move(address));
    if (entry.failures == 0 || entry.since + limits_.window <= now) {
        entry.failures = 0;
        entry.since = now;
    }
    if (++entry.failures < limits_.failures_max || entry.blocked_until > now) return false;
    entry.blocked_until = now + limits_.block_time;
    entry.failures = 0;
    return true;
}

const LoginGuard::Entry* LoginGuard::find(std::string_view peer) const {
    if (entries_.empty()) return nullptr;
    const auto found = std::ranges::find(entries_, address_of(peer), &Entry::address);
    return found != entries_.end() ? &*found : nullptr;
}

LoginGuard::Entry& LoginGuard::make_room(std::string address) {
    if (entries_.size() < addresses_max) {
        Entry& fresh = entries_.emplace_back();
        fresh.address = std::move(address);
        return fresh;
    }
    Entry& oldest = *std::ranges::min_element(entries_, {}, &Entry::since);
    oldest = Entry{};
    oldest.address = std::move(address);
    return oldest;
}

}  // namespace ledge::auth
