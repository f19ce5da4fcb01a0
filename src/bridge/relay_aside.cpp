// Messages of the local broker that cannot be sent: they are published at the local broker under the dead letter topic,
// and answered only when this copy is safe. The copy has a packet id of the relay's own; relay_requests.cpp says why it
// never meets another one.
#include <algorithm>
#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/bridge/marks.hpp"
#include "ledge/bridge/relay.hpp"
#include "ledge/topic/name.hpp"
#include "temporary.hpp"

namespace ledge::bridge {

using wire::QoS;
using wire::ReasonCode;

Relay::Passed Relay::set_aside(const wire::Publish& packet, std::string_view why, Instant now) {
    if (options_.dead_letter_topic.empty()) {
        drop_out({.id = packet.packet_id,
                  .source_qos = packet.qos,
                  .fingerprint = fingerprint_of(packet),
                  .topic = std::string(packet.topic)},
                 why);
        return Passed::yes;
    }
    wire::Publish copy = packet;
    std::string topic = options_.dead_letter_topic + "/" + std::string(packet.topic);
    if (topic.size() > 0xFFFF || topic::count_levels(topic) > topic::levels_hard_max)
        topic = options_.dead_letter_topic;
    copy.topic = topic;
    copy.retain = copy.dup = false;
    copy.qos = std::min(packet.qos, QoS::at_least_once);
    copy.packet_id = copy.qos == QoS::at_most_once ? wire::PacketId{0} : free_inner_id();
    carry_properties(packet.properties, {}, carried_);
    carried_.user("ledge-topic", packet.topic);
    carried_.user("ledge-reason", why);
    copy.properties = carried_.view();
    // A packet that never fits into the outbox would wait for ever.
    const bool is_too_large = wire::encoded_size(copy, wire::Version::v5) > dead_letter_bytes_max;
    // Before publish(), because the views of `packet` belong to the inner client.
    Exchange exchange{packet.packet_id,       ExchangeState::setting_aside, packet.qos, copy.qos,
                      fingerprint_of(packet), std::string(packet.topic),    now};
    if (is_too_large) {
        drop_out(exchange, why);
        return Passed::yes;
    }
    const auto sent = in_.publish(copy);
    if (!sent.ok()) {
        const ReasonCode error = sent.error();
        const bool is_full = error == ReasonCode::quota_exceeded || error == ReasonCode::receive_maximum_exceeded ||
                             error == ReasonCode::packet_identifier_in_use;
        if (is_full && exchange.source_qos != QoS::at_most_once) return Passed::waits;
        drop_out(exchange, why);
        return Passed::yes;
    }
    if (exchange.source_qos == QoS::at_most_once) {
        ++counters_.set_aside;
        tell(RelayEvent::Kind::set_aside, exchange.topic, ReasonCode::success, why);
        return Passed::yes;
    }
    own_messages_.push_back({copy.packet_id, exchange.id, std::string(why)});
    out_.add(std::move(exchange));
    return Passed::yes;
}

/// The message is lost, and its sender is answered so that the queue goes on.
void Relay::drop_out(const Exchange& message, std::string_view why) {
    count_drop(&RelayCounters::dropped_unsendable);
    tell(RelayEvent::Kind::dropped, message.topic, ReasonCode::unspecified_error, why);
    if (poison_.is_poison(message.fingerprint)) poison_.on_set_aside();
    settle_out(message.id, message.source_qos, ReasonCode::success);
}

void Relay::count_drop(std::uint64_t RelayCounters::*reason) {
    ++counters_.dropped;
    ++(counters_.*reason);
}

/// PUBACK from the local broker. False: it is not about a dead letter.
bool Relay::on_dead_letter_ack(const wire::Ack& packet, Instant now) {
    const auto own = std::find_if(own_messages_.begin(), own_messages_.end(),
                                  [&](const OwnMessage& one) { return one.id == packet.packet_id; });
    if (own == own_messages_.end()) return false;
    const OwnMessage message = std::move(*own);
    own_messages_.erase(own);
    Exchange* const exchange = out_.find(message.source_id);
    LEDGE_ASSERT(exchange != nullptr && exchange->state == ExchangeState::setting_aside);
    if (is_temporary(packet.code)) {
        end(RetryClass::network, "the local broker accepts no dead letter now", now, packet.code);
        return true;
    }
    const bool is_stored = !wire::is_error(packet.code);
    if (is_stored)
        ++counters_.set_aside;
    else
        count_drop(&RelayCounters::dropped_unsendable);
    tell(is_stored ? RelayEvent::Kind::set_aside : RelayEvent::Kind::dropped, exchange->topic, packet.code,
         message.why);
    if (poison_.is_poison(exchange->fingerprint)) poison_.on_set_aside();
    settle_out(exchange->id, exchange->source_qos, ReasonCode::success);
    return_to_speed(now);
    return true;
}

}  // namespace ledge::bridge
