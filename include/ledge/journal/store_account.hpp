// StoreAccount: what one owner of sessions costs the store, as sums that the journal and the core keep.
#pragma once

#include <cstdint>

namespace ledge::journal {

struct StoreAccount {
    std::uint16_t number = 0;         // a short name for it; 0: none is left
    std::uint64_t stored_bytes = 0;   // of messages that it has published and the store keeps, retained ones included
    std::uint64_t journal_bytes = 0;  // of records that it has caused and that are not committed
    std::uint64_t taken_bytes = 0;    // of those, under way to the store
    std::uint64_t written_bytes = 0;  // keys and bodies handed to the store since the start
};

}  // namespace ledge::journal
