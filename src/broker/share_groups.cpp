// ShareGroups: an id consists of a slot and a generation. Queued messages keep the id of their group; the generation
// shows that the group has ended and that its slot belongs to another group.
#include "share_groups.hpp"

#include "ledge/auth/rights.hpp"
#include "ledge/base/assert.hpp"
#include "ledge/base/log.hpp"
#include "ledge/broker/share_strategy.hpp"
#include "ledge/session/connection.hpp"

namespace ledge::broker {

namespace {

// How well a member can receive the next message, the best value first.
enum class Readiness : std::uint8_t {
    ready,    // connected, and the message can be sent at once
    busy,     // connected, and the message has to wait in the queue
    offline,  // not connected, and the queue has room
    full,     // the queue has no room for a message
};

Readiness readiness_of(const session::Session& session) {
    const session::Connection* connection = session.connection();
    // The size 1 asks whether the queue has any room; the size of the message is not known here.
    const bool is_full = !session.queue().pending().fits(1, session.is_stored(), session.limits());
    if (connection == nullptr || !connection->is_connected()) return is_full ? Readiness::full : Readiness::offline;
    return session.keeps_up() ? Readiness::ready : is_full ? Readiness::full : Readiness::busy;
}

}  // namespace

ShareGroupId ShareGroups::find(std::string_view name, FilterId filter) const {
    const auto found = by_name_.find(Name(filter, name));
    return found == by_name_.end() ? no_share_group : found->second;
}

ShareGroupId ShareGroups::create(std::string_view name, FilterId filter) {
    // Reuse a free slot, or append one. The first id of a slot has generation 0.
    if (free_ids_.empty()) {
        if (groups_.size() >= count_max) return no_share_group;
        groups_.emplace_back();
        free_ids_.push_back(ShareGroupId(static_cast<std::uint32_t>(groups_.size())));
    }
    const ShareGroupId id = free_ids_.back();
    free_ids_.pop_back();
    LEDGE_ASSERT(id != no_share_group && slot_of(id) < groups_.size() && groups_[slot_of(id)].id == no_share_group);
    ShareGroup& group = groups_[slot_of(id)];
    group.name = name;
    group.filter = filter;
    group.turn = 0;
    group.id = id;
    by_name_.emplace(OwnedName{filter, std::string(name)}, id);
    return id;
}

void ShareGroups::destroy(ShareGroupId id) {
    LEDGE_ASSERT(at(id).members.empty());
    const auto named = by_name_.find(Name(at(id).filter, at(id).name));
    LEDGE_ASSERT(named != by_name_.end() && named->second == id);
    by_name_.erase(named);
    groups_[slot_of(id)] = {};
    // The next group in this slot has the next generation, which wraps after 4,096 groups.
    free_ids_.push_back(ShareGroupId(id.value() + (1U << slot_bits)));
}

ShareGroup& ShareGroups::at(ShareGroupId id) {
    LEDGE_ASSERT(slot_of(id) < groups_.size() && groups_[slot_of(id)].id == id);
    return groups_[slot_of(id)];
}

ShareGroup* ShareGroups::find(ShareGroupId id) {
    if (id == no_share_group || slot_of(id) >= groups_.size() || groups_[slot_of(id)].id != id) return nullptr;
    return &groups_[slot_of(id)];
}

const Subscriber* ShareGroups::pick(ShareGroup& group, std::uint64_t publisher, std::string_view topic) {
    const auto members = group.members.items();
    if (members.empty()) return nullptr;
    // Examine the members in a circle from the strategy's choice on; the first best one wins.
    const std::size_t start = start_of(group, publisher);
    const Subscriber* best = nullptr;
    Readiness best_readiness = Readiness::full;
    for (std::size_t i = 0; i < members.size(); ++i) {
        const Subscriber& member = members[(start + i) % members.size()];
        // Members of one group may have different rights.
        if (!auth::may_receive(member.session->rights(), topic)) continue;
        const Readiness readiness = readiness_of(*member.session);
        const bool is_less_loaded = strategy_ == ShareStrategy::least_inflight && best != nullptr &&
                                    readiness == best_readiness &&
                                    member.session->queue().size() < best->session->queue().size();
        if (best == nullptr || readiness < best_readiness || is_less_loaded) {
            best = &member;
            best_readiness = readiness;
        }
        if (best_readiness == Readiness::ready && strategy_ != ShareStrategy::least_inflight) break;
        if (i + 1 >= looks_max) break;  // 100,000 offline members must not hold up a publication
    }
    return best;
}

// The index of the member that the strategy would choose if all were equally ready.
std::size_t ShareGroups::start_of(ShareGroup& group, std::uint64_t publisher) {
    const std::size_t count = group.members.size();
    LEDGE_ASSERT(count > 0);
    switch (strategy_) {
        case ShareStrategy::random: return rng_.below(count);
        case ShareStrategy::sticky_publisher: return publisher % count;
        case ShareStrategy::round_robin:
        case ShareStrategy::least_inflight: break;
    }
    return group.turn++ % count;
}

}  // namespace ledge::broker
