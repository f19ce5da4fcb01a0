// dump_row: one row of a store as a line of JSON, for `store dump` and for the file `bad-rows-N`.
#pragma once

#include <string>

#include "row_reader.hpp"

namespace ledge::storage {

/// A row that cannot be read gets the reason and its bytes in hex instead of its fields.
std::string dump_row(Table table, const ReadRow& row);

}  // namespace ledge::storage
