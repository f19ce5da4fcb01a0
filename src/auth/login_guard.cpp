// Counts failed logins and remembers known names.
#include "ledge/auth/login_guard.hpp"

#include <algorithm>

#include "ledge/base/assert.hpp"

namespace ledge::auth {

LoginSource LoginGuard::source_of(NetworkId network, std::string_view name, bool is_unknown) const {
    return {network, is_unknown ? 0 : hash_of(name)};
}

/// FNV-1a with a secret start value, mixed once more at the end. Never 0, because 0 stands for "no name".
std::uint64_t LoginGuard::hash_of(std::string_view name) const {
    std::uint64_t value = seed_ ^ 0xcbf2'9ce4'8422'2325U;
    for (const char c : name) value = (value ^ static_cast<unsigned char>(c)) * 0x100'0000'01b3U;
    value = (value ^ (value >> 32U) ^ seed_) * 0x9E37'79B9'7F4A'7C15U;
    return std::max<std::uint64_t>(value ^ (value >> 29U), 1);
}

bool LoginGuard::is_blocked(const LoginSource& source, Instant now) const {
    const auto found = failures_.find(source);
    return found != failures_.end() && found->second.blocked_until > now;
}

bool LoginGuard::has_failed(const LoginSource& source, Instant now) const {
    const auto found = failures_.find(source);
    return found != failures_.end() && found->second.since + limits_.window > now;
}

Standing LoginGuard::standing_of(const LoginSource& source, Instant now) const {
    // A known name keeps its priority even if other names have failed at the same address.
    if (!has_failed(source, now)) {
        if (known_.count(source) > 0 || source.network == NetworkId::none) return Standing::known;
        if (source.name != 0 && names_.count(source.name) > 0) return Standing::named;
    }
    const auto found = suspects_.find(source.network);
    const bool is_suspect = found != suspects_.end() && found->second.since + limits_.window > now;
    return is_suspect ? Standing::suspect : Standing::unknown;
}

bool LoginGuard::on_failure(const LoginSource& source, Instant now) {
    if (source.network == NetworkId::none) return false;
    mark_suspect(source.network, now);
    if (failures_.count(source) == 0) make_room(failures_);
    Failures& failures = failures_[source];
    if (failures.count == 0 || failures.since + limits_.window <= now) {  // a new window begins
        failures.count = 0;
        failures.since = now;
    }
    if (limits_.failures_max == 0) return false;
    // A check that began before the block may still fail during the block; such a failure does not block again.
    if (++failures.count < limits_.failures_max || failures.blocked_until > now) return false;
    failures.blocked_until = now + limits_.block_time;
    failures.count = 0;
    return true;
}

void LoginGuard::on_unanswered(const LoginSource& source, Instant now) {
    if (source.network != NetworkId::none) mark_suspect(source.network, now);
}

void LoginGuard::mark_suspect(NetworkId network, Instant now) {
    if (suspects_.count(network) == 0) make_room(suspects_);
    suspects_[network].since = now;
}

void LoginGuard::on_success(const LoginSource& source) {
    if (source.name == 0) return;  // there is no name to remember
    // The right password ends the window: earlier slips of the same user do not count towards a block.
    failures_.erase(source);
    if (known_.size() < names_max) known_.insert(source);
    if (names_.size() < names_max) names_.insert(source.name);
}

void LoginGuard::note_name(std::string_view name) {
    if (names_.size() < names_max) names_.insert(hash_of(name));
}

/// Removes the oldest entry if the map is full.
template <class Map>
void LoginGuard::make_room(Map& map) {
    LEDGE_ASSERT(map.size() <= entries_max);
    if (map.size() < entries_max) return;
    map.erase(std::ranges::min_element(map, {}, [](const auto& entry) { return entry.second.since; }));
}

}  // namespace ledge::auth
