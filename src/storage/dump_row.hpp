// One row of a store as a line of JSON.
#pragma once

#include <string>

#include "schema.hpp"

namespace ledge::storage {

/// A row that is malformed shows its bytes.
std::string dump_row(Table table, Bytes key, Bytes value);

}  // namespace ledge::storage
