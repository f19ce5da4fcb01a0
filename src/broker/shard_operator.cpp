// Shard: the actions of an operator. On the shard's thread.
#include <algorithm>

#include "ledge/base/assert.hpp"
#include "ledge/broker/operator_actions.hpp"
#include "ledge/session/system_topics.hpp"
#include "shard_parts.hpp"

namespace ledge::broker {

using wire::ReasonCode;

Kicked Shard::kick(std::string_view client_id, Instant now) {
    parts_->begin_turn(now);
    const session::Session* const session = parts_->lifecycle.sessions().find(client_id);
    if (session == nullptr) return Kicked::unknown;
    if (!session->is_online()) return Kicked::offline;
    session::Connection& connection = *session->connection();
    connection.close(ReasonCode::administrative_action, "an operator disconnected the client");
    parts_->detach(connection, now);
    return Kicked::done;
}

std::optional<Ban> Shard::ban(const BanSubject& subject, Duration duration, Instant now) {
    LEDGE_ASSERT(!subject.client_id.empty() + !subject.user.empty() + !subject.address.empty() == 1);
    parts_->begin_turn(now);
    const Ban* added = parts_->bans.add(subject, now + duration, now);
    if (added == nullptr) return std::nullopt;
    const Ban ban = *added;
    parts_->enforce_bans(now);
    return ban;
}

bool Shard::lift_ban(std::uint64_t number) { return parts_->bans.remove(number); }

std::vector<Ban> Shard::bans() const { return parts_->bans.list(parts_->latest); }

void Shard::Parts::enforce_bans(Instant now) {
    for (std::uint32_t work = 0; bans.is_walking();) {
        session::Connection* const connection = bans.next_banned(lifecycle.sessions(), work, now);
        if (connection == nullptr) return;  // the rest in the next turn
        const Ban* ban = bans.find(connection->session()->client_id(), connection->session()->owner(),
                                   connection->peer().address, now);
        // 0x8A exists for CONNACK only (5.0 table 3-10).
        connection->close(ReasonCode::administrative_action, "an operator has banned the client", rule_of(*ban));
        detach(*connection, now);
        work += Bans::work_of_end;
    }
}

const Ban* Shard::Parts::ban_of(const session::Connection& connection, std::string_view client_id, Instant now) const {
    if (bans.empty() || !Bans::may_concern(connection)) return nullptr;
    const auth::Identity* const identity = connection.identity();
    const std::string_view user = identity != nullptr && identity->user ? *identity->user : std::string_view();
    return bans.find(client_id, user, connection.peer().address, now);
}

// Removing a message costs a record in the journal, as its delivery would.
bool Shard::clear_queue(QueueClearing& clearing, Instant now) {
    constexpr std::size_t messages_per_turn = 1000;
    parts_->begin_turn(now);
    session::Session* const session = parts_->lifecycle.sessions().find(clearing.client_id);
    clearing.is_unknown = session == nullptr && !clearing.until;
    if (session == nullptr) return true;
    session::SessionQueue& queue = session->queue();
    if (!clearing.until) clearing.until = queue.last_row();
    // The session has ended meanwhile, and the client has a new one, whose messages are all newer. Rows of a session
    // only rise.
    if (queue.last_row() < *clearing.until) return true;
    const session::SessionQueue::Cleared cleared = queue.clear(*clearing.until, messages_per_turn);
    clearing.messages += cleared.messages;
    // Rows that no commit contains yet can be loaded after it; and the removals must survive a crash.
    parts_->services.journal.request_commit();
    if (!cleared.is_done) return false;
    parts_->services.log.warning("queue_cleared", {{"client_id", clearing.client_id}, {"messages", clearing.messages}});
    return true;
}

OperatorPublication Shard::publish(const journal::PublicationView& publication, Instant now) {
    Parts& p = *parts_;
    LEDGE_ASSERT(!session::belongs_to_broker(publication.topic));
    p.begin_turn(now);
    Router::Routed routed = p.router.route(publication, nullptr, Router::Refusal::by_reason_code, no_ticket, now);
    // No acknowledgement waits in a queue: durability_of() asks for the commit.
    if (routed.ack.hold) routed.ack.hold.abandon();
    if (wire::is_error(routed.code)) return {.code = routed.code};
    return {.code = routed.code, .matched = p.router.receivers(), .ticket = routed.ack.ticket};
}

Durable Shard::durability_of(Ticket ticket) const {
    const journal::Journal& journal = parts_->services.journal;
    if (journal.is_settled(ticket)) return Durable::yes;
    return journal.is_failed() ? Durable::never : Durable::pending;
}

}  // namespace ledge::broker
