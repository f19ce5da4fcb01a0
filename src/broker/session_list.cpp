// Sessions for operators: a list in pages, and the end of one.
#include <algorithm>

#include "lifecycle.hpp"

namespace ledge::broker {
namespace {

SessionFacts facts_of(const session::Session& session, Instant now) {
    SessionFacts facts;
    facts.client_id = session.client_id();
    facts.owner = session.owner();
    if (session.connection() != nullptr) facts.address = session.connection()->address();
    facts.is_connected = session.connection() != nullptr;
    facts.subscriptions = session.subscriptions.size();
    facts.messages = session.backlog();
    const Instant ends = session.expiry_timer.deadline();
    if (!facts.is_connected && ends != never) facts.expires_in = std::max(ends - now, Duration{});
    return facts;
}

}  // namespace

// The table is in no order: a page is what a look at each session finds next, with the page as a heap, so that the work
// for a page is bounded by the number of sessions and nothing is kept between pages.
std::vector<SessionFacts> Lifecycle::list(std::string_view after, std::size_t count_max, Instant now) {
    const auto precedes = [](const session::Session* a, const session::Session* b) {
        return a->client_id() < b->client_id();
    };
    std::vector<const session::Session*> page;
    page.reserve(count_max);
    sessions_.for_each([&](const session::Session& session) {
        if (session.client_id() <= after && !after.empty()) return;
        if (page.size() == count_max) {
            if (count_max == 0 || session.client_id() >= page.front()->client_id()) return;
            std::pop_heap(page.begin(), page.end(), precedes);
            page.pop_back();
        }
        page.push_back(&session);
        std::push_heap(page.begin(), page.end(), precedes);
    });
    std::sort_heap(page.begin(), page.end(), precedes);
    std::vector<SessionFacts> facts;
    facts.reserve(page.size());
    for (const session::Session* session : page) facts.push_back(facts_of(*session, now));
    return facts;
}

bool Lifecycle::remove(std::string_view client_id, Instant now) {
    session::Session* session = sessions_.find(client_id);
    if (session == nullptr) return false;
    services_.log.warning("session_removed", {{"client_id", client_id},
                                              {"owner", session->owner()},
                                              {"reason", "an operator removed it"},
                                              {"messages", session->backlog()}});
    end_for_good(*session, wire::ReasonCode::administrative_action, "an operator removed the session", now);
    services_.journal.hurry();
    return true;
}

void Lifecycle::end_for_good(session::Session& session, wire::ReasonCode code, std::string_view reason, Instant now) {
    const std::string client_id(session.client_id());
    if (session.is_online()) {
        session::Connection& connection = *session.connection();
        connection.close(code, reason);
        detach(connection, now);
    }
    // It may have ended with its connection.
    if (session::Session* left = sessions_.find(client_id)) end(*left, now);
}

// Names are proven by the password file alone, and it does not have this one any more: nobody can be the owner again.
bool Lifecycle::is_owner_removed(const session::Session& session) const {
    const auth::Policy& policy = services_.policy;
    const bool is_file_all = policy.passwords && !policy.tokens && !policy.hook && !has_other_users_;
    return is_file_all && policy.passwords->find(session.owner()) == nullptr;
}

}  // namespace ledge::broker
