// Lifecycle: sessions for operators. Lists sessions in pages, and ends one of them.
#include <algorithm>

#include "ledge/auth/authenticator.hpp"
#include "ledge/base/assert.hpp"
#include "lifecycle.hpp"

namespace ledge::broker {
namespace {

SessionFacts facts_of(const session::Session& session, Instant now) {
    SessionFacts facts;
    facts.client_id = session.client_id();
    facts.owner = session.owner();
    if (session.connection() != nullptr) facts.address = session.connection()->peer().address;
    facts.is_connected = session.connection() != nullptr;
    facts.subscriptions = session.subscriptions.size();
    facts.messages = session.queue().size();
    // While the session is connected, the timer is not set.
    const Instant ends = session.expiry_timer.deadline();
    if (!facts.is_connected && ends != never) facts.expires_in = std::max(ends - now, Duration{});
    return facts;
}

}  // namespace

// The table has no order, so each page visits all sessions and keeps the `count_max` smallest client ids behind `after`
// in a heap, with the largest of them in front. Nothing is kept between two pages.
std::vector<SessionFacts> Lifecycle::list(std::string_view after, std::size_t count_max, Instant now) {
    const auto precedes = [](const session::Session* a, const session::Session* b) {
        return a->client_id() < b->client_id();
    };
    std::vector<const session::Session*> page;
    page.reserve(count_max);
    sessions_.for_each([&](const session::Session& session) {
        if (session.client_id() <= after && !after.empty()) return;  // on an earlier page
        if (page.size() == count_max) {
            if (count_max == 0 || session.client_id() >= page.front()->client_id()) return;
            std::pop_heap(page.begin(), page.end(), precedes);
            page.pop_back();
        }
        page.push_back(&session);
        std::push_heap(page.begin(), page.end(), precedes);
    });
    LEDGE_ASSERT(page.size() <= count_max);
    // In ascending order: the last client id of the page is `after` of the next page.
    std::sort_heap(page.begin(), page.end(), precedes);
    std::vector<SessionFacts> facts;
    facts.reserve(page.size());
    for (const session::Session* session : page) facts.push_back(facts_of(*session, now));
    return facts;
}

std::optional<SessionFacts> Lifecycle::find(std::string_view client_id, Instant now) const {
    const session::Session* session = sessions_.find(client_id);
    if (session == nullptr) return std::nullopt;
    return facts_of(*session, now);
}

bool Lifecycle::remove(std::string_view client_id, Instant now) {
    session::Session* session = sessions_.find(client_id);
    if (session == nullptr) return false;
    services_.log.warning("session_removed", {{"client_id", client_id},
                                              {"owner", session->owner()},
                                              {"reason", "an operator removed it"},
                                              {"messages", session->queue().size()}});
    end_for_good(*session, wire::ReasonCode::administrative_action, "an operator removed the session", now);
    services_.journal.request_commit();  // the operator expects that the removal survives a crash
    return true;
}

void Lifecycle::end_for_good(session::Session& session, wire::ReasonCode code, std::string_view reason, Instant now) {
    const std::string client_id(session.client_id());
    if (session.is_online()) {
        session::Connection& connection = *session.connection();
        connection.close(code, reason);
        detach(connection, now);
    }
    // A clean session has ended with its connection already.
    if (session::Session* left = sessions_.find(client_id)) end(*left, now);
}

// True when no client can log in as the owner any more: the password file is the only way to prove a user name, and it
// does not contain this name.
bool Lifecycle::is_owner_removed(const session::Session& session) const {
    const auth::Policy& policy = *services_.policy;
    const bool is_file_all = policy.passwords && !policy.tokens && !policy.hook && !has_other_users_;
    return is_file_all && policy.passwords->find(session.owner()) == nullptr;
}

}  // namespace ledge::broker
