// Who has published each stored message, and its size: three bytes per message in pages of 4,096 numbers, as in
// MessageReferences. Known for messages of this run only: what the store held at start is nobody's.
#pragma once

#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <memory>

#include "ledge/journal/store_account.hpp"

namespace ledge::session {

class Accounts;

class MessageOwners {
public:
    /// `accounts` outlive it.
    explicit MessageOwners(Accounts& accounts) : accounts_(accounts) {}

    /// The store keeps the message, of `bytes`; `account`: its publisher, or nullptr.
    void add(std::uint64_t message, journal::StoreAccount* account, std::uint64_t bytes);
    /// The store keeps it no longer.
    void remove(std::uint64_t message);
    /// What the store held at start: so many messages, of so many bytes together.
    void restore(std::uint64_t messages, std::uint64_t bytes);

    /// Sizes are kept with four binary digits: within a sixteenth of `bytes`, at least 64, at most about 3.8 MB.
    static std::uint8_t code_of(std::uint64_t bytes);
    static std::uint64_t size_of(std::uint8_t code);

private:
    static constexpr std::uint64_t page_size = 4096;

    struct Page {
        std::array<std::uint16_t, page_size> owners{};  // Account::number
        std::array<std::uint8_t, page_size> sizes{};    // code_of + 1; 0: no such message
        std::uint32_t used = 0;
    };

    Accounts& accounts_;
    boost::unordered_flat_map<std::uint64_t, std::unique_ptr<Page>> pages_;
    std::uint64_t unknown_bytes_ = 0;  // of one message that the store held at start
};

}  // namespace ledge::session
