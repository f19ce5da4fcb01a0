// Inspector: questions about clients and their subscriptions, and the short answers. inspect_topics.cpp answers the
// questions about topics. The tables have no order that lasts, so a page is collected from a walk (page.hpp).
#include "ledge/broker/inspect.hpp"

#include <algorithm>
#include <charconv>

#include "facts.hpp"
#include "ledge/base/assert.hpp"
#include "ledge/broker/client_facts.hpp"
#include "ledge/broker/share_strategy.hpp"
#include "shard_parts.hpp"

namespace ledge::broker {

using session::Session;

namespace {

bool fits(const Session& session, const ClientFilter& filter) {
    const auto has = [](std::string_view text, const std::string& part) {
        return part.empty() || text.find(part) != std::string_view::npos;
    };
    if (filter.is_connected && *filter.is_connected != session.is_online()) return false;
    if (!has(session.client_id(), filter.client_id) || !has(session.owner(), filter.user)) return false;
    const session::Connection* const connection = session.connection();
    if (connection == nullptr) return filter.address.empty() && filter.listener.empty();
    return has(connection->peer().address, filter.address) && has(connection->peer().listener.name, filter.listener);
}

/// The key by which a page sorts the session. Keys of figures begin with eight bytes that fall while the figure rises.
std::string key_of(const Session& session, ClientOrder order, Instant now) {
    if (order == ClientOrder::client_id) return session.client_id();
    const SessionFacts facts = facts_of(session, now);
    const std::uint64_t figure = ~(order == ClientOrder::queue ? std::uint64_t{facts.messages} : facts.dropped);
    std::string key;
    for (int shift = 56; shift >= 0; shift -= 8) key += static_cast<char>(figure >> static_cast<unsigned>(shift));
    return key + session.client_id();
}

std::string_view strategy_name(ShareStrategy strategy) {
    switch (strategy) {
        case ShareStrategy::round_robin: return "round_robin";
        case ShareStrategy::random: return "random";
        case ShareStrategy::sticky_publisher: return "sticky_publisher";
        case ShareStrategy::least_inflight: return "least_inflight";
    }
    return "";
}

}  // namespace

bool Inspector::step(ClientsQuestion& question, std::size_t work_max) const {
    const SessionTable& sessions = shard_.parts_->lifecycle.sessions();
    const Instant now = shard_.parts_->latest;
    if (!question.page) question.page.emplace(question.after, question.count_max);
    for (; question.slot < sessions.slots() && work_max > 0; ++question.slot, --work_max, ++question.work) {
        const Session* const session = sessions.at(question.slot);
        if (session == nullptr || !fits(*session, question.filter)) continue;
        const std::string key = key_of(*session, question.order, now);
        if (question.page->wants(key)) question.page->add(key);
    }
    if (question.slot < sessions.slots()) return false;
    const std::size_t prefix = question.order == ClientOrder::client_id ? 0 : sizeof(std::uint64_t);
    question.clients.clear();
    // A session that has ended since the walk met it is left out.
    for (const auto& [key, nothing] : question.page->entries())
        if (const Session* const session = sessions.find(std::string_view(key).substr(prefix)))
            question.clients.push_back(facts_of(*session, now));
    if (question.order == ClientOrder::client_id) question.next = question.page->next();
    return true;
}

// From the last subscription to the first: a subscription that ends is replaced by the last one, so the walk may meet
// one twice, but passes none over.
bool Inspector::step(SubscriptionsQuestion& question, std::size_t work_max) const {
    Session* const session = shard_.parts_->lifecycle.sessions().find(question.client_id);
    question.is_unknown = session == nullptr;
    if (session == nullptr) return true;
    Subscriptions& subscriptions = shard_.parts_->subscriptions;
    if (!question.page) question.page.emplace(question.after, question.count_max);
    std::size_t left = std::min(question.at.value_or(session->subscriptions.size()), session->subscriptions.size());
    for (; left > 0 && work_max > 0; --work_max, ++question.work) {
        const session::SubscriptionRef& ref = *(session->subscriptions.begin() + static_cast<std::ptrdiff_t>(--left));
        std::string filter = subscriptions.filter_of(ref);
        if (!question.page->wants(filter)) continue;
        SubscriptionFacts& facts = question.page->add(filter);
        facts = facts_of(subscriptions.subscriber_of(*session, ref), filter);
    }
    question.at = left;
    if (left > 0) return false;
    for (auto& [filter, facts] : question.page->entries()) question.subscriptions.push_back(std::move(facts));
    question.next = question.page->next();
    return true;
}

bool Inspector::step(SharesQuestion& question, std::size_t work_max) const {
    Subscriptions& subscriptions = shard_.parts_->subscriptions;
    const ShareGroups& groups = subscriptions.groups();
    question.strategy = strategy_name(groups.strategy());
    if (!question.slot) {
        question.slot = 0;
        std::from_chars(question.after.data(), question.after.data() + question.after.size(), *question.slot);
    }
    for (; *question.slot < groups.slots() && work_max > 0; ++*question.slot) {
        if (question.shares.size() == question.count_max) {
            question.next = std::to_string(*question.slot);
            return true;
        }
        const ShareGroup& group = groups.in_slot(*question.slot);
        std::size_t work = 1;
        if (group.id != no_share_group) {
            ShareFacts& facts = question.shares.emplace_back();
            facts.share = group.name;
            facts.filter = subscriptions.shared_filter(group.filter);
            facts.members_count = group.members.size();
            for (const Subscriber& member :
                 group.members.items().first(std::min(facts.members_count, ShareFacts::members_shown_max))) {
                facts.members.push_back({std::string(member.session->client_id()), member.session->is_online()});
                facts.messages_waiting += member.session->queue().pending().size();
                ++work;
            }
        }
        question.work += work;
        work_max -= std::min(work_max, work);
    }
    return *question.slot >= groups.slots();
}

std::optional<ClientFacts> Inspector::client(std::string_view client_id) const {
    Shard::Parts& p = *shard_.parts_;
    Session* const session = p.lifecycle.sessions().find(client_id);
    if (session == nullptr) return std::nullopt;
    return client_facts_of(*session, p.services.endings, p.latest);
}

std::vector<const session::EndedConnection*> Inspector::refusals() const {
    std::vector<const session::EndedConnection*> list;
    for (const session::EndedConnection& one : shard_.parts_->services.endings.entries()) list.push_back(&one);
    return list;
}

}  // namespace ledge::broker
