#include "ledge/bridge/exchanges.hpp"

#include <algorithm>
#include <utility>

#include "ledge/base/assert.hpp"

namespace ledge::bridge {

Exchange* Exchanges::find(wire::PacketId id) {
    if (!contains(id)) return nullptr;
    const auto found = std::find_if(list_.begin(), list_.end(), [&](const Exchange& one) { return one.id == id; });
    return found == list_.end() ? nullptr : &*found;
}

Exchange& Exchanges::add(Exchange exchange) {
    LEDGE_ASSERT(exchange.id != 0 && !contains(exchange.id));
    ids_.insert(exchange.id);
    return list_.emplace_back(std::move(exchange));
}

void Exchanges::erase(wire::PacketId id) {
    const auto found = std::find_if(list_.begin(), list_.end(), [&](const Exchange& one) { return one.id == id; });
    LEDGE_ASSERT(found != list_.end());
    list_.erase(found);
    ids_.erase(id);
}

const Exchange* Exchanges::oldest_unanswered() const {
    const auto found = std::find_if(list_.begin(), list_.end(),
                                    [](const Exchange& one) { return one.state == ExchangeState::passed_on; });
    return found == list_.end() ? nullptr : &*found;
}

std::size_t Exchanges::unanswered() const {
    return static_cast<std::size_t>(std::count_if(
        list_.begin(), list_.end(), [](const Exchange& one) { return one.state == ExchangeState::passed_on; }));
}

}  // namespace ledge::bridge
