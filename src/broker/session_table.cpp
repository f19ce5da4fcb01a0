// SessionTable: the key of each entry is the client id inside its session, so the id is stored once.
#include "session_table.hpp"

#include "ledge/base/assert.hpp"

namespace ledge::broker {

session::Session* SessionTable::find(std::string_view client_id) const {
    const auto found = sessions_.find(client_id);
    return found == sessions_.end() ? nullptr : found->second.get();
}

session::Session& SessionTable::create(const session::SessionServices& services, std::string_view client_id,
                                       const session::SessionLimits& limits) {
    auto session = std::make_unique<session::Session>(services, std::string(client_id), limits);
    // A view into the session itself, whose address does not change when the table grows.
    const std::string_view key = session->client_id();
    const auto [place, is_new] = sessions_.emplace(key, std::move(session));
    LEDGE_ASSERT(is_new && place->second != nullptr);
    return *place->second;
}

void SessionTable::erase(session::Session& session) {
    const auto found = sessions_.find(session.client_id());
    LEDGE_ASSERT(found != sessions_.end());
    LEDGE_ASSERT(found->second.get() == &session);
    // The table's key is part of the session, so the session must outlive its entry.
    const std::unique_ptr<session::Session> last = std::move(found->second);
    sessions_.erase(found);
}

}  // namespace ledge::broker
