// Shard: changes to its listeners while it is running. On the shard's thread.
#include <algorithm>

#include "ledge/base/assert.hpp"
#include "ledge/session/live_limits.hpp"
#include "shard_parts.hpp"

namespace ledge::broker {

// Connections and sessions refer to the options of their listener, so the change reaches them at once.
void Shard::set_limits(const Listeners& listeners) {
    for (ListenerOptions& mine : parts_->options.listeners) {
        const auto wanted = std::ranges::find(listeners, mine.name, &ListenerOptions::name);
        if (wanted != listeners.end()) session::take_live_options(mine, *wanted);
    }
    parts_->router.set_may_refuse(parts_->options.may_refuse());
}

std::uint16_t Shard::add_listener(const ListenerOptions& listener, bool has_other_users) {
    Parts& p = *parts_;
    p.options.listeners.push_back(listener);
    p.connections.add_listener();  // both have the same index for the new listener
    p.router.set_may_refuse(p.options.may_refuse());
    p.lifecycle.set_other_users(has_other_users);
    LEDGE_ASSERT(p.options.listeners.size() <= 0x1'0000);
    return static_cast<std::uint16_t>(p.options.listeners.size() - 1);
}

}  // namespace ledge::broker
