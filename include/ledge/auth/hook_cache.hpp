// HookCache: what the authentication hook has said lately. Bounded in number and age; what was said is found under a
// keyed digest of the question, so that no password is kept.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "ledge/auth/hook.hpp"
#include "ledge/auth/login_check.hpp"
#include "ledge/base/time.hpp"

namespace ledge::auth {

class HookCache {
public:
    using Key = std::array<Byte, 32>;

    /// `key`: real entropy.
    explicit HookCache(const Key& key) : key_(key) {}
    ~HookCache() { wipe(key_.data(), key_.size()); }
    HookCache(const HookCache&) = delete;
    HookCache& operator=(const HookCache&) = delete;

    /// What is known already is forgotten.
    void set_options(const HookOptions& options);

    std::optional<LoginOutcome> find(const HookQuestion& question, Instant now) const;
    /// Keeps a yes or a no. Beyond HookOptions::cached_max the oldest goes.
    void put(const HookQuestion& question, const LoginOutcome& outcome, Instant now);

    std::size_t size() const { return entries_.size(); }

private:
    using Digest = std::array<Byte, 32>;
    struct Hash {
        std::size_t operator()(const Digest& digest) const;
    };
    struct Entry {
        LoginOutcome outcome;
        Instant kept_until = never;
        Instant valid_until = never;  // LoginOutcome::valid_for, as a point in time
        std::uint64_t number = 0;     // of its place in order_
    };
    struct Place {
        Digest digest;
        std::uint64_t number = 0;
    };

    Digest digest_of(const HookQuestion& question) const;
    void make_room();

    Key key_;
    HookOptions options_;
    std::unordered_map<Digest, Entry, Hash> entries_;
    std::deque<Place> order_;  // oldest first; places of entries that were put again are stale
    std::uint64_t last_number_ = 0;
};

}  // namespace ledge::auth
