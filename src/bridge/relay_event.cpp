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

void RelayCounters::add(const RelayCounters& other) {
    static constexpr std::uint64_t RelayCounters::*all[] = {
        &RelayCounters::out,          &RelayCounters::in,
        &RelayCounters::out_done,     &RelayCounters::in_done,
        &RelayCounters::no_route,     &RelayCounters::loops,
        &RelayCounters::echoes,       &RelayCounters::repeated,
        &RelayCounters::set_aside,    &RelayCounters::dropped,
        &RelayCounters::dropped_slow, &RelayCounters::dropped_unsendable,
        &RelayCounters::refused,      &RelayCounters::dropped_incoming,
        &RelayCounters::refused_here, &RelayCounters::events_lost,
    };
    constexpr std::size_t codes = std::tuple_size_v<decltype(refused_by_code)>;
    static_assert(sizeof all / sizeof *all + codes == sizeof(RelayCounters) / sizeof(std::uint64_t));
    for (std::uint64_t RelayCounters::*const one : all) this->*one += other.*one;
    for (std::size_t i = 0; i < codes; ++i) refused_by_code[i] += other.refused_by_code[i];
}

}  // namespace ledge::bridge
