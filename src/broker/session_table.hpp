// All sessions of a shard by client id, connected and not.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <memory>
#include <string_view>

#include "ledge/session/session.hpp"
#include "ledge/topic/detail/text_hash.hpp"

namespace ledge::broker {

class SessionTable {
public:
    explicit SessionTable(std::uint64_t seed) : sessions_(0, Hash{topic::detail::TextHash(seed)}) {}

    session::Session* find(std::string_view client_id) const;
    /// The id must be unknown.
    session::Session& create(const session::SessionServices& services, std::string_view client_id,
                             const session::SessionLimits& limits);
    /// Destroys it.
    void erase(session::Session& session);

    template <class F>
    void for_each(F&& f) {
        for (auto& [client_id, session] : sessions_) f(*session);
    }

    std::size_t size() const { return sessions_.size(); }
    /// Forgets all of them, when the shard ends.
    void clear() { sessions_.clear(); }

private:
    struct Hash {
        topic::detail::TextHash hash;
        std::size_t operator()(std::string_view text) const { return hash(text); }
    };

    // The keys are the sessions' own client ids.
    boost::unordered_flat_map<std::string_view, std::unique_ptr<session::Session>, Hash> sessions_;
};

}  // namespace ledge::broker
