#include "ledge/session/account.hpp"

#include <algorithm>
#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/journal/records.hpp"
#include "ledge/session/memory_budget.hpp"
#include "ledge/session/services.hpp"
#include "ledge/session/session.hpp"

namespace ledge::session {

void Account::add_offline(Session& session) {
    LEDGE_ASSERT(session.next_offline_ == nullptr && session.previous_offline_ == nullptr);
    session.previous_offline_ = latest_away;
    session.next_offline_ = nullptr;
    (latest_away == nullptr ? longest_away : latest_away->next_offline_) = &session;
    latest_away = &session;
}

void Account::remove_offline(Session& session) {
    LEDGE_ASSERT(longest_away != nullptr && latest_away != nullptr);
    (session.previous_offline_ == nullptr ? longest_away : session.previous_offline_->next_offline_) =
        session.next_offline_;
    (session.next_offline_ == nullptr ? latest_away : session.next_offline_->previous_offline_) =
        session.previous_offline_;
    session.previous_offline_ = session.next_offline_ = nullptr;
}

Session* Account::longest_away_empty() {
    // Bounded, because an owner may have many thousand sessions with messages.
    for (int looks = 0; looks < looks_max && longest_away != nullptr; ++looks) {
        Session& session = *longest_away;
        if (session.queue().size() == 0) return &session;
        remove_offline(session);
        add_offline(session);
    }
    return nullptr;
}

Account& Accounts::of(std::string_view user, NetworkId network) {
    const OwnerId id = owner_of(user, network);
    const auto found = accounts_.find(static_cast<std::uint64_t>(id));
    if (found != accounts_.end()) return *found->second;
    if (accounts_.size() >= forget_at_) forget_unused();
    auto account = std::make_unique<Account>();
    account->id = id;
    if (user.empty()) account->network = network;
    account->name = !user.empty() ? std::string(user) : to_text(network);
    if (account->name.empty()) account->name = "local";
    account->number = new_number(*account);
    return *accounts_.emplace(static_cast<std::uint64_t>(id), std::move(account)).first->second;
}

// MessageOwners keeps 16 bits per message for the number. When more than 65,535 owners exist at a time, further owners
// get the number 0, and their messages in the store are charged to nobody.
std::uint16_t Accounts::new_number(journal::StoreAccount& account) {
    if (free_numbers_.empty()) {
        if (by_number_.size() > 0xFFFF) return 0;
        free_numbers_.push_back(static_cast<std::uint16_t>(by_number_.size()));
        by_number_.push_back(nullptr);
    }
    const std::uint16_t number = free_numbers_.back();
    free_numbers_.pop_back();
    by_number_[number] = &account;
    return number;
}

// Forgets accounts without a session and without anything in the store, except those that have written most. Runs when
// the table has doubled since the last time, so the cost is O(1) for each new account.
void Accounts::forget_unused() {
    std::vector<std::pair<std::uint64_t, std::uint64_t>> absent;  // bytes written, and the owner
    for (const auto& [id, account] : accounts_)
        if (account->sessions == 0 && account->stored_bytes == 0 && account->journal_bytes == 0)
            absent.emplace_back(account->written_bytes, id);
    if (absent.size() > absent_max)
        std::ranges::nth_element(absent, absent.end() - static_cast<std::ptrdiff_t>(absent_max));
    const std::size_t kept = std::min(absent.size(), absent_max);
    for (std::size_t i = 0; i + kept < absent.size(); ++i) forget(absent[i].second);
    forget_at_ = std::max(looked_at_least, 2 * accounts_.size());
}

void Accounts::forget(std::uint64_t id) {
    const auto found = accounts_.find(id);
    LEDGE_ASSERT(found != accounts_.end() && found->second->sessions == 0);
    const std::uint16_t number = found->second->number;
    if (number != 0) free_numbers_.push_back(number);
    if (number != 0) by_number_[number] = nullptr;
    accounts_.erase(found);
}

std::vector<OwnerFigure> Accounts::top(std::size_t count, std::uint64_t Account::*sum) const {
    std::vector<const Account*> largest;
    for (const auto& [id, account] : accounts_)
        if ((*account).*sum > 0) largest.push_back(account.get());
    const auto is_before = [sum](const Account* a, const Account* b) {
        return a->*sum != b->*sum ? a->*sum > b->*sum : a->name < b->name;
    };
    const std::size_t shown = std::min(count, largest.size());
    std::ranges::partial_sort(largest, largest.begin() + static_cast<std::ptrdiff_t>(shown), is_before);
    std::vector<OwnerFigure> figures;
    for (std::size_t i = 0; i < shown; ++i) figures.push_back({largest[i]->name, largest[i]->*sum});
    return figures;
}

std::uint16_t Accounts::store(journal::StoreAccount* account, std::uint64_t bytes) {
    stored_total_ += bytes;
    if (account == nullptr || account->number == 0) return 0;
    account->stored_bytes += bytes;
    return account->number;
}

void Accounts::unstore(std::uint16_t number, std::uint64_t bytes) {
    stored_total_ -= std::min(stored_total_, bytes);
    LEDGE_ASSERT(number == 0 || by_number_[number] != nullptr);
    if (number != 0) by_number_[number]->stored_bytes -= bytes;
}

// The sums of the owners count bytes of messages, while the size limit of the store counts pages. An owner's part of
// the used pages is taken to be its part of the bytes of all messages.
void Accounts::note_store_used(double fraction) {
    stored_bytes_max_ = fraction <= shares_above_used
                            ? no_limit
                            : static_cast<std::uint64_t>(static_cast<double>(stored_total_) * store_share / fraction);
}

// ---------------------------------------------------------------------------------------------------------------------
// Session: its charge to the account

std::uint64_t Session::table_bytes() const {
    const std::uint64_t will_bytes =
        will == nullptr ? 0 : sizeof(journal::StoredWill) + will->publication.blob().size();
    return MemoryBudget::session_bytes + client_id().size() + subscription_bytes_ + will_bytes;
}

void Session::count_tables() {
    const auto now = static_cast<std::uint32_t>(table_bytes());
    if (now == counted_tables_) return;
    services_.memory.add(MemoryKind::subscriptions, subscription_bytes_);
    services_.memory.add(MemoryKind::sessions, now - subscription_bytes_);
    services_.memory.remove(MemoryKind::subscriptions, counted_subscriptions_);
    services_.memory.remove(MemoryKind::sessions, counted_tables_ - counted_subscriptions_);
    if (account_ != nullptr) account_->table_bytes = account_->table_bytes + now - counted_tables_;
    counted_tables_ = now;
    counted_subscriptions_ = subscription_bytes_;
}

void Session::note_subscribed(std::size_t filter_bytes) {
    subscription_bytes_ += static_cast<std::uint32_t>(MemoryBudget::subscription_bytes + filter_bytes);
    count_tables();
}

void Session::note_unsubscribed(std::size_t filter_bytes) {
    subscription_bytes_ -= static_cast<std::uint32_t>(MemoryBudget::subscription_bytes + filter_bytes);
    count_tables();
}

void Session::note_unsubscribed_from_all() {
    subscription_bytes_ = 0;
    count_tables();
}

void Session::charge_to(Account& account) {
    count_tables();
    if (account_ == &account) return;
    // The client has another owner now: another network, or a proven user.
    if (account_ != nullptr) leave_account();
    account_ = &account;
    ++account_->sessions;
    account_->table_bytes += counted_tables_;
}

void Session::leave_account() {
    LEDGE_ASSERT(account_ != nullptr && account_->sessions > 0);
    leave_offline_list();
    --account_->sessions;
    account_->table_bytes -= counted_tables_;
    account_ = nullptr;
}

void Session::note_offline() {
    LEDGE_ASSERT(account_ != nullptr && connection_ == nullptr && !is_in_offline_list_);
    is_in_offline_list_ = true;
    account_->add_offline(*this);
    count_tables();
}

void Session::leave_offline_list() {
    if (std::exchange(is_in_offline_list_, false)) account_->remove_offline(*this);
}

}  // namespace ledge::session
