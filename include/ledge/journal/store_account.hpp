// StoreAccount: what one owner of sessions (a user, or the network of anonymous clients) costs the store. The journal
// and the core update the sums on the shard's thread.
#pragma once

#include <cstdint>

namespace ledge::journal {

struct StoreAccount {
    std::uint16_t number = 0;         // a short id of the account; 0 = all ids are in use
    std::uint64_t stored_bytes = 0;   // messages of this owner that the store keeps, retained messages included
    std::uint64_t journal_bytes = 0;  // records that this owner has caused and that are not committed yet
    std::uint64_t batch_bytes = 0;    // the part of journal_bytes that the batch under way contains
    std::uint64_t written_bytes = 0;  // keys and bodies handed to the store since the start
};

}  // namespace ledge::journal
