// One row of a store as a line of JSON.
#pragma once

#include <string>

#include "row_reader.hpp"

namespace ledge::storage {

/// A row that cannot be read shows why, and its bytes.
std::string dump_row(Table table, const ReadRow& row);

}  // namespace ledge::storage
