// What the core reads from a store after its start. No LMDB in sight.
#pragma once

#include <cstdint>
#include <vector>

#include "ledge/base/bytes.hpp"

namespace ledge::journal {

/// A row as the store has it: key and body.
struct StoredRow {
    std::uint64_t number = 0;
    std::vector<Byte> body;
};

/// A queue row with the publication record of its message.
struct StoredDelivery {
    StoredRow row;
    std::vector<Byte> publication;
};

/// Reads of committed rows, on the shard's thread, each within the turn: a table of functions, as Log's sink is.
struct StoreReader {
    void* context = nullptr;
    /// Appends up to `rows_max` queue rows of `session` with number >= `from`, each with the publication record of its
    /// message, until `bytes_max` of bodies are exceeded.
    void (*queued)(void* context, std::uint64_t session, std::uint64_t from, std::size_t rows_max,
                   std::size_t bytes_max, std::vector<StoredDelivery>& out) = nullptr;
    /// The publication record of one retained message into `out`; false when there is none.
    bool (*retained)(void* context, std::uint64_t number, std::vector<Byte>& out) = nullptr;
    /// The publication record of one message; false when there is none.
    bool (*message)(void* context, std::uint64_t number, std::vector<Byte>& out) = nullptr;
};

}  // namespace ledge::journal
