// The devices file at work: which client ids may connect, what their rules give them, and what a new file changes.
#include <utility>

#include "ledge/mqttsn/gateway.hpp"

namespace ledge::mqttsn {

namespace {

/// The rule of a client id that no table lists, for gateways that admit everybody.
const DeviceRule& rule_or_default(const DeviceRule* rule) {
    static const DeviceRule without_rule;
    return rule == nullptr ? without_rule : *rule;
}

}  // namespace

std::string_view Gateway::user(DeviceId id) const {
    const DeviceRule* const rule = id == connectionless_device ? nullptr : table_.find(client_id(id));
    return rule == nullptr ? std::string_view() : rule->user;
}

ReturnCode Gateway::check_rule(Peer from, std::string_view client_id) {
    if (!table_.admits(client_id)) {
        ++counters_.connects_unlisted;
        events_.tell_once(GatewayEvent::Kind::refused, client_id, "the devices file does not list the client id");
        return ReturnCode::not_supported;
    }
    if (rule_or_default(table_.find(client_id)).has_key() && from.proof == nullptr) {
        ++counters_.unsealed;
        events_.tell_once(GatewayEvent::Kind::refused, client_id,
                          "the devices file has a key for the client id, but CONNECT came without an envelope");
        return ReturnCode::not_supported;
    }
    return ReturnCode::accepted;
}

/// nullptr = the rule gives nothing that this device would have to keep.
std::unique_ptr<Gateway::Own> Gateway::own_of(std::string_view client_id, Instant now) {
    const DeviceRule& rule = rule_or_default(table_.find(client_id));
    if (rule.topics.empty() && !rule.has_key() && rule.messages_per_second_max == 0) return nullptr;
    auto own = std::make_unique<Own>(topics_of(rule, client_id, predefined_), services_);
    if (rule.has_key()) own->envelopes = {&rule.key, &envelope_counters_, envelope_counters_.find_or_add(client_id)};
    own->rate = TokenBucket(rule.messages_per_second_max, 0, now);
    return own;
}

/// Above the rate of its rule a device is told to wait (MQTT-SN section 6.6: it repeats the message later). QoS 0 has
/// no answer, so these messages are lost.
bool Gateway::is_below_rate(Device& one, const Publish& message, Instant now) {
    if (one.own == nullptr) return true;
    TokenBucket& rate = one.own->rate;
    rate.refill(now);
    if (rate.is_ready()) {
        rate.take(1);
        return true;
    }
    ++counters_.over_rate;
    if (message.qos == QoS::at_most_once) return false;
    ++counters_.congested;
    output_to(one).send(Puback{message.topic_id, message.message_id, ReturnCode::congestion});
    return false;
}

void Gateway::set_devices(DeviceTable table, Instant now) {
    for (DeviceId id = 1; id < devices_.size(); ++id) {
        if (devices_[id] == nullptr || device(id).is_outdated) continue;
        Device& one = device(id);
        const std::string& client_id = one.endpoint.client_id();
        const DeviceRule& before = rule_or_default(table_.find(client_id));
        const DeviceRule& after = rule_or_default(table.find(client_id));
        if (!table.admits(client_id) || !before.is_same_for_device(after)) {
            expel(id, now);
            continue;
        }
        if (one.own == nullptr && after.messages_per_second_max != 0)
            one.own = std::make_unique<Own>(PredefinedTopics(&predefined_), services_);
        if (one.own == nullptr) continue;
        // The old table goes, and its keys with it.
        if (one.has_key()) one.own->envelopes.key = &after.key;
        one.own->rate.change(after.messages_per_second_max, 0);
    }
    table_ = std::move(table);  // the rules stay where they are
    held_connects_.clear();     // they were proven by the keys of before; the devices repeat them
}

/// The device may connect again under its new rule, if there is one, when its inner link is closed.
void Gateway::expel(DeviceId id, Instant now) {
    Device& one = device(id);
    PeerOutput peer = output_to(one);
    one.endpoint.expel("the devices file has changed", {now, peer});
    unbind(id);
    if (one.own != nullptr) one.own->envelopes = {};
    one.is_outdated = true;
    after(id);
}

}  // namespace ledge::mqttsn
