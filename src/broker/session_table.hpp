// SessionTable: owns all sessions of a shard, connected and offline, and finds them by client id. Part of Lifecycle; on
// the shard's thread.
//
// Each session has a slot, which it keeps until it ends. A walk over the slots can therefore pause: whatever sessions
// come and go meanwhile, a session that stays is met exactly once. The table of client ids holds slot numbers only, so
// a slot costs less memory than it saves there.
#pragma once

#include <boost/unordered/unordered_flat_set.hpp>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "ledge/base/text_hash.hpp"
#include "ledge/session/session.hpp"

namespace ledge::broker {

class SessionTable {
public:
    explicit SessionTable(std::uint64_t seed) : by_client_id_(0, Hash{TextHash(seed), &slots_}, Equal{&slots_}) {}
    SessionTable(const SessionTable&) = delete;
    SessionTable& operator=(const SessionTable&) = delete;

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
        for (const auto& session : slots_)
            if (session != nullptr) f(*session);
    }
    /// The number of slots: at most the highest number of sessions so far.
    std::uint32_t slots() const { return static_cast<std::uint32_t>(slots_.size()); }
    /// The session in the slot; nullptr when the slot is free. Requires slot < slots().
    session::Session* at(std::uint32_t slot) const { return slots_[slot].get(); }

    std::size_t size() const { return by_client_id_.size(); }
    /// Destroys all sessions, at the end of the shard.
    void clear();

private:
    using Slots = std::vector<std::unique_ptr<session::Session>>;
    struct Hash {
        using is_transparent = void;
        TextHash hash;
        const Slots* slots;
        std::size_t operator()(std::string_view text) const { return hash(text); }
        std::size_t operator()(std::uint32_t slot) const { return hash((*slots)[slot]->client_id()); }
    };
    struct Equal {
        using is_transparent = void;
        const Slots* slots;
        bool operator()(std::uint32_t a, std::uint32_t b) const { return a == b; }
        bool operator()(std::string_view text, std::uint32_t slot) const { return text == (*slots)[slot]->client_id(); }
        bool operator()(std::uint32_t slot, std::string_view text) const { return text == (*slots)[slot]->client_id(); }
    };

    Slots slots_;
    std::vector<std::uint32_t> free_slots_;
    boost::unordered_flat_set<std::uint32_t, Hash, Equal> by_client_id_;
};

}  // namespace ledge::broker
