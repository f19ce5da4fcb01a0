#include "ledge/uplink/bridges.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "bridge.hpp"
#include "ledge/base/assert.hpp"
#include "ledge/broker/shard.hpp"
#include "ledge/uplink/bridge_plan.hpp"

namespace ledge::uplink {

std::string_view name_of(BridgeStage stage) {
    switch (stage) {
        case BridgeStage::stopped: return "stopped";
        case BridgeStage::preparing: return "preparing";
        case BridgeStage::idle: return "idle";
        case BridgeStage::pausing: return "pausing";
        case BridgeStage::connecting: return "connecting";
        case BridgeStage::greeting: return "greeting";
        case BridgeStage::subscribing: return "subscribing";
        case BridgeStage::running: return "running";
        case BridgeStage::ending: return "ending";
    }
    return "";
}

// ---------------------------------------------------------------------------------------------------------------------
// Changes while the broker runs

/// A bridge, and what shall become of it:
///
///     runs ──put()──► leaving, with a plan ──has left──► runs with the plan
///      ▲  └─remove()─► leaving, no plan ─────has left──► gone
///     put() of a new name: no bridge yet, until the next turn
/// A further put() or remove() of a leaving bridge replaces the plan.
struct Bridges::Slot {
    std::unique_ptr<Bridge> bridge;  // nullptr = it has not begun
    std::optional<BridgePlan> plan;
    bool is_leaving = false;

    bool is_due() const { return is_leaving ? bridge->has_left() : bridge == nullptr; }
    /// The local broker notices the end of a connection within a few turns, for which nothing else may wake the loop.
    bool is_nearly_due() const { return is_leaving ? bridge->is_stopped() : bridge == nullptr; }
    /// False = the configuration does not have the bridge any more.
    bool is_wanted() const { return !is_leaving || plan.has_value(); }
};

Bridges::Bridges(std::vector<UplinkOptions> options, const runtime::LoopServices& services, const Log& log,
                 std::uint64_t seed)
    : services_(services), log_(log), seeds_(seed), connector_(services.io) {
    if (services.tls_workers != nullptr) connector_.use_workers(*services.tls_workers);
    for (auto at = options.begin(); at != options.end();) {
        const auto is_of_other = [&](const UplinkOptions& one) { return one.priority_of != at->name; };
        const auto end = std::find_if(at + 1, options.end(), is_of_other);
        const auto slot = slots_.emplace(at->name, std::make_unique<Slot>());
        LEDGE_ASSERT(slot.second);
        slot.first->second->bridge = make({std::make_move_iterator(at), std::make_move_iterator(end)});
        at = end;
    }
}

Bridges::~Bridges() = default;

/// `uplinks`: those of a BridgePlan.
std::unique_ptr<Bridge> Bridges::make(std::vector<UplinkOptions> uplinks) {
    LEDGE_ASSERT(uplinks.size() == 1 || uplinks.size() == 2);
    LEDGE_ASSERT(uplinks.front().priority_of.empty());
    const bool has_lane = uplinks.size() == 2;
    auto echoes = has_lane ? std::make_unique<bridge::EchoWindow>() : nullptr;
    for (UplinkOptions& one : uplinks) one.relay.lane_echoes = echoes.get();
    auto made = std::make_unique<Bridge>(std::move(uplinks[0]), connector_, services_, log_, seeds_.next());
    if (!has_lane) return made;
    auto lane = std::make_unique<Bridge>(std::move(uplinks[1]), connector_, services_, log_, seeds_.next());
    made->add_lane(std::move(lane), std::move(echoes));
    return made;
}

void Bridges::put(BridgePlan plan, Instant now) {
    LEDGE_ASSERT(!plan.uplinks.empty());
    std::unique_ptr<Slot>& slot = slots_[plan.uplinks.front().name];
    if (slot == nullptr) slot = std::make_unique<Slot>();
    slot->plan = std::move(plan);
    leave(*slot, now);
}

void Bridges::remove(std::string_view name, Instant now) {
    const auto found = slots_.find(name);
    if (found == slots_.end()) return;
    found->second->plan.reset();
    if (found->second->bridge == nullptr)
        slots_.erase(found);
    else
        leave(*found->second, now);
}

void Bridges::leave(Slot& slot, Instant now) {
    if (slot.bridge == nullptr || std::exchange(slot.is_leaving, true)) return;
    slot.bridge->stop(now);
}

/// Requires slot.is_due(). Returns false when the bridge is gone.
bool Bridges::carry_out(Slot& slot, Instant now) {
    LEDGE_ASSERT(slot.is_due() && !is_stopping_);
    if (!slot.plan) {
        slot.bridge->retire(now);
        return false;
    }
    Bridge::Past past;
    if (slot.bridge != nullptr) past = slot.bridge->past(now);
    slot.bridge.reset();
    slot.is_leaving = false;
    // The rules of the queues change at the same moment as the subscriptions, so that each message has one queue.
    services_.shard.set_limits(slot.plan->listeners);
    slot.bridge = make(std::move(slot.plan->uplinks));
    slot.plan.reset();
    slot.bridge->begin_again(std::move(past), now);
    slot.bridge->start(now);
    return true;
}

// ---------------------------------------------------------------------------------------------------------------------
// For the loop

void Bridges::start(Instant now) {
    for (const auto& [name, slot] : slots_) slot->bridge->start(now);
}

void Bridges::turn(Instant now) {
    for (auto at = slots_.begin(); at != slots_.end();) {
        Slot& slot = *at->second;
        if (slot.bridge != nullptr) slot.bridge->turn(now);
        const bool is_gone = !is_stopping_ && slot.is_due() && !carry_out(slot, now);
        at = is_gone ? slots_.erase(at) : std::next(at);
    }
}

bool Bridges::wants_turn() const {
    return std::any_of(slots_.begin(), slots_.end(), [this](const auto& one) {
        const Slot& slot = *one.second;
        return (!is_stopping_ && slot.is_nearly_due()) || (slot.bridge != nullptr && slot.bridge->wants_turn());
    });
}

void Bridges::on_time(Instant now) {
    for (const auto& [name, slot] : slots_) {
        if (slot->bridge != nullptr && now >= slot->bridge->next_deadline()) slot->bridge->on_time(now);
    }
}

Instant Bridges::next_deadline() const {
    Instant next = never;
    for (const auto& [name, slot] : slots_) {
        if (slot->bridge != nullptr) next = std::min(next, slot->bridge->next_deadline());
    }
    return next;
}

void Bridges::stop(Instant now) {
    is_stopping_ = true;
    for (const auto& [name, slot] : slots_) leave(*slot, now);
}

bool Bridges::is_stopped() const {
    return std::all_of(slots_.begin(), slots_.end(), [](const auto& one) {
        const Slot& slot = *one.second;
        return slot.bridge == nullptr || slot.bridge->is_stopped();
    });
}

// ---------------------------------------------------------------------------------------------------------------------
// For operators

Bridge* Bridges::find(std::string_view name) const {
    const auto found = slots_.find(name);
    return found == slots_.end() || !found->second->is_wanted() ? nullptr : found->second->bridge.get();
}

bool Bridges::set_paused(std::string_view name, bool is_paused, Instant now) {
    Bridge* bridge = find(name);
    if (bridge != nullptr) bridge->set_paused(is_paused, now);
    return bridge != nullptr;
}

bool Bridges::reconnect(std::string_view name, Instant now) {
    Bridge* bridge = find(name);
    if (bridge != nullptr) bridge->reconnect(now);
    return bridge != nullptr;
}

std::vector<BridgeFigures> Bridges::figures(Instant now) const {
    std::vector<BridgeFigures> all;
    for (const auto& [name, slot] : slots_) {
        if (slot->bridge != nullptr && slot->is_wanted()) all.push_back(slot->bridge->figures(now));
    }
    return all;
}

}  // namespace ledge::uplink
