// From rows to the image that a shard starts with.
#pragma once

#include <cstdint>

#include "fresh_rows.hpp"
#include "ledge/broker/persist.hpp"
#include "tables.hpp"

namespace ledge::storage {

/// What load_image has left out, for the log.
struct Strays {
    std::uint64_t rows = 0;      // of sessions that are not there
    std::uint64_t bad_rows = 0;  // not as they were written
};

/// Everything but next_number and now. Reads no message; of a retained one only its head. 0 or a code.
int load_image(const Txn& txn, const Tables& tables, const FreshRows& fresh, broker::StoreImage& image, Strays& strays);

}  // namespace ledge::storage
