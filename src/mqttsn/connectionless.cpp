// QoS -1: messages of devices without a connection (rule 9, MQTT-SN section 6.8). One session of the gateway publishes
// them all, with the rights of its user. It has no subscriptions, so it only reads what ends it.
#include "ledge/base/assert.hpp"
#include "ledge/mqttsn/gateway.hpp"

namespace ledge::mqttsn {

namespace {

constexpr std::size_t rates = 256;

}  // namespace

void Gateway::want_connectionless() {
    if (options_.connectionless_client_id.empty() || is_stopped_) return;
    if (connectionless_.stage() != InnerSession::Stage::closed) return;
    client::Options options;
    options.client_id = options_.connectionless_client_id;
    options.flow = client::Flow::passed_on;
    options.keep_alive_s = 0;
    options.receive_maximum = 1;
    options.maximum_packet_size = options_.endpoint.inner_packet_bytes_max;
    options.topic_alias_maximum_out = 0;
    connectionless_.want(std::move(options), true);
    after(connectionless_device);
}

void Gateway::on_connectionless(std::string_view key, const Publish& message, Instant now) {
    // Ids that REGISTER has given belong to a connection, so only the other two types name a topic here.
    const auto short_name = short_name_of(message.topic_id);
    std::string_view topic;
    if (message.type == TopicIdType::predefined) topic = predefined_.name_of(message.topic_id);
    if (message.type == TopicIdType::short_name) topic = {short_name.data(), short_name.size()};
    const bool may_pass = !topic.empty() && may_publish(key, now);
    if (may_pass) want_connectionless();  // only then: opening the session costs more than dropping the message
    if (!may_pass || !connectionless_.is_up()) {
        ++counters_.connectionless_dropped;
        return;
    }
    wire::Publish packet;
    packet.topic = topic;
    packet.payload = message.data;
    packet.retain = message.retain;
    const bool is_sent = connectionless_.client().publish(packet).ok();
    ++(is_sent ? counters_.connectionless : counters_.connectionless_dropped);
    after(connectionless_device);
}

/// One of 256 buckets by the keyed hash of the peer, so that no table of unknown peers can grow.
bool Gateway::may_publish(std::string_view key, Instant now) {
    if (options_.connectionless_per_second == 0) return true;
    if (connectionless_rates_.empty())
        connectionless_rates_.assign(rates, TokenBucket(options_.connectionless_per_second, 0, now));
    TokenBucket& bucket = connectionless_rates_[hash_(key) % rates];
    bucket.refill(now);
    if (!bucket.is_ready()) return false;
    bucket.take(1);
    return true;
}

}  // namespace ledge::mqttsn
