// From rows to the image that a shard starts with.
#pragma once

#include <cstdint>
#include <vector>

#include "bad_rows.hpp"
#include "fresh_rows.hpp"
#include "ledge/journal/image.hpp"
#include "tables.hpp"

namespace ledge::storage {

/// What load_image has left out.
struct Damage {
    BadRows& rows;
    /// Sessions that have lost a row, in order. Their records in the image say so.
    std::vector<std::uint64_t> incomplete;
};

/// Everything but next_number and now. Reads no message; of a retained one only its head. 0 or a code.
int load_image(const Txn& txn, const Tables& tables, const FreshRows& fresh, journal::StoreImage& image,
               Damage& damage);

/// Puts the numbers in order, each once, and gives the records of these sessions the mark that they have lost a part.
/// Sessions that are not there are passed over. 0 or a code.
int mark_incomplete(Txn& txn, const Tables& tables, std::vector<std::uint64_t>& sessions);

}  // namespace ledge::storage
