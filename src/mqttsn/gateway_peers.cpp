// Whose packet it is: known devices, new ones, devices at another address, and peers that nobody knows.
//
// An unknown peer never gets more bytes than it has sent, because anybody can send UDP packets in the name of another
// host: CONNACK and the WILLTOPICREQ of a handshake (3 and 2 bytes) answer a CONNECT of at least 7, GWINFO (3) a
// SEARCHGW of 3, DISCONNECT (2) any other packet of at least 2. A forwarder's header is as long in both directions.
// This does not hold for somebody who knows the client id of a device with waiting messages: CONNECT in the name of a
// victim's address brings one message at a time there, repeated retries_max times. Only a key in the devices file
// prevents it: gateway_envelopes.cpp has the packets of devices with a key, and nothing here changes what they do.
#include <algorithm>

#include "ledge/base/assert.hpp"
#include "ledge/mqttsn/gateway.hpp"

namespace ledge::mqttsn {

namespace {

constexpr std::uint32_t first_topic_id_step = 1008;

/// Packets that may come from another gateway. An answer could be answered there in the same way, for ever.
bool may_be_of_a_gateway(const Message& message) {
    if (const auto* m = std::get_if<Disconnect>(&message)) return !m->duration_s;
    if (const auto* m = std::get_if<Answer>(&message)) return m->type == MessageType::unsuback;
    return std::holds_alternative<Connack>(message) || std::holds_alternative<Willtopicreq>(message) ||
           std::holds_alternative<Willmsgreq>(message) || std::holds_alternative<Suback>(message) ||
           std::holds_alternative<Pingresp>(message) || std::holds_alternative<Willresp>(message);
}

}  // namespace

void Gateway::on_message(std::string_view key, const Message& message, std::size_t size, Instant now) {
    if (const auto* m = std::get_if<Connect>(&message)) return on_connect({key}, *m, now);
    const auto* const publish = std::get_if<Publish>(&message);
    if (publish != nullptr && publish->qos == QoS::without_connection) return on_connectionless(key, *publish, now);
    if (std::holds_alternative<Advertise>(message) || std::holds_alternative<Gwinfo>(message)) {
        ++counters_.packets_unexpected;  // of another gateway, or for clients
        return;
    }
    const auto found = by_key_.find(key);
    const bool is_search = std::holds_alternative<Searchgw>(message);
    if (found != by_key_.end() && device(found->second).has_key() && !is_search) {
        // Anybody can send from this address. An answer without an envelope would mean nothing to the device.
        ++counters_.unsealed;
        return;
    }
    const bool is_away = found != by_key_.end() && device(found->second).is_away();
    const bool is_leaving = std::holds_alternative<Disconnect>(message);  // answered also when it is repeated (rule 5)
    if (is_away && is_leaving && !may_answer(unknown_, now)) return;
    const bool is_known = found != by_key_.end() && (is_leaving || !is_away);
    if (!is_known || is_search) {
        LEDGE_ASSERT(size >= 2);
        return answer_unknown(key, message, now);
    }
    deliver(found->second, message, now);
}

/// A packet of this device, other than CONNECT.
void Gateway::deliver(DeviceId id, const Message& message, Instant now) {
    Device& one = device(id);
    one.heard_at = now;  // for make_room()
    const auto* const publish = std::get_if<Publish>(&message);
    if (publish != nullptr && !is_below_rate(one, *publish, now)) return;
    PeerOutput peer = output_to(one);
    one.endpoint.on_message(message, {now, peer});
    after(id);
}

// ---------------------------------------------------------------------------------------------------------------------
// CONNECT

void Gateway::on_connect(Peer from, const Connect& message, Instant now) {
    const auto found = by_key_.find(from.key);
    const bool is_at_home = found != by_key_.end() && device(found->second).endpoint.client_id() == message.client_id;
    if (!is_at_home && from.proof == nullptr && !may_answer(connects_, now)) return;
    const ReturnCode code = check_connect(from, message);
    if (code != ReturnCode::accepted) return refuse_connect(from, code);
    const std::optional<DeviceId> id = is_at_home ? std::optional(found->second) : admit(from, message, now);
    if (!id) return refuse_connect(from, ReturnCode::congestion);
    Device& one = device(*id);
    one.heard_at = now;
    PeerOutput peer = output_to(one);
    one.endpoint.on_connect(message, !is_at_home, {now, peer});
    after(*id);
}

ReturnCode Gateway::check_connect(Peer from, const Connect& message) {
    if (!is_usable_ || is_stopped_) return ReturnCode::congestion;
    if (message.client_id.size() > options_.endpoint.client_id_bytes_max) return ReturnCode::not_supported;
    const ReturnCode code = check_rule(from, message.client_id);
    if (code != ReturnCode::accepted) return code;
    // An expelled device waits until its former connection to the broker has ended.
    const auto known = by_name_.find(message.client_id);
    if (known != by_name_.end() && device(known->second).is_outdated) return ReturnCode::congestion;
    // Whoever cannot prove anything must not take the address of a connected device with a key.
    const auto former = by_key_.find(from.key);
    const bool is_taken =
        former != by_key_.end() && device(former->second).has_key() && !device(former->second).is_away();
    return is_taken && from.proof == nullptr ? ReturnCode::congestion : ReturnCode::accepted;
}

void Gateway::refuse_connect(Peer from, ReturnCode code) {
    ++counters_.connects_refused;
    if (code == ReturnCode::congestion) ++counters_.congested;
    output_to(from).send(Connack{code});
}

/// Finds or makes the device of a CONNECT that comes from a new address, or from one that had another client id.
std::optional<DeviceId> Gateway::admit(Peer from, const Connect& message, Instant now) {
    const auto known = by_name_.find(message.client_id);
    const bool is_new = known == by_name_.end();
    if (is_new && by_name_.size() >= options_.peers_max && !make_room()) return std::nullopt;
    vacate(from.key);
    if (!is_new) {
        if (move_here(known->second, from, now)) {
            ++counters_.takeovers;
            events_.tell(GatewayEvent::Kind::taken_over, message.client_id);
        }
        return known->second;
    }
    const DeviceId id = add_device(message.client_id, now);
    bind(id, from.key);
    return id;
}

/// Another device comes to this address. The one that was there has been replaced; but if it has a key, its next
/// envelope tells where it is now.
void Gateway::vacate(std::string_view key) {
    const auto former = by_key_.find(key);
    if (former == by_key_.end()) return;
    const DeviceId id = former->second;
    if (!device(id).is_away() && !device(id).has_key()) device(id).endpoint.lose();
    unbind(id);
    after(id);
}

/// Rule 14: the device is at this address from now on, and the former address is told, unless a key proves that the
/// same device was there. True = it was connected.
bool Gateway::move_here(DeviceId id, Peer from, Instant now) {
    Device& one = device(id);
    const bool was_connected = !one.is_away();
    if (was_connected && from.proof == nullptr) output_to(one).send(Disconnect{});
    bind(id, from.key);
    one.heard_at = now;
    return was_connected;
}

/// Forgets the disconnected device that was heard least recently. False = there is none.
bool Gateway::make_room() {
    DeviceId oldest = connectionless_device;
    for (DeviceId id = 1; id < devices_.size(); ++id) {
        if (devices_[id] == nullptr) continue;
        const Endpoint& endpoint = device(id).endpoint;
        const bool is_away = device(id).is_away() && endpoint.inner().stage() == InnerSession::Stage::closed;
        const bool is_older = oldest == connectionless_device || device(id).heard_at < device(oldest).heard_at;
        if (is_away && is_older) oldest = id;
    }
    if (oldest == connectionless_device) return false;
    forget(oldest);
    return true;
}

/// Ids of forgotten devices are used again, so that the table does not grow with the number of strangers.
DeviceId Gateway::add_device(std::string_view client_id, Instant now) {
    DeviceId id = static_cast<DeviceId>(devices_.size());
    if (free_ids_.empty()) {
        devices_.emplace_back();
    } else {
        id = free_ids_.back();
        free_ids_.pop_back();
    }
    devices_[id] =
        std::make_unique<Device>(std::string(client_id), next_first_topic_id_, services_, own_of(client_id, now));
    // A device that was forgotten and comes back gets other ids than before.
    next_first_topic_id_ = static_cast<TopicId>((next_first_topic_id_ + first_topic_id_step) % first_topic_id_max + 1);
    by_name_.emplace(device(id).endpoint.client_id(), id);
    return id;
}

void Gateway::forget(DeviceId id) {
    unbind(id);
    by_name_.erase(device(id).endpoint.client_id());
    deadlines_.set(id, never);
    devices_[id].reset();
    free_ids_.push_back(id);
}

// ---------------------------------------------------------------------------------------------------------------------
// Unknown peers (rule 10)

bool Gateway::may_answer(TokenBucket& bucket, Instant now) {
    bucket.refill(now);
    if (!bucket.is_ready()) {
        ++counters_.unknown_ignored;
        return false;
    }
    bucket.take(1);
    return true;
}

void Gateway::answer_unknown(std::string_view key, const Message& message, Instant now) {
    if (may_be_of_a_gateway(message)) {
        ++counters_.packets_unexpected;
        return;
    }
    if (!may_answer(unknown_, now)) return;
    if (std::holds_alternative<Searchgw>(message)) {
        if (is_usable_ && !is_stopped_) output_to(Peer{key}).send(Gwinfo{options_.gateway_id, {}});
        return;
    }
    const auto* const ping = std::get_if<Pingreq>(&message);
    if (ping != nullptr && wake_elsewhere(key, *ping, now)) return;
    ++counters_.unknown_answered;
    output_to(Peer{key}).send(Disconnect{});
}

/// Rule 15: a device went to sleep at one address and wakes at another, as behind the NAT of a radio network.
bool Gateway::wake_elsewhere(std::string_view key, const Pingreq& message, Instant now) {
    if (!options_.roaming || message.client_id.empty() || by_key_.contains(key)) return false;
    const auto found = by_name_.find(message.client_id);
    if (found == by_name_.end() || !device(found->second).endpoint.is_asleep()) return false;
    if (device(found->second).has_key()) return false;  // without its envelope the name proves nothing
    ++counters_.roamed;
    bind(found->second, key);
    deliver(found->second, message, now);
    return true;
}

}  // namespace ledge::mqttsn
