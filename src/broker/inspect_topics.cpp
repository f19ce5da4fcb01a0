// Inspector: questions about topics: who gets a message, and what is retained.
#include <algorithm>
#include <charconv>

#include "ledge/auth/rights.hpp"
#include "ledge/base/assert.hpp"
#include "ledge/broker/inspect.hpp"
#include "ledge/session/applied_rules.hpp"
#include "shard_parts.hpp"

namespace ledge::broker {

using session::Session;

namespace {

// The load of a retained message may read the store.
constexpr std::size_t retained_load_work = 16;
// Topics that one portion of a walk through the retained messages examines.
constexpr std::size_t retained_looks = 64;

constexpr std::uint64_t shared_list_bit = std::uint64_t{1} << 63U;

/// The lists of subscribers that a message on the topic finds, in the order of their numbers.
std::vector<std::uint64_t> lists_for(Subscriptions& subscriptions, std::string_view topic) {
    std::vector<std::uint64_t> lists;
    for (const FilterId filter : subscriptions.match(topic)) lists.push_back(filter.value());
    if (subscriptions.has_shared())
        for (const ShareGroupId group : subscriptions.match_shared(topic))
            lists.push_back(shared_list_bit | group.value());
    std::ranges::sort(lists);
    return lists;
}

/// The size of the PUBLISH without properties.
std::uint64_t packet_size_of(const ReceiversQuestion& question, wire::QoS qos, wire::Version version) {
    const std::size_t id_size = qos == wire::QoS::at_most_once ? 0 : 2;
    const std::size_t properties_size = version == wire::Version::v5 ? 1 : 0;
    const std::uint64_t rest = 2 + question.topic.size() + id_size + properties_size + question.payload_bytes;
    return 1 + wire::variable_size(static_cast<std::uint32_t>(rest)) + rest;
}

/// Why the subscriber would not get the message; "" = the subscriber would get it. `is_left` = the rules of its queue
/// leave the topic to another session, which gets it.
std::string hindrance(const ReceiversQuestion& question, const Subscriber& subscriber, bool is_left) {
    const Session& session = *subscriber.session;
    const bool is_publisher = session.client_id() == question.publisher;
    if (is_publisher && subscriber.options.no_local) return "no_local: the client is the publisher";
    if (const session::AppliedRules* const rules = session.queue().rules();
        rules != nullptr && rules->excludes_publisher(question.publisher))
        return "the queue rules of this bridge exclude the publisher";
    if (is_left) return "the queue rules of this bridge leave the topic to " + session.queue().rules()->other_client();
    if (const auth::Rights* const rights = session.rights(); !auth::may_receive(rights, question.topic))
        return "not allowed: " + rights->explain(rights->judge(question.topic, auth::Access::read));
    const wire::QoS qos = std::min(question.qos, subscriber.options.qos);
    const session::Connection* const connection = session.connection();
    if (connection != nullptr &&
        packet_size_of(question, qos, connection->peer().version) > connection->peer().packet_size_max)
        return "the packet is larger than the Maximum Packet Size of the client";
    const session::SessionLimits& limits = session.limits();
    if (qos == wire::QoS::at_most_once) {
        if (session.is_online() || limits.queue_qos0_offline) return "";
        return "QoS 0, and the client is offline (limits.queue_qos0_offline)";
    }
    const bool is_full = !session.keeps_up() && limits.overflow != session::OverflowPolicy::drop_oldest &&
                         !session.queue().fits(question.topic, question.topic.size() + question.payload_bytes,
                                               session.is_stored(), limits);
    return is_full ? "the queue is full (" + std::string(session.queue().full_limit(limits)) + ")" : "";
}

TopicReceiver receiver_of(const ReceiversQuestion& question, const Subscriber& subscriber, bool is_left) {
    const Session& session = *subscriber.session;
    TopicReceiver receiver;
    receiver.client_id = session.client_id();
    receiver.qos = std::min(question.qos, subscriber.options.qos);
    receiver.is_connected = session.is_online();
    if (receiver.is_connected) receiver.listener = session.connection()->peer().listener.name;
    receiver.why_not = hindrance(question, subscriber, is_left);
    return receiver;
}

/// The text of a retained message that may be shown in a list.
std::string_view shown_part(Bytes payload) {
    return as_text(payload.first(std::min(payload.size(), RetainedFacts::payload_shown_max)));
}

/// The child of `below` on the way to `topic`: "a/b" for the topic "a/b/c" below "a". "" = the topic is `below` itself.
std::string_view child_on_way(std::string_view topic, std::string_view below) {
    const std::size_t begin = below.empty() ? 0 : below.size() + 1;
    if (begin > topic.size()) return "";
    return topic.substr(0, topic.find('/', begin));
}

}  // namespace

// In each step the topic is matched again, because filters come and go. Lists that are done are not walked again.
bool Inspector::step(ReceiversQuestion& question, std::size_t work_max) const {
    Subscriptions& subscriptions = shard_.parts_->subscriptions;
    if (!question.page) question.page.emplace(question.after, question.count_max);
    for (const std::uint64_t list : lists_for(subscriptions, question.topic)) {
        if (std::ranges::binary_search(question.lists_done, list)) continue;
        if (list != question.list) question.at.reset();
        question.list = list;
        const bool is_shared = (list & shared_list_bit) != 0;
        const ShareGroupId group(is_shared ? static_cast<std::uint32_t>(list) : 0U);
        const ShareGroup* const shared = is_shared ? &subscriptions.groups().at(group) : nullptr;
        const FilterId filter = is_shared ? shared->filter : FilterId(static_cast<std::uint32_t>(list));
        const auto subscribers = is_shared ? shared->members.items() : subscriptions.subscribers(filter).items();
        const std::string text =
            is_shared ? subscriptions.shared_filter(filter) : subscriptions.ordinary_filter(filter);
        // From the last subscriber to the first, as in step(SubscriptionsQuestion&).
        std::size_t left = std::min(question.at.value_or(subscribers.size()), subscribers.size());
        for (; left > 0 && work_max > 0; --work_max, ++question.work) {
            const Subscriber& subscriber = subscribers[--left];
            // U+0000 cannot occur in these texts [MQTT-1.5.4-2], so the parts of a key stay apart.
            std::string key = subscriber.session->client_id() + '\0' + text + '\0';
            if (is_shared) key += shared->name;
            if (!question.page->wants(key)) continue;
            TopicReceiver& receiver = question.page->add(key);
            const bool is_left = shard_.parts_->feeds.is_left_to_other(*subscriber.session, question.topic);
            receiver = receiver_of(question, subscriber, !is_shared && is_left);
            receiver.filter = text;
            if (is_shared) receiver.share = shared->name;
        }
        question.at = left;
        if (left > 0) return false;
        question.lists_done.insert(std::ranges::upper_bound(question.lists_done, list), list);
        question.at.reset();
    }
    for (auto& [key, receiver] : question.page->entries()) question.receivers.push_back(std::move(receiver));
    question.next = question.page->next();
    question.is_retained = shard_.parts_->retained.find(question.topic).has_value();
    return true;
}

bool Inspector::step(RetainedQuestion& question, std::size_t work_max) const {
    Retained& retained = shard_.parts_->retained;
    const Instant now = shard_.parts_->latest;
    if (!question.as_of) {
        question.as_of = retained.latest();
        std::from_chars(question.after.data(), question.after.data() + question.after.size(), question.position);
    }
    std::vector<topic::TopicId> found;
    for (bool is_more = true; is_more && work_max > 0;) {
        found.clear();
        is_more = retained.match_portion(question.filter, question.position, *question.as_of, retained_looks, found);
        std::size_t work = retained_looks;
        for (const topic::TopicId topic : found) {
            if (question.messages.size() == question.count_max) {
                question.next = std::to_string(retained.position_of(topic));
                question.work += work;
                return true;
            }
            work += retained_load_work;
            const journal::Publication loaded = retained.load(topic, retained.latest(), now);
            if (!loaded) continue;  // it has expired
            const journal::PublicationView view = loaded.view();
            RetainedFacts& facts = question.messages.emplace_back();
            facts.topic = view.topic;
            facts.payload = shown_part(view.payload);
            facts.payload_bytes = view.payload.size();
            facts.qos = view.qos;
            if (view.expires_at != never) facts.expires_in = view.expires_at - now;
        }
        question.work += work;
        work_max -= std::min(work_max, work);
        if (!is_more) return true;
    }
    return false;
}

// No node of the tree knows how many topics lie below it, and a node that a step stands on may end before the next one.
// So all retained topics are walked in their order, and counted under the child on their way.
bool Inspector::step(RetainedTreeQuestion& question, std::size_t work_max) const {
    Retained& retained = shard_.parts_->retained;
    if (!question.as_of) question.as_of = retained.latest();
    if (!question.page) question.page.emplace(question.after, question.count_max);
    const std::string filter = question.below.empty() ? "#" : question.below + "/#";
    std::vector<topic::TopicId> found;
    std::string topic;
    while (work_max > 0) {
        found.clear();
        const std::size_t looks = std::min(work_max, retained_looks);
        const bool is_more = retained.match_portion(filter, question.position, *question.as_of, looks, found);
        question.work += looks;
        work_max -= looks;
        for (const topic::TopicId id : found) {
            topic.clear();
            retained.append_topic(id, topic);
            const std::string_view child = child_on_way(topic, question.below);
            if (child.empty() && topic == question.below) continue;
            // The slash keeps the key of an empty level apart from "no key".
            std::string key = "/";
            key += child;
            if (!question.page->wants(key)) continue;
            RetainedChild& entry = question.page->add(key);
            if (child == topic)
                entry.has_message = true;
            else
                ++entry.descendants;
        }
        if (is_more) continue;
        for (auto& [key, entry] : question.page->entries()) {
            entry.topic = key.substr(1);
            question.children.push_back(std::move(entry));
        }
        question.next = question.page->next();
        return true;
    }
    return false;
}

journal::Publication Inspector::retained(std::string_view topic) const {
    Retained& retained = shard_.parts_->retained;
    const auto id = retained.find(topic);
    return id ? retained.load(*id, retained.latest(), shard_.parts_->latest) : journal::Publication();
}

}  // namespace ledge::broker
