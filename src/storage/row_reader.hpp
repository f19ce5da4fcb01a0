// RowReader: converts rows of every schema version that this broker knows into rows of the present version. The check,
// the tools, salvage and the upgrade use it to read a whole file. The running store reads only its own version, with
// open_row.
#pragma once

#include <vector>

#include "schema.hpp"

namespace ledge::storage {

/// A row that was read. `fault` says why the row cannot be used; nullptr = key and body are sound.
struct ReadRow {
    Bytes key;
    Bytes body;
    const char* fault = nullptr;
};

class RowReader {
public:
    /// `version`: the schema version of the store that the rows come from, 1 … schema_version.
    explicit RowReader(std::uint32_t version) : version_(version) {}

    /// The result is valid until the next call, and only as long as `key` and `value` are.
    ReadRow read(Table table, Bytes key, Bytes value);

private:
    std::uint32_t version_;
    std::vector<Byte> key_;
    std::vector<Byte> body_;
};

}  // namespace ledge::storage
