// load_image: builds the image that a shard starts from, out of the rows of a store. Runs before the shard does.
#pragma once

#include <cstdint>
#include <vector>

#include "bad_rows.hpp"
#include "fresh_rows.hpp"
#include "ledge/journal/image.hpp"
#include "tables.hpp"

namespace ledge::storage {

/// The rows that load_image has left out, and the sessions that they belong to.
struct Damage {
    BadRows& rows;
    /// Numbers of the sessions that have lost a row, sorted. Their records in the image have the flag `incomplete`.
    std::vector<std::uint64_t> incomplete;
};

/// Fills `image` except next_number and now. The image gets no payloads. Returns 0 or a code.
int load_image(const Txn& txn, const Tables& tables, const FreshRows& fresh, journal::StoreImage& image,
               Damage& damage);

/// Sorts `sessions` without duplicates, and sets the flag `incomplete` in the records of these sessions. Numbers
/// without a session are ignored. Returns 0 or a code.
int mark_incomplete(Txn& txn, const Tables& tables, std::vector<std::uint64_t>& sessions);

}  // namespace ledge::storage
