// RowReader: rows of every schema version that this broker knows, as rows of the present one. For those who read a
// whole file: the check, the tools, salvage and the upgrade. The running store reads its own version with open_row.
#pragma once

#include <vector>

#include "schema.hpp"

namespace ledge::storage {

/// Why a row cannot be read; nullptr: key and body are sound.
struct ReadRow {
    Bytes key;
    Bytes body;
    const char* fault = nullptr;
};

class RowReader {
public:
    /// `version`: of the store that the rows come from, 1 … schema_version.
    explicit RowReader(std::uint32_t version) : version_(version) {}

    /// The views hold until the next call, and as long as `key` and `value` do.
    ReadRow read(Table table, Bytes key, Bytes value);

private:
    std::uint32_t version_;
    std::vector<Byte> key_;
    std::vector<Byte> body_;
};

}  // namespace ledge::storage
