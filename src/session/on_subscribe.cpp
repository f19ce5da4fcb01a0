// SUBSCRIBE, UNSUBSCRIBE and DISCONNECT: decoded and judged here, done by the broker.
#include "auth_exchange.hpp"
#include "ledge/session/connection.hpp"

#include "ledge/topic/name.hpp"

namespace ledge::session {

using wire::PropertyId;
using wire::ReasonCode;

namespace {

// Breaks the syntax of 4.7.1 or 4.8.2. A well-formed filter that has too many levels for us is another matter: SUBACK.
bool has_malformed_filter(const wire::SubscribeEntries& entries) {
    for (const wire::SubscribeEntry& entry : entries)
        if (!topic::is_valid_filter(entry.filter, topic::levels_hard_max) &&
            topic::count_levels(entry.filter) <= topic::levels_hard_max)
            return true;
    return false;
}

constexpr std::string_view malformed_filter = "topic filter breaks the rules for wildcards or $share";

}  // namespace

void Connection::on_subscribe(Bytes frame, Effect& effect) {
    const auto packet = wire::decode_subscribe(frame, version_);
    if (!packet.ok()) return close(packet.error(), "SUBSCRIBE");
    if (has_malformed_filter(packet->entries))
        return close(ReasonCode::malformed_packet, malformed_filter);  // [MQTT-4.13.1-1]
    effect = AddSubscriptions{*packet};
}

void Connection::on_unsubscribe(Bytes frame, Effect& effect) {
    const auto packet = wire::decode_unsubscribe(frame, version_);
    if (!packet.ok()) return close(packet.error(), "UNSUBSCRIBE");
    if (has_malformed_filter(packet->entries)) return close(ReasonCode::malformed_packet, malformed_filter);
    effect = RemoveSubscriptions{*packet};
}

void Connection::on_disconnect(Bytes frame, Effect& effect) {
    const auto packet = wire::decode_disconnect(frame, version_);
    if (!packet.ok()) return close(packet.error(), "DISCONNECT");
    if (state_ == State::authenticating) return start_closing();
    if (const auto expiry = packet->properties.number(PropertyId::session_expiry_interval)) {
        if (session_->expiry_interval_s == 0 && *expiry != 0)  // 5.0 section 3.14.2.2.2
            return close(ReasonCode::protocol_error, "session expiry was 0 in CONNECT and cannot be raised");
        session_->expiry_interval_s = std::min(*expiry, limits().session_expiry_max_s);
    }
    if (packet->code == ReasonCode::success) is_will_due_ = false;  // [MQTT-3.14.4-3]
    services_.log.info("client_disconnected", {{"client_id", session_->client_id()},
                                               {"address", address_},
                                               {"by", "client"},
                                               {"reason", wire::name_of(packet->code)}});
    start_closing();
    effect = EndConnection{};
}

}  // namespace ledge::session
