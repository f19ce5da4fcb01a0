// The frame of the gateway: the owner's calls, the tables of devices, time. gateway_peers.cpp finds out whose packet it
// is.
#include "ledge/mqttsn/gateway.hpp"

#include <algorithm>
#include <utility>

#include "ledge/base/assert.hpp"

namespace ledge::mqttsn {

Gateway::Gateway(GatewayOptions options, PredefinedTopics predefined, std::uint64_t seed, Instant now)
    : options_(std::move(options)),
      predefined_(std::move(predefined)),
      services_{options_.endpoint, predefined_, counters_, events_},
      output_(options_.output_bytes_max, counters_),
      hash_(seed),
      devices_(1),
      by_key_(hash_, KeyOf{this}),
      by_name_(hash_, NameOf{this}),
      next_first_topic_id_(static_cast<TopicId>(seed % first_topic_id_max + 1)),
      unknown_(options_.unknown_per_second, 0, now),
      connects_(options_.unknown_per_second, 0, now),
      envelope_counters_(options_.envelope_first_counter, options_.envelope_records_max) {
    LEDGE_ASSERT(options_.peers_max > 0 && options_.endpoint.packet_bytes_max >= 32);
    want_connectionless();
    if (options_.advertise_interval_s != 0) advertise_at_ = now;
}

// ---------------------------------------------------------------------------------------------------------------------
// The link

void Gateway::on_packet(Bytes address, Bytes packet, Instant now) {
    LEDGE_ASSERT(!address.empty() && address.size() <= address_bytes_max);
    ++counters_.packets_in;
    std::string key(1, static_cast<char>(address.size()));
    key += as_text(address);
    auto message = decode(packet);
    if (message.ok()) {
        if (const auto* forward = std::get_if<Forward>(&*message)) {  // rule 16
            key += as_text(forward->node_id);
            packet = forward->inner;
            message = decode(packet);
        }
    }
    if (is_envelope(packet)) return on_envelope(key, packet, now);
    if (!message.ok()) {
        // Nobody answers: the bytes may be anything, from anybody.
        ++counters_.packets_malformed;
        return;
    }
    on_message(key, *message, packet.size(), now);
}

/// Takes the key apart again: peer := address_size:u8 address node_id.
PeerOutput Gateway::output_to(Peer peer) {
    if (peer.key.empty()) return PeerOutput(peer.proof);
    const std::size_t address_size = static_cast<unsigned char>(peer.key.front());
    return PeerOutput(output_, peer.key.substr(1, address_size), peer.key.substr(1 + address_size), peer.proof);
}

PeerOutput Gateway::output_to(const Device& one) {
    return output_to(Peer{one.key, one.has_key() ? &one.own->envelopes : nullptr});
}

void Gateway::link_opened(Instant now) {
    output_.clear();  // packets of before are older than what the devices do now
    if (options_.advertises_on_open) advertise(now);
}

/// Rule 17. The broadcast names the time until the next one, so that a device can notice that the gateway is gone.
void Gateway::advertise(Instant now) {
    if (!is_usable_ || is_stopped_) return;
    const std::uint16_t interval_s = options_.advertise_interval_s;
    // A gateway that advertises only when its line opens names the longest time.
    const std::uint16_t duration_s = interval_s != 0 ? interval_s : std::uint16_t{0xFFFF};
    output_.push({}, {}, Advertise{options_.gateway_id, duration_s});
    if (interval_s != 0) advertise_at_ = now + std::chrono::seconds(interval_s);
}

// ---------------------------------------------------------------------------------------------------------------------
// The broker

void Gateway::set_usable(bool is_usable, Instant now) {
    const bool was_usable = std::exchange(is_usable_, is_usable);
    if (is_usable && !was_usable && options_.advertise_interval_s != 0) advertise(now);
}

const InnerSession& Gateway::inner(DeviceId id) const {
    if (id == connectionless_device) return connectionless_;
    LEDGE_ASSERT(id < devices_.size() && devices_[id] != nullptr);
    return devices_[id]->endpoint.inner();
}

std::optional<DeviceId> Gateway::take_inner() {
    while (!inner_wanted_.empty()) {
        const DeviceId id = inner_wanted_.pop_front();
        if (id == connectionless_device) {
            is_connectionless_taking_ = false;
            return id;
        }
        if (devices_[id] == nullptr) continue;  // forgotten since
        device(id).is_taking = false;
        return id;
    }
    inner_wanted_.clear();
    return std::nullopt;
}

std::string_view Gateway::client_id(DeviceId id) const {
    if (id == connectionless_device) return options_.connectionless_client_id;
    return devices_[id]->endpoint.client_id();
}

Bytes Gateway::address(DeviceId id) const {
    if (id == connectionless_device) return {};
    const std::string_view key = devices_[id]->key;
    return key.empty() ? Bytes() : as_bytes(key.substr(1, static_cast<unsigned char>(key.front())));
}

void Gateway::inner_opened(DeviceId id, Instant now) {
    if (id == connectionless_device)
        connectionless_.opened(now);
    else
        device(id).endpoint.inner().opened(now);
    after(id);
}

void Gateway::inner_sent(DeviceId id, std::size_t count, Instant now) {
    if (id == connectionless_device)
        connectionless_.sent(count, now);
    else
        device(id).endpoint.inner().sent(count, now);
    after(id);
}

void Gateway::inner_bytes(DeviceId id, Bytes& input, Instant now) {
    if (id == connectionless_device) {
        connectionless_.drain(input, now);
    } else {
        PeerOutput peer = output_to(device(id));
        device(id).endpoint.inner_bytes(input, {now, peer});
    }
    after(id);
}

void Gateway::inner_closed(DeviceId id, Instant now) {
    if (id == connectionless_device) {
        connectionless_.closed();  // the next message wants it again
    } else {
        PeerOutput peer = output_to(device(id));
        device(id).endpoint.inner_closed({now, peer});
    }
    after(id);
}

/// After each call of an endpoint: its deadline and its inner link may have changed. An expelled device may be gone.
void Gateway::after(DeviceId id) {
    if (id == connectionless_device) return note_inner(id, is_connectionless_taking_, connectionless_);
    Device& one = device(id);
    if (one.is_outdated && one.endpoint.inner().stage() == InnerSession::Stage::closed) return forget(id);
    deadlines_.set(id, one.endpoint.next_deadline());
    note_inner(id, one.is_taking, one.endpoint.inner());
}

// A device stands in the list once, however many calls its link wants: the owner makes all of them in one go.
void Gateway::note_inner(DeviceId id, bool& is_taking, const InnerSession& session) {
    const bool wants_call = session.wants_open() || !session.output().empty() || session.wants_close();
    if (wants_call && !std::exchange(is_taking, true)) inner_wanted_.push_back(id);
}

// ---------------------------------------------------------------------------------------------------------------------
// Devices

/// The device is at this address from now on, and at no other one.
void Gateway::bind(DeviceId id, std::string_view key) {
    LEDGE_ASSERT(!by_key_.contains(key));
    unbind(id);
    device(id).key = key;
    by_key_.emplace(device(id).key, id);
}

void Gateway::unbind(DeviceId id) {
    if (device(id).key.empty()) return;
    by_key_.erase(device(id).key);
    device(id).key.clear();
}

std::size_t Gateway::count_in(Endpoint::State state) const {
    return static_cast<std::size_t>(std::count_if(devices_.begin(), devices_.end(), [&](const auto& one) {
        return one != nullptr && one->endpoint.state() == state;
    }));
}

// ---------------------------------------------------------------------------------------------------------------------
// Time

Instant Gateway::next_deadline() const {
    return std::min({deadlines_.next(), advertise_at_, connectionless_.next_deadline()});
}

void Gateway::on_time(Instant now) {
    // Each device is handled once per call: one whose deadline stays in the past must not hold up the others.
    for (std::size_t left = deadlines_.size(); left > 0; --left) {
        const auto id = deadlines_.pop_due(now);
        if (!id) break;
        PeerOutput peer = output_to(device(*id));
        device(*id).endpoint.on_time({now, peer});
        after(*id);
    }
    if (connectionless_.next_deadline() <= now) {
        connectionless_.on_time(now);
        after(connectionless_device);
    }
    if (now >= advertise_at_) {
        advertise_at_ = now + std::chrono::seconds(options_.advertise_interval_s);
        advertise(now);
    }
}

void Gateway::stop(Instant now) {
    is_stopped_ = true;
    advertise_at_ = never;
    for (DeviceId id = 1; id < devices_.size(); ++id) {
        if (devices_[id] == nullptr) continue;
        PeerOutput peer = output_to(device(id));
        device(id).endpoint.stop({now, peer});
        after(id);
    }
    connectionless_.end(false);
    after(connectionless_device);
}

}  // namespace ledge::mqttsn
