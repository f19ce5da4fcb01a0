// The events of a gateway as log lines; src/base/log_events.cpp says what each line means and what an operator can do.
#include "gateway_log.hpp"

#include <utility>

#include "ledge/base/assert.hpp"

namespace ledge::link {

using Kind = mqttsn::GatewayEvent::Kind;

void GatewayLog::tell(const mqttsn::GatewayEvent& event, Instant now) {
    // The core logs both as it does for every client.
    if (event.kind == Kind::connected || event.kind == Kind::left) return;
    // One pace for each kind: a flood of refused devices must not hide that a device was lost.
    const auto index = static_cast<std::size_t>(event.kind);
    LEDGE_ASSERT(index < paces_.size());
    Pace& pace = paces_[index];
    if (now < pace.next) {
        ++pace.skipped;
        return;
    }
    pace.next = now + this->pause;
    // The next line of the kind tells how many were left out before it, so the number is never lost.
    const unsigned skipped = std::exchange(pace.skipped, 0U);
    switch (event.kind) {
        case Kind::refused:
            return log_.warning("mqttsn_device_refused", {{"listener", listener_},
                                                          {"client_id", event.client_id},
                                                          {"reason", event.text},
                                                          {"skipped", skipped}});
        case Kind::lost:
            return log_.info("mqttsn_device_lost",
                             {{"listener", listener_}, {"client_id", event.client_id}, {"skipped", skipped}});
        case Kind::ended:
            return log_.info("mqttsn_device_ended", {{"listener", listener_},
                                                     {"client_id", event.client_id},
                                                     {"reason", event.text},
                                                     {"skipped", skipped}});
        case Kind::taken_over:
            return log_.info("mqttsn_device_moved",
                             {{"listener", listener_}, {"client_id", event.client_id}, {"skipped", skipped}});
        case Kind::oversize:
            return log_.warning(
                "mqttsn_message_too_large",
                {{"listener", listener_}, {"client_id", event.client_id}, {"topic", event.text}, {"skipped", skipped}});
        case Kind::topic_refused:
            return log_.warning(
                "mqttsn_topic_refused",
                {{"listener", listener_}, {"client_id", event.client_id}, {"topic", event.text}, {"skipped", skipped}});
        case Kind::connected:
        case Kind::left: return;
    }
}

}  // namespace ledge::link
