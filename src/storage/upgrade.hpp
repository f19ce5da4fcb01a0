// The upgrade of a store to the present version of the schema. Every row is read in the old format and written into a
// new file in the present format. The caller renames the new file to the name of the store when the file is complete. A
// start that ends before has changed nothing, and the next start repeats the upgrade. Runs before other threads exist.
//
// Rejected: rewriting the rows in their file, either in one transaction (the whole store would have to fit into memory
// and into the file a second time) or in several (every reader would need to know how far the upgrade went).
#pragma once

#include <vector>

#include "bad_rows.hpp"
#include "tables.hpp"

namespace ledge::storage {

struct Upgraded {
    std::uint64_t rows = 0;
    std::uint64_t sessions_incomplete = 0;  // sessions that have lost a row
};

/// Copies the store in `from`, whose meta row is `meta`, into the empty tables of `to`. The meta row is written last.
/// Each transaction is durable. Rows that cannot be read go to `bad_rows`. Returns 0 or a code.
int copy_upgraded(const Env& from, const Meta& meta, const Env& to, const Tables& tables, BadRows& bad_rows,
                  Upgraded& upgraded);

// Steps, one for each old version. A step must never change: it describes the old format.

/// Converts key and value of a row of version 1 into key and body of version 2. False = the row is malformed. The rows
/// of version 1 that differ in more than the seal:
///   session := client_id:text16 expiry_interval_s:u32 expires_at:i64 flags:u8 [owner:text16] [will(rest)]
///   queued  := message:u64 bytes:u32 share_subscription:u32 packet_id:u16 state:u8 qos_retain:u8 ids(rest)
///   fresh   := sequence:u64 -> number:u64 kind:u8 publication record
bool upgrade_row_of_v1(Table table, Bytes key, Bytes value, std::vector<Byte>& new_key, std::vector<Byte>& body);

}  // namespace ledge::storage
