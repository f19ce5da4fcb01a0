// Account: how much one owner holds and writes in this broker. An owner is a proven user, otherwise the network of an
// address (base/owner.hpp). The sessions of the owner keep the sums up to date. When something runs out (memory, store,
// places), the broker uses the sums to find the owner that holds most of it, and that owner gives way. Owned by the
// shard; used on the shard's thread.
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
    NetworkId network = NetworkId::none;  // of anonymous clients; none = the owner is a user, or a Unix socket
    std::string name;                     // the user, or the network as text; "local" = a Unix socket without a user
    std::uint32_t sessions = 0;           // with and without a connection
    std::uint64_t table_bytes = 0;        // memory of client ids, wills and subscriptions; without messages

    // The owner's sessions without a connection, as an intrusive list. The session that lost its connection first is at
    // the front.
    Session* longest_away = nullptr;
    Session* latest_away = nullptr;
    void add_offline(Session& session);
    void remove_offline(Session& session);
    /// The first session of the list that holds no message; nullptr when none of the first `looks_max` sessions is
    /// empty. The sessions with messages that were examined move to the end of the list, so that the next call examines
    /// others.
    Session* longest_away_empty();
    static constexpr int looks_max = 64;
};

class Accounts {
public:
    /// Fractions of the store's size limit. When more than the first is in use, no owner may keep more than the second.
    /// So a single owner can fill the store up to the first.
    static constexpr double shares_above_used = 0.6;
    static constexpr double store_share = 0.25;
    /// Accounts without a session that are kept for the figures of how much they have written.
    static constexpr std::size_t absent_max = 256;

    /// The account of a client with this proven user ("" = none) from this network. Creates the account if needed. The
    /// reference stays valid while the account has a session, messages in the store, or records on the way there.
    Account& of(std::string_view user, NetworkId network);

    /// The account for which `amount` is largest; nullptr when it is 0 for all. O(accounts).
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

    // Messages in the store.
    /// The store keeps `bytes` more. `account` = the publisher; nullptr when the publisher is not known. Returns the
    /// number that unstore() needs; 0 when the bytes are charged to nobody.
    std::uint16_t store(journal::StoreAccount* account, std::uint64_t bytes);
    void unstore(std::uint16_t number, std::uint64_t bytes);
    /// `fraction` of the store's size limit is in use. Decides whether each owner is limited to a share.
    void note_store_used(double fraction);
    /// True when the account's messages in the store exceed its share.
    bool is_over_store_share(const journal::StoreAccount& account) const {
        return account.stored_bytes > stored_bytes_max_;
    }
    /// The share of one owner in bytes of messages; the largest number when there is no limit now.
    std::uint64_t stored_bytes_max() const { return stored_bytes_max_; }
    /// True when so much of the store is in use that each account is limited to its share.
    bool has_store_shares() const { return stored_bytes_max_ != no_limit; }

    std::size_t size() const { return accounts_.size(); }

private:
    void forget_unused();
    void forget(std::uint64_t id);
    std::uint16_t new_number(journal::StoreAccount& account);

    static constexpr std::size_t looked_at_least = 64;

    boost::unordered_flat_map<std::uint64_t, std::unique_ptr<Account>> accounts_;  // by owner
    std::size_t forget_at_ = looked_at_least;                 // number of accounts at which forget_unused() runs next
    std::vector<journal::StoreAccount*> by_number_{nullptr};  // number 0 stands for nobody
    std::vector<std::uint16_t> free_numbers_;
    std::uint64_t stored_total_ = 0;             // bytes of all messages in the store
    std::uint64_t stored_bytes_max_ = no_limit;  // of one account
    static constexpr std::uint64_t no_limit = ~std::uint64_t{0};
};

}  // namespace ledge::session
