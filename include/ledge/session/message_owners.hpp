// MessageOwners: the publisher and the size of each message in the store. Three bytes per message, in pages of 4,096
// message numbers, as in MessageReferences. Only messages of this run of the broker have an owner; messages that the
// store held at the start are charged to nobody. Owned by the shard; used on the shard's thread.
#pragma once

#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <memory>

#include "ledge/base/ids.hpp"
#include "ledge/journal/store_account.hpp"

namespace ledge::session {

class Accounts;

class MessageOwners {
public:
    /// `accounts` must outlive this object.
    explicit MessageOwners(Accounts& accounts) : accounts_(accounts) {}

    /// The store keeps message number `message`. `account` = the publisher's account, or nullptr when it is not known.
    /// `bytes` = size of the message. Requires that the message was not added before.
    void add(MessageNumber message, journal::StoreAccount* account, std::uint64_t bytes);
    /// The store no longer keeps the message.
    void remove(MessageNumber message);
    /// The store held `messages` messages with `bytes` bytes in sum when the broker started.
    void restore(std::uint64_t messages, std::uint64_t bytes);

    /// The code of a size in one byte, with a mantissa of four bits. size_of(code_of(bytes)) differs from `bytes` by at
    /// most a sixteenth. The smallest size is 64, the largest about 3.8 MB.
    static std::uint8_t code_of(std::uint64_t bytes);
    static std::uint64_t size_of(std::uint8_t code);

private:
    static constexpr std::uint64_t page_size = 4096;
    static std::uint64_t page_of(MessageNumber message) { return message.value() / page_size; }
    static std::size_t place_of(MessageNumber message) { return message.value() % page_size; }

    struct Page {
        std::array<std::uint16_t, page_size> owners{};  // Account::number
        std::array<std::uint8_t, page_size> sizes{};    // code_of + 1; 0 = there is no such message
        std::uint32_t used = 0;                         // messages in this page
    };

    Accounts& accounts_;
    boost::unordered_flat_map<std::uint64_t, std::unique_ptr<Page>> pages_;  // by page_of
    std::uint64_t unknown_bytes_ = 0;  // average size of the messages that the store held at the start
};

}  // namespace ledge::session
