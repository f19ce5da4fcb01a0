#include "ledge/bridge/relay_event.hpp"

namespace ledge::bridge {

std::string_view name_of(RelayEvent::Kind kind) {
    using Kind = RelayEvent::Kind;
    switch (kind) {
        case Kind::connected: return "connected";
        case Kind::relaying: return "relaying";
        case Kind::proven: return "proven";
        case Kind::ended: return "ended";
        case Kind::filter_refused: return "filter_refused";
        case Kind::filter_lowered: return "filter_lowered";
        case Kind::local_filter_refused: return "local_filter_refused";
        case Kind::refused: return "refused";
        case Kind::refused_locally: return "refused_locally";
        case Kind::set_aside: return "set_aside";
        case Kind::dropped: return "dropped";
        case Kind::loop_cut: return "loop_cut";
        case Kind::strange_topic: return "strange_topic";
        case Kind::qos_lowered: return "qos_lowered";
        case Kind::client_id_in_use: return "client_id_in_use";
        case Kind::upstream_session_discarded: return "upstream_session_discarded";
        case Kind::upstream_session_lost: return "upstream_session_lost";
    }
    return "";
}

}  // namespace ledge::bridge
