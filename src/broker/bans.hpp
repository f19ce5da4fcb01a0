// Bans: which clients an operator has banned for a time, by client id, user or address. A bounded table in memory: a
// restart ends all bans. Part of the shard; on its thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "ledge/broker/operator_actions.hpp"

namespace ledge::session {
class Connection;
}  // namespace ledge::session

namespace ledge::broker {

class SessionTable;

class Bans {
public:
    static constexpr std::size_t count_max = 1024;
    // The work of one turn. Its unit is the look at one session. The other two are what they cost beside it.
    static constexpr std::uint32_t work_max = 2000;
    static constexpr std::uint32_t comparisons_per_work = 32;
    static constexpr std::uint32_t work_of_end = 40;  // the caller adds it for each connection that it ends

    /// Adds a ban, or gives an existing ban of the same subject the new end and reason. nullptr when count_max bans are
    /// in force. The result is valid until the next change. enforce() must follow.
    const Ban* add(const BanSubject& subject, Instant until, Instant now);
    /// False when no ban has the number.
    bool remove(std::uint64_t number);
    /// False for a part of this program: parts are paused by other means.
    static bool may_concern(const session::Connection& connection);
    /// The ban that holds for this client now; nullptr when there is none. `address` may have a port.
    const Ban* find(std::string_view client_id, std::string_view user, std::string_view address, Instant now) const;
    /// The bans in force, oldest first.
    std::vector<Ban> list(Instant now) const;
    bool empty() const { return bans_.empty(); }

    /// After a new ban, the connected clients are judged in a walk of bounded steps. Returns the next connection that
    /// a ban concerns; nullptr when this step has met no other one. Call again while is_walking().
    bool is_walking() const { return next_slot_.has_value(); }
    session::Connection* next_banned(const SessionTable& sessions, std::uint32_t& work, Instant now);

private:
    void forget_ended(Instant now);

    std::vector<Ban> bans_;  // in the order of their numbers
    std::optional<std::uint32_t> next_slot_;
    std::uint64_t last_number_ = 0;
};

/// "ban 3 (client_id lamp): too many messages", for log lines.
std::string rule_of(const Ban& ban);

}  // namespace ledge::broker
