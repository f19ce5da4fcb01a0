#include "retained_feeds.hpp"

#include <algorithm>

#include "ledge/session/retained_feed.hpp"
#include "ledge/topic/name.hpp"

namespace ledge::broker {

using session::Connection;
using session::RetainedFeed;
using wire::QoS;

void RetainedFeeds::add(Connection& connection, std::string_view filter, QoS qos, std::uint32_t subscription_id) {
    RetainedFeed::Batch batch{std::string(filter), {}, 0, subscription_id, qos};
    retained_.match(filter, batch.topics);
    if (batch.topics.empty()) return;
    forget(connection, filter);  // a repeated SUBSCRIBE starts anew, it does not add up
    if (connection.retained_feed == nullptr) connection.retained_feed = std::make_unique<RetainedFeed>();
    connection.retained_feed->batches.push_back(std::move(batch));
}

void RetainedFeeds::feed(Connection& connection, Instant now) const {
    if (connection.retained_feed == nullptr || !connection.is_connected()) return;
    auto& batches = connection.retained_feed->batches;
    while (!batches.empty()) {
        RetainedFeed::Batch& batch = batches.front();
        while (batch.next < batch.topics.size()) {
            if (!has_room(connection, batch.qos)) return;
            send(connection, batch, batch.topics[batch.next++], now);
        }
        batches.pop_front();
    }
    connection.retained_feed.reset();
}

void RetainedFeeds::forget(Connection& connection, std::string_view filter) {
    if (connection.retained_feed == nullptr) return;
    auto& batches = connection.retained_feed->batches;
    for (std::size_t i = 0; i < batches.size(); ++i)
        if (batches[i].filter == filter) batches[i].next = batches[i].topics.size();
}

// Live messages that already wait come first.
bool RetainedFeeds::has_room(const Connection& connection, QoS qos) {
    if (!connection.has_outbox_room() || !connection.session()->pending().empty()) return false;
    return qos == QoS::at_most_once || connection.has_send_quota();
}

void RetainedFeeds::send(Connection& connection, const RetainedFeed::Batch& batch, topic::TopicId topic, Instant now) const {
    const session::Publication* publication = retained_.find(topic, now);
    if (publication == nullptr) return;
    const session::PublicationView view = publication->view();
    if (!topic::matches(batch.filter, view.topic)) return;  // the number belongs to another topic by now
    session::Delivery delivery{*publication, {}, 0, std::min(view.qos, batch.qos), true};  // [MQTT-3.3.1-8]
    delivery.ids.add(batch.subscription_id);
    connection.send_now(std::move(delivery), now);
}

}  // namespace ledge::broker
