#include "ledge/uplink/relay_log.hpp"

#include <utility>

namespace ledge::uplink {

using Kind = bridge::RelayEvent::Kind;

RelayLog::RelayLog(const Log& log, std::string bridge, Duration pause)
    : log_(log), bridge_(std::move(bridge)), pause_(pause) {}

void RelayLog::tell(const bridge::RelayEvent& event, Instant now) {
    switch (event.kind) {
        case Kind::connected:
        case Kind::relaying:
        case Kind::proven:
        case Kind::ended: return;
        case Kind::filter_refused:
        case Kind::filter_lowered:
        case Kind::local_filter_refused:
            return log_.warning("bridge_filter_problem", {{"bridge", bridge_},
                                                          {"problem", name_of(event.kind)},
                                                          {"filter", event.topic},
                                                          {"code", static_cast<int>(event.code)}});
        case Kind::refused:
        case Kind::refused_locally:
        case Kind::set_aside:
        case Kind::dropped:
        case Kind::loop_cut:
        case Kind::strange_topic: return tell_message(event, now);
        case Kind::qos_lowered:
        case Kind::client_id_in_use:
        case Kind::upstream_session_discarded:
        case Kind::upstream_session_lost:
            return log_.warning("bridge_upstream_problem", {{"bridge", bridge_}, {"problem", name_of(event.kind)}});
    }
}

void RelayLog::tell_message(const bridge::RelayEvent& event, Instant now) {
    Pace& pace = paces_[static_cast<std::size_t>(event.kind)];
    if (now < pace.next) {
        ++pace.skipped;
        return;
    }
    pace.next = now + pause_;
    log_.warning("bridge_message_problem", {{"bridge", bridge_},
                                            {"problem", name_of(event.kind)},
                                            {"topic", event.topic},
                                            {"code", static_cast<int>(event.code)},
                                            {"reason", event.text},
                                            {"skipped", std::exchange(pace.skipped, 0U)}});
}

}  // namespace ledge::uplink
