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

/// Reads committed rows, on the shard's thread. Each read is complete when the call returns. A virtual class, because
/// the core must not know which store is behind it; a call costs nothing beside the read of the file.
class StoreReader {
public:
    StoreReader() = default;
    StoreReader(const StoreReader&) = delete;
    StoreReader& operator=(const StoreReader&) = delete;

    /// Appends queue rows of `session` with number >= `from` to `out`, each with the publication record of its message.
    /// Ends after `rows_max` rows, or after the row with which the bodies exceed `bytes_max`.
    virtual void queued(SessionNumber session, QueueRow from, std::size_t rows_max, std::size_t bytes_max,
                        std::vector<StoredDelivery>& out) = 0;
    /// Writes the publication record of one retained message into `out`; false = there is no such message.
    virtual bool retained(std::uint64_t number, std::vector<Byte>& out) = 0;
    /// Writes the publication record of one message into `out`; false = there is no such message.
    virtual bool message(MessageNumber number, std::vector<Byte>& out) = 0;

protected:
    ~StoreReader() = default;  // the core never owns a reader
};

/// The reader of a broker without a store: finds nothing.
class NoStoreReader final : public StoreReader {
public:
    void queued(SessionNumber, QueueRow, std::size_t, std::size_t, std::vector<StoredDelivery>&) override {}
    bool retained(std::uint64_t, std::vector<Byte>&) override { return false; }
    bool message(MessageNumber, std::vector<Byte>&) override { return false; }
};

}  // namespace ledge::journal
