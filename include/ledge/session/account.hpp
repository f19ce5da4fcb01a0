// Account: what one owner (base/owner.hpp: a proven user, else the network of an address) holds and writes in this
// broker, as sums that the sessions keep. Overload and the limits of the broker judge by them: when something runs out,
// the owner that holds most of it gives way. Owned by the shard; on the shard's thread.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/base/owner.hpp"
#include "ledge/journal/store_account.hpp"
#include "ledge/session/owner_figure.hpp"

namespace ledge::session {

class Session;

struct Account : journal::StoreAccount {
    OwnerId id{};
    NetworkId network = NetworkId::none;  // of the anonymous; none: a user, or a Unix socket
    std::string name;                     // the user, or the network as text; "local": a Unix socket without a user
    std::uint32_t sessions = 0;           // connected and away
    std::uint64_t table_bytes = 0;        // of those in memory: client ids, wills, subscriptions; no messages

    // Its sessions without a connection, in the order in which they lost it.
    Session* longest_away = nullptr;
    Session* latest_away = nullptr;
    void add_away(Session& session);
    void remove_away(Session& session);
    /// The session that is away for longest of those that hold no message; nullptr: none of the first `looks_max` is
    /// empty. Those that are not go to the end of the order, so that the next call looks at others.
    Session* longest_away_empty();
    static constexpr int looks_max = 64;
};

class Accounts {
public:
    /// Of the store's ceiling: from where on an owner has a share, and that share. So the largest owner alone can fill
    /// the store up to the former.
    static constexpr double shares_above_used = 0.6;
    static constexpr double store_share = 0.25;
    /// Accounts without a session that are remembered for what they have written.
    static constexpr std::size_t absent_max = 256;

    /// The account of whoever comes with this proven user ("": none) from this network; a new one is empty. Accounts
    /// stay where they are while they have a session, or anything in the store or on its way there.
    Account& of(std::string_view user, NetworkId network);

    /// The account for which `amount` is largest, above 0; nullptr: it is 0 for all. O(accounts).
    template <class Amount>
    Account* largest(Amount&& amount) {
        Account* best = nullptr;
        std::uint64_t most = 0;
        for (auto& [id, account] : accounts_) {
            const std::uint64_t mine = amount(*account);
            if (mine <= most) continue;
            best = account.get();
            most = mine;
        }
        return best;
    }

    /// The `count` accounts with the largest `sum` above 0, largest first.
    std::vector<OwnerFigure> top(std::size_t count, std::uint64_t Account::*sum) const;

    // What the store keeps
    /// The store keeps `bytes` more; `account`: who has published them, nullptr: nobody knows. The number for unstore.
    std::uint16_t store(journal::StoreAccount* account, std::uint64_t bytes);
    void unstore(std::uint16_t number, std::uint64_t bytes);
    /// The store uses so much of its ceiling.
    void note_store_used(double fraction);
    /// The store keeps more of its messages than its share.
    bool is_over_store_share(const journal::StoreAccount& account) const {
        return account.stored_bytes > stored_bytes_max_;
    }
    std::uint64_t stored_bytes_max() const { return stored_bytes_max_; }
    /// So much of the store is in use that each account is held to its share.
    bool has_store_shares() const { return stored_bytes_max_ != no_limit; }

    std::size_t size() const { return accounts_.size(); }

private:
    void forget_unused();
    void forget(std::uint64_t id);
    std::uint16_t new_number(journal::StoreAccount& account);

    static constexpr std::size_t looked_at_least = 64;

    boost::unordered_flat_map<std::uint64_t, std::unique_ptr<Account>> accounts_;  // by owner
    std::size_t forget_at_ = looked_at_least;                                      // accounts
    std::vector<journal::StoreAccount*> by_number_{nullptr};
    std::vector<std::uint16_t> free_numbers_;
    std::uint64_t stored_total_ = 0;
    std::uint64_t stored_bytes_max_ = no_limit;  // of one account
    static constexpr std::uint64_t no_limit = ~std::uint64_t{0};
};

}  // namespace ledge::session
