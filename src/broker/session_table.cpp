// SessionTable: the key of each entry is the client id inside its session, so the id is stored once.
#include "session_table.hpp"

#include "ledge/base/assert.hpp"

namespace ledge::broker {

session::Session* SessionTable::find(std::string_view client_id) const {
    const auto found = by_client_id_.find(client_id);
    return found == by_client_id_.end() ? nullptr : slots_[*found].get();
}

session::Session& SessionTable::create(const session::SessionServices& services, std::string_view client_id,
                                       const session::SessionLimits& limits) {
    auto session = std::make_unique<session::Session>(services, std::string(client_id), limits);
    std::uint32_t slot = slots();
    if (free_slots_.empty()) {
        slots_.push_back(std::move(session));
    } else {
        slot = free_slots_.back();
        free_slots_.pop_back();
        LEDGE_ASSERT(slots_[slot] == nullptr);
        slots_[slot] = std::move(session);
    }
    // The slot comes first: the hash of its number is the hash of the client id in it.
    const bool is_new = by_client_id_.insert(slot).second;
    LEDGE_ASSERT(is_new);
    return *slots_[slot];
}

void SessionTable::erase(session::Session& session) {
    const auto found = by_client_id_.find(std::string_view(session.client_id()));
    LEDGE_ASSERT(found != by_client_id_.end());
    const std::uint32_t slot = *found;
    LEDGE_ASSERT(slots_[slot].get() == &session);
    by_client_id_.erase(found);
    free_slots_.push_back(slot);
    // After the entry: the table compares client ids of the sessions in it.
    slots_[slot].reset();
}

void SessionTable::clear() {
    by_client_id_.clear();
    slots_.clear();
    free_slots_.clear();
}

}  // namespace ledge::broker
