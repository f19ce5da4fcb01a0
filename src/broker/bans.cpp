#include "bans.hpp"

#include <algorithm>

#include "ledge/base/assert.hpp"
#include "ledge/base/network.hpp"
#include "ledge/session/connection.hpp"
#include "ledge/session/inner_clients.hpp"
#include "ledge/session/listener_options.hpp"
#include "session_table.hpp"

namespace ledge::broker {

namespace {

bool is_same_subject(const BanSubject& a, const BanSubject& b) {
    return a.client_id == b.client_id && a.user == b.user && a.address == b.address;
}

}  // namespace

std::string rule_of(const Ban& ban) {
    std::string text = "ban " + std::to_string(ban.number) + " (";
    if (!ban.client_id.empty()) text += "client_id " + ban.client_id;
    if (!ban.user.empty()) text += "user " + ban.user;
    if (!ban.address.empty()) text += "address " + ban.address;
    text += ")";
    return ban.reason.empty() ? text : text + ": " + ban.reason;
}

const Ban* Bans::add(const BanSubject& subject, Instant until, Instant now) {
    forget_ended(now);
    next_slot_ = 0;
    const auto known = std::ranges::find_if(bans_, [&](const Ban& ban) { return is_same_subject(ban, subject); });
    if (known != bans_.end()) {
        known->until = until;
        known->reason = subject.reason;
        return &*known;
    }
    if (bans_.size() >= count_max) return nullptr;
    return &bans_.emplace_back(Ban{subject, ++last_number_, until});
}

bool Bans::may_concern(const session::Connection& connection) {
    return !session::is_inner_listener(connection.peer().listener.name);
}

bool Bans::remove(std::uint64_t number) {
    return std::erase_if(bans_, [&](const Ban& ban) { return ban.number == number; }) > 0;
}

// A search through all bans: at most count_max comparisons for a CONNECT, and none while nobody is banned.
const Ban* Bans::find(std::string_view client_id, std::string_view user, std::string_view address, Instant now) const {
    const std::string_view host = host_of(address);
    const auto concerns = [&](const Ban& ban) {
        if (ban.until <= now) return false;
        if (!ban.client_id.empty()) return ban.client_id == client_id;
        return ban.user.empty() ? ban.address == host : ban.user == user;
    };
    const auto found = std::ranges::find_if(bans_, concerns);
    return found == bans_.end() ? nullptr : &*found;
}

std::vector<Ban> Bans::list(Instant now) const {
    std::vector<Ban> list;
    std::ranges::copy_if(bans_, std::back_inserter(list), [&](const Ban& ban) { return ban.until > now; });
    return list;
}

void Bans::forget_ended(Instant now) {
    std::erase_if(bans_, [&](const Ban& ban) { return ban.until <= now; });
}

session::Connection* Bans::next_banned(const SessionTable& sessions, std::uint32_t& work, Instant now) {
    LEDGE_ASSERT(next_slot_.has_value());
    while (*next_slot_ < sessions.slots()) {
        if (work >= work_max) return nullptr;
        ++work;
        const session::Session* const session = sessions.at((*next_slot_)++);
        if (session == nullptr || !session->is_online()) continue;
        work += static_cast<std::uint32_t>(bans_.size()) / comparisons_per_work;
        session::Connection& connection = *session->connection();
        if (!may_concern(connection)) continue;
        if (find(session->client_id(), session->owner(), connection.peer().address, now) != nullptr) return &connection;
    }
    next_slot_.reset();
    return nullptr;
}

}  // namespace ledge::broker
