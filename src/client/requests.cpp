// SUBSCRIBE and UNSUBSCRIBE, and their answers SUBACK and UNSUBACK.
#include <algorithm>

#include "append.hpp"
#include "ledge/base/assert.hpp"
#include "ledge/client/client.hpp"
#include "ledge/wire/utf8.hpp"

namespace ledge::client {

using wire::PacketType;
using wire::PropertyId;

namespace {

bool is_shared(std::string_view filter) { return filter.starts_with("$share/"); }

bool has_wildcard(std::string_view filter) { return filter.find_first_of("+#") != std::string_view::npos; }

bool is_text(std::string_view filter) {
    return !filter.empty() && filter.size() <= 0xFFFF && wire::is_valid_utf8(filter);
}

bool has_options_of_v5(const wire::SubscribeOptions& options) {
    return options.no_local || options.retain_as_published || options.retain_handling != wire::RetainHandling::send;
}

}  // namespace

Result<PacketId, ReasonCode> Client::subscribe(const std::vector<wire::SubscribeEntry>& entries,
                                               const wire::Properties& properties, PacketId packet_id) {
    LEDGE_ASSERT(!entries.empty());  // [MQTT-3.8.3-2]
    if (const auto refusal = refusal_of_request()) return Failure{*refusal};
    if (properties.has(PropertyId::subscription_identifier) && !limits_.subscription_identifiers_available)
        return Failure{ReasonCode::subscription_identifiers_not_supported};
    std::vector<Byte> raw;
    for (const auto& entry : entries) {
        if (const auto refusal = refusal_of(entry)) return Failure{*refusal};
        wire::append_entry(raw, entry, true);
    }
    wire::Subscribe packet;
    packet.packet_id = packet_id != 0 ? packet_id : next_request_id();
    packet.entries = wire::SubscribeEntries(raw, true);
    packet.properties = properties;
    return send_request(packet, PacketType::suback, entries.size());
}

Result<PacketId, ReasonCode> Client::unsubscribe(const std::vector<std::string_view>& filters,
                                                 const wire::Properties& properties, PacketId packet_id) {
    LEDGE_ASSERT(!filters.empty());  // [MQTT-3.10.3-2]
    if (const auto refusal = refusal_of_request()) return Failure{*refusal};
    std::vector<Byte> raw;
    for (const std::string_view filter : filters) {
        if (!is_text(filter)) return Failure{ReasonCode::topic_filter_invalid};
        wire::append_entry(raw, {filter, {}}, false);
    }
    wire::Unsubscribe packet;
    packet.packet_id = packet_id != 0 ? packet_id : next_request_id();
    packet.entries = wire::SubscribeEntries(raw, false);
    packet.properties = properties;
    return send_request(packet, PacketType::unsuback, filters.size());
}

template <class Packet>
Result<PacketId, ReasonCode> Client::send_request(const Packet& packet, PacketType answer, std::size_t entries) {
    if (packet.packet_id == 0) return Failure{ReasonCode::quota_exceeded};  // all ids are in use
    if (!is_free_for_request(packet.packet_id)) return Failure{ReasonCode::packet_identifier_in_use};
    const std::size_t size = wire::encoded_size(packet, options_.version);
    if (size > std::min(limits_.maximum_packet_size, wire::packet_size_max))
        return Failure{ReasonCode::packet_too_large};
    ids_in_use_.insert(packet.packet_id);
    requests_.push_back({packet.packet_id, answer, entries});
    append(packet);
    return PacketId{packet.packet_id};
}

std::optional<ReasonCode> Client::refusal_of_request() const {
    if (!is_connected()) return ReasonCode::server_unavailable;
    // A full outbox means that the server does not read; a request would only wait behind the rest.
    const bool has_room =
        requests_.size() < options_.limits.requests_max && outbox_.size() < options_.limits.outbox_bytes_max;
    return has_room ? std::nullopt : std::optional(ReasonCode::quota_exceeded);
}

/// Checks only what CONNACK and MQTT 3 rule out. The server checks the syntax of the filter and answers with a code.
std::optional<ReasonCode> Client::refusal_of(const wire::SubscribeEntry& entry) const {
    if (!is_text(entry.filter)) return ReasonCode::topic_filter_invalid;
    if (!is_v5()) return has_options_of_v5(entry.options) ? std::optional(ReasonCode::protocol_error) : std::nullopt;
    if (is_shared(entry.filter)) {
        if (!limits_.shared_subscriptions_available) return ReasonCode::shared_subscriptions_not_supported;
        if (entry.options.no_local) return ReasonCode::protocol_error;  // [MQTT-3.8.3-4]
    }
    if (has_wildcard(entry.filter) && !limits_.wildcard_subscriptions_available)
        return ReasonCode::wildcard_subscriptions_not_supported;
    return std::nullopt;
}

bool Client::is_free_for_request(PacketId id) const {
    return id != 0 && !ids_in_use_.contains(id) && !window_out_.is_open(id);
}

/// Requests use ids from the top, because messages use ids from the bottom. The messages of a relay bring their own
/// ids, which should not collide with those of requests. 0: all ids are in use.
PacketId Client::next_request_id() const {
    for (std::uint32_t id = 0xFFFF; id > 0; --id) {
        const auto candidate = static_cast<PacketId>(id);
        if (is_free_for_request(candidate)) return candidate;
    }
    return 0;
}

Event Client::on_request_done(Bytes frame) {
    const PacketType type = wire::type_of(frame);
    const auto packet = type == PacketType::suback ? wire::decode_suback(frame, options_.version)
                                                   : wire::decode_unsuback(frame, options_.version);
    if (!packet) return fail(Fault::undecodable, packet.error().rule);
    if (breaks_problem_information(packet->properties)) return fail(Fault::problem_information);
    // An UNSUBACK with the id of a SUBSCRIBE is no answer to it.
    const auto found = std::find_if(requests_.begin(), requests_.end(), [&](const Request& request) {
        return request.id == packet->packet_id && request.answer == type;
    });
    if (found == requests_.end()) return fail(Fault::request_unknown);
    // Before MQTT 5, UNSUBACK has no codes.
    const bool has_codes = type == PacketType::suback || is_v5();
    if (has_codes && packet->codes.size() != found->entries) return fail(Fault::request_code_count);
    ids_in_use_.erase(found->id);
    requests_.erase(found);
    return RequestDone{*packet};
}

}  // namespace ledge::client
