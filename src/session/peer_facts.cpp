#include "ledge/session/peer_facts.hpp"

#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/session/listener_options.hpp"

namespace ledge::session {

PeerFacts::PeerFacts(const ListenerOptions& its_listener, std::string its_address)
    : listener(its_listener),
      address(std::move(its_address)),
      network(network_of(address)),
      limits_(&its_listener.limits) {
    LEDGE_ASSERT(receive_maximum == receive_maximum_unlimited);
}

std::uint16_t PeerFacts::effective_keep_alive(const wire::Connect& packet) const {
    const std::uint32_t ceiling = limits().max_keep_alive_s;
    const bool is_within = ceiling == 0 || (packet.keep_alive_s != 0 && packet.keep_alive_s <= ceiling);
    return is_within || !is_v5() ? packet.keep_alive_s : static_cast<std::uint16_t>(ceiling);
}

}  // namespace ledge::session
