#include "retained_feeds.hpp"

#include <algorithm>

#include "ledge/session/retained_feed.hpp"
#include "ledge/topic/name.hpp"

namespace ledge::broker {

using session::Connection;
using session::RetainedFeed;
using wire::QoS;

void RetainedFeeds::add(session::Session& session, std::string_view filter, QoS qos, std::uint32_t subscription_id) {
    forget(session, filter);
    if (session.retained_feed == nullptr) session.retained_feed = std::make_unique<RetainedFeed>();
    session.retained_feed->batches.push_back({std::string(filter), retained_.latest(), 0, subscription_id, qos, false});
}

void RetainedFeeds::feed(Connection& connection, Instant now) {
    if (!connection.is_connected() || connection.session()->retained_feed == nullptr) return;
    const Progress progress = feed_batches(connection, now);
    if (!connection.is_connected()) return;
    if (progress == Progress::done) connection.session()->retained_feed.reset();
    if (progress == Progress::looks_used_up && std::ranges::find(unfinished_, &connection) == unfinished_.end())
        unfinished_.push_back(&connection);
}

void RetainedFeeds::feed_unfinished(Instant now) {
    const std::vector<Connection*> due = std::exchange(unfinished_, {});
    for (Connection* connection : due) feed(*connection, now);
}

RetainedFeeds::Progress RetainedFeeds::feed_batches(Connection& connection, Instant now) {
    RetainedFeed& feed = *connection.session()->retained_feed;
    while (!feed.batches.empty()) {
        const RetainedFeed::Batch& batch = feed.batches.front();
        while (feed.next < feed.topics.size()) {
            if (!connection.is_connected() || !has_room(connection, batch.qos)) return Progress::no_room;
            send(connection, batch, feed.topics[feed.next++], now);
        }
        feed.topics.clear();
        feed.next = 0;
        if (batch.is_looked_through)
            feed.batches.pop_front();
        else if (!look_further(feed))
            return Progress::looks_used_up;
    }
    return Progress::done;
}

// Finds the next topics of the first batch. False: no looks are left.
bool RetainedFeeds::look_further(RetainedFeed& feed) {
    constexpr std::size_t looks_at_once = 512;
    if (looks_left_ == 0) return false;
    RetainedFeed::Batch& batch = feed.batches.front();
    if (!topic::has_wildcards(batch.filter)) {
        if (const auto topic = retained_.find(batch.filter)) feed.topics.push_back(*topic);
        batch.is_looked_through = true;
        --looks_left_;
        return true;
    }
    const std::size_t now = std::min(looks_left_, looks_at_once);
    batch.is_looked_through = !retained_.match_portion(batch.filter, batch.position, now, feed.topics);
    looks_left_ -= now;
    return true;
}

void RetainedFeeds::forget(session::Session& session, std::string_view filter) {
    if (session.retained_feed == nullptr) return;
    RetainedFeed& feed = *session.retained_feed;
    for (std::size_t i = feed.batches.size(); i > 0; --i) {  // once round: each goes to the back unless it is the one
        const bool is_first = i == feed.batches.size();
        RetainedFeed::Batch batch = feed.batches.pop_front();
        if (batch.filter != filter) {
            feed.batches.push_back(std::move(batch));
        } else if (is_first) {
            feed.topics.clear();
            feed.next = 0;
        }
    }
}

// Live messages that already wait come first.
bool RetainedFeeds::has_room(const Connection& connection, QoS qos) {
    if (!connection.has_outbox_room() || !connection.session()->pending().empty()) return false;
    return qos == QoS::at_most_once || connection.has_send_quota();
}

void RetainedFeeds::send(Connection& connection, const RetainedFeed::Batch& batch, topic::TopicId topic,
                         Instant now) const {
    const session::Publication publication = retained_.load(topic, batch.as_of, now);
    if (!publication) return;
    const session::PublicationView view = publication.view();
    if (!topic::matches(batch.filter, view.topic)) return;  // the number belongs to another topic by now
    session::Session& session = *connection.session();
    if (!session.may_receive(view.topic)) return;
    session::Delivery delivery;
    delivery.publication = publication;
    delivery.qos = std::min(view.qos, batch.qos);
    delivery.retain = true;  // [MQTT-3.3.1-8]
    delivery.ids.add(batch.subscription_id);
    if (delivery.qos != QoS::at_most_once && session.is_stored()) session.store(delivery, session::Urgency::lazy);
    session.enqueue(std::move(delivery));
    connection.pump(now);
}

}  // namespace ledge::broker
