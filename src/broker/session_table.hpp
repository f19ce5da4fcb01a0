// SessionTable: owns all sessions of a shard, connected and offline, and finds them by client id. Part of Lifecycle; on
// the shard's thread.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <memory>
#include <string_view>

#include "ledge/base/text_hash.hpp"
#include "ledge/session/session.hpp"

namespace ledge::broker {

class SessionTable {
public:
    explicit SessionTable(std::uint64_t seed) : sessions_(0, Hash{TextHash(seed)}) {}

    /// nullptr when no session has this client id.
    session::Session* find(std::string_view client_id) const;
    /// Makes a new session. Requires that no session has this client id.
    session::Session& create(const session::SessionServices& services, std::string_view client_id,
                             const session::SessionLimits& limits);
    /// Destroys the session.
    void erase(session::Session& session);

    /// Calls `f` for each session, in no particular order. `f` must neither add nor remove sessions.
    template <class F>
    void for_each(F&& f) {
        for (auto& [client_id, session] : sessions_) f(*session);
    }

    std::size_t size() const { return sessions_.size(); }
    /// Destroys all sessions, at the end of the shard.
    void clear() { sessions_.clear(); }

private:
    struct Hash {
        TextHash hash;
        std::size_t operator()(std::string_view text) const { return hash(text); }
    };

    // Each key is a view of the client id inside the session.
    boost::unordered_flat_map<std::string_view, std::unique_ptr<session::Session>, Hash> sessions_;
};

}  // namespace ledge::broker
