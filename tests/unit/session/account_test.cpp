#include "ledge/session/account.hpp"

#include <doctest/doctest.h>

#include "ledge/session/message_owners.hpp"

namespace ledge::session {
namespace {

NetworkId network(std::string_view text) { return network_of(text); }

TEST_CASE("a proven user is one owner wherever he comes from; without one the network of the address is") {
    Accounts accounts;
    Account& alice = accounts.of("alice", network("192.0.2.1:1"));
    CHECK(&accounts.of("alice", network("198.51.100.1:1")) == &alice);
    Account& address = accounts.of("", network("192.0.2.1:1"));
    CHECK(&address != &alice);
    CHECK(&accounts.of("", network("192.0.2.1:2")) == &address);
    CHECK(&accounts.of("", network("[2001:db8::1]:1")) == &accounts.of("", network("[2001:db8::ffff:2]:1")));
    CHECK(&accounts.of("", network("[2001:db8::1]:1")) != &accounts.of("", network("[2001:db8:0:1::1]:1")));
    CHECK(alice.name == "alice");
    CHECK(address.name == "192.0.2.1");
    CHECK(accounts.of("", NetworkId::none).name == "local");
}

TEST_CASE("accounts of owners who are gone are forgotten, except those who have written most or still have something") {
    Accounts accounts;
    accounts.of("has a session", NetworkId::none).sessions = 1;
    accounts.of("has a record under way", NetworkId::none).journal_bytes = 1;
    Account& keeper = accounts.of("has a message in the store", NetworkId::none);
    accounts.store(&keeper, 100);
    accounts.of("has written most", NetworkId::none).written_bytes = 1'000'000;
    for (int i = 0; i < 100'000; ++i)
        accounts.of("user" + std::to_string(i), NetworkId::none).written_bytes = static_cast<std::uint64_t>(i);
    CHECK(accounts.size() < 4 * Accounts::absent_max);
    CHECK(accounts.of("has a session", NetworkId::none).sessions == 1);
    CHECK(accounts.of("has a record under way", NetworkId::none).journal_bytes == 1);
    CHECK(accounts.of("has a message in the store", NetworkId::none).stored_bytes == 100);
    CHECK(accounts.top(1, &Account::written_bytes).front().owner == "has written most");
}

TEST_CASE("the largest are told, largest first, and nobody who has nothing") {
    Accounts accounts;
    accounts.of("none", NetworkId::none);
    for (const auto& [name, bytes] : {std::pair("b", 5), std::pair("a", 5), std::pair("c", 9), std::pair("d", 1)})
        accounts.of(name, NetworkId::none).table_bytes = static_cast<std::uint64_t>(bytes);
    std::string names;
    for (const OwnerFigure& figure : accounts.top(3, &Account::table_bytes)) names += figure.owner;
    CHECK(names == "cab");
    CHECK(accounts.top(9, &Account::table_bytes).size() == 4);
    CHECK(accounts.top(9, &Account::written_bytes).empty());
}

TEST_CASE("a share of the store is a part of the ceiling, by the part of the messages that an owner has") {
    Accounts accounts;
    Account& most = accounts.of("most", NetworkId::none);
    Account& little = accounts.of("little", NetworkId::none);
    accounts.store(&most, 700);
    accounts.store(&little, 300);
    accounts.note_store_used(0.5);
    CHECK_FALSE(accounts.is_over_store_share(most));
    accounts.note_store_used(0.8);  // 700 of 1000 bytes are 56 % of the ceiling, 300 are 24 %
    CHECK(accounts.is_over_store_share(most));
    CHECK_FALSE(accounts.is_over_store_share(little));
    accounts.note_store_used(0.3);
    CHECK_FALSE(accounts.is_over_store_share(most));
}

TEST_CASE("sizes of stored messages are kept in a byte, within a sixteenth, and never get smaller") {
    std::uint64_t last = 0;
    for (std::uint64_t bytes = 1; bytes < 3'000'000; bytes += bytes / 37 + 1) {
        const std::uint64_t size = MessageOwners::size_of(MessageOwners::code_of(bytes));
        CHECK(size >= last);
        CHECK(size <= std::max<std::uint64_t>(bytes + 4, 64));
        CHECK(size + size / 16 >= bytes);
        last = size;
    }
    CHECK(MessageOwners::size_of(MessageOwners::code_of(~std::uint64_t{0} >> 8U)) > 3'000'000);
}

TEST_CASE("messages are counted in for their publisher and out again, and unknown ones for nobody") {
    Accounts accounts;
    MessageOwners owners(accounts);
    owners.restore(10, 10'000);
    Account& alice = accounts.of("alice", NetworkId::none);
    for (std::uint64_t message = 1000; message < 20'000; ++message) owners.add(MessageNumber(message), &alice, message);
    CHECK(alice.stored_bytes > 19'000 * 9'000ULL);
    for (std::uint64_t message = 1000; message < 20'000; ++message) owners.remove(MessageNumber(message));
    CHECK(alice.stored_bytes == 0);
    for (std::uint64_t message = 1; message <= 10; ++message) owners.remove(MessageNumber(message));
    owners.add(MessageNumber(7), nullptr, 100);
    owners.remove(MessageNumber(7));
    CHECK(alice.stored_bytes == 0);
}

}  // namespace
}  // namespace ledge::session
