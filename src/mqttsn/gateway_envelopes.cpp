// Packets in envelopes (envelope.hpp): which device has sent one, whether the device itself has made it, and whether it
// comes for the first time. Only then anything happens: a wrong tag, an unknown sender and a repeated envelope are
// counted, and nobody is answered.
//
//     envelope ──► sender known? ──► tag right? ──► counter new? ──► CONNECT: held until its counter is on disk
//                                                                ──► other packets: to the device, where it is now
//
// A restarted gateway knows the senders from its file of counters. Their packets are answered by DISCONNECT, so they
// connect again at once; a packet of before the restart, sent again by somebody else, brings nothing but this answer.
// An old PUBLISH of QoS -1 is published again. Such messages are accepted without an envelope, too, so nobody gains by
// it.
#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/mqttsn/gateway.hpp"

namespace ledge::mqttsn {

namespace {

/// nullptr = the message is no CONNECT.
const Connect* connect_in(const Result<Message, Violation>& message) {
    return message.ok() ? std::get_if<Connect>(&*message) : nullptr;
}

}  // namespace

void Gateway::on_envelope(std::string_view key, Bytes packet, Instant now) {
    const auto envelope = read_envelope(packet);
    if (!envelope) {
        ++counters_.packets_malformed;
        return;
    }
    // The packet is not encrypted. Reading it before the proof is needed, because CONNECT names a new sender.
    const auto message = decode(envelope->packet);
    const EnvelopeSender sender = check_envelope(*envelope, message);
    if (!sender.is_used()) return;
    if (!message.ok() || std::holds_alternative<Forward>(*message)) {
        ++counters_.packets_malformed;
        return;
    }
    on_proven({key, &sender}, *envelope, *message, now);
}

/// The client id of the sender; "" = unknown. A device may connect with its own client id only.
std::string_view Gateway::name_in(const Envelope& envelope, const Result<Message, Violation>& message) {
    const auto* const connect = connect_in(message);
    if (const auto* record = envelope_counters_.find(envelope.sender); record != nullptr)
        return connect == nullptr || connect->client_id == record->client_id ? record->client_id : std::string_view();
    if (connect == nullptr || connect->client_id.size() > options_.endpoint.client_id_bytes_max) return {};
    return sender_of(connect->client_id) == envelope.sender ? connect->client_id : std::string_view();
}

/// The sender, and how to answer it. Not used = the envelope is not accepted, which was counted.
EnvelopeSender Gateway::check_envelope(const Envelope& envelope, const Result<Message, Violation>& message) {
    const std::string_view client_id = name_in(envelope, message);
    const DeviceRule* const rule = client_id.empty() ? nullptr : table_.find(client_id);
    if (rule == nullptr || !rule->has_key()) {
        ++counters_.envelopes_unknown;
        return {};
    }
    if (!envelope.has_tag_of(rule->key)) {
        ++counters_.envelopes_forged;
        return {};
    }
    EnvelopeCounters::Record* const record = envelope_counters_.find_or_add(client_id);
    if (record == nullptr) {
        ++counters_.congested;
        return {};
    }
    EnvelopeCounters::use_key(*record, rule->key_mark);
    if (envelope.counter <= record->seen) {
        ++counters_.envelopes_replayed;
        return {};
    }
    record->seen = envelope.counter;
    return {&rule->key, &envelope_counters_, record};
}

void Gateway::on_proven(Peer from, const Envelope& envelope, const Message& message, Instant now) {
    if (std::holds_alternative<Connect>(message)) {
        held_connects_[envelope.sender] = {
            std::string(from.key), envelope.counter, {envelope.packet.begin(), envelope.packet.end()}};
        return envelope_counters_.want_write();
    }
    const auto* const publish = std::get_if<Publish>(&message);
    if (publish != nullptr && publish->qos == QoS::without_connection)
        return on_connectionless(from.key, *publish, now);
    if (std::holds_alternative<Searchgw>(message)) {
        if (is_usable_ && !is_stopped_) output_to(from).send(Gwinfo{options_.gateway_id, {}});
        return;
    }
    const auto found = by_name_.find(from.proof->record->client_id);
    if (found == by_name_.end() || device(found->second).is_away()) {
        // A proven device is no gateway, so this answer cannot be answered for ever.
        ++counters_.unknown_answered;
        return output_to(from).send(Disconnect{});
    }
    // An envelope proves more than an address: the device has moved.
    if (device(found->second).key != from.key) {
        ++counters_.roamed;
        vacate(from.key);
        bind(found->second, from.key);
    }
    deliver(found->second, message, now);
}

void Gateway::counters_written(bool is_durable, Instant now) {
    envelope_counters_.end_write(is_durable);
    for (auto held = held_connects_.begin(); held != held_connects_.end();) {
        EnvelopeCounters::Record* const record = envelope_counters_.find(held->first);
        LEDGE_ASSERT(record != nullptr);
        if (record->durable_seen < held->second.counter) {
            ++held;  // it came while the file was being written
            continue;
        }
        const HeldConnect connect = std::move(held->second);
        held = held_connects_.erase(held);
        const auto message = decode(connect.packet);
        const DeviceRule* const rule = table_.find(record->client_id);
        LEDGE_ASSERT(rule != nullptr && rule->has_key());  // set_devices() drops held packets
        const EnvelopeSender sender{&rule->key, &envelope_counters_, record};
        on_connect({connect.key, &sender}, *connect_in(message), now);
    }
}

}  // namespace ledge::mqttsn
