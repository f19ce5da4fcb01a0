// HookCache keeps recent answers of the authentication hook. Their number and their age are limited. The key of an
// answer is a keyed digest of the question, so the cache stores no password. Owned by runtime/hook_carrier, and used on
// its thread.
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

    /// `key` must be random bytes that nobody can predict.
    explicit HookCache(const Key& key) : key_(key) {}
    ~HookCache() { wipe(key_.data(), key_.size()); }
    HookCache(const HookCache&) = delete;
    HookCache& operator=(const HookCache&) = delete;

    /// Sets new options, and removes all answers.
    void set_options(const HookOptions& options);

    std::optional<LoginOutcome> find(const HookQuestion& question, Instant now) const;
    /// Stores a permission or a refusal. Above HookOptions::cached_max answers, the oldest one is removed.
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
        Instant valid_until = never;  // LoginOutcome::valid_for as a point in time
        std::uint64_t number = 0;     // number of the newest place of this entry in order_
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
    std::deque<Place> order_;  // oldest first; a place is outdated when its entry has a higher number
    std::uint64_t last_number_ = 0;
};

}  // namespace ledge::auth
