// SUBSCRIBE, UNSUBSCRIBE and DISCONNECT: decoded and judged here, done by the broker.
#include "auth_exchange.hpp"
#include "ledge/session/connection.hpp"
#include "ledge/session/retained_feed.hpp"

namespace ledge::session {

using wire::PropertyId;
using wire::ReasonCode;

void Connection::on_subscribe(Bytes frame, Effect& effect) {
    const auto packet = wire::decode_subscribe(frame, version_);
    if (!packet.ok()) return close(packet.error(), "SUBSCRIBE");
    effect = AddSubscriptions{*packet};
}

void Connection::on_unsubscribe(Bytes frame, Effect& effect) {
    const auto packet = wire::decode_unsubscribe(frame, version_);
    if (!packet.ok()) return close(packet.error(), "UNSUBSCRIBE");
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
    environment_.log.info("client_disconnected", {{"client_id", session_->client_id()},
                                                  {"address", address_},
                                                  {"by", "client"},
                                                  {"reason", wire::name_of(packet->code)}});
    start_closing();
    effect = EndConnection{};
}

}  // namespace ledge::session
