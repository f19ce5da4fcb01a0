// StoreReader: what the core reads from a store while it runs. The interface does not depend on LMDB. The shard calls
// it on its own thread.
#pragma once

#include <cstdint>
#include <vector>

#include "ledge/base/bytes.hpp"
#include "ledge/base/ids.hpp"

namespace ledge::journal {

/// A row of the store: the number in its key, and its body.
struct StoredRow {
    std::uint64_t number = 0;
    std::vector<Byte> body;
};

/// A queue row with the publication record of its message.
struct StoredDelivery {
    StoredRow row;
    std::vector<Byte> publication;
};

/// Reads committed rows, on the shard's thread. Each read is complete when the call returns. A table of functions
/// instead of a virtual class, like the sink of Log.
struct StoreReader {
    void* context = nullptr;
    /// Appends queue rows of `session` with number >= `from` to `out`, each with the publication record of its message.
    /// Ends after `rows_max` rows, or after the row with which the bodies exceed `bytes_max`.
    void (*queued)(void* context, SessionNumber session, QueueRow from, std::size_t rows_max, std::size_t bytes_max,
                   std::vector<StoredDelivery>& out) = nullptr;
    /// Writes the publication record of one retained message into `out`; false = there is no such message.
    bool (*retained)(void* context, std::uint64_t number, std::vector<Byte>& out) = nullptr;
    /// Writes the publication record of one message into `out`; false = there is no such message.
    bool (*message)(void* context, MessageNumber number, std::vector<Byte>& out) = nullptr;
};

}  // namespace ledge::journal
