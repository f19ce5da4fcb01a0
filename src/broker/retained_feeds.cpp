// RetainedFeeds: a feed is a list of batches, one for each filter. A batch walks through the retained topics in the
// order of their arrival, until the latest topic that existed at the SUBSCRIBE.
#include "retained_feeds.hpp"

#include <algorithm>

#include "ledge/auth/rights.hpp"
#include "ledge/base/assert.hpp"
#include "ledge/journal/journal.hpp"
#include "ledge/journal/record.hpp"
#include "ledge/journal/records.hpp"
#include "ledge/session/applied_rules.hpp"
#include "ledge/session/retained_feed.hpp"
#include "ledge/session/tracer.hpp"
#include "ledge/topic/name.hpp"

namespace ledge::broker {

using session::Connection;
using session::RetainedFeed;
using wire::QoS;

void RetainedFeeds::add(session::Session& session, std::string_view filter, QoS qos, std::uint32_t subscription_id) {
    RetainedFeed& feed = feed_of(session);
    if (session.is_stored()) feed.news.emplace_back(filter);  // record() writes it later
    RetainedFeed::Batch* owed = feed.find(filter);
    if (owed == nullptr) return feed.add({std::string(filter), {retained_.latest(), 0, 0}, subscription_id, qos});
    // Before the first topic was examined, one more round is owed. After that the feed begins anew, with the messages
    // that are retained now.
    const bool has_begun = owed->progress.position != 0 || owed->progress.as_of != retained_.latest();
    const unsigned rounds = has_begun ? 0U : owed->progress.rounds + 1U;
    // The search begins anew, so it finds these topics again.
    feed.forget_topics_of(*owed);
    owed->progress = {retained_.latest(), 0, static_cast<std::uint16_t>(std::min<unsigned>(rounds, rounds_max))};
    owed->is_looked_through = false;
    owed->subscription_id = subscription_id;
    owed->qos = qos;
}

RetainedFeed& RetainedFeeds::feed_of(session::Session& session) const {
    if (session.retained_feed == nullptr) session.retained_feed = std::make_unique<RetainedFeed>(seed_);
    return *session.retained_feed;
}

void RetainedFeeds::restore(session::Session& session, const journal::SubscriptionRecord& record) const {
    if (record.feed.as_of == 0) return;  // nothing was owed
    feed_of(session).add(
        {std::string(record.filter), record.feed, record.subscription_id, record.options.qos, false, record.feed});
}

// Only the first batch makes progress, so a client that connects and disconnects often causes at most one record each
// time. Other batches change only by SUBSCRIBE, and `news` names these: the whole feed need not be searched.
void RetainedFeeds::record(session::Session& session) {
    if (session.retained_feed == nullptr || !session.is_stored()) return;
    RetainedFeed& feed = *session.retained_feed;
    // Emptied first, so that each change is recorded once.
    for (const std::string& filter : std::exchange(feed.news, {}))
        if (RetainedFeed::Batch* changed = feed.find(filter)) record(session, *changed);
    if (!feed.empty() && !feed.front().filter.empty()) record(session, feed.front());
}

void RetainedFeeds::record(session::Session& session, RetainedFeed::Batch& batch) {
    LEDGE_ASSERT(session.retained_feed != nullptr && !session.retained_feed->empty());
    RetainedFeed& feed = *session.retained_feed;
    journal::FeedProgress progress = batch.progress;
    if (&batch == &feed.front()) progress.position = first_unsent(feed);
    if (progress != batch.recorded) subscriptions_.record_feed(session, batch, progress);
}

// The position of the first topic that was found but not sent. A topic that was removed since has no position.
std::uint64_t RetainedFeeds::first_unsent(RetainedFeed& feed) const {
    const std::uint64_t looked_at = feed.front().progress.position;
    for (std::size_t i = feed.next; i < feed.topics.size(); ++i)
        if (const std::uint64_t position = retained_.position_of(feed.topics[i]); position != 0)
            return std::min(position, looked_at);
    return looked_at;
}

[[gnu::hot]] void RetainedFeeds::feed(Connection& connection, Instant now) {
    if (!connection.is_connected() || connection.session()->retained_feed == nullptr) return;
    session::Session& session = *connection.session();
    const Progress progress = feed_batches(connection, now);
    if (!connection.is_connected()) return;  // sending has closed it
    // Most sessions never have a feed, so its memory goes as soon as it is empty.
    if (progress == Progress::done) return session.retained_feed.reset();
    if (!session.retained_feed->news.empty()) record(session);
    if (progress == Progress::looks_used_up && std::ranges::find(unfinished_, &connection) == unfinished_.end())
        unfinished_.push_back(&connection);
}

void RetainedFeeds::feed_unfinished(Instant now) {
    // feed() adds a connection to unfinished_ again when the looks of this turn are used up as well.
    const std::vector<Connection*> due = std::exchange(unfinished_, {});
    for (Connection* connection : due) feed(*connection, now);
}

RetainedFeeds::Progress RetainedFeeds::feed_batches(Connection& connection, Instant now) {
    RetainedFeed& feed = *connection.session()->retained_feed;
    while (!feed.empty()) {
        const RetainedFeed::Batch& batch = feed.front();
        // First send the topics that were found, then search for more.
        while (feed.next < feed.topics.size()) {
            if (!connection.is_connected() || !has_room(connection, batch.qos)) return Progress::no_room;
            send(connection, batch, feed.topics[feed.next++], now);
        }
        feed.topics.clear();
        feed.next = 0;
        if (batch.is_looked_through && begin_next_round(*connection.session())) continue;
        if (batch.is_looked_through)
            feed.pop_front();
        else if (!look_further(feed))
            return Progress::looks_used_up;
    }
    return Progress::done;
}

bool RetainedFeeds::begin_next_round(session::Session& session) {
    LEDGE_ASSERT(session.retained_feed != nullptr && !session.retained_feed->empty());
    RetainedFeed::Batch& batch = session.retained_feed->front();
    if (batch.progress.rounds > 0) {
        --batch.progress.rounds;
        batch.progress.position = 0;
        batch.is_looked_through = false;
        return true;
    }
    // The record still says that messages are owed: correct it.
    if (batch.recorded.as_of != 0) subscriptions_.record_feed(session, batch, {});
    return false;
}

// Finds the next topics of the first batch. False when looks_per_turn is used up.
bool RetainedFeeds::look_further(RetainedFeed& feed) {
    constexpr std::size_t looks_at_once = 512;
    if (looks_left_ == 0) return false;
    LEDGE_ASSERT(!feed.empty());
    RetainedFeed::Batch& batch = feed.front();
    // A filter without wildcards matches one topic at most: one lookup is enough.
    if (!topic::has_wildcards(batch.filter)) {
        if (const auto topic = retained_.find(batch.filter)) feed.topics.push_back(*topic);
        batch.is_looked_through = true;
        --looks_left_;
        return true;
    }
    const std::size_t now = std::min(looks_left_, looks_at_once);
    batch.is_looked_through =
        !retained_.match_portion(batch.filter, batch.progress.position, batch.progress.as_of, now, feed.topics);
    LEDGE_ASSERT(now <= looks_left_);
    // Charged as if all looks had been used; the difference is small and only delays other feeds.
    looks_left_ -= now;
    return true;
}

void RetainedFeeds::forget(session::Session& session, std::string_view filter) {
    if (session.retained_feed != nullptr) session.retained_feed->forget(filter);
}

// Messages that already wait in the queue of the session go first.
bool RetainedFeeds::has_room(const Connection& connection, QoS qos) {
    if (!connection.sender().has_room() || !connection.session()->queue().pending().empty()) return false;
    return qos == QoS::at_most_once || connection.has_send_quota();
}

// As for a new message: the session leaves the topic only to a session that has subscribed to it, and is owed it too.
bool RetainedFeeds::is_left_to_other(const session::Session& session, std::string_view topic) const {
    const session::AppliedRules* const rules = session.queue().rules();
    if (rules == nullptr || !rules->leaves_to_other(topic)) return false;
    LEDGE_ASSERT(sessions_ != nullptr);
    const session::Session* const other = sessions_->find(rules->other_client());
    return other != nullptr && subscriptions_.matches(*other, topic);
}

void RetainedFeeds::send(Connection& connection, const RetainedFeed::Batch& batch, topic::TopicId topic,
                         Instant now) const {
    const journal::Publication publication = retained_.load(topic, batch.progress.as_of, now);
    if (!publication) return;
    const journal::PublicationView view = publication.view();
    if (!topic::matches(batch.filter, view.topic)) return;  // the topic's number was given to another topic since
    session::Session& session = *connection.session();
    // The rules may have changed since SUBSCRIBE, and a wildcard filter may match topics that the rules deny.
    if (!auth::may_receive(session.rights(), view.topic)) return;
    if (is_left_to_other(session, view.topic)) return;
    session::Delivery delivery;
    delivery.publication = publication;
    delivery.qos = std::min(view.qos, batch.qos);
    delivery.retain = true;  // [MQTT-3.3.1-8]
    delivery.ids.add(batch.subscription_id);
    session::SessionQueue& queue = session.queue();
    queue.note_queued(delivery, now);
    // Recorded like a queued message: the client may lose its connection before it acknowledges.
    if (delivery.qos != QoS::at_most_once && session.is_stored())
        queue.store(delivery, session.is_online(), journal::Urgency::lazy);
    if (tracer_.is_on())
        tracer_.note_delivery(session::TraceStage::queued, session.client_id(), delivery, 0,
                              "a retained message for the subscription to " + batch.filter);
    queue.enqueue(std::move(delivery), session.limits());
    connection.pump(now);
}

}  // namespace ledge::broker
